"""Fit how sure an answer is, and measure it on schemas left out; one command, a few minutes.

python calibrate.py --out calibration.json --card calibration.md

Questions are built over invented graphs of the domains that nothing was trained on: of one half of
these domains to fit on, of the other half to measure on. The reader must say its best answer to
each, however unsure; logistic regression learns from the evidence which answers are right. The
limits are chosen on probabilities that come from fits without the question's own domain.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from graphllm.evaluate.selective import (
    answered_above,
    expected_calibration_error,
    least_confidence,
)
from graphllm.questions import HELD_OUT
from graphllm.retrieval.calibration import Calibration, Limit, fit
from graphllm.tasks.built import Judged, Outcome, attempted_on_invented, judged

TARGETS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
REPORTED = (0.02, 0.05, 0.1, 0.2)


def outcomes(
    rng: np.random.Generator,
    domains: Sequence[str],
    num_graphs: int,
    each: int,
    *,
    shows_progress: bool,
) -> list[Outcome]:
    """Return what is made of ``each`` questions over every graph; graphs differ in size."""
    found: list[Outcome] = []
    for number, some in enumerate(islice(attempted_on_invented(rng, domains, each), num_graphs), 1):
        found += some
        if shows_progress:
            print(f"\r{number}/{num_graphs} graphs", end="", file=sys.stderr)
    return found


def fitted(asked: Sequence[Outcome]) -> Calibration:
    """Return the calibration of these answers, without limits."""
    given = [outcome for outcome in asked if outcome.evidence]
    return fit([o.evidence for o in given], np.array([o.is_right for o in given], dtype=np.bool_))


def crossed(asked: Sequence[Outcome]) -> Judged:
    """Return probabilities that come, for each domain, from a fit on the others."""
    parts = []
    for domain in sorted({outcome.question.domain for outcome in asked}):
        own = [o for o in asked if o.question.domain == domain]
        parts.append(judged(own, fitted([o for o in asked if o.question.domain != domain])))
    return Judged(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def limits(of: Judged, doubt: float) -> tuple[Limit, ...]:
    """Return the limit for each tolerated error that these answers bear out."""
    found = {target: least_confidence(*of, target, doubt=doubt) for target in TARGETS}
    return tuple(Limit(target, least) for target, least in found.items() if least is not None)


def measured(calibration: Calibration, asked: Sequence[Outcome]) -> dict[str, object]:
    """Return how good the probabilities are, and what each tolerated error came to."""
    of = judged(asked, calibration)
    kept: dict[str, object] = {}
    for target in REPORTED:
        if target < min((limit.max_error for limit in calibration.limits), default=1.0):
            continue
        limit = calibration.limit(target)
        answered = answered_above(limit, *of, len(asked))
        kept[f"{target:g}"] = {
            "limit": round(float(limit), 4),
            "error": answered.error._asdict(),
            "coverage": answered.coverage._asdict(),
        }
    return {
        "questions": len(asked),
        "answers": len(of.is_right),
        "right": float(of.is_right.mean()),
        "ece": expected_calibration_error(*of),
        "max_error": kept,
    }


def card(about: Mapping[str, object], report: Mapping[str, object]) -> str:
    """Return what there is to know about a calibration, as Markdown."""
    rows = [
        f"| {target} | {kept['error']['value']:.3f} +- {kept['error']['standard_error']:.3f}"
        f" (n {kept['error']['n']}) | {kept['coverage']['value']:.3f} |"
        for target, kept in report["max_error"].items()  # type: ignore[attr-defined]
    ]
    return "\n".join(
        [
            "# calibration.json",
            "",
            "From the evidence for a reading of a question to the probability that its answer is",
            "right: logistic regression, and for each tolerated error the least probability with",
            "which to answer. Made by `pipelines/planner/calibrate.py`; Apache-2.0, like graphllm.",
            "",
            f"- fitted on {about['questions']} questions built over {about['graphs']} invented"
            f" graphs of: {', '.join(about['domains'])}",  # type: ignore[arg-type]
            f"- measured on {report['questions']} questions over graphs of:"
            f" {', '.join(about['measured_on'])}",  # type: ignore[arg-type]
            f"- seed {about['seed']}, doubt {about['doubt']}",
            f"- expected calibration error there: {report['ece']:.3f},"
            f" of {report['answers']} answers, {report['right']:.0%} of them right",
            "",
            "| tolerated error | error of the answers given | share of questions answered |",
            "|---|---|---|",
            *rows,
            "",
            "Limits: questions are in English and built, not asked by people; one in ten has no",
            "answer. On other questions the error may be larger: `graphllm eval own FILE` measures",
            "it on questions built over a graph of your own.",
            "",
        ]
    )


def main() -> None:
    """Read the command line, ask, fit, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True, help="the calibration, as JSON")
    parser.add_argument("--card", type=Path, help="what there is to know about it, as Markdown")
    parser.add_argument("--report", type=Path, help="all numbers, as JSON")
    parser.add_argument("--graphs", type=int, default=120, help="invented, for each half")
    parser.add_argument("--questions", type=int, default=12, help="over each graph")
    parser.add_argument("--doubt", type=float, default=0.1, help="chance that a limit is too low")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    fit_on, measure_on = sorted(HELD_OUT)[::2], sorted(HELD_OUT)[1::2]
    draws = np.random.default_rng(options.seed).spawn(2)
    with ProcessPoolExecutor(2, get_context("spawn")) as two:
        sizes = (options.graphs, options.questions)
        # both take about as long: one says for both how far they are
        asked = [
            two.submit(outcomes, draws[0], fit_on, *sizes, shows_progress=sys.stderr.isatty()),
            two.submit(outcomes, draws[1], measure_on, *sizes, shows_progress=False),
        ]
        halves = [half.result() for half in asked]
    about: dict[str, object] = {
        "questions": len(halves[0]),
        "graphs": options.graphs,
        "domains": fit_on,
        "measured_on": measure_on,
        "seed": options.seed,
        "doubt": options.doubt,
    }
    found = limits(crossed(halves[0]), options.doubt)
    calibration = replace(fitted(halves[0]), limits=found, about=about)
    report = measured(calibration, halves[1])
    options.out.write_text(calibration.to_json(), encoding="utf-8")
    if options.card:
        options.card.write_text(card(about, report), encoding="utf-8")
    text = json.dumps({"about": about, **report, "seconds": round(time.monotonic() - started)})
    if options.report:
        options.report.write_text(f"{text}\n", encoding="utf-8")
    print(card(about, report))


if __name__ == "__main__":
    main()

"""Is confidence a probability, and does --max-error hold, on graphs that were left out?

    python benchmarks/calibration.py curriculum discoveries FILE ... [--questions 600] [--seed 1]
    python benchmarks/calibration.py metaqa-2hop --data DIR --split dev

Each word is "curriculum" (invented graphs of domains that the shipped calibration was not fitted
on), a file or an example graph (questions built from it), or an evaluate suite. An answer is right
when it is the whole set and nothing else; a question without an answer is never answered rightly.
Prints the expected calibration error in ten bins of equal mass, and for each tolerated error the
error of the answers given and the share of questions answered.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphllm import GraphQA, examples
from graphllm.evaluate import load_suite
from graphllm.evaluate.measure import scored
from graphllm.evaluate.predictions import Prediction
from graphllm.evaluate.provenance import Provenance
from graphllm.evaluate.runner import ask
from graphllm.evaluate.selective import answered_above, expected_calibration_error
from graphllm.evaluate.suites import SUITES
from graphllm.questions import HELD_OUT, questions_for
from graphllm.retrieval.calibration import shipped_calibration
from graphllm.tasks.built import Outcome, attempted, attempted_on_invented, judged
from graphllm.tasks.evaluation import system

TARGETS = (0.02, 0.05, 0.1)
EACH = 12  # questions over each invented graph


class Said(NamedTuple):
    """Of the answers given: how sure, and whether right; and of how many questions."""

    confidence: np.ndarray
    is_right: np.ndarray
    num_questions: int


def of_outcomes(outcomes: Sequence[Outcome]) -> Said:
    given = [outcome for outcome in outcomes if not outcome.is_refused]
    return Said(*judged(given, shipped_calibration()), len(outcomes))


def on_curriculum(num: int, rng: np.random.Generator) -> Said:
    """Ask about invented graphs of the domains that neither scorer nor calibration has seen."""
    seen = shipped_calibration().about.get("domains", ())
    graphs = attempted_on_invented(rng, HELD_OUT - set(seen), EACH)
    outcomes: list[Outcome] = []
    while len(outcomes) < num:
        outcomes += next(graphs)
    return of_outcomes(outcomes)


def on_file(name: str, num: int, rng: np.random.Generator) -> Said:
    """Ask a graph questions that are built from it."""
    known = name in examples.names() and not Path(name).exists()
    qa = GraphQA.from_file(examples.path(name) if known else name)
    return of_outcomes(list(attempted(qa.reader, questions_for(qa.view, rng, num))))


def on_suite(name: str, num: int, rng: np.random.Generator, options: argparse.Namespace) -> Said:
    """Ask the questions of a data set over one graph."""
    suite = load_suite(name, options.data, options.split).sample(num, rng)
    qa = GraphQA.from_file(suite.graph_path)
    answer = system(qa)
    said: list[Prediction] = [ask(example, answer) for example in suite.examples]
    given = [p for p in said if not p.predicted.abstained]
    confidence = np.array([p.predicted.confidence for p in given])
    right = np.array([p.example.answerable and scored(p).exact_set > 0 for p in given], dtype=bool)
    return Said(confidence, right, len(said))


def numbers(said: Said) -> dict:
    calibration = shipped_calibration()
    known = {limit.max_error for limit in calibration.limits}
    found = {}
    for target in TARGETS:
        if target < min(known, default=1.0):
            continue
        kept = answered_above(calibration.limit(target), *said)
        found[f"{target:g}"] = {
            "error": kept.error._asdict(),
            "coverage": kept.coverage._asdict(),
        }
    all_given = answered_above(0.0, *said)
    return {
        "questions": said.num_questions,
        "answers": len(said.is_right),
        "error": all_given.error._asdict(),
        "coverage": all_given.coverage._asdict(),
        "ece": expected_calibration_error(said.confidence, said.is_right),
        "max_error": found,
    }


def show(name: str, found: dict) -> None:
    def row(what: str, kept: dict) -> str:
        error, covered = kept["error"], kept["coverage"]
        wrong = f"{error['value']:.3f} +- {error['standard_error']:.3f} (n {error['n']})"
        answered = f"{covered['value']:.3f} +- {covered['standard_error']:.3f}"
        return f"  {what:18} wrong {wrong:26} answered {answered}"

    print(f"{name}: {found['questions']} questions")
    print(f"  expected calibration error {found['ece']:.3f} (n {found['answers']})")
    print(row("no limit", found))
    for target, kept in found["max_error"].items():
        print(row(f"--max-error {target}", kept))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="+", help="curriculum, a graph, or a suite")
    parser.add_argument("--questions", type=int, default=600, help="over each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--split", default="dev", help="of a suite")
    parser.add_argument("--json", type=Path, help="write the result here")
    options = parser.parse_args()
    report = {}
    for name in options.names:
        rng = np.random.default_rng(options.seed)
        if name == "curriculum":
            said = on_curriculum(options.questions, rng)
        elif name in SUITES:
            said = on_suite(name, options.questions, rng, options)
        else:
            said = on_file(name, options.questions, rng)
        report[name] = numbers(said)
        show(name, report[name])
    if options.json:
        whole = {"seed": options.seed, **report, **asdict(Provenance())}
        options.json.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""``graphllm eval own``."""

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from graphllm.cli.console import bold, dim, note, progress, say
from graphllm.cli.opening import graph_options, max_error_option, open_graph

if TYPE_CHECKING:
    from graphllm.evaluate.metrics import Mean
    from graphllm.tasks.own import OwnReport

WIDTH = 12  # of a bar that is full


@click.command()
@graph_options
@click.option(
    "--questions",
    "num_questions",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="How many questions to build.",
)
@click.option("--seed", default=0, show_default=True, help="Other questions for another number.")
@click.option("--wrong", is_flag=True, help="Also: every question that was not answered rightly.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@max_error_option
def own(
    graph: str,
    mapping: str | None,
    format_: str | None,
    num_questions: int,
    seed: int,
    wrong: bool,
    as_json: bool,
    max_error: float | None,
) -> None:
    """Build questions from your own graph, ask them, and print how many answers are right.

    No labels are needed: each question is built with its answer. One in ten or so has no answer
    in the graph, and some names are misspelt.

    \b
    Examples:
      graphllm eval own films.csv
      graphllm eval own films.csv --questions 500 --seed 1 --wrong
      graphllm eval own films.csv --max-error 0.05    what withholding answers comes to
      graphllm eval own films.csv --json > report.json
    """
    from graphllm.graph.plain import plain_json
    from graphllm.tasks.own import CAVEAT, evaluate_own

    qa = open_graph(graph, mapping, format_, max_error=max_error)
    with progress() as show:
        report = evaluate_own(
            qa,
            num_questions=num_questions,
            seed=seed,
            progress=lambda done, total: show("questions", done, total),
        )
    if as_json:
        say(plain_json(json.dumps(report.to_dict(), ensure_ascii=False, indent=2)))
        return
    say(bold(f"{len(report.asked)} questions built from {qa.describe()} (seed {seed})"))
    say(f"\n{table(report)}")
    if wrong:
        say(f"\n{wrong_text(report)}")
    note(dim(f"\n{CAVEAT}"))


def table(report: "OwnReport") -> str:
    """Return the numbers with a bar for each kind of question."""
    rows = [f"{'right, by kind of question':34} {'':{WIDTH}}  share  std.err.    n"]
    rows += _rows(report.by_kind)
    rows += ["", *_rows(report.means)]
    error = report.calibration_error
    if not math.isnan(error):
        given = sum(not asked.is_declined for asked in report.asked)
        what = "calibration error of the answers given"
        rows.append(f"  {what:{WIDTH + 33}}  {error:5.3f}            {given:4}")
    return "\n".join([*rows, *_withheld(report)])


def _withheld(report: "OwnReport") -> list[str]:
    """Return what withholding answers comes to, a line for each tolerated error."""
    rows = ["", f"{'answers withheld with':{WIDTH + 34}}  wrong  std.err.    n  answered"]
    for max_error, (wrong, answered) in report.withheld.items():
        share = f"{wrong.value:5.3f}" if wrong.n else f"{'':5}"
        numbers = f"{share}  {_error(wrong):>8}  {wrong.n:4}  {answered.value:8.3f}"
        rows.append(f"  {f'--max-error {max_error:g}':{WIDTH + 32}}  {numbers}")
    return rows if report.limits else []


def _rows(found: "Mapping[str, Mean]") -> list[str]:
    return [
        f"  {name:32} {_bar(mean.value)}  {mean.value:5.3f}  {_error(mean):>8}  {mean.n:4}"
        for name, mean in found.items()
    ]


def _bar(share: float) -> str:
    full = round(share * WIDTH)
    return "#" * full + "." * (WIDTH - full)


def _error(mean: "Mean") -> str:
    return "" if math.isnan(mean.standard_error) else f"{mean.standard_error:.3f}"


def wrong_text(report: "OwnReport") -> str:
    """Return each question that was not answered rightly: what is right, and what was said."""
    from graphllm.graph.plain import plain

    lines = []
    for asked in report.asked:
        if not asked.is_right:
            right = ", ".join(asked.question.answers) or "no answer in this graph"
            said = ", ".join(asked.entities) or "(declined)"
            lines += [plain(asked.question.question), f"  right: {_shortly(plain(right))}"]
            lines += [f"  said:  {_shortly(plain(said))}", f"  plan:  {plain(asked.plan)}"]
    return "\n".join(lines)


def _shortly(text: str, longest: int = 90) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."

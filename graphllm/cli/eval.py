"""``graphllm eval``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphllm.cli.console import note, progress, say

if TYPE_CHECKING:
    from graphllm.evaluate import Report, Suite

READERS = ("plan", "nearest_node", "nearest_relation")
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(name="eval")
@click.argument("suite")
@click.option("--data", type=FOLDER, help="Where the data sets are; $GRAPHLLM_DATA otherwise.")
@click.option("--split", help="dev or test, where the suite has both; test when left out.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only a sample of this many.")
@click.option("--seed", default=0, show_default=True, help="Draws the sample.")
@click.option("--out", type=FOLDER, help="Keep predictions and report; a broken-off run goes on.")
@click.option(
    "--reader",
    type=click.Choice(READERS),
    default="plan",
    show_default=True,
    help="Who answers: graphllm, or a baseline.",
)
@click.option("--against", type=FOLDER, help="A kept run to compare with (paired bootstrap).")
def evaluate(
    suite: str,
    data: Path | None,
    split: str | None,
    limit: int | None,
    seed: int,
    out: Path | None,
    reader: str,
    against: Path | None,
) -> None:
    """Ask every question of SUITE and print how many answers are right, with standard errors.

    The data sets are not part of graphllm: give the folder that holds them as they are published.
    Suites: metaqa-1hop, metaqa-2hop, metaqa-3hop, pathquestion-2h, pathquestion-3h, pql-2h, pql-3h
    over one graph; webqsp-subgraphs, webqsp-subgraphs-refined, each question over its own.

    \b
    Examples:
      graphllm eval metaqa-2hop --data ~/data --split dev --limit 500
      graphllm eval metaqa-2hop --data ~/data --out runs/new --against runs/old
      graphllm eval webqsp-subgraphs --data ~/data --reader nearest_relation
    """
    import numpy as np

    from graphllm.errors import ConfigError
    from graphllm.evaluate import compare, comparison_table, load_suite

    if against and not out:
        raise ConfigError("--against compares with a kept run; keep this one too, with --out")
    questions = load_suite(suite, data, split)
    note(f"{len(questions):,} questions over {questions.graph_path}")
    ask = _ask_one_graph if questions.graph_of is None else _ask_own_graphs
    report = ask(questions, reader, limit, seed, out)
    say(report.table())
    if against and out:
        say()
        say(comparison_table(compare(against, out, np.random.default_rng(seed))))


def _ask_one_graph(
    suite: "Suite", reader: str, limit: int | None, seed: int, out: Path | None
) -> "Report":
    from graphllm.errors import ConfigError
    from graphllm.evaluate import run
    from graphllm.tasks import GraphQA
    from graphllm.tasks.evaluation import system

    if reader.startswith("nearest"):
        raise ConfigError(f"--reader {reader} is for suites in which each question has a graph")
    with progress() as report_progress:
        qa = GraphQA.from_file(suite.graph_path, progress=report_progress)
        return run(
            suite,
            system(qa),
            limit=limit,
            seed=seed,
            out=out,
            graph_hash=qa.view.content_hash,
            progress=lambda done, total: report_progress("questions", done, total),
        )


def _ask_own_graphs(
    suite: "Suite", reader: str, limit: int | None, seed: int, out: Path | None
) -> "Report":
    from graphllm.evaluate import run_system
    from graphllm.tasks.evaluation import on_own_graphs

    with progress() as report_progress:
        return run_system(
            suite,
            on_own_graphs(reader),
            limit=limit,
            seed=seed,
            out=out,
            about={} if reader == "plan" else {"reader": reader},
            progress=lambda done, total: report_progress("questions", done, total),
        )

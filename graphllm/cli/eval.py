"""``graphllm eval``."""

from pathlib import Path

import click

from graphllm.cli.console import note, progress, say

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(name="eval")
@click.argument("suite")
@click.option("--data", type=FOLDER, help="Where the data sets are; $GRAPHLLM_DATA otherwise.")
@click.option("--split", help="dev or test, where the suite has both; test when left out.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only a sample of this many.")
@click.option("--seed", default=0, show_default=True, help="Draws the sample.")
@click.option("--out", type=FOLDER, help="Keep predictions and report; a broken-off run goes on.")
@click.option("--against", type=FOLDER, help="A kept run to compare with (paired bootstrap).")
def evaluate(
    suite: str,
    data: Path | None,
    split: str | None,
    limit: int | None,
    seed: int,
    out: Path | None,
    against: Path | None,
) -> None:
    """Ask every question of SUITE and print how many answers are right, with standard errors.

    The data sets are not part of graphllm: give the folder that holds them as they are published.
    Suites: metaqa-1hop, metaqa-2hop, metaqa-3hop, pathquestion-2h, pathquestion-3h, pql-2h, pql-3h.

    \b
    Examples:
      graphllm eval metaqa-2hop --data ~/data --split dev --limit 500
      graphllm eval metaqa-2hop --data ~/data --out runs/new --against runs/old
    """
    import numpy as np

    from graphllm.errors import ConfigError
    from graphllm.evaluate import compare, comparison_table, load_suite, run
    from graphllm.tasks import GraphQA
    from graphllm.tasks.evaluation import system

    if against and not out:
        raise ConfigError("--against compares with a kept run; keep this one too, with --out")
    questions = load_suite(suite, data, split)
    note(f"{len(questions):,} questions over {questions.graph_path}")
    with progress() as report_progress:
        qa = GraphQA.from_file(questions.graph_path, progress=report_progress)
        report = run(
            questions,
            system(qa),
            limit=limit,
            seed=seed,
            out=out,
            graph_hash=qa.view.content_hash,
            progress=lambda done, total: report_progress("questions", done, total),
        )
    say(report.table())
    if against and out:
        say()
        say(comparison_table(compare(against, out, np.random.default_rng(seed))))

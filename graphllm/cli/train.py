"""``graphllm train``."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from graphllm.cli.console import note, progress, say
from graphllm.cli.model import ModelChoice
from graphllm.cli.opening import open_graph

if TYPE_CHECKING:
    from graphllm.evaluate.metrics import Mean
    from graphllm.tasks import GraphQA
    from graphllm.tasks.adaptation import Adaptation, AdaptSettings
    from graphllm.tasks.before_after import BeforeAfter
    from graphllm.tasks.soft_prompt import SoftPromptReport


@click.group()
def train() -> None:
    """Train parts of graphllm.

    \b
    Examples:
      graphllm train planner --graph films.csv
      graphllm train soft-prompt --graph films.csv --out run
    """


@train.command()
@click.option("--graph", required=True, metavar="FILE|INDEX", help="The graph to adapt to.")
@click.option("--map", "mapping", metavar="PARTS", help="Which column is what, as in `ask`.")
@click.option("--format", "format_", metavar="FORMAT", help="How to read FILE.")
@click.option("--minutes", default=5.0, show_default=True, help="How long all of it may take.")
@click.option("--questions", type=click.IntRange(min=1), help="How many to train on, at most.")
@click.option("--held-out", type=click.IntRange(min=1), help="How many to measure with, at most.")
@click.option("--seed", default=0, show_default=True, help="Of everything drawn.")
@click.option("--json", "as_json", is_flag=True, help="Print the report for programs.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for the weights and the report, kept or not.",
)
@click.option("--remove", is_flag=True, help="Go back to the weights that ship.")
@click.option("--show", is_flag=True, help="The report of the weights in use.")
def planner(
    graph: str,
    mapping: str | None,
    format_: str | None,
    minutes: float,
    questions: int | None,
    held_out: int | None,
    seed: int,
    as_json: bool,
    out: Path | None,
    remove: bool,
    show: bool,
) -> None:
    """Adapt the planner to a graph of your own, in minutes and without a GPU.

    Questions are built over the graph: one half to learn from, the other, which has no name in
    common with it, to measure with, before and after. The weights are kept beside the index, and
    used by `ask` and `chat`, when they answer no fewer of them. Ctrl-C in training goes on with
    what was learnt until then.

    \b
    Examples:
      graphllm train planner --graph films.csv
      graphllm train planner --graph films.csv --minutes 10 --json
      graphllm train planner --graph films.csv --remove
    """
    if remove and show:
        raise click.UsageError("--remove and --show go one at a time")
    if remove or show:
        qa = open_graph(graph, mapping, format_)
        say(_removed(qa) if remove else _shown(qa))
        return
    settings = _settings(minutes, questions, held_out, seed)
    qa = open_graph(graph, mapping, format_)
    from graphllm.tasks.adaptation import adapt_planner

    with _no_warnings(), progress() as report:
        found = adapt_planner(qa, settings, out=out, progress=report)
    if out is not None:
        _write(out / "report.json", found)
    say(json.dumps(found.to_dict()) if as_json else planner_table(found))


def _settings(
    minutes: float, questions: int | None, held_out: int | None, seed: int
) -> "AdaptSettings":
    from graphllm.tasks.adaptation import AdaptSettings

    usual = AdaptSettings()
    return AdaptSettings(
        minutes=minutes,
        num_train=questions or usual.num_train,
        num_held_out=held_out or usual.num_held_out,
        seed=seed,
    )


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Keep what libraries say to their developers off the user's terminal."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def planner_table(found: "Adaptation") -> str:
    """Return the report as text."""
    lines = _measured(
        found,
        steps=", broken off" if found.is_interrupted else "",
        labels=("right before  ", "right after   ", "difference    "),
    )
    return "\n".join([*lines, "", _verdict(found)])


def _measured(found: "BeforeAfter", steps: str, labels: tuple[str, str, str]) -> list[str]:
    """Return lines about what was trained, and how many are right before and after.

    Args:
        steps: What else to say of them.
        labels: Of the share before, of that after, and of the difference; equally wide.
    """
    from graphllm.evaluate.metrics import mean

    before, after, difference = labels
    return [
        f"trained on {found.num_train:,} questions in {found.num_steps:,} steps{steps};"
        f" {found.minutes:.1f} minutes in all",
        f"asked {len(found.asked):,} others, which name nothing that was trained on",
        "",
        f"{before}{_said(mean(found.before))}",
        f"{after}{_said(mean(found.after))}",
        f"{difference}{_said(found.difference, '+')}",
        "",
        "by kind             before  after      n",
        *(
            f"  {kind:16}  {first.value:6.2f} {then.value:6.2f} {first.n:6}"
            for kind, (first, then) in found.by_kind.items()
        ),
    ]


def _said(value: "Mean", sign: str = " ") -> str:
    return f"{value.value:{sign}.3f} +- {value.standard_error:.3f} (n {value.n})"


def _verdict(found: "Adaptation") -> str:
    if found.is_kept:
        return "kept: ask and chat use these weights from now on; --remove goes back"
    return "not kept: fewer were right than before"


def _removed(qa: "GraphQA") -> str:
    from graphllm.retrieval.adapted import remove_adapted

    if qa.kept is not None and remove_adapted(qa.kept.planner):
        return "removed: ask and chat use the weights that ship"
    return "nothing to remove: the weights that ship are in use"


def _shown(qa: "GraphQA") -> str:
    from graphllm.retrieval.adapted import adapted_report

    report = adapted_report(qa.kept.planner) if qa.kept else None
    return "the weights that ship are in use" if report is None else json.dumps(report)


def _write(path: Path, found: "Adaptation") -> None:
    from graphllm.errors import DataError

    try:
        path.write_text(f"{json.dumps(found.to_dict(), indent=1)}\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error
    note(f"wrote {path.parent}")


@train.command("soft-prompt")
@click.option("--graph", required=True, metavar="FILE|INDEX", help="The graph to train on.")
@click.option("--map", "mapping", metavar="PARTS", help="Which column is what, as in `ask`.")
@click.option("--format", "format_", metavar="FORMAT", help="How to read FILE.")
@click.option(
    "--llm",
    metavar="MODEL",
    help="The language model that reads the soft prompts: a folder of this machine, or hf:ORG/NAME;"
    " graphllm-small when left out.",
)
@click.option("--lora", is_flag=True, help="Also train low-rank adapters of the language model.")
@click.option("--topology", is_flag=True, help="Also tell where a node stands in the whole graph.")
@click.option("--encoder", metavar="NAME", help="Of graphs: graph_transformer, gat, gcn, gps ...")
@click.option("--pooling", metavar="NAME", help="What gets soft tokens: queries, mean, items.")
@click.option("--tokens", type=click.IntRange(min=1), help="How many soft tokens.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Of question and facts in words.")
@click.option("--minutes", type=float, help="How long all of it may take; 8 when left out.")
@click.option("--steps", type=click.IntRange(min=1), help="Of training, in place of --minutes.")
@click.option("--questions", type=click.IntRange(min=1), help="How many to train on, at most.")
@click.option("--held-out", type=click.IntRange(min=1), help="How many to measure with, at most.")
@click.option("--retriever", metavar="NAME", help="How facts are chosen, as in `ask`.")
@click.option("--seed", default=0, show_default=True, help="Of everything drawn.")
@click.option("--json", "as_json", is_flag=True, help="Print the report for programs.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("soft-prompt"),
    show_default=True,
    help="The folder of the run: a new one, or one to go on with.",
)
def soft_prompt(
    graph: str,
    mapping: str | None,
    format_: str | None,
    lora: bool,
    tokens: int | None,
    questions: int | None,
    held_out: int | None,
    as_json: bool,
    out: Path,
    **given: str | float | bool | None,
) -> None:
    """Train soft prompts: a graph encoder whose vectors a language model reads before the facts.

    Questions are built over the graph: one half to learn from, the other, which has no name in
    common with it, to measure with: from facts in words alone, and with soft prompts before them.
    The language model stays as it is, or learns low-rank adapters. The folder of the run is what
    `ask --llm` takes; the same command goes on with a run that was broken off.

    \b
    Examples:
      graphllm train soft-prompt --graph films.csv --out run
      graphllm ask films.csv "who directed Alien?" --llm run
      graphllm train soft-prompt --graph films.csv --llm ./Qwen3-0.6B --lora --topology --out run2
    """
    from graphllm.tasks.soft_prompt import LORA_RANK, SoftPromptSettings, train_soft_prompt

    named = {
        **given,
        "graph": graph,
        "lora_rank": LORA_RANK if lora else 0,
        "num_tokens": tokens,
        "num_train": questions,
        "num_held_out": held_out,
    }
    told = {name: value for name, value in named.items() if value is not None}
    settings = SoftPromptSettings(**cast("dict[str, Any]", told))
    model = ModelChoice(retriever=settings.retriever)
    qa = open_graph(graph, mapping, format_, model)
    with _no_warnings(), progress() as report:
        found = train_soft_prompt(qa, out, settings, progress=report)
    say(json.dumps(found.to_dict()) if as_json else soft_prompt_table(found, graph))


def soft_prompt_table(found: "SoftPromptReport", graph: str) -> str:
    """Return the report as text."""
    from graphllm.graph.plain import plain

    lines = _measured(
        found,
        steps=f" (the best after {found.best_step:,})",
        labels=(
            "right from text alone, before     ",
            "right from soft prompt and text   ",
            "difference                        ",
        ),
    )
    folder, file = plain(found.folder), plain(graph)
    return "\n".join([*lines, "", f'ask it: graphllm ask {file} "..." --llm {folder}'])

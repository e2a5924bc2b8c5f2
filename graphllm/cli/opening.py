"""Open the graph that a command is given."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from graphllm.cli.console import dim, note, progress
from graphllm.cli.model import NO_MODEL, ModelChoice, announcer

if TYPE_CHECKING:
    from graphllm.tasks import GraphQA

F = TypeVar("F", bound=Callable[..., Any])


def graph_options(command: F) -> F:
    """Add the FILE|INDEX argument and the options that say how to read it."""
    return _options(command, "FILE|INDEX")


def file_options(command: F) -> F:
    """Add the FILE argument and the options that say how to read it."""
    return _options(command, "FILE")


def max_error_option(command: F) -> F:
    """Add the option that has answers withheld of which it is not sure enough."""
    return click.option(
        "--max-error",
        type=float,
        metavar="SHARE",
        help="Answer only when so sure that at most this share of the answers is wrong: 0.05.",
    )(command)


def _options(command: F, metavar: str) -> F:
    command = click.option(
        "--format",
        "format_",
        metavar="FORMAT",
        help="How to read FILE (csv, triples, jsonl, turtle ...); guessed when left out.",
    )(command)
    command = click.option(
        "--map",
        "mapping",
        metavar="PARTS",
        help="Which column is what: 'head=from,relation=type,tail=to'; guessed when left out.",
    )(command)
    return click.argument("graph", metavar=metavar)(command)


def open_graph(
    graph: str,
    mapping: str | None,
    format_: str | None,
    model: ModelChoice = NO_MODEL,
    *,
    dry_run: bool = False,
    max_error: float | None = None,
) -> "GraphQA":
    """Return the graph ready to be asked; says on stderr how its columns were understood."""
    from graphllm.retrieval.retrievers import DEFAULT_RETRIEVER
    from graphllm.tasks import GraphQA

    path = resolve(graph)
    is_file = path == graph  # of a shipped example there is nothing to guess
    llm = model.load(dry_run=dry_run)
    with progress() as report:
        qa = GraphQA.from_file(
            path,
            mapping=mapping,
            format=format_,
            on_mapping=tell_mapping if is_file else None,
            progress=report,
            llm=llm,
            max_tokens=model.max_tokens,
            prompts=model.prompts,
            on_send=announcer(llm) if llm else None,
            retriever=model.retriever or DEFAULT_RETRIEVER,
            max_error=max_error,
        )
    _tell_stale(path)
    return qa


def _tell_stale(path: str) -> None:
    """Say when an index is asked whose source has changed; a cached index never has."""
    from graphllm.graph.plain import plain
    from graphllm.index import GraphIndex
    from graphllm.index.cache import is_index

    if is_index(path):
        for source in GraphIndex.open(path).changed_sources():
            note(f"{plain(source)} has changed since {plain(path)} was built; build it again")


def tell_mapping(line: str) -> None:
    """Say how the columns of a table were understood; names in it come from the file."""
    from graphllm.graph.plain import plain

    note(dim(plain(line)))


def resolve(graph: str) -> str:
    """Return the path meant: itself, or the shipped example of that name if there is no file."""
    from graphllm import examples
    from graphllm.errors import DataError

    if Path(graph).exists():
        return graph
    if graph in examples.names():
        return str(examples.path(graph))
    near = get_close_matches(graph, [*_beside(Path(graph)), *examples.names()], n=1)
    if near and near[0] in examples.names():
        raise DataError(f"{graph}: no such file; did you mean the example {near[0]!r}?")
    return graph


def refuse_swapped(graph: str, words: Sequence[str]) -> None:
    """Say how it is done when the question stands where the file belongs.

    Raises:
        click.UsageError: The first word names no graph, and the last one does.
    """
    if words and not _is_graph(graph) and _is_graph(words[-1]):
        question = " ".join([graph, *words[:-1]])
        raise click.UsageError(f"the file comes first: graphllm ask {words[-1]} {question!r}")


def _is_graph(name: str) -> bool:
    from graphllm import examples

    try:
        return Path(name).exists() or name in examples.names()
    except OSError:  # too long to be the name of a file
        return False


def _beside(path: Path) -> list[str]:
    """Return the names of the files in the folder of ``path``."""
    return [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []

"""Open the graph that a command is given."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from graphllm.cli.console import dim, note, progress

if TYPE_CHECKING:
    from graphllm.tasks import GraphQA

F = TypeVar("F", bound=Callable[..., Any])


def graph_options(command: F) -> F:
    """Add the FILE|INDEX argument and the options that say how to read it."""
    return _options(command, "FILE|INDEX")


def file_options(command: F) -> F:
    """Add the FILE argument and the options that say how to read it."""
    return _options(command, "FILE")


def _options(command: F, metavar: str) -> F:
    command = click.option(
        "--format",
        "format_",
        metavar="FORMAT",
        help="How to read FILE (csv, triples, graphml, rdf ...); guessed when left out.",
    )(command)
    command = click.option(
        "--map",
        "mapping",
        metavar="PARTS",
        help="Which column is what: 'head=from,relation=type,tail=to'; guessed when left out.",
    )(command)
    return click.argument("graph", metavar=metavar)(command)


def open_graph(graph: str, mapping: str | None, format_: str | None) -> "GraphQA":
    """Return the graph ready to be asked; says on stderr how its columns were understood."""
    from graphllm.tasks import GraphQA

    with progress() as report:
        return GraphQA.from_file(
            graph,
            mapping=mapping,
            format=format_,
            on_mapping=lambda line: note(dim(line)),
            progress=report,
        )

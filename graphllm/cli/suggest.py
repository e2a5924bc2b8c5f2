"""``graphllm suggest``."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from graphllm.cli.console import bold, say
from graphllm.cli.opening import graph_options, open_graph

if TYPE_CHECKING:
    from graphllm.graph import GraphView
    from graphllm.tasks import GraphQA


@click.command()
@graph_options
@click.option("-n", "num_questions", default=8, show_default=True, help="How many questions.")
def suggest(graph: str, mapping: str | None, format_: str | None, num_questions: int) -> None:
    """Show what is in a graph, and questions that it answers.

    Each question was tried: it gives what the graph holds.

    \b
    Examples:
      graphllm suggest films.csv
      graphllm suggest films.gllm -n 20
    """
    qa = open_graph(graph, mapping, format_)
    say(bold(qa.describe()))
    for title, rows in (("types", _types(qa.view)), ("relations", _relations(qa))):
        if rows:
            say(f"\n{bold(title)}")
            say("\n".join(rows))
    attributes = [*qa.view.node_columns, *qa.view.edge_columns]
    if attributes:
        say(f"\n{bold('attributes')}\n{_listed([', '.join(dict.fromkeys(attributes))])}")
    questions = qa.suggest(num_questions)
    if questions:
        say(f"\n{bold('you can ask')}")
        say(_listed(questions))


SHOWN = 30  # types or relations; the most used come first
TRIED = 1000  # edges of a relation that are looked at for an example


def _listed(texts: Iterable[str]) -> str:
    from graphllm.graph.plain import plain

    return "\n".join(f"  {plain(text)}" for text in texts)


def _types(view: "GraphView") -> list[str]:
    import numpy as np

    known = view.node_type_ids[view.node_type_ids >= 0]
    return _counted(view.node_types, np.bincount(known, minlength=len(view.node_types)).tolist())


def _relations(qa: "GraphQA") -> list[str]:
    import numpy as np

    view, meant = qa.view, qa.taught.phrases
    counts = np.bincount(view.relation_ids, minlength=len(view.relations)).tolist()
    degrees = np.diff(view.outgoing.indptr)
    examples = {}
    for relation in np.flatnonzero(counts).tolist():
        edges = np.flatnonzero(view.relation_ids == relation)[:TRIED]
        edge = int(edges[degrees[view.heads[edges]].argmax()])  # of a node that much is known of
        head, tail = view.names[int(view.heads[edge])], view.names[int(view.tails[edge])]
        examples[relation] = f"{head} --> {tail}"
        if taught := meant.get(view.relations[relation]):
            examples[relation] += f"  ({'; '.join(map(str, taught))})"
    return _counted(view.relations, counts, examples)


def _counted(
    names: Sequence[str], counts: list[int], examples: dict[int, str] | None = None
) -> list[str]:
    from graphllm.graph.plain import plain

    used = sorted(range(len(names)), key=lambda i: -counts[i])
    width = max((len(plain(names[i])) for i in used[:SHOWN]), default=0)
    rows = []
    for i in used[:SHOWN]:
        example = f"  {plain(examples[i])}" if examples and i in examples else ""
        rows.append(f"  {plain(names[i]):{width}}  {counts[i]:>8,}{example}")
    if len(names) > SHOWN:
        rows.append(f"  ... and {len(names) - SHOWN} more")
    return rows

"""The part of a graph that a plan's result rests on, as a graph of its own."""

from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Int32

from graphllm.graph.columns import Column, column_from_python
from graphllm.graph.strings import StringTable
from graphllm.graph.textual import TextualGraph
from graphllm.graph.view import GraphView
from graphllm.query.result import AttributeFact, PlanResult


def proof_subgraph(result: PlanResult, view: GraphView) -> TextualGraph:
    """Return ``view`` with only the edges and attribute values that ``result`` cites.

    All nodes stay, with their ids, keys, names, texts and types, so results compare id by id; edge
    ``i`` of the proof is edge ``result.edges[i]`` of ``view``.

    Examples:
        >>> from graphllm.query import Entities, Follow, Step, execute
        >>> graph = TextualGraph.from_triples([("a", "knows", "b"), ("a", "likes", "c")])
        >>> proof_subgraph(execute(Follow(Entities(("a",)), Step("likes")), graph), graph)
        TextualGraph(3 nodes, 1 edges, 2 relations)
    """
    edges = result.edges
    on_edges = [
        fact._replace(owner=int(np.searchsorted(edges, fact.owner)))
        for fact in result.attributes
        if fact.on_edge
    ]
    on_nodes = [fact for fact in result.attributes if not fact.on_edge]
    names = _table(view.names)
    return TextualGraph(
        keys=names if view.keys is view.names else _table(view.keys),
        names=names,
        texts=_table(view.texts),
        heads=_chosen(view.heads, edges),
        relation_ids=_chosen(view.relation_ids, edges),
        tails=_chosen(view.tails, edges),
        relations=tuple(view.relations),
        node_types=tuple(view.node_types),
        node_type_ids=np.asarray(view.node_type_ids),
        weights=None if view.weights is None else np.asarray(view.weights[edges]),
        node_columns=_cited(view.node_columns, on_nodes),
        edge_columns=_cited(view.edge_columns, on_edges),
    )


def _chosen(
    ids: Int32[np.ndarray, "num_edges"], edges: Int32[np.ndarray, "num_cited"]
) -> Int32[np.ndarray, "num_cited"]:
    return np.asarray(ids[edges])


def _table(strings: Iterable[str]) -> StringTable:
    return strings if isinstance(strings, StringTable) else StringTable.from_strings(strings)


def _cited(columns: Mapping[str, Column], facts: Iterable[AttributeFact]) -> dict[str, Column]:
    """Return every column, with the cited values only: an empty one still is an attribute."""
    cited: dict[str, list[AttributeFact]] = {name: [] for name in columns}
    for fact in facts:
        cited[fact.attribute].append(fact)
    return {
        name: column_from_python(
            name, [f.owner for f in held], [f.value for f in held], columns[name].kind
        )
        for name, held in cited.items()
    }

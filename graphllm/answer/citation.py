"""What an answer stands on, in the graph's own words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphllm.answer.draft import Claim
from graphllm.graph.columns import format_value
from graphllm.graph.plain import plain
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.view import GraphView


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """An edge of the graph, or an attribute of one of its nodes.

    Attributes:
        head: The name of the node the edge leaves, or that has the attribute.
        relation: The relation, or the attribute's name.
        tail: The name of the node the edge enters, or the attribute's value.
        head_key: The source's identifier of the head.
        tail_key: The source's identifier of the tail; ``None`` for an attribute.
        edge: The id of the edge; ``None`` for an attribute.
        attributes: What the source says about the edge: ``(("year", "1903"),)``.
    """

    head: str
    relation: str
    tail: str
    head_key: str
    tail_key: str | None = None
    edge: int | None = None
    attributes: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        about = ", ".join(f"{plain(name)} {plain(value)}" for name, value in self.attributes)
        about = f" ({about})" if about else ""
        head, relation, tail = plain(self.head), plain(self.relation), plain(self.tail)
        if self.edge is None:
            return f"{head} has {relation}: {tail}"
        return f"{head} --{relation}--> {tail}{about}  [edge {self.edge}]"


def cite(claims: Sequence[Claim], view: GraphView) -> tuple[Citation, ...]:
    """Return the citations of claims that ``verify`` found supported; repeated claims once."""
    unique = list(dict.fromkeys((c.edge, c.node, c.relation, c.tail) for c in claims))
    attributes = edge_attributes([edge for edge, *_ in unique if edge is not None], view)
    citations: dict[Citation, None] = {}
    for edge, node, relation, value in unique:
        if edge is not None:
            citations[_edge_citation(edge, attributes.get(edge, ()), view)] = None
        elif node is not None:
            citation = Citation(
                head=view.names[node], relation=relation, tail=value, head_key=view.keys[node]
            )
            citations[citation] = None
    return tuple(citations)


def _edge_citation(edge: int, attributes: tuple[tuple[str, str], ...], view: GraphView) -> Citation:
    head, tail = int(view.heads[edge]), int(view.tails[edge])
    return Citation(
        head=view.names[head],
        relation=view.relations[int(view.relation_ids[edge])],
        tail=view.names[tail],
        head_key=view.keys[head],
        tail_key=view.keys[tail],
        edge=edge,
        attributes=attributes,
    )


def edge_attributes(
    edges: Sequence[int], view: GraphView
) -> dict[int, tuple[tuple[str, str], ...]]:
    """Return the attributes of those ``edges`` that have any, as text."""
    found: dict[int, tuple[tuple[str, str], ...]] = {}
    wanted = np.asarray(edges, dtype=np.int64)
    for name, column in view.edge_columns.items():
        rows = np.searchsorted(column.ids, wanted), np.searchsorted(column.ids, wanted, "right")
        for i in np.flatnonzero(rows[0] < rows[1]).tolist():
            values = (
                format_value(column.value(r)) for r in range(int(rows[0][i]), int(rows[1][i]))
            )
            edge = int(wanted[i])
            found[edge] = found.get(edge, ()) + tuple((name, value) for value in values)
    return found


def cited_subgraph(
    claims: Sequence[Claim], view: GraphView, *, paths: tuple[tuple[int, ...], ...] = ()
) -> Subgraph:
    """Return the part of the graph that supported claims cite, each part with score 1."""
    edges = np.unique(np.array([c.edge for c in claims if c.edge is not None], dtype=np.int32))
    alone = np.array([c.node for c in claims if c.node is not None], dtype=np.int32)
    nodes = np.unique(np.concatenate([view.heads[edges], view.tails[edges], alone]))
    return Subgraph(
        nodes=nodes.astype(np.int32),
        edges=edges,
        node_scores=np.ones(len(nodes), dtype=np.float32),
        edge_scores=np.ones(len(edges), dtype=np.float32),
        paths=paths,
    )

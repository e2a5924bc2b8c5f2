"""What every graph can be asked, in memory or on disk."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int, Int32

from graphllm.graph.columns import Column


class Adjacency(NamedTuple):
    """Compressed sparse rows over edges, one way.

    The edges of node ``v`` are ``edge_ids[indptr[v]:indptr[v + 1]]``, ordered by relation id and
    then by edge id; ``neighbors`` holds the node at the other end, ``relation_ids`` the relation.
    """

    indptr: Int[np.ndarray, "num_nodes_plus_1"]
    edge_ids: Int32[np.ndarray, "num_edges"]
    neighbors: Int32[np.ndarray, "num_edges"]
    relation_ids: Int32[np.ndarray, "num_edges"]


class RelationEdges(NamedTuple):
    """The edges of each relation: those of ``r`` are ``edge_ids[indptr[r]:indptr[r + 1]]``."""

    indptr: Int[np.ndarray, "num_relations_plus_1"]
    edge_ids: Int32[np.ndarray, "num_edges"]


@runtime_checkable
class GraphView(Protocol):
    """A directed multigraph with names, texts and typed attributes; read-only.

    Ids of nodes, edges and relations are positions, given by first appearance in the source.
    """

    @property
    def num_nodes(self) -> int:
        """How many nodes."""

    @property
    def num_edges(self) -> int:
        """How many edges, duplicates and self-loops included."""

    @property
    def heads(self) -> Int32[np.ndarray, "num_edges"]:
        """The node each edge leaves."""

    @property
    def relation_ids(self) -> Int32[np.ndarray, "num_edges"]:
        """The relation of each edge, a position in ``relations``."""

    @property
    def tails(self) -> Int32[np.ndarray, "num_edges"]:
        """The node each edge enters."""

    @property
    def relations(self) -> Sequence[str]:
        """The distinct relation texts, as the source wrote them."""

    @property
    def outgoing(self) -> Adjacency:
        """Edges by the node they leave."""

    @property
    def incoming(self) -> Adjacency:
        """Edges by the node they enter."""

    @property
    def keys(self) -> Sequence[str]:
        """The source's own identifier of each node; unique."""

    @property
    def names(self) -> Sequence[str]:
        """What a person calls each node; need not be unique."""

    @property
    def texts(self) -> Sequence[str]:
        """A description of each node, or ``""``."""

    @property
    def node_types(self) -> Sequence[str]:
        """The distinct types of nodes; empty when the source has none."""

    @property
    def node_type_ids(self) -> Int32[np.ndarray, "num_nodes"]:
        """The type of each node, a position in ``node_types``, or -1."""

    @property
    def weights(self) -> Float32[np.ndarray, "num_edges"] | None:
        """The weight of each edge, when the source has weights."""

    @property
    def node_columns(self) -> Mapping[str, Column]:
        """Typed attributes of nodes, by name."""

    @property
    def edge_columns(self) -> Mapping[str, Column]:
        """Typed attributes of edges, by name."""

    @property
    def content_hash(self) -> str:
        """A hash of everything above: equal graphs have equal hashes, on every machine."""

    def aliases(self, node: int) -> tuple[str, ...]:
        """Return the other names of ``node``."""

    def find_key(self, key: str) -> int | None:
        """Return the node whose key is exactly ``key``."""


def adjacency(
    sources: Int32[np.ndarray, "num_edges"],
    targets: Int32[np.ndarray, "num_edges"],
    relation_ids: Int32[np.ndarray, "num_edges"],
    num_nodes: int,
) -> Adjacency:
    """Return the edges grouped by ``sources``: by heads for outgoing, by tails for incoming."""
    order = np.lexsort((relation_ids, sources)).astype(np.int32)
    indptr = np.zeros(num_nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(sources, minlength=num_nodes), out=indptr[1:])
    return Adjacency(indptr, order, targets[order], relation_ids[order])


def group_by_relation(
    relation_ids: Int32[np.ndarray, "num_edges"], num_relations: int
) -> RelationEdges:
    """Return the edges of each relation, in the order of their ids."""
    narrow = np.uint16 if num_relations <= 1 << 16 else np.int32  # NumPy sorts these by radix
    order = np.argsort(np.asarray(relation_ids).astype(narrow), kind="stable").astype(np.int32)
    indptr = np.zeros(num_relations + 1, dtype=np.int64)
    np.cumsum(np.bincount(relation_ids, minlength=num_relations), out=indptr[1:])
    return RelationEdges(indptr, order)


def edges_by_relation(view: GraphView) -> RelationEdges:
    """Return the edges of each relation: as an index keeps them, else by sorting all edges."""
    kept: RelationEdges | None = getattr(view, "by_relation", None)
    return kept or group_by_relation(view.relation_ids, len(view.relations))


def edges_of(
    view: GraphView,
    nodes: Int[np.ndarray, "num_sources"],
    relation_id: int | None = None,
    *,
    inverse: bool = False,
) -> Int32[np.ndarray, "num_found"]:
    """Return the ids of the edges that leave ``nodes`` (that enter them when ``inverse``).

    Costs time in the degrees of ``nodes``, not in the size of the graph.

    Args:
        nodes: Node ids; the edges come grouped in this order.
        relation_id: Only edges of this relation; of any when ``None``.
    """
    side = view.incoming if inverse else view.outgoing
    if len(nodes) == 1:  # the common case, without index arithmetic
        start, end = int(side.indptr[nodes[0]]), int(side.indptr[nodes[0] + 1])
        if relation_id is None:
            return np.asarray(side.edge_ids[start:end])
        row = side.relation_ids[start:end]
        first, last = np.searchsorted(row, [relation_id, relation_id + 1])
        return np.asarray(side.edge_ids[start + first : start + last])
    starts = side.indptr[nodes]
    degrees = side.indptr[np.asarray(nodes) + 1] - starts
    positions = np.repeat(starts - np.cumsum(degrees) + degrees, degrees) + np.arange(degrees.sum())
    if relation_id is not None:
        positions = positions[side.relation_ids[positions] == relation_id]
    return np.asarray(side.edge_ids[positions])

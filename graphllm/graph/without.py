"""A graph with some of its edges left out, without copying the rest."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float32, Int, Int32

from graphllm.errors import DataError
from graphllm.graph.columns import Column
from graphllm.graph.strings import StringTable
from graphllm.graph.textual import TextualGraph
from graphllm.graph.view import Adjacency, GraphView


class WithoutEdges:
    """The parent graph less some edges; a ``GraphView``.

    Nodes and relations keep their ids. Edges are numbered anew in the parent's order, so that no
    array of this view mentions an edge that is gone; ``parent_edges`` translates back. Every array
    is made when first asked for, in a few passes over the edges.

    Args:
        parent: The whole graph.
        removed: Ids of the edges to leave out; repeats do no harm.

    Raises:
        DataError: An id is not an edge of ``parent``.

    Examples:
        >>> graph = TextualGraph.from_triples([("a", "r", "b"), ("b", "r", "c")])
        >>> less = WithoutEdges(graph, np.array([0]))
        >>> less.num_edges, less.parent_edges.tolist(), less.names[int(less.tails[0])]
        (1, [1], 'c')
    """

    def __init__(self, parent: GraphView, removed: Int[np.ndarray, "num_removed"]) -> None:
        wrong = removed[(removed < 0) | (removed >= parent.num_edges)]
        if len(wrong):
            raise DataError(
                f"cannot leave out edge {wrong[0]}: edges are 0..{parent.num_edges - 1}"
            )
        self.parent = parent
        self._is_kept = np.ones(parent.num_edges, dtype=np.bool_)
        self._is_kept[removed] = False

    @cached_property
    def parent_edges(self) -> Int32[np.ndarray, "num_edges"]:
        """The parent's id of each edge."""
        return np.flatnonzero(self._is_kept).astype(np.int32)

    @cached_property
    def _new_ids(self) -> Int32[np.ndarray, "num_parent_edges"]:
        return (np.cumsum(self._is_kept) - 1).astype(np.int32)

    @property
    def num_nodes(self) -> int:
        """How many nodes: as many as the parent has."""
        return self.parent.num_nodes

    @property
    def num_edges(self) -> int:
        """How many edges are left."""
        return len(self.parent_edges)

    @cached_property
    def heads(self) -> Int32[np.ndarray, "num_edges"]:
        """The node each edge leaves."""
        return np.asarray(self.parent.heads)[self._is_kept]

    @cached_property
    def relation_ids(self) -> Int32[np.ndarray, "num_edges"]:
        """The relation of each edge."""
        return np.asarray(self.parent.relation_ids)[self._is_kept]

    @cached_property
    def tails(self) -> Int32[np.ndarray, "num_edges"]:
        """The node each edge enters."""
        return np.asarray(self.parent.tails)[self._is_kept]

    @property
    def relations(self) -> Sequence[str]:
        """The parent's relations, also those that no edge has any more."""
        return self.parent.relations

    @cached_property
    def outgoing(self) -> Adjacency:
        """Edges by the node they leave."""
        return self._filtered(self.parent.outgoing)

    @cached_property
    def incoming(self) -> Adjacency:
        """Edges by the node they enter."""
        return self._filtered(self.parent.incoming)

    def _filtered(self, side: Adjacency) -> Adjacency:
        # numbering keeps the order of edges, so rows stay sorted by relation and edge id
        keep = self._is_kept[side.edge_ids]
        kept_before = np.zeros(len(keep) + 1, dtype=np.int64)
        np.cumsum(keep, out=kept_before[1:])
        return Adjacency(
            kept_before[side.indptr],
            self._new_ids[side.edge_ids[keep]],
            np.asarray(side.neighbors)[keep],
            np.asarray(side.relation_ids)[keep],
        )

    @property
    def keys(self) -> Sequence[str]:
        """The source's own identifier of each node."""
        return self.parent.keys

    @property
    def names(self) -> Sequence[str]:
        """What a person calls each node."""
        return self.parent.names

    @property
    def texts(self) -> Sequence[str]:
        """A description of each node."""
        return self.parent.texts

    @property
    def node_types(self) -> Sequence[str]:
        """The distinct types of nodes."""
        return self.parent.node_types

    @property
    def node_type_ids(self) -> Int32[np.ndarray, "num_nodes"]:
        """The type of each node, or -1."""
        return self.parent.node_type_ids

    @cached_property
    def weights(self) -> Float32[np.ndarray, "num_edges"] | None:
        """The weight of each edge, when the source has weights."""
        weights = self.parent.weights
        return None if weights is None else np.asarray(weights)[self._is_kept]

    @property
    def node_columns(self) -> Mapping[str, Column]:
        """Typed attributes of nodes."""
        return self.parent.node_columns

    @cached_property
    def edge_columns(self) -> Mapping[str, Column]:
        """Typed attributes of the edges that are left."""
        return {
            name: self._filtered_column(column) for name, column in self.parent.edge_columns.items()
        }

    def _filtered_column(self, column: Column) -> Column:
        keep = self._is_kept[column.ids]
        return Column(
            name=column.name,
            kind=column.kind,
            ids=self._new_ids[column.ids[keep]],
            values=_filtered_values(column.values, keep),
        )

    @cached_property
    def content_hash(self) -> str:
        """The hash that a copy of this graph has; made by copying, so it costs a pass over all."""
        aliases = [(node, alias) for node in range(self.num_nodes) for alias in self.aliases(node)]
        return TextualGraph(
            keys=StringTable.from_strings(self.keys),
            names=StringTable.from_strings(self.names),
            texts=StringTable.from_strings(self.texts),
            heads=self.heads,
            relation_ids=self.relation_ids,
            tails=self.tails,
            relations=tuple(self.relations),
            alias_ids=np.array([node for node, _ in aliases], dtype=np.int32),
            alias_names=StringTable.from_strings(alias for _, alias in aliases),
            node_types=tuple(self.node_types),
            node_type_ids=self.node_type_ids,
            weights=self.weights,
            node_columns=self.node_columns,
            edge_columns=self.edge_columns,
        ).content_hash

    def aliases(self, node: int) -> tuple[str, ...]:
        """Return the other names of ``node``."""
        return self.parent.aliases(node)

    def find_key(self, key: str) -> int | None:
        """Return the node whose key is exactly ``key``."""
        return self.parent.find_key(key)

    def __repr__(self) -> str:
        return f"WithoutEdges({self.parent!r}, {self.parent.num_edges - self.num_edges} left out)"


def only_edges(parent: GraphView, kept: Int[np.ndarray, "num_kept"]) -> WithoutEdges:
    """Return the graph of all nodes of ``parent`` and just these of its edges."""
    is_removed = np.ones(parent.num_edges, dtype=np.bool_)
    is_removed[kept] = False
    return WithoutEdges(parent, np.flatnonzero(is_removed))


def _filtered_values(
    values: np.ndarray | StringTable, keep: Bool[np.ndarray, "num_values"]
) -> np.ndarray | StringTable:
    if isinstance(values, StringTable):
        return StringTable.from_strings(values[int(row)] for row in np.flatnonzero(keep))
    return np.asarray(values)[keep]

"""The textual graph in memory: nodes and edges that carry names, texts and typed attributes."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Int32

from graphllm.errors import DataError
from graphllm.graph.columns import Column
from graphllm.graph.strings import StringTable
from graphllm.graph.view import Adjacency, adjacency


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TextualGraph:
    """A directed multigraph held in columns; a ``GraphView``.

    Build one with ``TextualGraph.from_triples``, with a ``GraphBuilder``, or with ``read_graph``.

    Attributes:
        keys: The source's identifier of each node; unique.
        names: What a person calls each node.
        heads: The node each edge leaves.
        relation_ids: The relation of each edge, a position in ``relations``.
        tails: The node each edge enters.
        relations: The distinct relation texts.
        texts: A description of each node; may be left out.
        alias_ids: The owner of each alias, ascending.
        alias_names: The aliases themselves.
        node_types: The distinct types of nodes.
        node_type_ids: The type of each node, or -1; may be left out.
        weights: The weight of each edge, when there are weights.

    Raises:
        DataError: Lengths disagree, or an edge names a node or relation that is not there.
    """

    keys: StringTable
    names: StringTable
    heads: Int32[np.ndarray, "num_edges"]
    relation_ids: Int32[np.ndarray, "num_edges"]
    tails: Int32[np.ndarray, "num_edges"]
    relations: tuple[str, ...]
    texts: StringTable = field(default_factory=lambda: StringTable.from_strings(()))
    alias_ids: Int32[np.ndarray, "num_aliases"] = field(
        default_factory=lambda: np.zeros(0, dtype=np.int32)
    )
    alias_names: StringTable = field(default_factory=lambda: StringTable.from_strings(()))
    node_types: tuple[str, ...] = ()
    node_type_ids: Int32[np.ndarray, "num_nodes"] = field(
        default_factory=lambda: np.zeros(0, dtype=np.int32)
    )
    weights: Float32[np.ndarray, "num_edges"] | None = None
    node_columns: Mapping[str, Column] = field(default_factory=dict)
    edge_columns: Mapping[str, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.texts):
            nothing = StringTable(
                np.zeros(self.num_nodes + 1, dtype=np.int64), np.zeros(0, np.uint8)
            )
            object.__setattr__(self, "texts", nothing)
        if not len(self.node_type_ids):
            object.__setattr__(self, "node_type_ids", np.full(self.num_nodes, -1, dtype=np.int32))
        self._check_lengths()
        self._check_ids("head", self.heads, self.num_nodes)
        self._check_ids("relation", self.relation_ids, len(self.relations))
        self._check_ids("tail", self.tails, self.num_nodes)

    def _check_lengths(self) -> None:
        per_node = {"names": self.names, "texts": self.texts, "node_type_ids": self.node_type_ids}
        per_edge = {"relation_ids": self.relation_ids, "tails": self.tails}
        if self.weights is not None:
            per_edge["weights"] = self.weights
        for count, columns in ((self.num_nodes, per_node), (self.num_edges, per_edge)):
            for name, column in columns.items():
                if len(column) != count:
                    raise DataError(f"{name} has {len(column)} entries, expected {count}")
        if len(self.alias_ids) != len(self.alias_names):
            raise DataError(f"{len(self.alias_ids)} alias owners, {len(self.alias_names)} aliases")

    def _check_ids(self, what: str, ids: Int32[np.ndarray, "n"], count: int) -> None:
        wrong = np.flatnonzero((ids < 0) | (ids >= count))
        if len(wrong):
            raise DataError(f"edge {wrong[0]} names {what} {ids[wrong[0]]}, outside 0..{count - 1}")

    @classmethod
    def from_triples(cls, triples: Iterable[Sequence[str]]) -> "TextualGraph":
        """Return the graph of ``(head, relation, tail)`` names; a name is its node's key.

        Examples:
            >>> graph = TextualGraph.from_triples([("Ada", "wrote to", "Babbage")])
            >>> graph.num_nodes, graph.relations
            (2, ('wrote to',))
        """
        node_ids: dict[str, int] = {}
        relation_ids: dict[str, int] = {}
        rows: list[tuple[int, int, int]] = []
        for head, relation, tail in triples:
            head_id = node_ids.setdefault(head, len(node_ids))
            relation_id = relation_ids.setdefault(relation, len(relation_ids))
            rows.append((head_id, relation_id, node_ids.setdefault(tail, len(node_ids))))
        columns = np.array(rows, dtype=np.int32).reshape(-1, 3)
        names = StringTable.from_strings(node_ids)
        return cls(
            keys=names,
            names=names,
            heads=columns[:, 0].copy(),
            relation_ids=columns[:, 1].copy(),
            tails=columns[:, 2].copy(),
            relations=tuple(relation_ids),
        )

    @property
    def num_nodes(self) -> int:
        """How many nodes."""
        return len(self.keys)

    @property
    def num_edges(self) -> int:
        """How many edges."""
        return len(self.heads)

    @cached_property
    def outgoing(self) -> Adjacency:
        """Edges by the node they leave."""
        return adjacency(self.heads, self.tails, self.relation_ids, self.num_nodes)

    @cached_property
    def incoming(self) -> Adjacency:
        """Edges by the node they enter."""
        return adjacency(self.tails, self.heads, self.relation_ids, self.num_nodes)

    def aliases(self, node: int) -> tuple[str, ...]:
        """Return the other names of ``node``."""
        start, end = np.searchsorted(self.alias_ids, [node, node + 1])
        return tuple(self.alias_names[int(start) : int(end)])

    @cached_property
    def _node_of_key(self) -> dict[str, int]:
        return {key: node for node, key in enumerate(self.keys)}

    def find_key(self, key: str) -> int | None:
        """Return the node whose key is exactly ``key``."""
        return self._node_of_key.get(key)

    @cached_property
    def content_hash(self) -> str:
        """A hash of nodes, edges, names, texts and attributes; the same on every machine."""
        digest = hashlib.sha256()
        arrays = [self.heads, self.relation_ids, self.tails, self.alias_ids, self.node_type_ids]
        if self.weights is not None:
            arrays.append(self.weights)
        tables = [
            self.keys,
            self.names,
            self.texts,
            self.alias_names,
            StringTable.from_strings(self.relations),
            StringTable.from_strings(self.node_types),
        ]
        for columns in (self.node_columns, self.edge_columns):
            for name, column in sorted(columns.items()):
                digest.update(f"{name}\0{column.kind}\0".encode())
                arrays.append(column.ids)
                if isinstance(column.values, StringTable):
                    tables.append(column.values)
                else:
                    arrays.append(column.values)
        for table in tables:
            arrays += [table.offsets, table.data]
        for array in arrays:
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            digest.update(f"{array.dtype.str[1:]}{array.shape}".encode())
            digest.update(np.ascontiguousarray(little).tobytes())
        return digest.hexdigest()

    def __repr__(self) -> str:
        return (
            f"TextualGraph({self.num_nodes} nodes, {self.num_edges} edges,"
            f" {len(self.relations)} relations)"
        )

"""Grow a textual graph node by node; what readers of nested formats use."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime

import numpy as np

from graphllm.graph.columns import Column, Kind, Value, column_from_python
from graphllm.graph.strings import StringTable
from graphllm.graph.textual import TextualGraph

Loose = Value | date | datetime | None


class GraphBuilder:
    """Collect nodes and edges by key, then ``build`` a ``TextualGraph``.

    A node may be mentioned by an edge before it is described. Attribute values keep their Python
    type; a column whose values disagree becomes numbers, or else text.

    Examples:
        >>> builder = GraphBuilder()
        >>> ada = builder.node("ada", name="Ada Lovelace", type="Person", attributes={"born": 1815})
        >>> _ = builder.edge("ada", "wrote to", "babbage")
        >>> graph = builder.build()
        >>> graph.names[ada], graph.names[1], graph.node_columns["born"].of(ada)
        ('Ada Lovelace', 'babbage', [1815])
    """

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._names: list[str] = []
        self._texts: list[str] = []
        self._types: list[int] = []
        self._aliases: list[tuple[int, str]] = []
        self._type_ids: dict[str, int] = {}
        self._relation_ids: dict[str, int] = {}
        self._edges: list[tuple[int, int, int]] = []
        self._weights: dict[int, float] = {}
        self._node_values: dict[str, list[tuple[int, Value]]] = {}
        self._edge_values: dict[str, list[tuple[int, Value]]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def num_edges(self) -> int:
        """How many edges so far."""
        return len(self._edges)

    def node(
        self,
        key: str,
        *,
        name: str | None = None,
        type: str | None = None,
        text: str | None = None,
        aliases: Iterable[str] = (),
        attributes: Mapping[str, Loose] | None = None,
    ) -> int:
        """Add a node, or say more of one that is there; return its id.

        A ``None`` attribute is no attribute; a list-like attribute is added value by value by
        calling again.
        """
        node = self._ids.setdefault(key, len(self._ids))
        if node == len(self._names):
            self._names.append(key)
            self._texts.append("")
            self._types.append(-1)
        if name:
            self._names[node] = name
        if text:
            self._texts[node] = text
        if type:
            self._types[node] = self._type_ids.setdefault(type, len(self._type_ids))
        self._aliases.extend((node, alias) for alias in aliases if alias)
        _collect(self._node_values, node, attributes)
        return node

    def edge(
        self,
        head: str,
        relation: str,
        tail: str,
        *,
        weight: float | None = None,
        attributes: Mapping[str, Loose] | None = None,
    ) -> int:
        """Add an edge between two keys, adding nodes that are new; return the edge's id."""
        edge = len(self._edges)
        head_id = self.node(head)
        relation_id = self._relation_ids.setdefault(relation, len(self._relation_ids))
        self._edges.append((head_id, relation_id, self.node(tail)))
        if weight is not None:
            self._weights[edge] = float(weight)
        _collect(self._edge_values, edge, attributes)
        return edge

    def build(self) -> TextualGraph:
        """Return the graph collected so far."""
        edges = np.array(self._edges, dtype=np.int32).reshape(-1, 3)
        weights = None
        if self._weights:
            weights = np.ones(len(edges), dtype=np.float32)
            weights[list(self._weights)] = list(self._weights.values())
        aliases = sorted(self._aliases, key=lambda pair: pair[0])
        return TextualGraph(
            keys=StringTable.from_strings(self._ids),
            names=StringTable.from_strings(self._names),
            texts=StringTable.from_strings(self._texts),
            heads=edges[:, 0].copy(),
            relation_ids=edges[:, 1].copy(),
            tails=edges[:, 2].copy(),
            relations=tuple(self._relation_ids),
            alias_ids=np.array([node for node, _ in aliases], dtype=np.int32),
            alias_names=StringTable.from_strings(alias for _, alias in aliases),
            node_types=tuple(self._type_ids),
            node_type_ids=np.array(self._types, dtype=np.int32),
            weights=weights,
            node_columns=_columns(self._node_values),
            edge_columns=_columns(self._edge_values),
        )


def _collect(
    values: dict[str, list[tuple[int, Value]]], owner: int, attributes: Mapping[str, Loose] | None
) -> None:
    for name, value in (attributes or {}).items():
        if value is not None:
            plain = np.datetime64(value, "us") if isinstance(value, date) else value
            values.setdefault(name, []).append((owner, plain))


def _columns(values: Mapping[str, list[tuple[int, Value]]]) -> dict[str, Column]:
    return {
        name: column_from_python(name, [o for o, _ in pairs], [v for _, v in pairs], kind)
        for name, pairs in values.items()
        for kind in [common_kind(v for _, v in pairs)]
    }


def common_kind(values: Iterable[Value]) -> Kind:
    """Return the narrowest kind that holds every value.

    Examples:
        >>> common_kind([1, 2.5]), common_kind([1, "x"])
        (<Kind.NUMBER: 'number'>, <Kind.TEXT: 'text'>)
    """
    kinds = Counter(_kind(value) for value in values)
    if len(kinds) == 1:
        return next(iter(kinds))
    if kinds.keys() <= {Kind.INTEGER, Kind.NUMBER}:
        return Kind.NUMBER
    return Kind.TEXT


def _kind(value: Value) -> Kind:
    if isinstance(value, bool | np.bool_):
        return Kind.BOOLEAN
    if isinstance(value, int | np.integer):
        return Kind.INTEGER if -(2**63) <= value < 2**63 else Kind.TEXT
    if isinstance(value, float | np.floating):
        return Kind.NUMBER
    return Kind.DATE if isinstance(value, np.datetime64) else Kind.TEXT

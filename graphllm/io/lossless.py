"""The project's own JSON lines: every node, edge, type and attribute of a graph, exactly.

The first line says what the columns are, so that a date is not read as text nor ``2.0`` as 2:

    {"graphllm": 1, "nodes": 2, "edges": 1, "node_types": ["Person"], "relations": ["wrote to"],
     "node_columns": {"born": "integer"}, "edge_columns": {}, "weighted": false}
    {"key": "ada", "name": "Ada Lovelace", "type": "Person", "attributes": {"born": 1815}}
    {"key": "babbage"}
    {"head": "ada", "relation": "wrote to", "tail": "babbage"}
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np

from graphllm.errors import DataError
from graphllm.graph import Column, GraphView, Kind, StringTable, TextualGraph, Value
from graphllm.graph.columns import column_from_python
from graphllm.io.records import Where, fault
from graphllm.io.source import Source

HEADER = "graphllm"  # the key that only the first line of such a file has
_VERSION = 1
_DAMAGED = "the file was changed or cut short; write it again"

_Records = Iterable[tuple[Where, object]]
_Record = Mapping[str, Any]  # one parsed line; its values are checked where they are used


def lines_of(view: GraphView) -> Iterator[str]:
    """Yield the lines of a graph, without their line ends."""
    yield _dump(
        {
            HEADER: _VERSION,
            "nodes": view.num_nodes,
            "edges": view.num_edges,
            "node_types": list(view.node_types),
            "relations": list(view.relations),
            "node_columns": {name: str(c.kind) for name, c in view.node_columns.items()},
            "edge_columns": {name: str(c.kind) for name, c in view.edge_columns.items()},
            "weighted": view.weights is not None,
        }
    )
    yield from map(_dump, _node_records(view))
    yield from map(_dump, _edge_records(view))


def graph_from_records(source: Source, header: _Record, records: _Records) -> TextualGraph:
    """Return the graph whose lines follow ``header``.

    Raises:
        DataError: The lines are not what the header announces.
    """
    if header[HEADER] != _VERSION:
        raise source.error(
            f"format version {header[HEADER]!r}, expected {_VERSION}; update graphllm to read it", 1
        )
    reading = _Reading(source, header)
    for where, record in records:
        if not isinstance(record, dict):
            raise fault(source, where, f"expected an object; {_DAMAGED}")
        try:
            reading.add(record)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise fault(source, where, f"{reason}; {_DAMAGED}") from error
    return reading.graph()


def _dump(record: Mapping[str, object]) -> str:
    return json.dumps(record, ensure_ascii=False)


def _node_records(view: GraphView) -> Iterator[dict[str, object]]:
    values = _values_by_owner(view.node_columns)
    rows = zip(view.keys, view.names, view.texts, view.node_type_ids.tolist(), strict=True)
    for node, (key, name, text, kind) in enumerate(rows):
        record: dict[str, object] = {"key": key}
        if name != key:
            record["name"] = name
        if kind >= 0:
            record["type"] = view.node_types[kind]
        if text:
            record["text"] = text
        if aliases := view.aliases(node):
            record["aliases"] = list(aliases)
        if attributes := values.get(node):
            record["attributes"] = attributes
        yield record


def _edge_records(view: GraphView) -> Iterator[dict[str, object]]:
    values = _values_by_owner(view.edge_columns)
    keys, relations = list(view.keys), view.relations
    weights = None if view.weights is None else view.weights.tolist()
    ends = zip(view.heads.tolist(), view.relation_ids.tolist(), view.tails.tolist(), strict=True)
    for edge, (head, relation, tail) in enumerate(ends):
        record: dict[str, object] = {
            "head": keys[head],
            "relation": relations[relation],
            "tail": keys[tail],
        }
        if weights is not None:
            record["weight"] = _written(weights[edge])
        if attributes := values.get(edge):
            record["attributes"] = attributes
        yield record


def _values_by_owner(columns: Mapping[str, Column]) -> dict[int, dict[str, object]]:
    """Return the attributes of each owner that has some; a list where there are several values."""
    owners: dict[int, dict[str, object]] = {}
    for name, column in columns.items():
        for owner, value in zip(column.ids.tolist(), column.values, strict=True):
            attributes = owners.setdefault(owner, {})
            plain = _written(value)
            if name not in attributes:
                attributes[name] = plain
            elif isinstance(held := attributes[name], list):
                held.append(plain)
            else:
                attributes[name] = [held, plain]
    return owners


def _written(value: Value | np.generic) -> object:
    """Return a value as JSON can hold it: dates in ISO, numbers that are none as text."""
    if isinstance(value, np.datetime64):
        return str(value)
    plain = value.item() if isinstance(value, np.generic) else value
    return str(plain) if isinstance(plain, float) and not math.isfinite(plain) else plain


def _read_value(value: object, kind: Kind) -> Value:
    expected: dict[Kind, type | tuple[type, ...]] = {
        Kind.INTEGER: int, Kind.NUMBER: (int, float, str), Kind.BOOLEAN: bool,
    }  # fmt: skip
    if not isinstance(value, expected.get(kind, str)):
        raise TypeError(f"{json.dumps(value)[:60]} is not {kind}")
    if kind is Kind.DATE:
        return np.datetime64(cast(str, value), "us")
    return float(cast(float, value)) if kind is Kind.NUMBER else cast(Value, value)


class _Reading:
    """The lists that the lines of one file fill."""

    def __init__(self, source: Source, header: _Record) -> None:
        self._source = source
        try:
            self._header = header
            self._types = {name: i for i, name in enumerate(header["node_types"])}
            self._relations = {text: i for i, text in enumerate(header["relations"])}
            self._kinds = tuple(
                {name: Kind(kind) for name, kind in header[which].items()}
                for which in ("node_columns", "edge_columns")
            )
            self._counts = (int(header["nodes"]), int(header["edges"]))
            self._weighted = bool(header["weighted"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise source.error(
                f"a header without or with a wrong {error}; {_DAMAGED}", 1
            ) from error
        self._ids: dict[str, int] = {}
        self._names: list[str] = []
        self._texts: list[str] = []
        self._type_ids: list[int] = []
        self._aliases: list[tuple[int, str]] = []
        self._edges: list[tuple[int, int, int]] = []
        self._weights: list[float] = []
        self._values: tuple[dict[str, tuple[list[int], list[Value]]], ...] = tuple(
            {name: ([], []) for name in kinds} for kinds in self._kinds
        )

    def add(self, record: _Record) -> None:
        """Add one line: an edge when it has a head, else a node."""
        if "head" in record:
            self._add_edge(record)
        else:
            self._add_node(record)

    def _add_node(self, record: _Record) -> None:
        node, key = len(self._names), record["key"]
        if self._ids.setdefault(key, node) != node:
            raise ValueError(f"the key {key!r} occurs a second time")
        self._names.append(record.get("name", key))
        self._texts.append(record.get("text", ""))
        self._type_ids.append(self._types[record["type"]] if "type" in record else -1)
        self._aliases += [(node, alias) for alias in record.get("aliases", ())]
        self._add_values(0, node, record)

    def _add_edge(self, record: _Record) -> None:
        ends = self._ids[record["head"]], self._ids[record["tail"]]
        self._edges.append((ends[0], self._relations[record["relation"]], ends[1]))
        if self._weighted:
            self._weights.append(float(record["weight"]))
        self._add_values(1, len(self._edges) - 1, record)

    def _add_values(self, side: int, owner: int, record: _Record) -> None:
        for name, held in record.get("attributes", {}).items():
            owners, values = self._values[side][name]
            for value in held if isinstance(held, list) else [held]:
                owners.append(owner)
                values.append(_read_value(value, self._kinds[side][name]))

    def graph(self) -> TextualGraph:
        """Return the graph of all lines."""
        found = (len(self._names), len(self._edges))
        if found != self._counts:
            raise self._source.error(
                f"{found[0]} nodes and {found[1]} edges, its first line announces"
                f" {self._counts[0]} and {self._counts[1]}; {_DAMAGED}"
            )
        try:
            return self._build()
        except (TypeError, AttributeError, DataError) as error:  # a name that is not text
            raise self._source.error(f"{error}; {_DAMAGED}") from error

    def _build(self) -> TextualGraph:
        edges = np.array(self._edges, dtype=np.int32).reshape(-1, 3)
        node_columns, edge_columns = (
            {name: column_from_python(name, *values[name], kind) for name, kind in kinds.items()}
            for values, kinds in zip(self._values, self._kinds, strict=True)
        )
        return TextualGraph(
            keys=StringTable.from_strings(self._ids),
            names=StringTable.from_strings(self._names),
            texts=StringTable.from_strings(self._texts),
            heads=edges[:, 0].copy(),
            relation_ids=edges[:, 1].copy(),
            tails=edges[:, 2].copy(),
            relations=tuple(self._relations),
            alias_ids=np.array([node for node, _ in self._aliases], dtype=np.int32),
            alias_names=StringTable.from_strings(alias for _, alias in self._aliases),
            node_types=tuple(self._types),
            node_type_ids=np.array(self._type_ids, dtype=np.int32),
            weights=np.array(self._weights, dtype=np.float32) if self._weighted else None,
            node_columns=node_columns,
            edge_columns=edge_columns,
        )

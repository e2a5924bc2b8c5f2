"""Read the JSON that Neo4j's ``apoc.export.json`` writes: a node or a relationship per line."""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

from graphllm.graph import GraphBuilder, Kind, TextualGraph, Value
from graphllm.io.edges import NO_RELATION
from graphllm.io.mapping import guess_roles
from graphllm.io.source import Source
from graphllm.io.values import column_kind, parse_date

Record = Mapping[str, object]


class _Line(NamedTuple):
    number: int
    record: Record


def read_apoc(source: Source) -> TextualGraph:
    """Return the graph in an APOC export.

    A node is named by its property ``name``, ``title`` or the like; its first label is its type,
    further ones become the attribute ``label``. Texts that are dates throughout become dates.

    Raises:
        DataError: A line is not JSON, or neither a node nor a relationship with two ends.
    """
    lines = list(_lines(source))
    nodes = [line for line in lines if line.record.get("type") == "node"]
    edges = [line for line in lines if line.record.get("type") == "relationship"]
    node_dates = _date_properties(nodes)
    edge_dates = _date_properties(edges)
    builder = GraphBuilder()
    for line in nodes:
        _add_node(builder, source, line, node_dates)
    for line in edges:
        _add_edge(builder, source, line, edge_dates)
    source.report(f"{source.name}: APOC export: {len(nodes)} nodes, {len(edges)} relationships")
    return builder.build()


def _lines(source: Source) -> Iterator[_Line]:
    text = source.text()
    if text.lstrip().startswith("["):
        records = _parse(source, text, 1)
        for record in records if isinstance(records, list) else []:
            yield _Line(1, _checked(source, record, 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _Line(number, _checked(source, _parse(source, line, number), number))


def _parse(source: Source, text: str, line: int) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise source.error(
            f"expected one JSON object, got {text[:60]!r} ({error})", line
        ) from error


def _checked(source: Source, record: object, line: int) -> Record:
    if isinstance(record, dict) and record.get("type") in ("node", "relationship"):
        return record
    raise source.error(
        'expected {"type": "node", ...} or {"type": "relationship", ...}, got'
        f" {json.dumps(record)[:60]}",
        line,
    )


def _properties(record: Record) -> dict[str, object]:
    found = record.get("properties")
    return found if isinstance(found, dict) else {}


def _date_properties(lines: list[_Line]) -> frozenset[str]:
    """Return the properties whose values are ISO dates throughout."""
    texts: dict[str, list[str]] = {}
    for line in lines:
        for name, value in _properties(line.record).items():
            for item in value if isinstance(value, list) else [value]:
                texts.setdefault(name, []).append(item if isinstance(item, str) else "x")
    return frozenset(name for name, found in texts.items() if column_kind(found) is Kind.DATE)


def _identity(source: Source, record: object, line: int, what: str) -> str:
    identity = record.get("id") if isinstance(record, dict) else None
    if not isinstance(identity, str | int) or identity == "":
        raise source.error(f'{what} has no "id"; APOC writes one for each', line)
    return str(identity)


def _add_node(builder: GraphBuilder, source: Source, line: _Line, dates: frozenset[str]) -> None:
    key = _identity(source, line.record, line.number, "the node")
    if key in builder:
        raise source.error(
            f"node {key!r} stands in a line above already; ids must differ", line.number
        )
    labels = line.record.get("labels")
    types = [str(label) for label in labels] if isinstance(labels, list) else []
    properties = _properties(line.record)
    position = guess_roles(list(properties), ("name",)).get("name")
    name = str(list(properties.values())[position]) if position is not None else None
    builder.node(key, name=name, type=types[0] if types else None)
    for label in types[1:]:
        builder.node(key, attributes={"label": label})
    for label, value in properties.items():
        for item in value if isinstance(value, list) else [value]:
            builder.node(key, attributes={label: _value(item, as_date=label in dates)})


def _value(value: object, *, as_date: bool) -> Value | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return parse_date(value) if as_date else value
    return json.dumps(value, ensure_ascii=False)


def _add_edge(builder: GraphBuilder, source: Source, line: _Line, dates: frozenset[str]) -> None:
    record = line.record
    head = _identity(source, record.get("start"), line.number, "the relationship's start")
    tail = _identity(source, record.get("end"), line.number, "the relationship's end")
    for end, key in (("start", head), ("end", tail)):
        _describe_end(builder, key, cast(Record, record[end]))
    attributes = {
        name: _value(value, as_date=name in dates and isinstance(value, str))
        for name, value in _properties(record).items()
    }
    builder.edge(head, str(record.get("label") or NO_RELATION), tail, attributes=attributes)


def _describe_end(builder: GraphBuilder, key: str, end: Record) -> None:
    """Take name and type of a node from an edge, when no line describes the node itself."""
    if key in builder:
        return
    properties, labels = _properties(end), end.get("labels")
    position = guess_roles(list(properties), ("name",)).get("name")
    builder.node(
        key,
        name=str(list(properties.values())[position]) if position is not None else None,
        type=str(labels[0]) if isinstance(labels, list) and labels else None,
    )

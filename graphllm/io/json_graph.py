"""Graphs written as JSON: node-link documents, cytoscape elements, lists of edges, JSON lines."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from graphllm.errors import DataError
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.io import lossless
from graphllm.io.conventions import squash, with_dates
from graphllm.io.records import (
    EdgeRecord,
    NodeRecord,
    Where,
    add_edge,
    add_nodes,
    assemble,
    fault,
)
from graphllm.io.rows import records_table
from graphllm.io.source import Source
from graphllm.io.tabular import table_graph

_ENDS = (
    ("head", "tail"), ("source", "target"), ("subject", "object"), ("from", "to"),
    ("start", "end"), ("src", "dst"), ("src", "dest"), ("sourceid", "targetid"),
    ("fromid", "toid"), ("startnode", "endnode"), ("headid", "tailid"), ("s", "o"), ("h", "t"),
    ("u", "v"),
)  # fmt: skip
_LONE_ENDS = frozenset(end for pair in _ENDS[:8] for end in pair)
_IDS = ("id", "key", "@id", "uid", "uuid", "nodeid", "name", "label", "title")
_EDGE_LISTS = ("links", "edges", "relationships", "triples")
_WRAPPERS = frozenset(("data", "metadata", "properties", "attributes", "attr"))
_SHAPES = (
    'expected {"nodes": [...], "links": [...]}, cytoscape elements, or a list of'
    " [head, relation, tail] or of edge objects"
)


class _Ends(NamedTuple):
    head: str | int | float
    tail: str | int | float
    rest: Mapping[str, object]


def read_json(source: Source) -> TextualGraph:
    """Return the graph of one JSON document.

    Understood: node-link (networkx, d3 with ids or positions, JSON Graph Format), cytoscape
    elements, and a list of ``[head, relation, tail]`` or of objects with two ends.

    Raises:
        DataError: Not JSON (with line and column), no graph in it, an edge without an end, an
            edge to a node that is not listed, or an id given twice.
    """
    text = source.text()
    try:
        document = _parse(text, source)
    except DataError:
        if _is_lines(text):
            return read_json_lines(source)
        raise
    if isinstance(document, Mapping):
        document = _unwrapped(document)
    if isinstance(document, Mapping) and "elements" in document:
        document = _from_elements(source, document["elements"])
    elif isinstance(document, list) and _is_elements(document):
        document = _from_elements(source, document)
    if _is_one_edge(document):
        document = [document]
    if isinstance(document, list):
        return _read_records(source, _items(document, "item"))
    if isinstance(document, Mapping) and lossless.HEADER in document:
        return read_json_lines(source)
    if isinstance(document, Mapping):
        return _read_node_link(source, document)
    raise source.error(f"{_SHAPES}; got {_short(document)}")


def read_json_lines(source: Source) -> TextualGraph:
    """Return the graph of a file with one JSON value per line: edges, triples and nodes.

    Records without any edge among them are rows of a table: their fields become relations and
    attributes, as the columns of a CSV do.

    A file that ``write_graph`` wrote comes back exactly as it was.

    Raises:
        DataError: A line is not JSON, or is neither a node, an edge nor a triple.
    """
    lines = source.text().split("\n")  # not splitlines: names may hold other line separators
    parsed: Iterator[tuple[Where, object]] = (
        (number, _parse(line, source, number))
        for number, line in enumerate(lines, start=1)
        if line.strip()
    )
    where, first = next(parsed, (1, None))
    if isinstance(first, Mapping) and lossless.HEADER in first:
        return lossless.graph_from_records(source, first, parsed)
    return _read_records(source, chain([(where, first)], parsed))


def _parse(text: str, source: Source, line: int | None = None) -> object:
    """Return the JSON value in ``text``, a whole file or its line ``line``."""
    try:
        return json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise source.error(
            f"column {error.colno}: not JSON: {error.msg}", line or error.lineno
        ) from error
    except (RecursionError, ValueError) as error:  # nested too deep; a number of 5,000 digits
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise source.error(f"not readable JSON: {reason}", line) from error


def _is_one_edge(document: object) -> bool:
    """Whether the whole document is an edge: a file of JSON lines that has a single line."""
    if isinstance(document, dict):
        return _end_fields(tuple(document)) is not None
    return isinstance(document, list) and [type(v) for v in document] == [str, str, str]


def _is_lines(text: str) -> bool:
    """Whether the first line is a whole JSON value, and others follow."""
    first, _, rest = text.lstrip("\ufeff \t\r\n").partition("\n")
    try:
        return bool(rest.strip()) and isinstance(json.loads(first), list | dict)
    except (ValueError, RecursionError):
        return False


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _items(values: Iterable[object], what: str) -> Iterator[tuple[Where, object]]:
    return ((f"{what} {position}", value) for position, value in enumerate(values))


def _unwrapped(document: Mapping[str, object]) -> Mapping[str, object]:
    """Return the graph inside ``{"graph": {...}}`` or ``{"graphs": [{...}]}``."""
    inner = document.get("graph", document.get("data"))
    graphs = document.get("graphs")
    if isinstance(graphs, list) and len(graphs) == 1:
        inner = graphs[0]
    known = {"nodes", "elements", *_EDGE_LISTS}
    if not known & document.keys() and isinstance(inner, Mapping) and known & inner.keys():
        return inner
    return document


def _is_elements(document: Sequence[object]) -> bool:
    return bool(document) and all(
        isinstance(item, Mapping) and isinstance(item.get("data"), Mapping) for item in document
    )


def _from_elements(source: Source, elements: object) -> Mapping[str, object]:
    """Return cytoscape elements, grouped or in one list, as a node-link document."""
    if isinstance(elements, Mapping):
        return elements
    if not isinstance(elements, list):
        raise source.error(f"elements: expected a list, got {_short(elements)}")
    nodes: list[object] = []
    edges: list[object] = []
    for item in elements:
        data = item.get("data") if isinstance(item, Mapping) else None
        is_edge = isinstance(data, Mapping) and "source" in data
        (edges if is_edge else nodes).append(item)
    return {"nodes": nodes, "edges": edges}


def _read_node_link(source: Source, document: Mapping[str, object]) -> TextualGraph:
    what = next((name for name in _EDGE_LISTS if isinstance(document.get(name), list)), None)
    if what is None:
        raise source.error(f"{_SHAPES}; got an object with {_keys(document)}")
    edges = _items(document[what], what)  # type: ignore[arg-type]
    if document.get("nodes") is None:
        return _read_records(source, edges)
    nodes = [_node_record(source, where, node) for where, node in _listed_nodes(source, document)]
    keys = [node.key for node in nodes]
    known = set(keys)
    return assemble(
        source,
        nodes,
        (
            EdgeRecord(_key(head, known, keys), _key(tail, known, keys), where, rest)
            for where, edge in edges
            for head, tail, rest in [_ends_of(source, where, edge)]
        ),
    )


def _key(end: str | int | float, known: set[str], keys: Sequence[str]) -> str:
    """Return the key an edge means: an id, or else a position in the list of nodes."""
    if str(end) not in known and isinstance(end, int) and 0 <= end < len(keys):
        return keys[end]
    return str(end)


def _listed_nodes(source: Source, document: Mapping[str, object]) -> Iterator[tuple[Where, object]]:
    nodes = document["nodes"]
    if isinstance(nodes, Mapping):  # id to fields
        for key, fields in nodes.items():
            yield f"nodes {key}", {"id": key, **(fields if isinstance(fields, Mapping) else {})}
    elif isinstance(nodes, list):
        yield from _items(nodes, "nodes")
    else:
        raise source.error(f"nodes: expected a list, got {_short(nodes)}")


def _node_record(source: Source, where: Where, node: object) -> NodeRecord:
    if isinstance(node, str | int | float):
        node = {"id": node}
    if not isinstance(node, Mapping):
        raise fault(source, where, f"expected a node, got {_short(node)}")
    key, fields = _take_id(_spread(node))
    if key is None:  # d3 knows such a node by its position alone
        key = str(where).rpartition(" ")[2]
    return NodeRecord(key, where, fields)


def _keys(record: Mapping[str, object]) -> str:
    return "the keys " + ", ".join(list(map(str, record))[:6]) if record else "no keys"


def _spread(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return the record with ``data``, ``properties`` and the like opened into it."""
    if _WRAPPERS.isdisjoint(record):
        return record
    inner = {name: record[name] for name in record if name in _WRAPPERS}
    opened = [fields for fields in inner.values() if isinstance(fields, dict)]
    spread = {f: v for f, v in record.items() if not isinstance(inner.get(f), dict)}
    for fields in opened:
        spread.update((field, value) for field, value in fields.items() if field not in spread)
    return spread


def _take_id(fields: Mapping[str, object]) -> tuple[str | None, Mapping[str, object]]:
    """Return a node's id and its other fields; a name that serves as the id stays a name."""
    by_role = {squash(field): field for field in fields}
    for role in _IDS:
        field = by_role.get(role)
        value = None if field is None else fields[field]
        if isinstance(value, str | int | float) and value != "":
            if role in ("name", "label", "title"):
                return str(value), fields
            return str(value), {f: v for f, v in fields.items() if f != field}
    return None, fields


def _ends_of(source: Source, where: Where, edge: object) -> _Ends:
    if isinstance(edge, list):
        return _ends_of_list(source, where, edge)
    if not isinstance(edge, dict):
        raise fault(source, where, f"expected an edge, got {_short(edge)}")
    fields = _spread(edge)
    names = _end_fields(tuple(fields))
    if names is None:
        raise fault(
            source,
            where,
            f"expected source and target, got {_keys(fields)}; every edge needs both its ends",
        )
    head, tail = (_end(source, where, fields[name]) for name in names)
    return _Ends(head, tail, {f: v for f, v in fields.items() if f not in names})


def _ends_of_list(source: Source, where: Where, edge: Sequence[object]) -> _Ends:
    """Return the ends of ``[head, relation, tail]`` or of a bare ``[head, tail]``."""
    is_triple = len(edge) == 3 and isinstance(edge[1], str)
    if not is_triple and len(edge) != 2:
        raise fault(source, where, f"expected [head, relation, tail], got {_short(edge)}")
    rest = {"relation": edge[1]} if is_triple else {}
    return _Ends(_end(source, where, edge[0]), _end(source, where, edge[-1]), rest)


@lru_cache(maxsize=4096)
def _end_fields(fields: tuple[str, ...]) -> tuple[str, str] | None:
    """Return which fields of an edge hold its head and its tail."""
    by_role = {squash(field): field for field in fields}
    for head, tail in _ENDS:
        if head in by_role and tail in by_role:
            return by_role[head], by_role[tail]
    return None


def _end(source: Source, where: Where, end: object) -> str | int | float:
    if isinstance(end, dict):  # d3 replaces an id by the node itself
        end, _ = _take_id(end)
    if isinstance(end, bool) or not isinstance(end, str | int | float) or end == "":
        raise fault(source, where, f"an end is {_short(end)}; expected the id of a node")
    return end


def _read_records(source: Source, items: Iterable[tuple[Where, object]]) -> TextualGraph:
    """Return the graph of a mix of edges and nodes; each may name the other before it comes.

    Where no record is an edge, each is a row of a table.
    """
    items = iter(items)
    rows = list(_until_an_edge(items))
    records = [record for _, record in rows if isinstance(record, dict)]
    if len(records) == len(rows) and _are_rows(records):
        lines = [where if isinstance(where, int) else None for where, _ in rows]
        return table_graph(records_table(source, records, lines))
    builder = GraphBuilder()
    nodes: list[NodeRecord] = []
    for where, item in chain(rows, items):
        if isinstance(item, dict) and _is_node(_spread(item)):
            node = _node_record(source, where, item)
            builder.node(node.key)  # its place is where it is first mentioned
            nodes.append(node)
        else:
            head, tail, rest = _ends_of(source, where, item)
            add_edge(builder, EdgeRecord(str(head), str(tail), where, rest))
    add_nodes(builder, source, nodes)
    return with_dates(builder.build())


def _until_an_edge(items: Iterator[tuple[Where, object]]) -> Iterator[tuple[Where, object]]:
    """Yield items up to the first that is an edge for sure, and that one."""
    for where, item in items:
        yield where, item
        if not isinstance(item, dict) or _end_fields(tuple(_spread(item))):
            return


def _are_rows(records: Sequence[Mapping[str, object]]) -> bool:
    """Whether records describe things and none of them is an edge, or an edge without its end."""
    fields = {field for record in records for field in record}
    spread = [_spread(record) for record in records]
    return len(fields) > 1 and not any(
        _end_fields(tuple(record)) or (_has_end(tuple(record)) and _take_id(record)[0] is None)
        for record in spread
    )


def _is_node(record: Mapping[str, object]) -> bool:
    """Whether a record has an id and nothing that looks like the end of an edge."""
    return not _has_end(tuple(record)) and _take_id(record)[0] is not None


@lru_cache(maxsize=4096)
def _has_end(fields: tuple[str, ...]) -> bool:
    return any(squash(field) in _LONE_ENDS for field in fields)

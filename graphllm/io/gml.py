"""GML: keys, numbers, quoted strings and lists in square brackets."""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from graphllm.graph import TextualGraph
from graphllm.io.records import EdgeRecord, NodeRecord, assemble
from graphllm.io.source import Source

_TOKEN = re.compile(
    r"""\s+ | \#[^\n]*
      | (?P<string>"[^"]*")
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]) | [+-]?(?:NAN|INF)\b)
      | (?P<key>[A-Za-z_][\w.\-]*)
      | (?P<open>\[) | (?P<close>\])
      | (?P<wrong>.)""",
    re.VERBOSE,
)
_DRAWING = ("graphics", "LabelGraphics")
_LIST_MARK = "_networkx_list_start"  # networkx marks a list of one value with it
_MAX_DEPTH = 100

_Fields = dict[str, object]


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def read_gml(source: Source) -> TextualGraph:
    """Return the graph of a GML file; an undirected edge is one edge, as written.

    Raises:
        DataError: Not GML (with the line), a node without id, an edge without source or target,
            an id given twice, an edge to an unknown node.
    """
    text = source.text()
    document = _parse_list(source, _tokens(source, text), 0)
    graphs = [value for value in _listed(document.get("graph")) if isinstance(value, dict)]
    if len(graphs) != 1:
        raise source.error(f"{len(graphs)} graphs; expected one list 'graph [ ... ]'")
    nodes = [
        NodeRecord(str(_needed(source, node, "id", "node")), _line(node), _attributes(node, "id"))
        for node in _records(source, graphs[0], "node")
    ]
    edges = [
        EdgeRecord(
            str(_needed(source, edge, "source", "edge")),
            str(_needed(source, edge, "target", "edge")),
            _line(edge),
            _attributes(edge, "source", "target"),
        )
        for edge in _records(source, graphs[0], "edge")
    ]
    return assemble(source, nodes, edges)


def _tokens(source: Source, text: str) -> Iterator[_Token]:
    line, counted = 1, 0
    for match in _TOKEN.finditer(text.removeprefix("\ufeff")):
        kind = match.lastgroup
        if kind is None:
            continue
        line += match.string.count("\n", counted, match.start())
        counted = match.start()
        if kind == "wrong":
            found = match.string[counted : counted + 20].split("\n")[0]
            raise source.error(
                f"expected a key, a number, a quoted string or a bracket, got {found!r}", line
            )
        yield _Token(kind, match.group(), line)


def _parse_list(source: Source, tokens: Iterator[_Token], depth: int, line: int = 1) -> _Fields:
    """Return the fields up to the bracket that closes the list, or to the end of the file."""
    fields: _Fields = {"": line}  # no key is empty, so the line has a place
    for token in tokens:
        if token.kind == "close" and depth:
            return fields
        if token.kind != "key":
            raise source.error(f"expected a key, got {token.text[:40]!r}", token.line)
        value = next(tokens, None)
        if value is None or value.kind in ("key", "close"):
            got = "the end of the file" if value is None else repr(value.text)
            raise source.error(f"{token.text!r} has no value, got {got}", token.line)
        _put(fields, token.text, _value(source, tokens, value, depth))
    if depth:
        raise source.error(f"the list opened at line {line} is not closed; the file is cut short")
    return fields


def _value(source: Source, tokens: Iterator[_Token], token: _Token, depth: int) -> object:
    if token.kind == "open":
        if depth >= _MAX_DEPTH:
            raise source.error(f"lists nested deeper than {_MAX_DEPTH}", token.line)
        return _parse_list(source, tokens, depth + 1, token.line)
    if token.kind == "string":
        return html.unescape(token.text[1:-1])
    if re.fullmatch(r"[+-]?\d{1,4000}", token.text):
        return int(token.text)
    return float(token.text)


def _put(fields: _Fields, key: str, value: object) -> None:
    if key not in fields:
        fields[key] = [value] if key in ("node", "edge") else value
    elif isinstance(held := fields[key], list):
        held.append(value)
    else:
        fields[key] = [held, value]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _records(source: Source, graph: _Fields, tag: str) -> list[_Fields]:
    records = _listed(graph.get(tag, []))
    for record in records:
        if not isinstance(record, dict):
            raise source.error(f"{tag} is {record!r}; expected {tag} [ ... ]")
    return records  # type: ignore[return-value]


def _needed(source: Source, record: _Fields, field: str, tag: str) -> object:
    value = record.get(field)
    if not isinstance(value, str | int):
        raise source.error(f"{tag} without its {field!r}; add it", _line(record))
    return value


def _line(record: _Fields) -> int:
    line = record[""]
    assert isinstance(line, int)  # noqa: S101 - written by _parse_list only
    return line


def _attributes(record: _Fields, *taken: str) -> _Fields:
    """Return what is said beside ids and drawing, without the marks of lines and lists."""
    skipped = ("", *taken, *_DRAWING)
    return {key: _plain(value) for key, value in record.items() if key not in skipped}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if key}
    if isinstance(value, list):
        return [_plain(item) for item in value if item != _LIST_MARK]
    return value

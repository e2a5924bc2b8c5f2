"""GML: keys, numbers, quoted strings and lists in square brackets."""

import html
import re

from graphllm.errors import DataError
from graphllm.graph import TextualGraph
from graphllm.io.records import EdgeRecord, NodeRecord, assemble
from graphllm.io.source import Source

_TOKEN = re.compile(
    r"""(?:\s++|\#[^\n]*+)*+
      (?: (?P<string>"[^"]*")
        | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]) | [+-]?(?:NAN|INF)\b)
        | (?P<key>[A-Za-z_][\w.\-]*)
        | (?P<open>\[) | (?P<close>\])
        | (?P<wrong>.) )""",
    re.VERBOSE,
)
_DRAWING = ("graphics", "LabelGraphics")
_LIST_MARK = "_networkx_list_start"  # networkx marks a list of one value with it
_MAX_DEPTH = 100
_INTEGER = re.compile(r"[+-]?\d{1,4000}")

_Fields = dict[str, object]


def read_gml(source: Source) -> TextualGraph:
    """Return the graph of a GML file; an undirected edge is one edge, as written.

    Raises:
        DataError: Not GML (with the line), a node without id, an edge without source or target,
            an id given twice, an edge to an unknown node.
    """
    document = _Parser(source).parse()
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


class _Parser:
    """One pass over the tokens of a file, which counts lines as it goes."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = source.text().removeprefix("\ufeff")
        self._tokens = _TOKEN.finditer(self._text)
        self._line = 1
        self._counted = 0  # how far the lines are counted

    def parse(self) -> _Fields:
        """Return the fields of the whole file."""
        return self._list(0, 1)

    def _list(self, depth: int, line: int) -> _Fields:
        """Return the fields up to the bracket that closes the list, or to the end of the file."""
        fields: _Fields = {"": line}  # no key is empty, so the line has a place
        for token in self._tokens:
            kind = token.lastgroup
            if kind == "close" and depth:
                return fields
            if kind != "key":
                raise self._wrong(token, "expected a key")
            key = token[kind]
            value = next(self._tokens, None)
            if value is None or value.lastgroup in ("key", "close"):
                raise self._wrong(token, f"{key[:40]!r} has no value")
            _put(fields, key, self._value(value, depth))
        if depth:
            raise self._source.error(
                f"the list opened at line {line} is not closed; the file is cut short"
            )
        return fields

    def _value(self, token: re.Match[str], depth: int) -> object:
        kind = token.lastgroup
        if kind == "string":
            return html.unescape(token[kind][1:-1])
        if kind == "number":
            number = token[kind]
            return int(number) if _INTEGER.fullmatch(number) else float(number)
        if kind == "wrong":
            raise self._wrong(token, "expected a number, a quoted string or a bracket")
        if depth >= _MAX_DEPTH:
            raise self._wrong(token, f"lists nested deeper than {_MAX_DEPTH}")
        return self._list(depth + 1, self._line_of(token))

    def _line_of(self, token: re.Match[str]) -> int:
        position = token.end() - 1
        self._line += self._text.count("\n", self._counted, position)
        self._counted = position
        return self._line

    def _wrong(self, token: re.Match[str], expected: str) -> DataError:
        start = token.start(token.lastgroup or 0)
        found = self._text[start : start + 20].split("\n")[0]
        line = self._text.count("\n", 0, start) + 1
        return self._source.error(f"{expected}, got {found!r}", line)


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

"""Write any graph to a file: triples, JSON lines (lossless) and GraphML."""

import csv
import html
import io
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import cast

from graphllm.errors import ConfigError, DataError
from graphllm.graph import Column, GraphView, Kind, StringTable, format_value
from graphllm.io.conventions import OWN_MARK
from graphllm.registry import load

Writer = Callable[[GraphView], Iterator[str]]

# Each format and the function that writes it: ``writer(view) -> lines without line ends``.
WRITERS: dict[str, str] = {
    "tsv": "graphllm.io.writers:tsv_lines",
    "csv": "graphllm.io.writers:csv_lines",
    "json_lines": "graphllm.io.lossless:lines_of",
    "graphml": "graphllm.io.writers:graphml_lines",
}

_SUFFIXES = {
    ".tsv": "tsv", ".txt": "tsv", ".csv": "csv", ".jsonl": "json_lines", ".ndjson": "json_lines",
    ".json": "json_lines", ".graphml": "graphml",
}  # fmt: skip
_NODE_PARTS = ("name", "type", "text", "aliases")
_EDGE_PARTS = ("relation", "weight")
_GRAPHML_TYPES = {Kind.INTEGER: "long", Kind.NUMBER: "double", Kind.BOOLEAN: "boolean"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_graph(view: GraphView, path: str | os.PathLike[str], format: str | None = None) -> None:
    """Write a graph; the file is complete or not there, whatever happens on the way.

    JSON lines keep everything and read back as the same graph. GraphML keeps all but the order of
    unused types and relations and characters that XML forbids. TSV and CSV keep the
    triples alone, by name; nodes that share a name carry their key in brackets.

    Args:
        view: The graph.
        path: Replaced when it exists.
        format: A name in ``WRITERS``; told by the suffix when ``None``.

    Raises:
        ConfigError: ``format`` is unknown, or there is none and the suffix says nothing.
        DataError: The file cannot be written there, or the graph not in this format.
    """
    path = Path(path)
    name = format or _SUFFIXES.get(path.suffix.lower())
    if name not in WRITERS:
        asked = format or path.suffix or path.name
        near = get_close_matches(asked, WRITERS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"cannot write {asked!r}; formats are {', '.join(WRITERS)}{hint}")
    write_whole(path, cast(Writer, load("format", WRITERS, name))(view))


def write_whole(path: Path, lines: Iterable[str]) -> None:
    """Write into a file beside ``path`` and put it in place when it is complete.

    Raises:
        DataError: It cannot be written there; what was there before is as it was.
    """
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("x", encoding="utf-8", newline="") as file:
            for line in lines:
                file.write(line)
                file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def tsv_lines(view: GraphView) -> Iterator[str]:
    """Yield the edges as tab-separated names under a header."""
    return _rows(view, "\t")


def csv_lines(view: GraphView) -> Iterator[str]:
    """Yield the edges as comma-separated names under a header."""
    return _rows(view, ",")


def _rows(view: GraphView, separator: str) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\r\n")
    names = distinct_names(view)
    yield separator.join(("head", "relation", "tail"))
    ends = zip(view.heads.tolist(), view.relation_ids.tolist(), view.tails.tolist(), strict=True)
    for head, relation, tail in ends:
        writer.writerow((names[head], view.relations[relation], names[tail]))
        yield buffer.getvalue().removesuffix("\r\n")
        buffer.seek(0)
        buffer.truncate()


def distinct_names(view: GraphView) -> list[str]:
    """Return a text for each node that no other has: its name, with its key where it must be.

    Examples:
        >>> from graphllm.graph import GraphBuilder
        >>> builder = GraphBuilder()
        >>> for key, name in (("m1", "Emma"), ("m2", "Emma"), ("m3", "Heat")):
        ...     _ = builder.node(key, name=name)
        >>> distinct_names(builder.build())
        ['Emma (m1)', 'Emma (m2)', 'Heat']
    """
    keys, names = list(view.keys), list(view.names)
    counts = Counter(names)
    texts = [
        name if counts[name] == 1 else f"{name} ({key})"
        for key, name in zip(keys, names, strict=True)
    ]
    return texts if len(set(texts)) == len(texts) else keys


def graphml_lines(view: GraphView) -> Iterator[str]:
    """Yield the lines of a GraphML file with typed keys.

    An attribute called as a part of a node or edge, such as ``name``, gets an underscore.
    """
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
    yield from _graphml_keys(view)
    yield f'<graph edgedefault="directed">{_data(OWN_MARK, "1")}'
    yield from _graphml_nodes(view)
    yield from _graphml_edges(view)
    yield "</graph>"
    yield "</graphml>"


def _graphml_keys(view: GraphView) -> Iterator[str]:
    yield _graphml_key(OWN_MARK, "graph", OWN_MARK, "int")
    for name in _NODE_PARTS:
        yield _graphml_key(name, "node", name, "string")
    yield _graphml_key("relation", "edge", "relation", "string")
    yield _graphml_key("weight", "edge", "weight", "double")
    taken = {"node": _NODE_PARTS, "edge": _EDGE_PARTS}
    for domain, columns in (("node", view.node_columns), ("edge", view.edge_columns)):
        for position, column in enumerate(columns.values()):
            kind = _GRAPHML_TYPES.get(column.kind, "string")
            name = f"{column.name}_" if column.name in taken[domain] else column.name
            yield _graphml_key(f"{domain[0]}{position}", domain, name, kind)


def _graphml_key(key: str, domain: str, name: str, kind: str) -> str:
    return f'<key id="{key}" for="{domain}" attr.name={_quoted(name)} attr.type="{kind}"/>'


def _graphml_nodes(view: GraphView) -> Iterator[str]:
    values = _values_by_owner(view.node_columns, "n")
    rows = zip(view.keys, view.names, view.texts, view.node_type_ids.tolist(), strict=True)
    for node, (key, name, text, kind) in enumerate(rows):
        data = [_data("name", name)]
        if kind >= 0:
            data.append(_data("type", view.node_types[kind]))
        if text:
            data.append(_data("text", text))
        data += [_data("aliases", alias) for alias in view.aliases(node)]
        data += values.get(node, ())
        yield f"<node id={_quoted(key)}>{''.join(data)}</node>"


def _graphml_edges(view: GraphView) -> Iterator[str]:
    values = _values_by_owner(view.edge_columns, "e")
    keys = [_quoted(key) for key in view.keys]
    said = [_data("relation", text) for text in view.relations]
    weights = None if view.weights is None else view.weights.tolist()
    ends = zip(view.heads.tolist(), view.relation_ids.tolist(), view.tails.tolist(), strict=True)
    for edge, (head, relation, tail) in enumerate(ends):
        weight = "" if weights is None else _data("weight", repr(weights[edge]))
        data = "".join((said[relation], weight, *values.get(edge, ())))
        yield f"<edge source={keys[head]} target={keys[tail]}>{data}</edge>"


def _values_by_owner(columns: Mapping[str, Column], prefix: str) -> dict[int, list[str]]:
    owners: dict[int, list[str]] = {}
    for position, column in enumerate(columns.values()):
        key = f"{prefix}{position}"
        for owner, text in zip(column.ids.tolist(), _texts(column), strict=True):
            owners.setdefault(owner, []).append(_data(key, text))
    return owners


def _texts(column: Column) -> Iterator[str]:
    if isinstance(column.values, StringTable):
        return iter(column.values)
    if column.kind is Kind.BOOLEAN:
        return ("true" if value else "false" for value in column.values)
    if column.kind is Kind.NUMBER:
        return (repr(value) for value in column.values.tolist())
    if column.kind is Kind.INTEGER:
        return (str(value) for value in column.values.tolist())
    return (format_value(value) for value in column.values)


def _data(key: str, text: str) -> str:
    return f'<data key="{key}">{_escaped(text)}</data>'


def _escaped(text: str) -> str:
    """Return text for XML; a bare carriage return would be read as a line feed."""
    return html.escape(_NOT_XML.sub("\ufffd", text), quote=False).replace("\r", "&#13;")


def _quoted(text: str) -> str:
    """Return text as an XML attribute value; bare white space would be read as spaces."""
    escaped = html.escape(_NOT_XML.sub("\ufffd", text)).replace("\r", "&#13;")
    return '"' + escaped.replace("\n", "&#10;").replace("\t", "&#9;") + '"'

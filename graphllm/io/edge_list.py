"""Read edge lists separated by white space, as SNAP and networkx write them."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from graphllm.graph import GraphBuilder, TextualGraph, Value
from graphllm.io.edges import NO_RELATION, edge_graph
from graphllm.io.source import Source
from graphllm.io.table import Table, TextColumn, tidy_labels

_ARROWS = frozenset(("->", "--", "-", "=>", "→"))
_ATTRIBUTES = re.compile(r"^(\S+)\s+(\S+)\s*(\{.*\})$")


class _Line(NamedTuple):
    number: int
    text: str


def read_edge_list(source: Source) -> TextualGraph:
    """Return the graph of lines ``a b``, ``a b weight`` or ``a b {'weight': 3}``; ``#`` comments.

    A third column that holds anything but numbers is the relation, as in ``a knows b`` it is the
    second.

    Raises:
        DataError: A line has another number of columns than the first, or unreadable attributes.
    """
    lines = list(_lines(source))
    if not lines:
        raise source.error("holds only comments; a graph needs at least one edge")
    if _ATTRIBUTES.match(lines[0].text):
        return _with_attributes(source, lines)
    width = len(lines[0].text.split())
    if width not in (2, 3, 4):
        raise source.error(
            "expected an edge 'a b', 'a b weight' or 'a relation b', got"
            f" {lines[0].text[:60]!r}; separate cells by tab or comma when they hold spaces",
            lines[0].number,
        )
    rows = [line.text.split() for line in lines]
    for line, row in zip(lines, rows, strict=True):
        if len(row) != width:
            raise source.error(f"{len(row)} columns, expected {width} as above", line.number)
    numbers = [line.number for line in lines]
    table = Table(
        source=source,
        labels=tidy_labels([""] * width),
        columns=tuple(TextColumn.of(row[i] for row in rows) for i in range(width)),
        has_header=False,
        find_line=numbers.__getitem__,
    )
    return _as_edges(table)


def _lines(source: Source) -> Iterator[_Line]:
    for number, line in enumerate(re.split(r"\r\n|\n|\r", source.text()), 1):
        text = line.strip()
        if text and not text.startswith(("#", "%")):
            yield _Line(number, text)


def _as_edges(table: Table) -> TextualGraph:
    mapped = table.source.mapping.positions(table.labels, where=table.source.name)
    third = table.columns[2].kind if len(table.columns) > 2 else None
    if {"head", "tail"} <= mapped.keys():
        parts = mapped
    elif third is None:
        parts = {"head": 0, "tail": 1}
    elif set(table.columns[1].texts) <= _ARROWS:
        parts = {"head": 0, "tail": 2}
    elif third in ("integer", "number"):
        parts = {"head": 0, "tail": 1, "weight": 2}
    else:
        parts = {"head": 0, "relation": 1, "tail": 2}
    said = ", ".join(f"{role}={position + 1}" for role, position in parts.items())
    table.source.report(f"{table.source.name}: {said}")
    if len(table.columns) > 2 and set(table.columns[1].texts) <= _ARROWS:
        # an arrow between the two says nothing
        table, parts = table.drop([1]), {r: p - (p > 1) for r, p in parts.items() if p != 1}
    return edge_graph(table, parts, relation=NO_RELATION)


def _with_attributes(source: Source, lines: list[_Line]) -> TextualGraph:
    """Read lines that end in a Python dictionary of edge attributes."""
    builder = GraphBuilder()
    for line in lines:
        match = _ATTRIBUTES.match(line.text)
        if not match:
            raise source.error(
                f"expected \"a b {{'weight': 3}}\", got {line.text[:60]!r}", line.number
            )
        head, tail, text = match.groups()
        attributes = _dictionary(source, text, line.number)
        weight = attributes.pop("weight", None)
        number = isinstance(weight, int | float)
        if weight is not None and not number:
            raise source.error(f"expected a number as weight, got {weight!r}", line.number)
        relation = next(
            (str(attributes.pop(k)) for k in ("relation", "label", "type") if k in attributes),
            NO_RELATION,
        )
        builder.edge(
            head,
            relation,
            tail,
            weight=float(weight) if isinstance(weight, int | float) else None,
            attributes=attributes,
        )
    source.report(f"{source.name}: head=1, tail=2; edge attributes: in the dictionary")
    return builder.build()


def _dictionary(source: Source, text: str, line: int) -> dict[str, Value]:
    """Read ``{'weight': 3}``: literals only, nothing in it is run."""
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise source.error(
            f"cannot read the attributes {text[:60]!r}; expected {{'name': value}}", line
        ) from error
    if not isinstance(found, dict):
        raise source.error(f"expected attributes as {{'name': value}}, got {text[:60]!r}", line)
    return {
        str(name): value if isinstance(value, int | float | str) else str(value)
        for name, value in found.items()
        if value is not None
    }

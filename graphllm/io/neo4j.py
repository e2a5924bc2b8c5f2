"""Read tables with the headers of neo4j-admin import: ``:ID :LABEL :START_ID :END_ID :TYPE``."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from graphllm.errors import DataError
from graphllm.graph import GraphBuilder, Kind, TextualGraph, Value
from graphllm.io.edges import NO_RELATION
from graphllm.io.mapping import guess_roles, listed
from graphllm.io.table import Table
from graphllm.io.values import ABSENT, ABSENT_AMONG_VALUES, parse_as

_LABEL = re.compile(
    r"(?P<name>[^:]*)(:(?P<type>\w+)(\((?P<space>[^)]*)\))?(?P<array>\[\])?(\{.*\})?)?"
)
_STRUCTURE = ("ID", "LABEL", "START_ID", "END_ID", "TYPE", "IGNORE")
_KINDS = (
    dict.fromkeys(("int", "long", "short", "byte"), Kind.INTEGER)
    | dict.fromkeys(("float", "double"), Kind.NUMBER)
    | dict.fromkeys(("date", "datetime", "localdatetime"), Kind.DATE)
    | {"boolean": Kind.BOOLEAN}
)
_ARRAY_SEPARATOR = ";"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column as its label declares it.

    Attributes:
        name: The property; may be empty for ``:ID`` and its like.
        role: One of ``ID LABEL START_ID END_ID TYPE IGNORE``; None for a property.
        kind: The declared type of a property; None when the label declares none.
        space: The id space in parentheses, or ``""``.
        is_array: Whether a cell holds several values, separated by semicolons.
    """

    name: str
    role: str | None
    kind: Kind | None
    space: str
    is_array: bool


def parse_label(label: str) -> Field:
    """Return what a column label declares.

    Examples:
        >>> field = parse_label("personId:ID(Person)")
        >>> field.name, field.role, field.space
        ('personId', 'ID', 'Person')
        >>> parse_label("born:int").kind, parse_label("roles:string[]").is_array
        (<Kind.INTEGER: 'integer'>, True)
    """
    match = _LABEL.fullmatch(label)
    if not match:
        return Field(name=label, role=None, kind=None, space="", is_array=False)
    declared = match["type"] or ""
    role = declared.upper() if declared.upper() in _STRUCTURE else None
    kind = None if role or not declared else _KINDS.get(declared.lower(), Kind.TEXT)
    return Field(
        name=match["name"],
        role=role,
        kind=kind,
        space=match["space"] or "",
        is_array=bool(match["array"]),
    )


def is_neo4j(table: Table) -> bool:
    """Whether the labels are those of a Neo4j import."""
    roles = {parse_label(label).role for label in table.labels}
    return table.has_header and bool(roles & {"ID", "START_ID", "END_ID"})


def neo4j_graph(tables: Sequence[Table]) -> TextualGraph:
    """Return the graph of node and relationship tables, in any order.

    An id is the key of its node; where two id spaces use the same id, the space stands before it.
    """
    nodes = [table for table in tables if "ID" in _roles(table)]
    prefixed = _ids_collide(nodes)
    builder = GraphBuilder()
    for table in nodes:
        _add_nodes(builder, table, prefixed=prefixed)
    for table in tables:
        if table not in nodes:
            _add_relationships(builder, table, prefixed=prefixed)
    return builder.build()


def _fields(table: Table) -> list[Field]:
    return [parse_label(label) for label in table.labels]


def _roles(table: Table) -> dict[str, int]:
    return {field.role: i for i, field in enumerate(_fields(table)) if field.role}


def _ids_collide(tables: Sequence[Table]) -> bool:
    """Whether two id spaces have an id in common."""
    space_of: dict[str, str] = {}
    for table in tables:
        position = _roles(table)["ID"]
        space = _fields(table)[position].space
        for text in table.columns[position].texts:
            if space_of.setdefault(text, space) != space:
                return True
    return False


def _keys(table: Table, position: int, *, prefixed: bool) -> list[str]:
    """Return the node key in each row of an id column."""
    space = _fields(table)[position].space
    cells = table.columns[position].cells()
    for row, cell in enumerate(cells):
        if not cell:
            label = table.labels[position]
            raise table.source.error(f"no {label} in this row", table.find_line(row))
    return [f"{space}/{cell}" for cell in cells] if prefixed and space else cells


def _add_nodes(builder: GraphBuilder, table: Table, *, prefixed: bool) -> None:
    fields, roles = _fields(table), _roles(table)
    keys = _keys(table, roles["ID"], prefixed=prefixed)
    names = _names(table)
    labels = table.columns[roles["LABEL"]].cells() if "LABEL" in roles else [""] * len(keys)
    _check_distinct(table, keys)
    for row, key in enumerate(keys):
        types = [label for label in labels[row].split(_ARRAY_SEPARATOR) if label]
        builder.node(key, name=names[row] or None, type=types[0] if types else None)
        for label in types[1:]:
            builder.node(key, attributes={"label": label})
    for name, row, value in _properties(table):
        builder.node(keys[row], attributes={name: value})
    table.source.report(
        f"{table.source.name}: nodes: id={table.labels[roles['ID']]}, properties="
        + ";".join(field.name for field in fields if not field.role)
    )


def _check_distinct(table: Table, keys: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for row, key in enumerate(keys):
        if key in seen:
            first = table.find_line(seen[key])
            raise table.source.error(
                f"the :ID {key!r} stands in line {first} already; ids must differ",
                table.find_line(row),
            )
        seen[key] = row


def _names(table: Table) -> list[str]:
    """Return what to call the node in each row: a property labelled so, else the id."""
    properties = [field.name if not field.role else "" for field in _fields(table)]
    found = guess_roles(properties, ("name",))
    if "name" in found:
        return table.columns[found["name"]].cells()
    return table.columns[_roles(table)["ID"]].cells()


class _Property(NamedTuple):
    name: str
    row: int
    value: Value


def _properties(table: Table) -> Iterator[_Property]:
    """Yield every property value of every row, column by column.

    Raises:
        DataError: A value is not of the kind that its column declares.
    """
    for field, column in zip(_fields(table), table.columns, strict=True):
        if field.role or not field.name:
            continue
        kind = field.kind or column.kind
        absent = ABSENT if kind is Kind.TEXT else ABSENT_AMONG_VALUES
        for row, cell in enumerate(column.cells()):
            if cell in absent:
                continue
            for text in cell.split(_ARRAY_SEPARATOR) if field.is_array else [cell]:
                try:
                    yield _Property(field.name, row, parse_as(text, kind))
                except DataError as error:
                    raise table.source.error(
                        f"{field.name}: {error}", table.find_line(row)
                    ) from error


def _add_relationships(builder: GraphBuilder, table: Table, *, prefixed: bool) -> None:
    roles = _roles(table)
    if not {"START_ID", "END_ID"} <= roles.keys():
        missing = sorted({"START_ID", "END_ID"} - roles.keys())
        raise table.source.error(
            f"expected columns :START_ID and :END_ID, there is no :{missing[0]};"
            f" the columns are {listed(table.labels)}"
        )
    heads = _keys(table, roles["START_ID"], prefixed=prefixed)
    tails = _keys(table, roles["END_ID"], prefixed=prefixed)
    types = table.columns[roles["TYPE"]].cells() if "TYPE" in roles else [""] * len(heads)
    attributes: list[dict[str, Value]] = [{} for _ in heads]
    for name, row, value in _properties(table):
        several = name in attributes[row]
        attributes[row][name] = f"{attributes[row][name]}; {value}" if several else value
    for head, relation, tail, values in zip(heads, types, tails, attributes, strict=True):
        builder.edge(head, relation or NO_RELATION, tail, attributes=values)
    table.source.report(
        f"{table.source.name}: head={table.labels[roles['START_ID']]},"
        f" tail={table.labels[roles['END_ID']]}"
        + (f", relation={table.labels[roles['TYPE']]}" if "TYPE" in roles else "")
    )

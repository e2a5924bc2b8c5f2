"""What the fields of a node or an edge usually mean: name, type, text, relation, weight.

Formats with free attributes (JSON, GraphML, GEXF, GML, networkx) do not say which attribute is
the name; this is the one place that guesses it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from graphllm.graph import Column, GraphBuilder, Kind, StringTable, TextualGraph

Scalar = str | int | float | bool | date | datetime | np.datetime64

LINKED = "linked to"  # the relation of an edge whose source names none

_NAMES = ("name", "label", "title", "caption", "displayname", "fullname", "preflabel", "rdfslabel")
_SURE_TYPES = ("type", "labels", "nodetype", "entitytype", "@type")
_LIKELY_TYPES = ("category", "kind", "class", "group", "label")
_TEXTS = ("description", "text", "abstract", "summary", "definition", "comment", "bio")
_ALIASES = ("aliases", "alias", "altlabel", "altlabels", "alsoknownas", "synonyms", "synonym")
_RELATIONS = (
    "relation", "predicate", "relationship", "relationtype", "edgetype", "rel", "label", "type",
    "name", "kind", "caption", "title", "key", "r", "p",
)  # fmt: skip

_ISO_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?"
)


OWN_MARK = "graphllm"  # an attribute of the whole graph in files that this project wrote


class Described(NamedTuple):
    """A node's record taken apart."""

    name: str | None
    type: str | None
    text: str | None
    aliases: list[str]
    attributes: list[tuple[str, Scalar]]


class Relation(NamedTuple):
    """An edge's record taken apart."""

    text: str
    weight: float | None
    attributes: dict[str, Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFields:
    """Which fields of a file's node records hold what, best first."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    texts: tuple[str, ...]
    aliases: tuple[str, ...]

    @classmethod
    def guess(cls, rows: Sequence[Mapping[str, object]]) -> "NodeFields":
        """Return the fields as the records of one file use them.

        A field such as ``group`` is a type only when it is text and its values repeat; ``label``
        only when the nodes also have another name.

        Examples:
            >>> rows = [{"name": n, "label": "Person"} for n in ("Ada", "Mary")]
            >>> fields = NodeFields.guess(rows)
            >>> fields.names, fields.types
            (('name',), ('label',))
        """
        present = {field: squash(field) for field in dict.fromkeys(f for row in rows for f in row)}
        names = _ranked(present, _NAMES)
        types = [f for f in _ranked(present, _SURE_TYPES) if _is_worded(rows, f)]
        for field in () if types else _ranked(present, _LIKELY_TYPES):
            is_label = present[field] == "label"
            if is_label and not any(
                name != field and name in row for row in rows for name in names
            ):
                continue
            if _repeats(rows, field):
                types = [field]
                break
        return cls(
            names=tuple(f for f in names if f not in types),
            types=tuple(types),
            texts=_ranked(present, _TEXTS),
            aliases=_ranked(present, _ALIASES),
        )

    def describe(self, key: str, row: Mapping[str, object]) -> Described:
        """Return what one record says of its node; what has no role stays an attribute.

        A name that only repeats the key gives way to one that does not.
        """
        rest = dict(row)
        kind, more_kinds = None, []
        for field in self.types:
            found = rest.pop(field, None)
            kinds = [k for k in (found if isinstance(found, list) else [found]) if k]
            if kinds and kind is None:
                kind, more_kinds = str(kinds[0]), [(field, str(k)) for k in kinds[1:]]
        rest = {f: v for f, v in rest.items() if f not in self.names or str(v) != key}
        name = _take_text(rest, self.names)
        text = _take_text(rest, self.texts)
        aliases: list[str] = []
        for field in self.aliases:
            found = rest.pop(field, None)
            if found is not None:
                aliases += [str(alias) for alias in (found if isinstance(found, list) else [found])]
        attributes = [*more_kinds, *flatten(rest, lists=True)]
        return Described(name, kind, text, aliases, attributes)


OWN_FIELDS = NodeFields(names=("name",), types=("type",), texts=("text",), aliases=("aliases",))


def add_node(builder: GraphBuilder, key: str, described: Described) -> int:
    """Add a described node; an attribute that occurs again becomes a further value."""
    pending = described.attributes
    first = dict(reversed(pending))
    node = builder.node(
        key,
        name=described.name,
        type=described.type,
        text=described.text,
        aliases=described.aliases,
        attributes=first,
    )
    if len(first) < len(pending):
        seen: set[str] = set()
        for field, value in pending:
            if field in seen:
                builder.node(key, attributes={field: value})
            seen.add(field)
    return node


def relation_of(row: Mapping[str, object]) -> Relation:
    """Return what the attributes of an edge say: its relation, its weight and the rest.

    Examples:
        >>> relation_of({"label": "knows", "weight": 2, "since": 1833})
        Relation(text='knows', weight=2.0, attributes={'since': 1833})
    """
    chosen = None
    for field in _relation_fields(tuple(row)):
        value = row[field]
        if isinstance(value, str) and value.strip():
            chosen = field
            break
    rest = {field: value for field, value in row.items() if field != chosen}
    for field in ("key", "networkx_key"):  # the number that networkx gives to parallel edges
        if isinstance(rest.get(field), int):
            del rest[field]
    weight = None
    held = rest.get("weight")
    if isinstance(held, int | float) and not isinstance(held, bool):
        weight = float(rest.pop("weight"))  # type: ignore[arg-type]
    text = LINKED if chosen is None else str(row[chosen])
    return Relation(text, weight, dict(flatten(rest, lists=False)))


@lru_cache(maxsize=4096)
def _relation_fields(fields: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of an edge's fields that may name its relation, best first."""
    return _ranked({field: squash(field) for field in fields}, _RELATIONS)


def flatten(row: Mapping[str, object], *, lists: bool) -> Iterator[tuple[str, Scalar]]:
    """Yield the plain values of a record: nested fields dotted, what cannot be plain as JSON text.

    Args:
        row: Field to value; ``None`` and empty values are left out.
        lists: Whether a list of plain values is yielded value by value; else it is JSON text.

    Examples:
        >>> list(flatten({"a": {"b": 1}, "c": [1, 2], "d": None, "e": [{"f": 1}]}, lists=True))
        [('a.b', 1), ('c', 1), ('c', 2), ('e', '[{"f": 1}]')]
    """
    for field, value in row.items():
        if value is None or value == "":
            continue
        if type(value) in (str, int, float, bool):  # nearly always
            yield field, value  # type: ignore[misc]
        elif isinstance(value, Mapping):
            for inner, plain in flatten({str(k): v for k, v in value.items()}, lists=lists):
                yield f"{field}.{inner}", plain
        elif isinstance(value, list | tuple | set | frozenset):
            items = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
            if lists and all(_is_plain(item) for item in items):
                yield from ((field, _plain(item)) for item in items if item is not None)
            elif items:
                yield field, json.dumps(items, ensure_ascii=False, default=str)
        else:
            yield field, _plain(value)


def with_dates(graph: TextualGraph) -> TextualGraph:
    """Return the graph with each text attribute that holds only ISO dates turned into dates."""
    node_columns = {name: _dated(column) for name, column in graph.node_columns.items()}
    edge_columns = {name: _dated(column) for name, column in graph.edge_columns.items()}
    return replace(graph, node_columns=node_columns, edge_columns=edge_columns)


def iso_date(text: str) -> np.datetime64 | None:
    """Return the point in time that ISO 8601 text names, in UTC when it has an offset.

    Examples:
        >>> iso_date("1815-12-10"), iso_date("2020-01-01T02:00:00+02:00"), iso_date("1815")
        (np.datetime64('1815-12-10T00:00:00.000000'), np.datetime64('2020-01-01T00:00:00.000000'), None)
    """  # noqa: E501
    if not _ISO_DATE.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):  # the thirteenth month, or an offset before year 1
        return None
    return np.datetime64(moment, "us")


@lru_cache(maxsize=4096)
def squash(field: str) -> str:
    """Return a field's name without case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_\-:.]+", "", field).lower()


def _ranked(present: Mapping[str, str], roles: Sequence[str]) -> tuple[str, ...]:
    return tuple(f for role in roles for f, squashed in present.items() if squashed == role)


def _is_plain(value: object) -> bool:
    return value is None or isinstance(
        value, str | int | float | bool | date | np.integer | np.floating | np.bool_ | np.datetime64
    )


def _plain(value: object) -> Scalar:
    """Return a value as the graph holds it: NumPy's numbers as Python's, the unknown as text."""
    if isinstance(value, np.integer | np.floating | np.bool_):
        return value.item()
    return value if _is_plain(value) else str(value)  # type: ignore[return-value]


def _words(rows: Iterable[Mapping[str, object]], field: str) -> Iterator[object]:
    for row in rows:
        value = row.get(field)
        if isinstance(value, list):
            yield from value
        elif value is not None:
            yield value


def _is_worded(rows: Sequence[Mapping[str, object]], field: str) -> bool:
    return all(isinstance(value, str) for value in _words(rows, field))


def _repeats(rows: Sequence[Mapping[str, object]], field: str) -> bool:
    values = list(_words(rows, field))
    return all(isinstance(v, str) for v in values) and 2 * len(set(map(str, values))) <= len(values)


def _take_text(rest: dict[str, object], fields: Sequence[str]) -> str | None:
    for field in fields:
        value = rest.get(field)
        if isinstance(value, str | int | float) and str(value).strip():
            del rest[field]
            return str(value)
    return None


def _dated(column: Column) -> Column:
    if column.kind is not Kind.TEXT or not isinstance(column.values, StringTable):
        return column
    dates: list[np.datetime64] = []
    for text in column.values:
        moment = iso_date(text)
        if moment is None:
            return column
        dates.append(moment)
    values = np.array(dates, dtype="datetime64[us]")
    return replace(column, kind=Kind.DATE, values=values)

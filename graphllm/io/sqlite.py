"""A SQLite database as a graph: rows are nodes, foreign keys and join tables are edges."""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.io.conventions import Scalar, iso_date, squash, with_dates
from graphllm.io.source import Source

_NAMES = ("name", "fullname", "title", "label", "displayname", "companyname", "username", "login")
_NAME_PARTS = (
    ("firstname", "lastname"), ("givenname", "familyname"), ("forename", "surname"),
    ("fname", "lname"), ("firstname", "surname"),
)  # fmt: skip
_TEXTS = ("description", "notes", "text", "abstract", "summary", "comment", "bio", "biography")
_LOCK_TIMEOUT_S = 1.0
_ALIKE = 3  # letters that the short form of a word begins with

_Cell = str | int | float | bytes | None


class ForeignKey(NamedTuple):
    """A reference from columns of a table to columns of another."""

    columns: tuple[str, ...]
    table: str
    to_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What the database declares of a table, and the foreign keys guessed where it declares none.

    Attributes:
        name: As declared.
        columns: Column to declared type, upper case.
        primary_key: Its columns in their order; empty when there is none.
        foreign_keys: In the order of their columns.
    """

    name: str
    columns: Mapping[str, str]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]


def read_sqlite(source: Source) -> TextualGraph:
    """Return the graph of a SQLite database, which is opened read-only.

    A row is a node with the key ``Table:primary key``, the table as its type and a name from a
    column that looks like one. A foreign key is an edge, named after its column without ``Id``.
    A row of a pure join table (two foreign keys and no other key) is an edge that carries the
    remaining columns. A reference to a row that is not there stays an attribute. Views, ``NULL``
    and binary values are left out.

    Raises:
        DataError: Not a SQLite database, damaged, locked, or without a table.
    """
    with _errors(source), closing(_connect(source)) as connection:
        tables = reflect(connection)
        if not tables:
            raise source.error("holds no table; expected a database with rows")
        reading = _Reading(connection, tables)
        for line in reading.mapping():
            source.report(f"{source.name}: {line}")
        return reading.graph()


def reflect(connection: sqlite3.Connection) -> dict[str, Table]:
    """Return the tables of a database by name, in the order of their creation."""
    query = "SELECT name FROM main.sqlite_master WHERE type = 'table'"
    names = [name for (name,) in connection.execute(query) if not name.startswith("sqlite_")]
    # The inner tables of full-text and other virtual ones; empty before SQLite 3.37.
    listed = connection.execute("PRAGMA main.table_list").fetchall()
    inner = {row[1] for row in listed if row[2] in ("shadow", "virtual")}
    declared = {name: _declared(connection, name) for name in names if name not in inner}
    tables = {name: _with_targets(table, declared) for name, table in declared.items()}
    return {name: _with_guesses(table, tables) for name, table in tables.items()}


def is_join_table(table: Table, tables: Mapping[str, Table]) -> bool:
    """Whether a row of ``table`` only links two rows: two foreign keys, no key and no name."""
    ends = {column for key in table.foreign_keys for column in key.columns}
    is_referenced = any(
        key.table == table.name for other in tables.values() for key in other.foreign_keys
    )
    is_named = bool(_name_columns(table).names)
    links = len(table.foreign_keys) == 2 and set(table.primary_key) <= ends
    return links and not is_referenced and not is_named


@contextmanager
def _errors(source: Source) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:  # names that are not UTF-8
        hint = "close the program that writes it" if "locked" in str(error) else "check the file"
        raise source.error(f"not a readable SQLite database: {error}; {hint}") from error


def _connect(source: Source) -> sqlite3.Connection:
    if source.is_gzip:
        connection = sqlite3.connect(":memory:")
        connection.deserialize(source.data())
    else:
        uri = f"{source.path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=_LOCK_TIMEOUT_S)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


def _declared(connection: sqlite3.Connection, name: str) -> Table:
    info = connection.execute(f"PRAGMA main.table_info({_quoted(name)})").fetchall()
    key = sorted((row[5], row[1]) for row in info if row[5])
    references: dict[int, list[tuple[int, str, str, str | None]]] = {}
    for row in connection.execute(f"PRAGMA main.foreign_key_list({_quoted(name)})"):
        references.setdefault(row[0], []).append((row[1], row[2], row[3], row[4]))
    columns = {row[1]: row[2].upper() for row in info}
    order = list(columns)
    keys = []
    for rows in references.values():
        rows.sort()
        to = tuple(target for _, _, _, target in rows if target is not None)
        keys.append(ForeignKey(tuple(row[2] for row in rows), rows[0][1], to))
    keys.sort(key=lambda k: order.index(k.columns[0]))
    return Table(
        name=name,
        columns=columns,
        primary_key=tuple(column for _, column in key),
        foreign_keys=tuple(keys),
    )


def _with_targets(table: Table, tables: Mapping[str, Table]) -> Table:
    """Spell names as declared, fill in the keys referred to, drop references to no table."""
    by_folded = {name.lower(): other for name, other in tables.items()}
    keys: list[ForeignKey] = []
    for key in table.foreign_keys:
        target = by_folded.get(key.table.lower())
        if target is None:
            continue
        folded = {column.lower(): column for column in target.columns}
        to = tuple(folded.get(column.lower(), "") for column in key.to_columns)
        to = to or target.primary_key
        if len(to) == len(key.columns) and all(to):
            keys.append(ForeignKey(key.columns, target.name, to))
    return _replaced(table, keys)


def _with_guesses(table: Table, tables: Mapping[str, Table]) -> Table:
    """Add a foreign key for each column whose name is clearly that of another table's key."""
    taken = {column for key in table.foreign_keys for column in key.columns}
    guessed = list(table.foreign_keys)
    for column in table.columns:
        if column in taken or (column,) == table.primary_key:
            continue
        targets = [other for other in tables.values() if _names_key_of(column, other)]
        targets = [other for other in targets if other.name != table.name]
        if len(targets) == 1:
            guessed.append(ForeignKey((column,), targets[0].name, targets[0].primary_key))
    order = list(table.columns)
    guessed.sort(key=lambda key: order.index(key.columns[0]))
    return _replaced(table, guessed)


def _names_key_of(column: str, table: Table) -> bool:
    """Whether ``column`` is called as the key of ``table``: ``ArtistId``, ``artist_id``."""
    if len(table.primary_key) != 1:
        return False
    wanted, key = squash(column), squash(table.primary_key[0])
    if key != "id":
        return wanted == key and wanted.endswith("id")
    names = {squash(table.name), squash(singular(table.name))}
    return wanted.endswith("id") and wanted.removesuffix("id") in names


def _replaced(table: Table, keys: Sequence[ForeignKey]) -> Table:
    return Table(
        name=table.name,
        columns=table.columns,
        primary_key=table.primary_key,
        foreign_keys=tuple(keys),
    )


def singular(name: str) -> str:
    """Return the name of one row of a table.

    Examples:
        >>> singular("Categories"), singular("Orders"), singular("Address"), singular("matches")
        ('Category', 'Order', 'Address', 'match')
    """
    lower = name.lower()
    if lower.endswith(("movies", "cookies", "ss", "us", "is", "series", "species")):
        return name[:-1] if lower.endswith(("movies", "cookies")) else name
    if lower.endswith("ies") and len(name) > 4:
        return name[:-3] + "y"
    if lower.endswith(("ches", "shes", "xes", "sses")):
        return name[:-2]
    return name.removesuffix("s")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _NameColumns(NamedTuple):
    """The columns that name a row, and the one that describes it."""

    names: tuple[str, ...]
    is_whole: bool  # one column is the whole name, and no attribute beside it
    text: str | None


def _name_columns(table: Table) -> _NameColumns:
    keys = {column for key in table.foreign_keys for column in key.columns}
    free = {squash(column): column for column in table.columns if column not in keys}
    own = squash(singular(table.name))
    text = next((free[word] for word in _TEXTS if word in free), None)
    for word in ("name", f"{own}name", f"{squash(table.name)}name"):
        if word in free:
            return _NameColumns((free[word],), True, text)
    for first, last in _NAME_PARTS:
        if first in free and last in free:
            return _NameColumns((free[first], free[last]), False, text)
    known = (*_NAMES, f"{own}title", own, f"{own}description", f"{own}desc")
    for word in (*known, *(word for word in free if _names_own(word, own))):
        if word in free and not _is_number(table.columns[free[word]]):
            return _NameColumns((free[word],), True, text if text != free[word] else None)
    return _NameColumns((), False, text)


def _names_own(column: str, own: str) -> bool:
    """Whether a column like ``deptname`` or ``dname`` names the rows of ``department``.

    Of an order, ``shipname`` is the name of something else.
    """
    about = re.sub(r"(name|title)$", "", column)
    if about in ("", column):
        return False
    return own.startswith(about) or own[:_ALIKE] == about[:_ALIKE]


def _is_number(declared: str) -> bool:
    """Whether a column's declared type holds numbers or dates, and so no name."""
    return declared.startswith(("INT", "DEC", "NUM", "REAL", "FLOAT", "DOUBLE", "DATE", "TIME"))


def _relation_names(table: Table) -> list[str]:
    """Return what each foreign key of ``table`` says, e.g. ``Album`` for ``AlbumId``."""
    short = [_stem(key) for key in table.foreign_keys]
    counts = Counter(short)
    return [
        name if counts[name] == 1 else "_".join(key.columns)
        for name, key in zip(short, table.foreign_keys, strict=True)
    ]


def _stem(key: ForeignKey) -> str:
    if len(key.columns) > 1:
        return key.table
    column = re.sub(r"^(fk|id)_(?=.)", "", key.columns[0], flags=re.IGNORECASE)
    stem = re.sub(r"([\s_-](id|Id|ID|fk|FK|key|KEY)|(?<=[a-z0-9])(Id|ID|Key|FK))$", "", column)
    return key.table if squash(stem) in ("", "id", "key", "fk") else stem


def _join_relation(table: Table) -> str:
    """Return what a join table says: its own name, unless that only repeats the two it joins."""
    first, second = table.foreign_keys
    rest = squash(table.name)
    for other in sorted((first.table, second.table), key=len, reverse=True):
        rest = rest.replace(squash(other), "", 1).replace(squash(singular(other)), "", 1)
    return table.name if rest.strip("s") else _relation_names(table)[1]


class _Reading:
    """The rows of one database on their way into a graph."""

    def __init__(self, connection: sqlite3.Connection, tables: Mapping[str, Table]) -> None:
        self._connection = connection
        self._tables = tables
        self._joins = {name for name, table in tables.items() if is_join_table(table, tables)}
        self._builder = GraphBuilder()
        self._lookups: dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], str]] = {}

    def mapping(self) -> Iterator[str]:
        """Yield a line per table that says how it is understood."""
        for name, table in self._tables.items():
            if name in self._joins:
                first, second = table.foreign_keys
                yield (f"{name}: edges {first.table} -{_join_relation(table)}-> {second.table}")
                continue
            found = " + ".join(_name_columns(table).names) or "(made of the key)"
            keys = zip(_relation_names(table), table.foreign_keys, strict=True)
            links = ", ".join(f"{relation} -> {key.table}" for relation, key in keys)
            yield f"{name}: nodes, name={found}" + (f", edges {links}" if links else "")

    def graph(self) -> TextualGraph:
        """Return the graph of all rows."""
        nodes = [table for name, table in self._tables.items() if name not in self._joins]
        for table in nodes:
            self._add_rows(table)
        for table in nodes:
            self._add_references(table)
        for name in self._tables:
            if name in self._joins:
                self._add_joins(self._tables[name])
        return with_dates(self._builder.build())

    def _rows(self, table: Table) -> Iterator[tuple[str, dict[str, _Cell]]]:
        """Yield key and cells of each row, in the order of the primary key."""
        order = ", ".join(map(_quoted, table.primary_key)) or "rowid"
        number = "NULL" if table.primary_key else "rowid"
        columns = list(table.columns)
        listed = ", ".join(map(_quoted, columns))
        query = f"SELECT {number}, {listed} FROM main.{_quoted(table.name)} ORDER BY {order}"  # noqa: S608
        for position, row in enumerate(self._connection.execute(query), start=1):
            cells = dict(zip(columns, row[1:], strict=True))
            values = [cells[column] for column in table.primary_key] or [row[0]]
            if any(value is None for value in values):  # SQLite permits NULL in a text key
                values = [f"row {position}"]
            yield f"{table.name}:{','.join(map(str, values))}", cells

    def _add_rows(self, table: Table) -> None:
        chosen = _name_columns(table)
        keys = {column for key in table.foreign_keys for column in key.columns}
        skipped = keys | {chosen.text} | (set(chosen.names) if chosen.is_whole else set())
        is_coded = len(table.primary_key) == 1
        if is_coded:
            skipped |= set(table.primary_key)
        one = singular(table.name)
        for key, cells in self._rows(table):
            words = [str(cells[c]).strip() for c in chosen.names if cells[c] is not None]
            name = " ".join(filter(None, words))
            code = cells[table.primary_key[0]] if is_coded else None
            self._builder.node(
                key,
                name=name or f"{one} {key.removeprefix(table.name + ':')}",
                type=table.name,
                text=_text(cells.get(chosen.text)) if chosen.text else None,
                aliases=[code] if isinstance(code, str) and name and code != name else [],
                attributes=_attributes(table, cells, skipped),
            )

    def _add_references(self, table: Table) -> None:
        if not table.foreign_keys:
            return
        named = list(zip(table.foreign_keys, _relation_names(table), strict=True))
        for key, cells in self._rows(table):
            for reference, relation in named:
                target = self._target(reference, cells)
                if target is not None:
                    self._builder.edge(key, relation, target)
                else:
                    broken = {column: cells[column] for column in reference.columns}
                    self._builder.node(key, attributes=_attributes(table, broken, set()))

    def _add_joins(self, table: Table) -> None:
        first, second = table.foreign_keys
        relation = _join_relation(table)
        skipped: set[str | None] = {*first.columns, *second.columns}
        for _, cells in self._rows(table):
            head, tail = self._target(first, cells), self._target(second, cells)
            if head is not None and tail is not None:
                attributes = _attributes(table, cells, skipped)
                self._builder.edge(head, relation, tail, attributes=attributes)

    def _target(self, reference: ForeignKey, cells: Mapping[str, _Cell]) -> str | None:
        """Return the key of the row that ``reference`` names, or ``None`` when there is none."""
        cited = [cells[column] for column in reference.columns]
        if any(value is None for value in cited):
            return None
        values = tuple(map(str, cited))  # 7 and "7" meet: the types of the two columns may differ
        if reference.to_columns == self._tables[reference.table].primary_key:
            key = f"{reference.table}:{','.join(values)}"
            return key if key in self._builder else None
        where = (reference.table, reference.to_columns)
        if where not in self._lookups:
            self._lookups[where] = {
                tuple(str(row[column]) for column in reference.to_columns): key
                for key, row in self._rows(self._tables[reference.table])
                if key in self._builder
            }
        return self._lookups[where].get(values)


def _attributes(
    table: Table, cells: Mapping[str, _Cell], skipped: set[str | None]
) -> dict[str, Scalar]:
    return {
        column: _typed(value, table.columns[column])
        for column, value in cells.items()
        if column not in skipped and value is not None and value != "" and _is_plain(value)
    }


def _is_plain(value: _Cell) -> bool:
    return not isinstance(value, bytes)


def _text(value: _Cell) -> str | None:
    return value if isinstance(value, str) else None


def _typed(value: _Cell, declared: str) -> Scalar:
    if declared.startswith("BOOL") and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and ("DATE" in declared or "TIMESTAMP" in declared):
        date = iso_date(value)
        return value if date is None else date
    return value  # type: ignore[return-value]

"""Join tables by their key columns: rows become nodes, references to other rows become edges."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from graphllm.graph import GraphBuilder, Kind, TextualGraph, Value
from graphllm.io.containment import clear_winner, containment, enough_values, measure
from graphllm.io.mapping import label_key
from graphllm.io.table import Table, TextColumn
from graphllm.io.values import ABSENT, ABSENT_AMONG_VALUES, parse_as
from graphllm.io.wide import Layout, add_rows, find_layout, row_keys, singular

logger = logging.getLogger(__name__)

# Labels that refer to a row of the same table.
_SELF = frozenset(("reportsto", "manager", "managerid", "parent", "parentid", "supervisor", "boss"))
_ID_ENDING = re.compile(r"(_|-|\s)?(id|ID|Id|key|Key|KEY|code|Code|fk|FK)$")
_TEXT_CONTAINMENT = 0.95
_NUM_TELLING = 5  # distinct codes from which containment alone tells a reference
_MOSTLY_UNIQUE = 0.95  # different names per row, from which they are its key
_CODE = re.compile(r"(?=[A-Z0-9]*[A-Z])[A-Z0-9]{2,6}")
_MOSTLY_CODES, _CODES_DIFFER, _FEW_CODES = 0.9, 0.7, 3
_SAYS_AGAIN = 0.95  # share of rows in which a column repeats the code of what another refers to
_NAME_ENDINGS = ("name", "title", "label", "description")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A column whose values are keys of another table.

    Attributes:
        column: Where it stands in its own table.
        table: The table it refers to, a position; None for things that only references name.
        relation: What to call the edge.
        type: The type of what it refers to.
        target: The column it refers to.
        matched: The share of rows whose value was found there, where no label but only the values
            say that it is a reference; then a value that is not found refers to nothing.
    """

    column: int
    table: int | None
    relation: str
    type: str
    target: int = 0
    matched: float | None = None


@dataclass(frozen=True)
class Entry:
    """A table with its own key, if it has one, and its references to others."""

    table: Table
    key: int | None
    references: tuple[Reference, ...] = field(default=())
    repeats: Mapping[int, int] = field(default_factory=dict)  # of a column what another refers to

    @cached_property
    def type(self) -> str:
        """What its rows are."""
        return singular(self.table.source.stem)

    @property
    def is_join(self) -> bool:
        """Whether rows only link two things: they have no key, and no name."""
        return self.key is None and len(self.references) == 2 and not self._is_named

    @property
    def _is_named(self) -> bool:
        taken = {reference.column for reference in self.references}
        words = ("name", "title", f"{label_key(self.type)}name")
        labels = map(label_key, self.table.labels)
        return any(label in words and i not in taken for i, label in enumerate(labels))


def joined_graph(tables: Sequence[Table]) -> TextualGraph:
    """Return the graph of tables that refer to each other by key.

    A row is a node, named by a name-like column. A column whose values are keys of a table is an
    edge; what else a row holds are attributes. A table without a key of its own and with exactly
    two references is a table of edges. Without labels a column is only joined where its values
    leave no doubt.
    """
    entries = [Entry(table, _own_key(table)) for table in tables]
    entries = [Entry(e.table, _kept_key(e, entries)) for e in entries]
    entries = [Entry(e.table, e.key, _references(i, entries)) for i, e in enumerate(entries)]
    entries = [replace(e, repeats=_repeats(e, entries)) for e in entries]
    builder = GraphBuilder()
    keys = [_add_nodes(builder, entry) for entry in entries]
    for entry, own in zip(entries, keys, strict=True):
        _report(entry, entries)
        if entry.is_join:
            _add_links(builder, entry, entries, keys)
        else:
            _add_references(builder, entry, own, entries, keys)
    return builder.build()


def _own_key(table: Table) -> int | None:
    """Return the column that identifies the rows of a table."""
    where = table.source.name
    mapped = table.source.mapping.positions(table.labels, where=where)
    if "id" in mapped:
        return mapped["id"]
    unique = [i for i, column in enumerate(table.columns) if column.is_unique]
    scores = {i: _key_score(table, i) for i in unique}
    best = max(unique, key=lambda i: (scores[i], -i), default=None)
    return best if best is not None and scores[best] else _telling_name(table)


def _telling_name(table: Table) -> int | None:
    """Return the column of names, where rows that share one speak of the same thing.

    The few rows of one name must agree in another column too: a country that stands there twice,
    with two codes of one kind, has one of the other kind.
    """
    owner = label_key(singular(table.source.stem))
    for i, label in enumerate(map(label_key, table.labels)):
        column = table.columns[i]
        is_named = label in ("name", f"{owner}name", owner) or (i == 0 and not table.has_header)
        if not is_named or column.kind is not Kind.TEXT or not column.present.all():
            continue
        if column.num_distinct >= _MOSTLY_UNIQUE * table.num_rows and _agree(table, i):
            return i
    return None


def _agree(table: Table, position: int) -> bool:
    """Whether the rows that share a value have one more value in common."""
    rows_of: dict[str, list[int]] = {}
    for row, cell in enumerate(table.columns[position].cells()):
        rows_of.setdefault(cell, []).append(row)
    others = [c for i, c in enumerate(table.columns) if i != position and c.kind is Kind.TEXT]
    return all(
        any(len({c[row] for row in rows}) == 1 and c.present[rows].all() for c in others)
        for rows in rows_of.values()
        if len(rows) > 1
    )


def _key_score(table: Table, position: int) -> int:
    """Return how much a unique column looks like the key of its table; 0 when not at all."""
    label, stem = label_key(table.labels[position]), label_key(singular(table.source.stem))
    if table.columns[position].kind in (Kind.NUMBER, Kind.DATE):
        return 0
    if label in (f"{stem}id", f"{stem}key", f"{stem}code", f"{stem}no", "id", "key", "code", stem):
        return 3
    if position:
        return 0
    return 2 if _ID_ENDING.search(table.labels[position]) else 1


def _kept_key(entry: Entry, entries: Sequence[Entry]) -> int | None:
    """Return the key of a table, unless it is another table's and a second such column is there.

    In a table of links the first column may happen to be unique.
    """
    owned = {
        _bare(other.table, other.key)
        for other in entries
        if other is not entry and other.key is not None and _key_score(other.table, other.key) == 3
    }
    foreign = [i for i in range(len(entry.table.labels)) if _bare(entry.table, i) in owned]
    if entry.key in foreign and len(foreign) > 1 and _key_score(entry.table, entry.key) < 3:
        return None
    return entry.key


def _bare(table: Table, position: int) -> str:
    """Return a label as it is compared, without a number that tells it from its like."""
    return label_key(table.labels[position].rstrip("0123456789"))


def _references(position: int, entries: Sequence[Entry]) -> tuple[Reference, ...]:
    """Return the columns of a table that refer to other tables."""
    entry = entries[position]
    found = []
    for i, column in enumerate(entry.table.columns):
        if i == entry.key and not _is_extension(entry, entries):
            continue
        if not column.present.any() or column.kind in (Kind.DATE, Kind.NUMBER, Kind.BOOLEAN):
            continue
        if not entry.table.has_header:
            reference = _guessed(position, i, entries)
        else:
            reference = _reference(position, i, entries) or _implicit(entry, i)
        if reference:
            found.append(reference)
    return tuple(found)


def _guessed(position: int, column: int, entries: Sequence[Entry]) -> Reference | None:
    """Return what a column without a label refers to; None where its values leave a doubt.

    A wrong join states facts that are none, so its values must be keys of one table, hardly fit
    any other, and be so by more than chance.
    """
    cells = entries[position].table.columns[column]
    if not enough_values(cells):
        return None
    shares = _shares(position, column, entries)
    if not shares or not clear_winner(list(shares.values())):
        return None
    table, target = max(shares, key=shares.__getitem__)
    found = measure(cells, entries[table].table.columns[target])
    if table == position or not found.is_telling:
        return None
    return Reference(
        column=column,
        table=table,
        relation=f"{entries[table].type} {entries[position].table.labels[column]}",
        type=entries[table].type,
        target=target,
        matched=found.rows,
    )


def _shares(position: int, column: int, entries: Sequence[Entry]) -> dict[tuple[int, int], float]:
    """Return the share of a column's values that each column to refer to contains.

    Of each table only the best counts: its rows may go by a code and by a name.
    """
    cells = entries[position].table.columns[column]
    best: dict[tuple[int, int], float] = {}
    for i, other in enumerate(entries):
        targets = [t for t in _targets(other) if (i, t) != (position, column)]
        fits = {t: containment(cells, other.table.columns[t]) for t in targets}
        if fits:
            target = max(fits, key=fits.__getitem__)
            best[i, target] = fits[target]
    return best


def _is_extension(entry: Entry, entries: Sequence[Entry]) -> bool:
    """Whether the key of a table is that of another one, which it says more of."""
    if entry.key is None:
        return False
    label, own = _bare(entry.table, entry.key), _key_score(entry.table, entry.key)
    return any(
        other is not entry
        and other.key is not None
        and _bare(other.table, other.key) == label
        and _key_score(other.table, other.key) > own
        for other in entries
    )


def _reference(position: int, column: int, entries: Sequence[Entry]) -> Reference | None:
    """Return what a column refers to: the table whose key its label and its values fit best."""
    entry = entries[position]
    label = entry.table.labels[column]
    best, best_score = None, 0
    for i, other in enumerate(entries):
        for target in _targets(other):
            if i == position and column == target:
                continue
            score = _fit(entry, column, other, target)
            if score > best_score:
                best_score = score
                best = Reference(
                    column=column,
                    table=i,
                    relation=_relation(label, other.type),
                    type=other.type,
                    target=target,
                )
    return best


def _targets(entry: Entry) -> list[int]:
    """Return the columns of a table that others may refer to: its key, and unique names."""
    if entry.key is None:
        return []
    names = [
        i
        for i, column in enumerate(entry.table.columns)
        if i != entry.key
        and column.kind is Kind.TEXT
        and column.is_unique
        and label_key(entry.table.labels[i]).endswith(_NAME_ENDINGS)
    ]
    return [entry.key, *names]


def _fit(entry: Entry, position: int, other: Entry, target: int) -> int:
    """Return how well a column fits a key: by label and values, or by texts alone; 0 is not.

    Small whole numbers are keys of every table, so they need a label that says which.
    """
    column = entry.table.columns[position]
    keys = other.table.columns[target]
    share = containment(column, keys)
    folded, key_label = _bare(entry.table, position), _bare(other.table, target)
    if entry is other:
        return 5 if folded in _SELF and share == 1 else 0
    owner = label_key(other.type)
    if share >= 0.5 and (folded == key_label and len(folded) > 4):
        return 6
    if share >= 0.5 and folded in (owner, f"{owner}id", f"{owner}key", f"{owner}code"):
        return 5
    if share >= 0.9 and folded.endswith((f"{owner}id", owner)) and len(owner) > 2:
        return 4
    if share == 1 and _common_prefix(folded, owner) >= 4 and column.num_distinct * 2 > len(keys):
        return 3
    telling = column.kind is Kind.TEXT and column.num_distinct >= _NUM_TELLING
    return 2 if telling and share >= _TEXT_CONTAINMENT else 0


def _common_prefix(first: str, second: str) -> int:
    length = 0
    while length < min(len(first), len(second)) and first[length] == second[length]:
        length += 1
    return length


def _relation(label: str, type_name: str) -> str:
    """Return what to call an edge: the label without its ``ID``.

    Examples:
        >>> _relation("customerID", "customer"), _relation("reportsTo", "employee")
        ('customer', 'reportsTo')
    """
    return _ID_ENDING.sub("", label).strip("_- ") or type_name


def _implicit(entry: Entry, column: int) -> Reference | None:
    """Return a reference to things that no table describes, as ``userId`` in a table of ratings."""
    label, cells = entry.table.labels[column], entry.table.columns[column]
    if not re.search(r"[a-z]I[dD]$|_id$", label) or cells.num_distinct == int(cells.present.sum()):
        return None
    name = _relation(label, label)
    return Reference(column=column, table=None, relation=name, type=name)


def _repeats(entry: Entry, entries: Sequence[Entry]) -> dict[int, int]:
    """Return the columns that only say again, by its code, what another column refers to.

    A table of flights may give both the number and the code of each airport.
    """
    found: dict[int, int] = {}
    taken = {entry.key, *(reference.column for reference in entry.references)}
    for i, column in enumerate(entry.table.columns):
        if i in taken or column.kind is not Kind.TEXT or column.num_distinct < _FEW_CODES:
            continue
        if not all(len(text) <= 6 for text in column.texts[:100]):
            continue
        same = [r for r in entry.references if _says_again(entry, i, r, entries)]
        best = min(same, key=lambda r: abs(r.column - i), default=None)
        if best is not None:
            found[i] = best.column
    return found


def _says_again(entry: Entry, column: int, reference: Reference, entries: Sequence[Entry]) -> bool:
    """Whether a column holds codes of the very rows that another one refers to."""
    if reference.table is None:
        return False
    table = entries[reference.table].table
    columns = [table.columns[i].cells() for i in code_columns(table)]
    targets = table.columns[reference.target].cells()
    codes = dict(zip(targets, zip(*columns, strict=True), strict=True)) if columns else {}
    own, refers = entry.table.columns[column].cells(), entry.table.columns[reference.column].cells()
    known = [(cell, codes[to]) for cell, to in zip(own, refers, strict=True) if to in codes]
    same = sum(cell in of for cell, of in known)
    return bool(known) and same >= _SAYS_AGAIN * len(known)


def _add_nodes(builder: GraphBuilder, entry: Entry) -> list[str]:
    """Add the rows of a table as nodes; return the key of each row."""
    table = entry.table
    if entry.is_join:
        return []
    layout = _layout(entry)
    if entry.key is None:
        keys = [f"{table.source.stem}/{row + 1}" for row in range(table.num_rows)]
    else:
        keys = row_keys(table, layout.parts, prefix=f"{table.source.stem}/")
    names = _names(entry)
    add_rows(builder, table, layout, keys, names=names, type=entry.type)
    _add_codes(builder, entry, keys, names)
    return keys


def _layout(entry: Entry) -> Layout:
    """Return the layout of a table of rows: references and its key are no attributes."""
    layout = find_layout(entry.table)
    taken = {reference.column for reference in entry.references}
    parts = {r: i for r, i in layout.parts.items() if r in ("text", "aliases") and i not in taken}
    if entry.key is not None:
        parts["id"] = entry.key
    named = {*_name_columns(entry), *entry.repeats}
    others = [*layout.relations, *layout.attributes, *layout.parts.values()]
    attributes = sorted({i for i in others if i not in taken | named and i not in parts.values()})
    return Layout(parts=parts, attributes=attributes)


def _name_columns(entry: Entry) -> list[int]:
    """Return the columns that name a row: first and last name, or the one labelled as name."""
    table = entry.table
    labels = [label_key(label) for label in table.labels]
    for first, last in (("firstname", "lastname"), ("givenname", "familyname")):
        if first in labels and last in labels:
            return [labels.index(first), labels.index(last)]
    mapped = table.source.mapping.positions(table.labels, where=table.source.name)
    if "name" in mapped:
        return [mapped["name"]]
    owner = label_key(entry.type)
    for label in ("name", f"{owner}name", "fullname", "title", "label"):
        if label in labels and _distinct_share(table, labels.index(label)) >= 0.7:
            return [labels.index(label)]
    for ending in _NAME_ENDINGS:
        for i, label in enumerate(labels):
            if label.endswith(ending) and _is_name(table, i) and i != entry.key:
                return [i]
    if not table.has_header:
        taken = {entry.key, *(reference.column for reference in entry.references)}
        names = [i for i in range(len(labels)) if i not in taken and _is_name(table, i)]
        return [i for i in names if entry.key is None or _says_more(table, i, entry.key)][:1]
    return []


def _says_more(table: Table, position: int, key: int) -> bool:
    """Whether a column calls the rows better than their key: by words, not a shorter code."""
    if table.columns[key].kind is not Kind.TEXT:
        return True
    lengths = [
        sum(map(len, texts)) / len(texts)
        for texts in (table.columns[position].texts, table.columns[key].texts)
    ]
    return lengths[0] > lengths[1]


def _distinct_share(table: Table, position: int) -> float:
    return table.columns[position].num_distinct / max(1, table.num_rows)


def _is_name(table: Table, position: int) -> bool:
    """Whether the texts of a column are short and tell the rows apart."""
    column = table.columns[position]
    short = sum(map(len, column.texts)) <= 40 * len(column.texts)
    return column.kind is Kind.TEXT and short and _distinct_share(table, position) >= 0.7


def _names(entry: Entry) -> list[str]:
    """Return what to call each row: by its name columns, else by type and key or position."""
    columns = [entry.table.columns[i].cells() for i in _name_columns(entry)]
    if entry.key is None:
        codes = [str(row + 1) for row in range(entry.table.num_rows)]
    else:
        codes = entry.table.columns[entry.key].cells()
    names = []
    for row, code in enumerate(codes):
        words = [cells[row] for cells in columns if cells[row] not in ABSENT]
        bare = re.fullmatch(r"[\d\-]+", code)
        names.append(" ".join(words) or (f"{entry.type} {code}" if bare else code))
    return names


def _add_codes(
    builder: GraphBuilder, entry: Entry, keys: Sequence[str], names: Sequence[str]
) -> None:
    """Let a row be called by its code, unless the code is a number that names have replaced."""
    if entry.key is None:
        return
    named = bool(_name_columns(entry))
    for key, name, code in zip(keys, names, entry.table.columns[entry.key].cells(), strict=True):
        if code != name and not (named and code.isdigit()):
            builder.node(key, aliases=[code])
    columns = [entry.table.columns[i] for i in code_columns(entry.table) if i != entry.key]
    said = (
        (key, code) for c in columns if named for key, code in zip(keys, c.cells(), strict=True)
    )
    for key, code in dict.fromkeys(said):
        if _CODE.fullmatch(code):
            builder.node(key, aliases=[code])


def code_columns(table: Table) -> list[int]:
    """Return the columns of short codes that tell rows apart, as ``IATA``: they name rows, too."""
    return [i for i, column in enumerate(table.columns) if _holds_codes(column)]


def _holds_codes(column: TextColumn) -> bool:
    if column.kind is not Kind.TEXT or column.num_distinct < _FEW_CODES:
        return False
    codes = sum(bool(_CODE.fullmatch(column.texts[code])) for code in column.used.tolist())
    differ = column.num_distinct >= _CODES_DIFFER * int(column.present.sum())
    return differ and codes >= _MOSTLY_CODES * column.num_distinct


def _resolved(
    builder: GraphBuilder,
    entry: Entry,
    reference: Reference,
    entries: Sequence[Entry],
    keys: Sequence[Sequence[str]],
) -> list[str | None]:
    """Return the key of the node that each row refers to; None where it refers to nothing."""
    cells = entry.table.columns[reference.column].cells()
    known: Mapping[str, str] = {}
    if reference.table is not None:
        targets = entries[reference.table].table.columns[reference.target].cells()
        known = dict(zip(targets, keys[reference.table], strict=True))
    nodes: list[str | None] = []
    for cell in cells:
        unknown = reference.table is not None and cell not in known
        if cell in ABSENT or (unknown and (reference.matched is not None or cell.isdigit())):
            nodes.append(None)  # a number that no row has says nothing of what it refers to
        elif cell in known:
            nodes.append(known[cell])
        else:
            key = f"{reference.type}/{cell}"
            name = f"{reference.type} {cell}" if cell.isdigit() else cell
            if key not in builder:  # no row of the table that says what there is: it has no type
                known_as = reference.type if reference.table is None else None
                builder.node(key, name=name, type=known_as)
            nodes.append(key)
    return nodes


def _add_references(
    builder: GraphBuilder,
    entry: Entry,
    own: Sequence[str],
    entries: Sequence[Entry],
    keys: Sequence[Sequence[str]],
) -> None:
    ends = [_resolved(builder, entry, r, entries, keys) for r in entry.references]
    for row, head in enumerate(own):
        for reference, tails in zip(entry.references, ends, strict=True):
            tail = tails[row]
            if tail is not None:
                builder.edge(head, reference.relation, tail)


def _add_links(
    builder: GraphBuilder,
    entry: Entry,
    entries: Sequence[Entry],
    keys: Sequence[Sequence[str]],
) -> None:
    """Add an edge per row of a table that links two things; its other columns are attributes."""
    table = entry.table
    heads, tails = (_resolved(builder, entry, r, entries, keys) for r in entry.references)
    taken = {reference.column for reference in entry.references}
    others = {
        table.labels[i]: (column.kind, column.cells())
        for i, column in enumerate(table.columns)
        if i not in taken and column.present.any()
    }
    for row, (head, tail) in enumerate(zip(heads, tails, strict=True)):
        values: dict[str, Value] = {
            label: parse_as(cells[row], kind)
            for label, (kind, cells) in others.items()
            if cells[row] not in (ABSENT if kind is Kind.TEXT else ABSENT_AMONG_VALUES)
        }
        if head is not None and tail is not None:
            builder.edge(head, table.source.stem, tail, attributes=values)
    absent = sum(head is None or tail is None for head, tail in zip(heads, tails, strict=True))
    if absent:
        logger.warning("%s: %d rows link to nothing and were left out", table.source.name, absent)


def _report(entry: Entry, entries: Sequence[Entry]) -> None:
    table, name = entry.table, entry.table.mapped_name
    said = []
    if entry.is_join:
        said.append("each row links two rows")
    else:
        said.append(f"id={name(entry.key)}" if entry.key is not None else "a row per thing")
        named = "+".join(name(i) for i in _name_columns(entry))
        said += [f"name={named}"] if named else []
    said += [_told(reference, entry, entries) for reference in entry.references]
    said += [f"{name(i)} left out, the code of {name(to)}" for i, to in entry.repeats.items()]
    if not table.has_header:
        kept = [i for i in _layout(entry).attributes if table.columns[i].present.any()]
        said += [f"attributes={';'.join(table.mapped_name(i) for i in kept)}"] if kept else []
        said += [_open(i, entry, entries) for i in kept]
        said += ["no header: write what the columns are called into a first line to ask by that"]
    table.source.report(f"{table.source.name}: {', '.join(filter(None, said))}")


def _told(reference: Reference, entry: Entry, entries: Sequence[Entry]) -> str:
    """Return what a column was joined to, in words."""
    label = entry.table.mapped_name(reference.column)
    if reference.table is None:
        return f"{label} -> new {reference.type}"
    told = f"{label} -> {entries[reference.table].table.source.stem}"
    if reference.matched is None:
        return told
    return f"{told} (guessed from its values, {reference.matched:.1%} of them found there)"


def _open(column: int, entry: Entry, entries: Sequence[Entry]) -> str:
    """Return, where a column may be a reference and was not joined, what it would fit."""
    if entry.table.columns[column].kind not in (Kind.TEXT, Kind.INTEGER):
        return ""
    position = next(i for i, other in enumerate(entries) if other is entry)
    shares = _shares(position, column, entries)
    others = {fit[0]: share for fit, share in shares.items() if fit[0] != position}
    best = max(others, key=others.__getitem__, default=None)
    if best is None or others[best] < 0.5 or not enough_values(entry.table.columns[column]):
        return ""
    stem, label = entries[best].table.source.stem, entry.table.mapped_name(column)
    return f"{label} not joined ({others[best]:.0%} of its values are in {stem}; label it to join)"

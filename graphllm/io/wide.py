"""Read a table with a row per thing: its columns become relations, attributes and texts."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graphllm.graph import GraphBuilder, Kind, TextualGraph
from graphllm.io.mapping import NODE_ROLES, guess_roles, label_key
from graphllm.io.table import Table, TextColumn
from graphllm.io.values import ABSENT, ABSENT_AMONG_VALUES, parse_as

_LONG_TEXT = 60  # characters on average, from which a text is prose and not the name of a thing
_SHORT_TEXT = 40
_SMALL_TABLE = 20  # rows, below which values hardly repeat even where they name things
_ID_LABEL = re.compile(r"(^|_| |-)(id|ID|Id|key|code|no|nr)$|[a-z](Id|ID|Key|Code|No)$")
_IRREGULAR = {"people": "person", "children": "child", "men": "man", "women": "woman"}
_SURE_IDS = ("id", "nodeid", "identifier", "uid", "qid")
_LIST_SEPARATORS = (";", "|", ",")
_BINARY = re.compile(r"0[xX][0-9A-Fa-f]{64,}")
_GENERIC_STEMS = frozenset(
    (
        "data",
        "table",
        "sheet",
        "sheet1",
        "nodes",
        "node",
        "entities",
        "graph",
        "kb",
        "export",
        "wide",
    )
)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What each column of a wide table is.

    Attributes:
        parts: Where id, name, type, aliases and text stand; ``id`` or ``name`` is there.
        relations: Columns whose values are other things, with what separates several in a cell.
        attributes: Columns whose values are numbers, dates or texts about the thing.
    """

    parts: Mapping[str, int]
    relations: Mapping[int, str | None] = field(default_factory=dict)
    attributes: Sequence[int] = ()


def wide_graph(table: Table) -> TextualGraph:
    """Return the graph of a table whose rows are things, and report what its columns became."""
    layout = find_layout(table)
    _report(table, layout)
    return _build(table, layout)


def find_layout(table: Table) -> Layout:
    """Return what each column is: as the user maps it, and else as its values look."""
    where, mapping = table.source.name, table.source.mapping
    mapped = mapping.positions(table.labels, where=where)
    forced_relations = mapping.listed("relations", table.labels, where=where)
    forced_attributes = mapping.listed("attributes", table.labels, where=where)
    parts = _node_parts(table, mapped, {*forced_relations, *forced_attributes})
    free = [
        i
        for i in range(len(table.labels))
        if i not in parts.values()
        and i not in forced_attributes
        and table.columns[i].present.any()
        and not _is_binary(table.columns[i])
    ]
    entities = _entity_names(table, parts)
    relations: dict[int, str | None] = {}
    for i in free:
        separator = list_separator(table.columns[i])
        if forced_relations:  # a list that the user gives is the whole list
            holds_things = i in forced_relations
        else:
            holds_things = _holds_things(table.columns[i], separator, entities)
        if holds_things:
            relations[i] = separator
    if not relations and not forced_attributes:
        relations = {i: None for i in free if _is_short_text(table.columns[i])}
    if "text" not in parts and (text := _longest_text(table, free, relations)) is not None:
        parts["text"] = text
    rest = [i for i in free if i not in relations and i not in parts.values()]
    return Layout(parts=parts, relations=relations, attributes=[*rest, *forced_attributes])


def _node_parts(table: Table, mapped: Mapping[str, int], taken: set[int]) -> dict[str, int]:
    """Return where id, name, type, aliases and text stand."""
    parts = {role: position for role, position in mapped.items() if role in NODE_ROLES}
    for role, position in guess_roles(table.labels, NODE_ROLES).items():
        if role not in parts and position not in taken | set(parts.values()):
            parts[role] = position
    if "id" in parts and "id" not in mapped and not _may_identify(table, parts["id"]):
        del parts["id"]
    if "type" in parts and "type" not in mapped and table.columns[parts["type"]].is_unique:
        del parts["type"]
    first_free = [i for i in range(len(table.labels)) if i not in parts.values() and i not in taken]
    if "id" not in parts and first_free and _is_id(table, first_free[0]):
        parts["id"] = first_free.pop(0)
    if "name" not in parts and (name := _name_column(table, first_free, parts)) is not None:
        parts["name"] = name
    if "name" not in parts and "id" not in parts:
        parts["name"] = first_free[0] if first_free else 0
    return parts


def _may_identify(table: Table, position: int) -> bool:
    """Whether a column labelled like an id is one: unique, or labelled beyond doubt."""
    return table.columns[position].is_unique or label_key(table.labels[position]) in _SURE_IDS


def _is_id(table: Table, position: int) -> bool:
    """Whether a unique column identifies rows by number or code: labelled so, or the first one."""
    column, label = table.columns[position], table.labels[position]
    if not column.is_unique:
        return False
    if not table.has_header:
        return position == 0 and column.kind is Kind.INTEGER
    return bool(_ID_LABEL.search(label)) or (position == 0 and label == "column 1")


def _name_column(table: Table, candidates: Sequence[int], parts: Mapping[str, int]) -> int | None:
    """Return the column that names the rows: labelled so, or texts that differ in every row."""
    for i in candidates:
        if label_key(table.labels[i]).endswith(("name", "title")) and _mostly_unique(table, i):
            return i
    texts = [
        i
        for i in candidates
        if table.columns[i].kind is Kind.TEXT and _mean_length(table.columns[i]) < _LONG_TEXT
    ]
    if "id" in parts:
        unique = [i for i in texts if _mostly_unique(table, i)]
        return unique[0] if unique else None
    return texts[0] if texts else None


def _mostly_unique(table: Table, position: int) -> bool:
    return table.columns[position].num_distinct >= 0.7 * table.num_rows


def _mean_length(column: TextColumn) -> float:
    filled = [len(text) for text in column.texts if text not in ABSENT]
    return sum(filled) / max(1, len(filled))


def _is_binary(column: TextColumn) -> bool:
    """Whether a column holds pictures and the like, written as hexadecimal digits."""
    filled = [text for text in column.texts if text not in ABSENT]
    return bool(filled) and all(_BINARY.match(text) for text in filled)


def _entity_names(table: Table, parts: Mapping[str, int]) -> frozenset[str]:
    names: set[str] = set()
    for role in ("id", "name"):
        if role in parts and table.columns[parts[role]].kind is Kind.TEXT:
            names.update(table.columns[parts[role]].texts)
    return frozenset(names - ABSENT)


def list_separator(column: TextColumn) -> str | None:
    """Return what separates several values in one cell; None when cells hold one value.

    Examples:
        >>> list_separator(TextColumn.of(["Drama;Crime", "Crime", "Drama;War"]))
        ';'
        >>> list_separator(TextColumn.of(["Paris, France", "Rome, Italy"])) is None
        True
    """
    if column.kind is not Kind.TEXT:
        return None
    texts = [text for text in column.texts if text not in ABSENT]
    for separator in _LIST_SEPARATORS:
        several = [text for text in texts if separator in text]
        if not several or len(several) < (0.3 if separator == "," else 0.05) * len(texts):
            continue
        values = [v for text in texts for v in split_cell(text, separator)]
        if sum(map(len, values)) > _SHORT_TEXT * len(values):
            continue
        # a comma also stands inside names and addresses: only values that recur are a list
        if separator != "," or 2 * len(set(values)) <= len(values):
            return separator
    return None


def split_cell(text: str, separator: str | None) -> list[str]:
    """Return the values in a cell."""
    if separator is None:
        return [text] if text else []
    return [value for piece in text.split(separator) if (value := piece.strip())]


def _holds_things(column: TextColumn, separator: str | None, entities: frozenset[str]) -> bool:
    """Whether the values of a column are things that others have in common, or rows themselves."""
    if column.kind is not Kind.TEXT:
        return False
    if separator:
        return True
    present = [text for text in column.texts if text not in ABSENT]
    matching = sum(text in entities for text in present)
    if matching >= 0.3 * len(present):
        return True
    if _mean_length(column) > _LONG_TEXT:
        return False
    num_rows = int(column.present.sum())
    if num_rows < _SMALL_TABLE:
        return _is_short_text(column) and all(_looks_like_name(text) for text in present)
    return column.num_distinct <= 0.9 * num_rows


def _looks_like_name(text: str) -> bool:
    return text[:1].isalpha() and not re.search(r"[@/\\\d]", text)


def _is_short_text(column: TextColumn) -> bool:
    return column.kind is Kind.TEXT and _mean_length(column) <= _SHORT_TEXT


def _longest_text(table: Table, free: Iterable[int], relations: Mapping[int, object]) -> int | None:
    """Return the column of the longest prose."""
    prose = {
        i: length
        for i in free
        if i not in relations and table.columns[i].kind is Kind.TEXT
        if (length := _mean_length(table.columns[i])) > _LONG_TEXT
    }
    return max(prose, key=prose.__getitem__) if prose else None


def _report(table: Table, layout: Layout) -> None:
    name = table.mapped_name
    said = [f"{role}={name(layout.parts[role])}" for role in NODE_ROLES if role in layout.parts]
    if layout.relations:
        said.append(f"relations={';'.join(name(i) for i in layout.relations)}")
    if layout.attributes:
        said.append(f"attributes={';'.join(name(i) for i in layout.attributes)}")
    table.source.report(f"{table.source.name}: a row per thing: {', '.join(said)}")


def singular(label: str) -> str:
    """Return an English label in the singular, as far as its ending tells.

    Examples:
        >>> singular("movies"), singular("countries"), singular("addresses"), singular("status")
        ('movie', 'country', 'address', 'status')
    """
    lower = label.lower()
    if lower in _IRREGULAR:
        return _IRREGULAR[lower]
    if lower.endswith("ies") and len(label) > 4 and lower not in ("movies", "series", "cookies"):
        return label[:-3] + "y"
    if lower.endswith(("sses", "xes", "ches", "shes")):
        return label[:-2]
    if lower.endswith("s") and not lower.endswith(("ss", "us", "is", "series")):
        return label[:-1]
    return label


def _build(table: Table, layout: Layout) -> TextualGraph:
    """Add a node per row, and an edge per value of a relation column."""
    keys = row_keys(table, layout.parts)
    known = _keys_by_name(table, layout, keys)
    builder = GraphBuilder()
    add_rows(builder, table, layout, keys)
    columns = {i: table.columns[i].cells() for i in layout.relations}
    said: set[tuple[str, int, str]] = set()  # what an earlier row of the same thing has said
    for row, head in enumerate(keys):
        for i, separator in layout.relations.items():
            cell = columns[i][row]
            if cell in ABSENT or (head, i, cell) in said:
                continue
            said.add((head, i, cell))
            for value in split_cell(cell, separator):
                tail = known.get(value, value)
                if tail not in builder:
                    builder.node(tail, type=table.labels[i])
                builder.edge(head, table.labels[i], tail)
    return builder.build()


def row_keys(table: Table, parts: Mapping[str, int], prefix: str = "") -> list[str]:
    """Return the key of the thing in each row; several rows may speak of one thing.

    Raises:
        DataError: Two rows have the same id and different names, or a row has neither.
    """
    position = parts["id"] if "id" in parts else parts["name"]
    cells = table.columns[position].cells()
    names = table.columns[parts["name"]].cells() if "name" in parts else None
    seen: dict[str, int] = {}
    for row, cell in enumerate(cells):
        label = table.labels[position]
        if cell in ABSENT:
            raise table.source.error(
                f"no {label} in this row; every row needs one", table.find_line(row)
            )
        if cell in seen and names and names[row] != names[seen[cell]]:
            raise table.source.error(
                f"the {label} {cell!r} stands in line {table.find_line(seen[cell])} already, with"
                " another name; ids must differ (use --map to name another column)",
                table.find_line(row),
            )
        seen[cell] = row
    return [prefix + cell for cell in cells]


def _keys_by_name(table: Table, layout: Layout, keys: Sequence[str]) -> dict[str, str]:
    """Return the key of each row by its name, where no other row has that name."""
    if "id" not in layout.parts or "name" not in layout.parts:
        return {}
    names = table.columns[layout.parts["name"]].cells()
    counts, taken = Counter(names), set(keys)
    return {n: key for n, key in zip(names, keys, strict=True) if counts[n] == 1 and n not in taken}


def add_rows(
    builder: GraphBuilder,
    table: Table,
    layout: Layout,
    keys: Sequence[str],
    *,
    names: Sequence[str] | None = None,
    type: str | None = None,
) -> None:
    """Add the thing of each row to ``builder``, with its attributes.

    Args:
        names: What to call the things, when no column says it.
        type: The type of all, when no column says it; guessed from the file's name when ``None``.
    """
    parts = {role: table.columns[position].cells() for role, position in layout.parts.items()}
    titles = names if names is not None else parts.get("name")
    kind = type or row_type(table)
    columns = {
        table.labels[i]: (table.columns[i], table.columns[i].cells()) for i in layout.attributes
    }
    said: set[tuple[str, str, str]] = set()  # what an earlier row of the same thing has said
    for row, key in enumerate(keys):
        attributes = {
            label: parse_as(cells[row], column.kind)
            for label, (column, cells) in columns.items()
            if cells[row] not in (ABSENT if column.kind is Kind.TEXT else ABSENT_AMONG_VALUES)
            and (key, label, cells[row]) not in said
        }
        said.update((key, label, columns[label][1][row]) for label in attributes)
        own_type = parts["type"][row] if "type" in parts else ""
        builder.node(
            key,
            name=titles[row] if titles and titles[row] not in ABSENT else None,
            type=own_type if own_type not in ABSENT else kind,
            text=parts["text"][row]
            if "text" in parts and parts["text"][row] not in ABSENT
            else None,
            aliases=aliases_in(parts["aliases"][row]) if "aliases" in parts else (),
            attributes=attributes,
        )


def aliases_in(cell: str) -> list[str]:
    """Return the other names in a cell, separated by pipes or semicolons."""
    return [] if cell in ABSENT else split_cell(cell, "|" if "|" in cell else ";")


def row_type(table: Table) -> str | None:
    """Return the type that the file's name gives its rows: ``movies.csv`` holds movies."""
    stem = table.source.stem
    return None if stem.lower() in _GENERIC_STEMS else singular(stem)

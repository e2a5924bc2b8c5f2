"""Decide what the rows of a table are (edges, or things with properties) and read them so."""

from collections.abc import Mapping

from graphllm.errors import DataError
from graphllm.graph import Kind, TextualGraph
from graphllm.io.delimited import NoSeparatorError, read_delimited
from graphllm.io.edge_list import read_edge_list
from graphllm.io.edges import NO_RELATION, edge_graph
from graphllm.io.mapping import EDGE_ROLES, NODE_ROLES, guess_roles, label_key, listed
from graphllm.io.neo4j import is_neo4j, neo4j_graph
from graphllm.io.source import Source
from graphllm.io.table import Table, TextColumn
from graphllm.io.wide import wide_graph

# Labels that mean an end of an edge only when the rest of the table does not speak against it.
_WEAK = frozenset(
    (
        "start",
        "end",
        "entity",
        "value",
        "parent",
        "child",
        "from",
        "to",
        "s",
        "h",
        "u",
        "o",
        "t",
        "v",
    )
)

_FEW_PAIRS = 0.5  # different pairs of ends per row, below which rows hardly are edges


def read_csv(source: Source) -> TextualGraph:
    """Return the graph in a separated text, whatever its rows are."""
    try:
        table = read_delimited(source)
    except NoSeparatorError:
        return read_edge_list(source)
    return table_graph(table)


def read_triples(source: Source) -> TextualGraph:
    """Return the graph of a separated text in which each row is an edge."""
    table = read_delimited(source)
    in_order = ("head", "tail") if len(table.labels) == 2 else ("head", "relation", "tail")
    by_position = {role: position for position, role in enumerate(in_order)}
    return triples_graph(table, edge_parts(table) or by_position)


def read_wide(source: Source) -> TextualGraph:
    """Return the graph of a separated text in which each row is a thing."""
    return wide_graph(read_delimited(source))


def table_graph(table: Table) -> TextualGraph:
    """Return the graph in a table of any format, having guessed what its rows are."""
    table = without_row_numbers(table)
    if is_neo4j(table):
        return neo4j_graph([table])
    parts = edge_parts(table)
    return triples_graph(table, parts) if parts else wide_graph(table)


def triples_graph(table: Table, parts: Mapping[str, int]) -> TextualGraph:
    """Return the graph whose edges are the rows, and report which column plays which part."""
    relation = NO_RELATION
    if "relation" not in parts and table.has_header and len(table.labels) == 2:
        relation = _relation_of_pair(table, parts)
    report_parts(table, parts, relation)
    return edge_graph(table, parts, relation=relation)


def _relation_of_pair(table: Table, parts: Mapping[str, int]) -> str:
    """Return what links two columns: the second one's label, unless that only says "end"."""
    label = table.labels[parts["tail"]]
    known = guess_roles([label], EDGE_ROLES) or guess_roles([label], NODE_ROLES)
    return NO_RELATION if known else label


def report_parts(table: Table, parts: Mapping[str, int], relation: str = NO_RELATION) -> None:
    """Tell which column plays which part, in the words that ``--map`` takes."""
    said = [f"{role}={table.mapped_name(parts[role])}" for role in EDGE_ROLES if role in parts]
    line = f"{table.source.name}: {', '.join(said)}"
    if "relation" not in parts:
        line += f' (the relation is "{relation}")'
    rest = [table.mapped_name(i) for i in range(len(table.labels)) if i not in parts.values()]
    if rest:
        line += f"; edge attributes: {', '.join(rest)}"
    table.source.report(line)


def without_row_numbers(table: Table) -> Table:
    """Leave out a first column without a label that counts the rows, as pandas writes it."""
    if table.labels[0] != "column 1" or not table.has_header or len(table.labels) < 3:
        return table
    cells = table.columns[0].cells()
    counted = cells in ([str(i) for i in range(start, start + len(cells))] for start in (0, 1))
    return table.drop([0]) if counted else table


def edge_parts(table: Table) -> dict[str, int]:
    """Return where head, relation, tail and weight stand; empty when rows are not edges.

    Raises:
        DataError: The user's mapping names a column that is not there, or only one end.
    """
    mapped = table.source.mapping.positions(table.labels, where=table.source.name)
    given = {role: position for role, position in mapped.items() if role in EDGE_ROLES}
    if not given and table.source.mapping:
        return {}
    guessed = _guess(table)
    if not given:
        return guessed
    parts = given | {
        role: position
        for role, position in (
            guess_roles(_without_directions(table), EDGE_ROLES) or guessed
        ).items()
        if role not in given and position not in given.values()
    }
    if "head" not in parts or "tail" not in parts:
        missing = "head" if "head" not in parts else "tail"
        raise DataError(
            f"{table.source.name}: the mapping {str(table.source.mapping)!r} leaves the {missing}"
            f" open; add {missing}=COLUMN, one of {listed(table.labels)}"
        )
    return parts


def _guess(table: Table) -> dict[str, int]:
    return _parts_by_label(table) if table.has_header else _parts_by_position(table)


def _parts_by_label(table: Table) -> dict[str, int]:
    """Return the parts that the labels tell; empty when they name no two ends."""
    parts = guess_roles(_without_directions(table), EDGE_ROLES)
    width = len(table.labels)
    if "head" in parts and "tail" in parts:
        return {} if _speaks_against(table, parts) or _says_nothing(table, parts) else parts
    if width == 2 and _may_be_ends(table, 0, 1):
        return {"head": 0, "tail": 1}
    if width == 3 and parts.get("relation") == 1 and _may_be_ends(table, 0, 2):
        return {"head": 0, "relation": 1, "tail": 2}
    return {}


def _without_directions(table: Table) -> list[str]:
    """Return the labels, that of a column which only says ``Directed`` (Gephi's) blanked."""
    return [
        "" if {text.lower() for text in column.values[:3]} <= {"directed", "undirected"} else label
        for label, column in zip(table.labels, table.columns, strict=True)
    ]


def _speaks_against(table: Table, parts: Mapping[str, int]) -> bool:
    """Whether labels such as start and end are properties of a thing here, not ends of an edge."""
    ends = (parts["head"], parts["tail"])
    if not all(label_key(table.labels[end]) in _WEAK for end in ends):
        return False
    kinds = {table.columns[end].kind for end in ends}
    named = guess_roles(table.labels, ("name",)).get("name")
    thing = named is not None and named not in ends and named != parts.get("relation")
    return Kind.DATE in kinds or thing


def _says_nothing(table: Table, parts: Mapping[str, int]) -> bool:
    """Whether rows are things of their own, and what would be their edges is mostly the same one.

    A table of airports may well have a ``Source`` that it was copied from, and a ``DST``.
    """
    named = guess_roles(table.labels, ("name",)).get("name")
    names_rows = named is not None and named not in parts.values()
    if not names_rows or not table.columns[0].is_unique or 0 in parts.values():
        return False
    heads, tails = table.columns[parts["head"]], table.columns[parts["tail"]]
    pairs = len(set(zip(heads.codes.tolist(), tails.codes.tolist(), strict=True)))
    return _overlap(heads, tails) == 0 and pairs <= _FEW_PAIRS * table.num_rows


def _may_be_ends(table: Table, head: int, tail: int) -> bool:
    """Whether two columns with labels of their own hold things, rather than a property."""
    tails = table.columns[tail]
    return tails.kind is Kind.TEXT or _overlap(table.columns[head], tails) > 0


def _parts_by_position(table: Table) -> dict[str, int]:
    """Return the parts in a table without a header: the order is head, relation, tail."""
    width = len(table.labels)
    if width == 2:
        return {"head": 0, "tail": 1}
    if width == 3:
        if _is_weighted(table):
            return {"head": 0, "tail": 1, "weight": 2}
        if table.num_rows >= 10 and 2 * table.columns[1].num_distinct > table.num_rows:
            return {}  # relations recur, these do not
        return {"head": 0, "relation": 1, "tail": 2}
    if width == 4 and _is_triple_with_extra(table):
        return {"head": 0, "relation": 1, "tail": 2}
    return _alike_columns(table)


def _is_weighted(table: Table) -> bool:
    """Whether three columns are two ends and a weight, not a head, a relation and a tail."""
    first, second, third = table.columns
    if third.kind is Kind.NUMBER:
        return True
    if third.kind is not Kind.INTEGER or table.num_rows < 2:
        return False
    return _overlap(first, second) > 0.2 and _overlap(first, third) < 0.2


def _is_triple_with_extra(table: Table) -> bool:
    heads, relations, tails, _ = table.columns
    recur = relations.kind is Kind.TEXT and relations.num_distinct < table.num_rows
    return recur and _overlap(heads, tails) > 0 and _overlap(heads, relations) == 0


def _alike_columns(table: Table) -> dict[str, int]:
    """Return the two columns that share the most values, when rows have no key of their own."""
    if table.columns[0].is_unique:
        return {}
    best, ends = 0.5, (0, 0)
    textual = [i for i, c in enumerate(table.columns) if c.num_distinct > 10]
    for position, head in enumerate(textual):
        for tail in textual[position + 1 :]:
            share = _overlap(table.columns[head], table.columns[tail])
            if share > best + (0.05 if best > 0.5 else 0):
                best, ends = share, (head, tail)
    return {"head": ends[0], "tail": ends[1]} if ends != (0, 0) else {}


def _overlap(first: TextColumn, second: TextColumn) -> float:
    """Return the share of the smaller column's distinct values that the other one has too."""
    ours = {first.texts[code] for code in first.used.tolist()}
    theirs = {second.texts[code] for code in second.used.tolist()}
    return len(ours & theirs) / max(1, min(len(ours), len(theirs)))

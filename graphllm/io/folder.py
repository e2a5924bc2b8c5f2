"""Read several tables as one graph: nodes beside edges, parts of one edge list, or a database."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from graphllm.errors import DataError
from graphllm.graph import GraphBuilder, Kind, StringTable, TextualGraph
from graphllm.io.delimited import read_delimited
from graphllm.io.edges import NO_RELATION, edge_graph
from graphllm.io.excel import read_sheets
from graphllm.io.joins import joined_graph
from graphllm.io.mapping import EDGE_ROLES, ColumnMap, find_column, guess_roles
from graphllm.io.neo4j import is_neo4j, neo4j_graph
from graphllm.io.parquet import read_parquet_table
from graphllm.io.source import Source
from graphllm.io.table import Table, TextColumn, merge
from graphllm.io.tabular import edge_parts, report_parts, without_row_numbers
from graphllm.io.wide import Layout, add_rows, find_layout, row_keys, row_type

_GENERIC_STEMS = ("edges", "relationships", "links", "rels", "triples", "train", "valid", "test")


def read_tables(sources: Sequence[Source]) -> TextualGraph:
    """Return the graph that several files of tables make together."""
    return tables_graph([table for source in sources for table in _tables(source)])


def _tables(source: Source) -> list[Table]:
    if source.suffix in (".xlsx", ".xlsm"):
        return read_sheets(source)
    if source.suffix in (".parquet", ".pq"):
        return [read_parquet_table(source)]
    return [read_delimited(source)]


def tables_graph(tables: Sequence[Table]) -> TextualGraph:
    """Return the graph of several tables, having guessed how they belong together.

    Neo4j imports say it themselves. Tables of edges are read together, with the other tables as
    their nodes. Where no table looks like edges, key columns join the tables.
    """
    tables = _share_mapping([without_row_numbers(table) for table in tables])
    imports = [table for table in tables if is_neo4j(table)]
    if imports:
        return neo4j_graph(imports)
    edges = [table for table in tables if _is_edges(table)]
    if not edges:
        return joined_graph(tables)
    others = [table for table in tables if not any(table is edge for edge in edges)]
    stacked, parts = _stack(edges)
    return edge_graph(stacked, parts, nodes=_node_graph(others, stacked, parts))


def _share_mapping(tables: Sequence[Table]) -> list[Table]:
    """Give each table the part of the user's mapping that names its columns.

    Raises:
        DataError: No table has a column that the mapping names.
    """
    mapping = tables[0].source.mapping
    roles_of: list[dict[str, str]] = [{} for _ in tables]
    for role, column in mapping.roles.items():
        for table, roles in zip(tables, roles_of, strict=True):
            if _has_column(table, column):
                roles[role] = column
        if not any(role in roles for roles in roles_of):
            labels = list(dict.fromkeys(label for table in tables for label in table.labels))
            find_column(column, labels, where=", ".join(table.source.name for table in tables))
    return [
        replace(table, source=replace(table.source, mapping=ColumnMap(roles)))
        for table, roles in zip(tables, roles_of, strict=True)
    ]


def _has_column(table: Table, column: str) -> bool:
    try:
        find_column(column, table.labels, where="")
    except DataError:
        return False
    return True


def _is_edges(table: Table) -> bool:
    """Whether both ends of an edge are labelled, mapped, or told by the file's name."""
    if {"head", "tail"} & table.source.mapping.roles.keys():
        return True
    if not table.has_header:
        return bool(edge_parts(table)) and len(table.labels) <= 3 and not _is_listing(table)
    labelled = guess_roles(table.labels, EDGE_ROLES)
    return {"head", "tail"} <= labelled.keys() and bool(edge_parts(table))


def _is_listing(table: Table) -> bool:
    """Whether a table without labels only says what is called how: a number, and a name."""
    first, second = table.columns[:2]
    numbered = first.kind is Kind.INTEGER and first.is_unique
    return len(table.columns) == 2 and numbered and second.kind is Kind.TEXT and second.is_unique


def _stack(tables: Sequence[Table]) -> tuple[Table, dict[str, int]]:
    """Put tables of edges under each other; return the whole and where its parts stand."""
    parts_of = [edge_parts(table) for table in tables]
    for table, parts in zip(tables, parts_of, strict=True):
        report_parts(table, parts, _relation_of_file(table))
    if len(tables) == 1 and "relation" in parts_of[0]:
        return tables[0], parts_of[0]
    extras = [
        [label for i, label in enumerate(table.labels) if i not in parts.values()]
        for table, parts in zip(tables, parts_of, strict=True)
    ]
    labels = list(dict.fromkeys(label for group in extras for label in group))
    roles = [
        role for role in EDGE_ROLES if role != "weight" or any("weight" in p for p in parts_of)
    ]
    columns = [
        _stack_columns([_part_column(t, p, role) for t, p in zip(tables, parts_of, strict=True)])
        for role in roles
    ]
    for label in labels:
        cells = [
            t.columns[t.labels.index(label)] if label in own else _constant(t, "")
            for t, own in zip(tables, extras, strict=True)
        ]
        columns.append(_stack_columns(cells))
    starts = np.cumsum([0, *(table.num_rows for table in tables)]).tolist()
    stacked = Table(
        source=tables[0].source,
        labels=(*(f"{role} of edge" for role in roles), *labels),
        columns=tuple(columns),
        has_header=True,
        find_line=lambda row: _line_in(tables, starts, row),
    )
    return stacked, {role: i for i, role in enumerate(roles)}


def _line_in(tables: Sequence[Table], starts: Sequence[int], row: int) -> int | None:
    which = max(i for i, start in enumerate(starts[:-1]) if start <= row)
    return tables[which].find_line(row - starts[which])


def _part_column(table: Table, parts: dict[str, int], role: str) -> TextColumn:
    if role in parts:
        return table.columns[parts[role]]
    return _constant(table, _relation_of_file(table) if role == "relation" else "")


def _constant(table: Table, text: str) -> TextColumn:
    codes = np.zeros(table.num_rows, dtype=np.int32)
    return TextColumn(codes, StringTable.from_strings([text]))


def _stack_columns(columns: Sequence[TextColumn]) -> TextColumn:
    merged, remaps = merge([column.values for column in columns])
    codes = [remap[column.codes] for remap, column in zip(remaps, columns, strict=True)]
    return TextColumn(np.concatenate(codes).astype(np.int32), merged)


def _relation_of_file(table: Table) -> str:
    """Return the relation of edges that have none: ``ACTED_IN.csv`` says what its edges are."""
    stem = table.source.stem
    return NO_RELATION if stem.lower().startswith(_GENERIC_STEMS) else stem


def _node_graph(
    tables: Iterable[Table], edges: Table, parts: dict[str, int]
) -> TextualGraph | None:
    """Return the nodes that tables describe, without edges; None when there are no tables."""
    tables = list(tables)
    if not tables:
        return None
    ends = {text for role in ("head", "tail") for text in edges.columns[parts[role]].texts if text}
    builder = GraphBuilder()
    for table in tables:
        layout = _node_layout(table, ends)
        keys = row_keys(table, layout.parts)
        for row, key in enumerate(keys):
            if key in builder:
                raise table.source.error(
                    f"{key!r} is described already; ids must differ", table.find_line(row)
                )
        add_rows(builder, table, layout, keys, type=_type_of(table))
        said = [f"{role}={table.labels[i]}" for role, i in layout.parts.items()]
        if layout.attributes:
            said.append(f"attributes={';'.join(table.labels[i] for i in layout.attributes)}")
        table.source.report(f"{table.source.name}: nodes: {', '.join(said)}")
    return builder.build()


def _type_of(table: Table) -> str | None:
    return None if table.source.stem.lower().startswith("node") else row_type(table)


def _node_layout(table: Table, ends: set[str]) -> Layout:
    """Return the layout of a node table; its key is the column that the edges speak of."""
    layout = find_layout(table)
    parts = dict(layout.parts)
    own = parts.get("id")
    candidates = [i for i, c in enumerate(table.columns) if i == own or c.is_unique]
    if "id" not in table.source.mapping and candidates:
        shares = {i: len(ends & set(table.columns[i].texts)) for i in candidates}
        best = max(candidates, key=lambda i: (shares[i], i == own))
        if shares[best]:
            parts["id"] = best
    rest = [*layout.relations, *layout.attributes]
    kept = sorted(i for i in rest if i not in parts.values())
    return Layout(parts=parts, attributes=kept)

"""Turn tables of edges, with or without a table of nodes, into a graph; column by column."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from graphllm.graph import Column, Kind, StringTable, TextualGraph
from graphllm.io.table import Shared, Table, TextColumn, merge, share_codes

logger = logging.getLogger(__name__)

NO_RELATION = "linked to"  # the relation of an edge that its source gives none


def edge_graph(
    table: Table,
    parts: Mapping[str, int],
    *,
    relation: str = NO_RELATION,
    nodes: TextualGraph | None = None,
) -> TextualGraph:
    """Return the graph whose edges are the rows of ``table``.

    Args:
        table: A row per edge; columns that play no part become edge attributes.
        parts: Where head, tail and, if there are any, relation and weight stand.
        relation: The relation of a row that has none.
        nodes: A graph of nodes that are known; they come first, those that only edges name after.
    """
    heads, tails = table.columns[parts["head"]], table.columns[parts["tail"]]
    ends = share_codes([heads, tails])
    _warn_of_empty_ends(table, ends)
    if nodes:
        ends = _after(nodes, ends)
    relations = _relations(table, parts, relation)
    owners = np.arange(table.num_rows, dtype=np.int32)
    extra = [i for i in range(len(table.labels)) if i not in parts.values()]
    typed = {table.labels[i]: table.columns[i].typed(table.labels[i], owners) for i in extra}
    return _assemble(
        ends.values,
        ends.codes,
        relations,
        nodes,
        weights=_weights(table, parts),
        columns={label: column for label, column in typed.items() if column},
    )


def _after(nodes: TextualGraph, ends: Shared) -> Shared:
    """Number the ends of edges after the nodes that are described."""
    merged, (_, remap) = merge([nodes.keys, ends.values])
    unknown = len(merged) - len(nodes.keys)
    if unknown:
        logger.warning(
            "%d nodes stand only in edges, the first is %r; their key is their name",
            unknown,
            merged[len(nodes.keys)],
        )
    return Shared([remap[codes] for codes in ends.codes], merged)


def _warn_of_empty_ends(table: Table, ends: Shared) -> None:
    lengths = np.diff(ends.values.offsets)
    for code in np.flatnonzero(lengths == 0).tolist():
        rows = np.flatnonzero((ends.codes[0] == code) | (ends.codes[1] == code))
        logger.warning(
            "%s: %d rows have an empty head or tail, the first in line %s; kept as a node without"
            " a name",
            table.source.name,
            len(rows),
            table.find_line(int(rows[0])),
        )


def _relations(table: Table, parts: Mapping[str, int], default: str) -> Shared:
    if "relation" not in parts:
        codes = np.zeros(table.num_rows, dtype=np.int32)
        return Shared([codes], StringTable.from_strings([default] if table.num_rows else []))
    shared = share_codes([table.columns[parts["relation"]]])
    texts = [text or default for text in shared.values]
    if len(set(texts)) == len(texts):
        return Shared(shared.codes, StringTable.from_strings(texts))
    distinct = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    remap = np.array([distinct[text] for text in texts], dtype=np.int32)
    return Shared([remap[shared.codes[0]]], StringTable.from_strings(distinct))


def _weights(table: Table, parts: Mapping[str, int]) -> Float32[np.ndarray, "num_edges"] | None:
    if "weight" not in parts:
        return None
    column = table.columns[parts["weight"]]
    if column.kind not in (Kind.INTEGER, Kind.NUMBER):
        row, text = first_not_number(column)
        raise table.source.error(
            f"expected a number as weight, got {text[:40]!r}", table.find_line(row)
        )
    weights = np.ones(table.num_rows, dtype=np.float32)
    typed = column.typed("weight", np.arange(table.num_rows, dtype=np.int32))
    if typed is not None:
        weights[typed.ids] = np.asarray(typed.values, dtype=np.float32)
    return weights


def first_not_number(column: TextColumn) -> tuple[int, str]:
    """Return the row and the text of the first cell that is there and is no number."""
    for row, text in enumerate(column.cells()):
        kind = TextColumn.of([text]).kind
        if column.present[row] and kind not in (Kind.INTEGER, Kind.NUMBER):
            return row, text
    return 0, ""


def _assemble(
    keys: StringTable,
    ends: Sequence[np.ndarray],
    relations: Shared,
    nodes: TextualGraph | None,
    *,
    weights: Float32[np.ndarray, "num_edges"] | None,
    columns: Mapping[str, Column],
) -> TextualGraph:
    new_names = keys[nodes.num_nodes :] if nodes else []
    graph = TextualGraph(
        keys=keys,
        names=StringTable.from_strings([*nodes.names, *new_names]) if nodes else keys,
        heads=ends[0].astype(np.int32, copy=False),
        relation_ids=relations.codes[0].astype(np.int32, copy=False),
        tails=ends[1].astype(np.int32, copy=False),
        relations=tuple(relations.values),
        weights=weights,
        edge_columns=columns,
    )
    if nodes is None:
        return graph
    untyped = np.full(len(new_names), -1, dtype=np.int32)
    return replace(
        graph,
        texts=StringTable.from_strings([*nodes.texts, *[""] * len(new_names)]),
        alias_ids=nodes.alias_ids,
        alias_names=nodes.alias_names,
        node_types=nodes.node_types,
        node_type_ids=np.concatenate([nodes.node_type_ids, untyped]),
        node_columns=nodes.node_columns,
    )

"""Walk steps and measure nodes, keeping which edge or attribute each thing was read from."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int32

from graphllm.graph.columns import Column
from graphllm.graph.strings import StringTable
from graphllm.graph.view import GraphView, edges_of
from graphllm.query import lookup
from graphllm.query.plan import Attribute, Condition, Degree, Measure, Reached, Step
from graphllm.query.result import AttributeFact
from graphllm.query.values import Measurable, compare


def among(
    ids: Int32[np.ndarray, "num_ids"], members: Int32[np.ndarray, "num_members"]
) -> Bool[np.ndarray, "num_ids"]:
    """Return which ``ids`` are in the ascending ``members``."""
    if not len(members):
        return np.zeros(len(ids), dtype=np.bool_)
    positions = np.minimum(np.searchsorted(members, ids), len(members) - 1)
    return members[positions] == ids


class Walk(NamedTuple):
    """The edges walked by one step, with the node each came from and the node it led to."""

    step: Step
    sources: Int32[np.ndarray, "num_walked"]
    edges: Int32[np.ndarray, "num_walked"]
    targets: Int32[np.ndarray, "num_walked"]


def walk(view: GraphView, step: Step, nodes: Int32[np.ndarray, "num_nodes"]) -> Walk:
    """Walk ``step`` from every one of ``nodes``."""
    relation = lookup.relation_id(view, step.relation)
    return _walked(view, step, edges_of(view, nodes, relation, inverse=step.inverse))


def walk_everywhere(view: GraphView, step: Step) -> Walk:
    """Walk ``step`` from wherever it can be walked; looks at every edge of the graph."""
    relation = lookup.relation_id(view, step.relation)
    edges = np.flatnonzero(np.asarray(view.relation_ids) == relation).astype(np.int32)
    return _walked(view, step, edges)


def _walked(view: GraphView, step: Step, edges: Int32[np.ndarray, "num_edges"]) -> Walk:
    if step.condition is not None:
        edges = edges[_passing(view, step.condition, edges)]
    heads, tails = np.asarray(view.heads[edges]), np.asarray(view.tails[edges])
    sources, targets = (tails, heads) if step.inverse else (heads, tails)
    return Walk(step, sources, edges, targets)


def _passing(
    view: GraphView, condition: Condition, edges: Int32[np.ndarray, "num_edges"]
) -> Bool[np.ndarray, "num_edges"]:
    column = lookup.edge_column(view, condition.attribute)
    owners, rows = rows_of(column, np.unique(edges))
    passed = compare(values_in(column, rows), condition.comparison, condition.value)
    return among(edges, np.unique(owners[passed]))


def condition_facts(
    view: GraphView, step: Step, edges: Int32[np.ndarray, "num_edges"]
) -> list[AttributeFact]:
    """Return the edge attributes that let these edges pass the step's condition."""
    if step.condition is None:
        return []
    name, comparison, value = (
        step.condition.attribute,
        step.condition.comparison,
        step.condition.value,
    )
    column = lookup.edge_column(view, name)
    owners, rows = rows_of(column, np.unique(edges))
    passed = compare(values_in(column, rows), comparison, value)
    return column_facts(column, owners[passed], rows[passed], on_edge=True)


def rows_of(
    column: Column, owners: Int32[np.ndarray, "num_owners"]
) -> tuple[Int32[np.ndarray, "num_rows"], np.ndarray]:
    """Return the rows of a column that belong to these ascending owners, and the owner of each."""
    starts = np.searchsorted(column.ids, owners, side="left")
    counts = np.searchsorted(column.ids, owners, side="right") - starts
    offsets = np.repeat(starts - np.cumsum(counts) + counts, counts)
    return np.repeat(owners, counts), offsets + np.arange(counts.sum())


def values_in(column: Column, rows: np.ndarray) -> Measurable:
    """Return the values in these rows."""
    if isinstance(column.values, StringTable):
        return [column.values[row] for row in rows.tolist()]
    return np.asarray(column.values[rows])


def column_facts(
    column: Column, owners: Int32[np.ndarray, "n"], rows: np.ndarray, *, on_edge: bool = False
) -> list[AttributeFact]:
    """Return the attribute facts in these rows."""
    pairs = zip(owners.tolist(), rows.tolist(), strict=True)
    return [AttributeFact(owner, column.name, column.value(row), on_edge) for owner, row in pairs]


class Measured(NamedTuple):
    """Values of nodes, and what each was read from.

    Attributes:
        owners: The node each value measures; a node may have several values or none.
        values: The values themselves.
        sources: What to cite: rows of ``column``, or positions in ``walk``; for a degree nothing,
            because it is read from all edges of its owner in ``walk``.
    """

    owners: Int32[np.ndarray, "num_values"]
    values: Measurable
    sources: np.ndarray
    column: Column | None = None
    walk: Walk | None = None
    is_degree: bool = False


def measure(view: GraphView, by: Measure, nodes: Int32[np.ndarray, "num_nodes"]) -> Measured:
    """Measure ascending ``nodes``; those without a value are left out."""
    match by:
        case Attribute(name):
            column = lookup.node_column(view, name)
            owners, rows = rows_of(column, nodes)
            return Measured(owners, values_in(column, rows), rows, column=column)
        case Reached(step):
            walked = walk(view, step, nodes)
            names = [view.names[node] for node in walked.targets.tolist()]
            return Measured(walked.sources, names, np.arange(len(names)), walk=walked)
        case Degree(step):
            walked = walk(view, step, nodes)
            degrees = _degrees(walked, nodes)
            nothing = np.zeros(0, dtype=np.int64)
            return Measured(nodes, degrees, nothing, walk=walked, is_degree=True)


def _degrees(walked: Walk, nodes: Int32[np.ndarray, "num_nodes"]) -> np.ndarray:
    sources, _ = distinct_pairs(walked.sources, walked.targets)
    return np.bincount(np.searchsorted(nodes, sources), minlength=len(nodes)).astype(np.int64)


def distinct_pairs(
    left: Int32[np.ndarray, "num_pairs"], right: Int32[np.ndarray, "num_pairs"]
) -> tuple[Int32[np.ndarray, "num_distinct"], Int32[np.ndarray, "num_distinct"]]:
    """Return each pair once, in ascending order."""
    packed = np.unique((left.astype(np.int64) << 32) | right)
    return (packed >> 32).astype(np.int32), (packed & 0xFFFFFFFF).astype(np.int32)

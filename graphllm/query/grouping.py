"""Put nodes into groups, and give each group one number."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int32

from graphllm.graph.columns import Column, Value
from graphllm.graph.view import GraphView
from graphllm.query import lookup
from graphllm.query.measure import (
    Measured,
    Walk,
    column_facts,
    distinct_pairs,
    measure,
    rows_of,
    walk,
)
from graphllm.query.nodes import Evidence, find
from graphllm.query.plan import By, Grouped, Over, Part, Step
from graphllm.query.result import PlanResult
from graphllm.query.values import compare

_UNITS = {Part.YEAR: "Y", Part.MONTH: "M", Part.DAY: "D"}
_YEAR = 365.2425 * 24 * 3600 * 1e6  # microseconds

Total = Callable[[Measured], tuple[Value, ...]]
"""Makes one value of many; none of nothing."""


class _Members(NamedTuple):
    """Which node is in which group; each pair once, ascending by group, then node.

    Attributes:
        groups: The number of the group.
        nodes: The node.
        labels: What each group is: a node id, or a value.
        walks: The edges walked from nodes to groups.
        column: Where the groups are values: what they were read from,
        rows: and from which of its rows.
    """

    groups: Int32[np.ndarray, "num_pairs"]
    nodes: Int32[np.ndarray, "num_pairs"]
    labels: Sequence[Value]
    walks: tuple[Walk, ...]
    column: Column | None = None
    rows: Int[np.ndarray, "num_rows"] | None = None


def grouped(plan: Grouped, evidence: Evidence, total: Callable[[Over], Total]) -> PlanResult:
    """Return the groups of ``plan`` with their numbers, and everything they were read from.

    Args:
        total: Makes the number of a group from the values of its nodes.
    """
    found = find(plan.source, evidence.view)
    members = _members(evidence.view, plan.by, found.nodes)
    if plan.over is None:
        counts = np.bincount(members.groups, minlength=len(members.labels))
        numbers: list[Value | None] = list(counts.tolist())
    else:
        measured = measure(evidence.view, plan.over.measure, found.nodes)
        numbers = _totals(members, measured, total(plan.over))
        evidence.cite_measured(measured, np.ones(len(measured.owners), dtype=np.bool_))
    for walked in members.walks:
        evidence.cite_walk(walked)
    if members.column is not None and members.rows is not None:
        owners = np.asarray(members.column.ids)[members.rows]
        evidence.cite(column_facts(members.column, owners, members.rows))
    found.prove(evidence, np.unique(members.nodes))
    kept = _ranked(plan, members.labels, numbers)
    labels = [members.labels[group] for group in kept]
    is_value = plan.by.attribute is not None
    return evidence.result(
        nodes=None if is_value else np.array(labels, dtype=np.int32),
        groups=tuple(labels) if is_value else (),
        values=tuple(value for group in kept for value in [numbers[group]] if value is not None),
        closed_world=len(kept) > 0,
    )


def _ranked(plan: Grouped, labels: Sequence[Value], numbers: Sequence[Value | None]) -> list[int]:
    """Return the groups that are kept, in their order; ties by what the group is."""
    has = [group for group, number in enumerate(numbers) if _passes(plan, number)]
    ranks = {group: _rank(numbers[group]) for group in has}
    sign = 1 if plan.ascending else -1
    has.sort(key=lambda group: (sign * ranks[group], labels[group]))
    if plan.k is None or len(has) <= plan.k:
        return has
    last = sign * ranks[has[plan.k - 1]]
    return [group for group in has if sign * ranks[group] <= last]


def _passes(plan: Grouped, number: Value | None) -> bool:
    if plan.comparison is None or number is None:
        return number is not None
    return bool(compare(np.array([number]), plan.comparison, plan.value)[0])


def _rank(number: Value | None) -> float:
    """Return what orders numbers, and dates by their years and the part of one that has gone by."""
    if isinstance(number, np.datetime64):
        moment = number.astype("datetime64[us]").astype(np.int64)
        return 1970 + float(moment) / _YEAR
    return float(number) if isinstance(number, int | float) else 0.0


def _members(view: GraphView, by: By, nodes: Int32[np.ndarray, "n"]) -> _Members:
    owners, ends, walks = _reached(view, by.steps, nodes)
    if by.attribute is None:
        labels, groups = np.unique(ends, return_inverse=True)
        pairs = distinct_pairs(groups.reshape(-1).astype(np.int32), owners)
        return _Members(*pairs, labels.tolist(), walks)
    column = lookup.node_column(view, by.attribute)
    held, rows = rows_of(column, np.unique(ends))
    values = [_cut(column.value(row), by.part) for row in rows.tolist()]
    told = {value: None for value in values if value == value}  # NaN is no group
    labels_of = sorted(told, key=lambda value: (str(type(value)), value))
    number = {value: group for group, value in enumerate(labels_of)}
    has = np.array([value in number for value in values], dtype=np.bool_)
    held, rows = held[has], rows[has]
    group_of = np.array([number[v] for v in values if v in number], dtype=np.int32)
    member, of_end = _joined(ends, held)
    pairs = distinct_pairs(group_of[of_end], owners[member])
    return _Members(*pairs, labels_of, walks, column, rows)


def _cut(value: Value, part: Part | None) -> Value:
    """Return the part of a date that is asked for: the year as a number, the rest as ISO text."""
    if part is None or not isinstance(value, np.datetime64):
        return value
    if np.isnat(value):
        return float("nan")
    cut = value.astype(f"datetime64[{_UNITS[part]}]")
    return int(cut.astype(np.int64)) + 1970 if part is Part.YEAR else str(cut)


def _reached(
    view: GraphView, steps: Sequence[Step], nodes: Int32[np.ndarray, "n"]
) -> tuple[Int32[np.ndarray, "num_pairs"], Int32[np.ndarray, "num_pairs"], tuple[Walk, ...]]:
    """Return each node with each node that the steps lead it to, and the walks."""
    owners, ends, walks = nodes, nodes, []
    for step in steps:
        walked = walk(view, step, np.unique(ends))
        order = np.argsort(walked.sources, kind="stable")
        rows, found = _joined(ends, walked.sources[order])
        owners, ends = distinct_pairs(owners[rows], walked.targets[order][found])
        walks.append(walked)
    return owners, ends, tuple(walks)


def _joined(
    left: Int32[np.ndarray, "n"], right: Int32[np.ndarray, "m"]
) -> tuple[Int[np.ndarray, "num_pairs"], Int[np.ndarray, "num_pairs"]]:
    """Return the positions of equal ids, of which those of ``right`` ascend."""
    starts = np.searchsorted(right, left, side="left")
    counts = np.searchsorted(right, left, side="right") - starts
    offsets = np.repeat(starts - np.cumsum(counts) + counts, counts)
    return np.repeat(np.arange(len(left)), counts), offsets + np.arange(counts.sum())


def _totals(members: _Members, measured: Measured, total: Total) -> list[Value | None]:
    """Return the number of each group, from the values of its nodes."""
    found: list[Value | None] = []
    firsts = np.searchsorted(members.groups, np.arange(len(members.labels) + 1))
    order = np.argsort(measured.owners, kind="stable")
    owners = measured.owners[order]
    for start, end in zip(firsts[:-1].tolist(), firsts[1:].tolist(), strict=True):
        _, rows = _joined(members.nodes[start:end], owners)
        value = total(_rows_of(measured, order[rows]))
        found.append(value[0] if value else None)
    return found


def _rows_of(measured: Measured, rows: Int[np.ndarray, "n"] | Bool[np.ndarray, "n"]) -> Measured:
    """Return some of the values measured."""
    if isinstance(measured.values, np.ndarray):
        values: np.ndarray | list[str] = measured.values[rows]
    else:
        values = [measured.values[row] for row in rows.tolist()]
    sources = measured.sources if measured.is_degree else measured.sources[rows]
    return measured._replace(owners=measured.owners[rows], values=values, sources=sources)

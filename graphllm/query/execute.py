"""Run a plan on a graph, exactly, and keep the edges that prove the answer.

First every set of nodes is found, from the inside of the plan outwards; then the proof is cut to
the answer, from the outside inwards (``graphllm.query.nodes``).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool

from graphllm.graph.columns import Value
from graphllm.graph.view import GraphView, edges_of
from graphllm.query import lookup
from graphllm.query.grouping import grouped
from graphllm.query.measure import (
    Measured,
    among,
    column_facts,
    distinct_pairs,
    measure,
    rows_of,
    walk,
)
from graphllm.query.nodes import Evidence, Top, find, prove_or_examine
from graphllm.query.paths import shortest_paths
from graphllm.query.plan import (
    Aggregate,
    Aggregated,
    Count,
    CountValues,
    EdgeValues,
    Exists,
    FactsOf,
    GroupCount,
    Grouped,
    NodePlan,
    Over,
    Plan,
    ShortestPath,
    Values,
    check_depth,
)
from graphllm.query.result import AttributeFact, PlanResult
from graphllm.query.values import ordinals, plain_value


def execute(plan: Plan, view: GraphView) -> PlanResult:
    """Return the exact answer of ``plan`` and its proof.

    Costs time in the edges the plan walks; only ``OfType`` and ``HavingStep`` look at every node
    or edge. Values come without NaN; in sums and averages a node counts a value once.

    Raises:
        PlanError: The plan names a node, relation, type or attribute that the graph does not
            have, or is nested too deep.

    Examples:
        >>> from graphllm.graph import TextualGraph
        >>> from graphllm.query.plan import Entities, Follow, Step
        >>> graph = TextualGraph.from_triples(
        ...     [("Alien", "directed_by", "Scott"), ("Heat", "directed_by", "Mann")]
        ... )
        >>> result = execute(Follow(Entities(("Alien",)), Step("directed_by")), graph)
        >>> graph.names[int(result.nodes[0])], result.edges
        ('Scott', array([0], dtype=int32))
    """
    check_depth(plan)
    evidence = Evidence(view)
    match plan:
        case Values():
            return _values(plan, evidence)
        case EdgeValues():
            return _edge_values(plan, evidence)
        case Count(source):
            found = find(source, view)
            prove_or_examine(found, evidence)
            return evidence.result(values=(len(found.nodes),), closed_world=True)
        case Aggregated():
            return _aggregated(plan, evidence)
        case CountValues():
            return _count_values(plan, evidence)
        case Grouped():
            return grouped(plan, evidence, _totalling)
        case GroupCount():
            return _group_count(plan, evidence)
        case Exists(source):
            found = find(source, view)
            prove_or_examine(found, evidence)
            exists = len(found.nodes) > 0
            return evidence.result(values=(exists,), closed_world=not exists)
        case ShortestPath():
            return _shortest_path(plan, evidence)
        case FactsOf():
            return _facts_of(plan, evidence)
        case _:
            return _nodes(plan, evidence)


def _nodes(plan: NodePlan, evidence: Evidence) -> PlanResult:
    found = find(plan, evidence.view)
    found.prove(evidence, found.nodes)
    return evidence.result(nodes=found.ranked if isinstance(found, Top) else found.nodes)


def _values(plan: Values, evidence: Evidence) -> PlanResult:
    column = lookup.node_column(evidence.view, plan.attribute)
    found = find(plan.source, evidence.view)
    owners, rows = rows_of(column, found.nodes)
    found.prove(evidence, np.unique(owners))
    evidence.cite(column_facts(column, owners, rows))
    return evidence.result(values=tuple(column.value(row) for row in rows.tolist()))


def _edge_values(plan: EdgeValues, evidence: Evidence) -> PlanResult:
    view = evidence.view
    column = lookup.edge_column(view, plan.attribute)
    source = find(plan.source, view)
    walked = walk(view, plan.step, source.nodes)
    kept = among(walked.edges, np.unique(column.ids))
    target = None if plan.target is None else find(plan.target, view)
    if target is not None:
        kept &= among(walked.targets, target.nodes)
        target.prove(evidence, np.unique(walked.targets[kept]))
    source.prove(evidence, np.unique(walked.sources[kept]))
    evidence.cite_walk(walked, kept)
    owners, rows = rows_of(column, np.unique(walked.edges[kept]))
    evidence.cite(column_facts(column, owners, rows, on_edge=True))
    return evidence.result(values=tuple(column.value(row) for row in rows.tolist()))


def _aggregated(plan: Aggregated, evidence: Evidence) -> PlanResult:
    found = find(plan.source, evidence.view)
    measured = measure(evidence.view, plan.measure, found.nodes)
    values, rows = _in_one(measured, plan.aggregate)
    evidence.cite_measured(measured, rows)
    found.prove(evidence, np.unique(measured.owners[rows]))
    return evidence.result(values=values, closed_world=len(values) > 0)


def _count_values(plan: CountValues, evidence: Evidence) -> PlanResult:
    found = find(plan.source, evidence.view)
    column = lookup.node_column(evidence.view, plan.attribute)
    owners, rows = rows_of(column, found.nodes)
    values = {value for row in rows.tolist() for value in [column.value(row)] if value == value}
    found.prove(evidence, np.unique(owners))
    evidence.cite(column_facts(column, owners, rows))
    return evidence.result(values=(len(values),), closed_world=True)


def _totalling(over: Over) -> Callable[[Measured], tuple[Value, ...]]:
    return lambda measured: _in_one(measured, over.aggregate)[0]


def _in_one(
    measured: Measured, aggregate: Aggregate
) -> tuple[tuple[Value, ...], Bool[np.ndarray, "num_values"]]:
    """Return the one value that the values become, and which of them it is made of."""
    if aggregate in (Aggregate.MINIMUM, Aggregate.MAXIMUM):
        return _extreme(measured, largest=aggregate is Aggregate.MAXIMUM)
    return _total(measured, average=aggregate is Aggregate.AVERAGE)


def _extreme(
    measured: Measured, *, largest: bool
) -> tuple[tuple[Value, ...], Bool[np.ndarray, "num_values"]]:
    order, has = ordinals(measured.values)
    rows = np.flatnonzero(has)
    if not len(rows):
        return (), has
    best = rows[np.argmax(order[rows]) if largest else np.argmin(order[rows])]
    value = plain_value(measured.values, int(best))
    return (() if value is None else (value,)), has


def _total(
    measured: Measured, *, average: bool
) -> tuple[tuple[Value, ...], Bool[np.ndarray, "num_values"]]:
    """Sum the numbers, each once per node (and per node reached, when read from names)."""
    reads_names = measured.walk is not None and not measured.is_degree
    walked = measured.walk if reads_names else None
    reached = None if walked is None else walked.targets[measured.sources]
    counts = np.zeros(len(measured.owners), dtype=np.bool_)
    numbers: dict[tuple[int, int | float, int], int | float] = {}
    for row, owner in enumerate(measured.owners.tolist()):
        value = plain_value(measured.values, row)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
            continue
        by_way_of = -1 if reached is None else int(reached[row])
        counts[row] = True
        numbers[owner, value, by_way_of] = value
    if not numbers:
        return (), counts
    total = sum(numbers.values())
    return (total / len(numbers) if average else total,), counts


def _group_count(plan: GroupCount, evidence: Evidence) -> PlanResult:
    found = find(plan.source, evidence.view)
    walked = walk(evidence.view, plan.step, found.nodes)
    reached, _ = distinct_pairs(walked.targets, walked.sources)
    nodes, counts = np.unique(reached, return_counts=True)
    order = np.lexsort((nodes, -counts))
    evidence.cite_walk(walked)
    found.prove(evidence, np.unique(walked.sources))
    return evidence.result(
        nodes=nodes[order], values=tuple(counts[order].tolist()), closed_world=len(nodes) > 0
    )


def _shortest_path(plan: ShortestPath, evidence: Evidence) -> PlanResult:
    start, end = find(plan.start, evidence.view), find(plan.end, evidence.view)
    found = shortest_paths(
        evidence.view,
        start.nodes,
        end.nodes,
        max_hops=plan.max_hops,
        max_paths=max(plan.max_paths, 0),
    )
    start.prove(evidence, found.starts)
    end.prove(evidence, found.ends)
    evidence.edges.extend(np.array(path, dtype=np.int32) for path in found.paths)
    return evidence.result(paths=found.paths)


def _facts_of(plan: FactsOf, evidence: Evidence) -> PlanResult:
    view = evidence.view
    found = find(plan.source, view)
    nodes = found.nodes
    edges = np.unique(np.concatenate([edges_of(view, nodes), edges_of(view, nodes, inverse=True)]))
    facts: list[AttributeFact] = []
    for on_edge, owners, columns in (
        (False, nodes, view.node_columns),
        (True, edges, view.edge_columns),
    ):
        for column in columns.values():
            held, rows = rows_of(column, owners)
            facts += column_facts(column, held, rows, on_edge=on_edge)
    ends = np.concatenate([view.heads[edges], view.tails[edges]])
    described = [fact.owner for fact in facts if not fact.on_edge]
    described += [node for node in nodes.tolist() if view.texts[node]]
    known = np.unique(np.concatenate([ends, np.array(described, dtype=np.int32)]))
    kept = nodes[among(nodes, known)]
    evidence.edges.append(edges)
    evidence.cite(facts)
    found.prove(evidence, kept)
    return evidence.result(nodes=kept)

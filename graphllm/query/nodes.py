"""Find the nodes that a node plan denotes, and prove some of them by edges and attributes.

A proof is enough in this sense: on any part of the graph that holds the cited edges and
attributes, the plan still finds the nodes that were proved, and none that it does not find on the
whole graph. So a plan gives the same answer on its proof alone.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Int32

from graphllm.graph.columns import Column, Value
from graphllm.graph.view import GraphView
from graphllm.query import lookup
from graphllm.query.measure import (
    Measured,
    Walk,
    among,
    column_facts,
    condition_facts,
    measure,
    rows_of,
    walk,
    walk_everywhere,
)
from graphllm.query.plan import (
    Comparison,
    Degree,
    Entities,
    Filter,
    Follow,
    HavingAttribute,
    HavingStep,
    Intersect,
    NodePlan,
    OfType,
    Subtract,
    TopK,
    Union,
)
from graphllm.query.result import AttributeFact, PlanResult
from graphllm.query.values import compare, ordinals

Nodes = Int32[np.ndarray, "..."]


@dataclass(slots=True)
class Evidence:
    """The edges and attributes that prove an answer, as they are gathered."""

    view: GraphView
    edges: list[Nodes] = field(default_factory=list)
    facts: dict[AttributeFact, None] = field(default_factory=dict)
    closed_world: bool = False

    def cite(self, facts: list[AttributeFact]) -> None:
        """Add attribute facts."""
        self.facts.update(dict.fromkeys(facts))

    def cite_walk(self, walked: Walk, rows: np.ndarray | slice = slice(None)) -> None:
        """Add edges walked, and the edge attributes that let them pass."""
        edges = walked.edges[rows]
        self.edges.append(edges)
        self.cite(condition_facts(self.view, walked.step, edges))

    def cite_measured(self, measured: Measured, rows: Bool[np.ndarray, "num_values"]) -> None:
        """Add what these values were read from."""
        if measured.column is not None:
            owners, sources = measured.owners[rows], measured.sources[rows]
            self.cite(column_facts(measured.column, owners, sources))
        elif measured.walk is not None and measured.is_degree:
            owners = measured.owners[rows]
            self.cite_walk(measured.walk, among(measured.walk.sources, owners))
        elif measured.walk is not None:
            self.cite_walk(measured.walk, measured.sources[rows])

    def result(
        self,
        *,
        nodes: Nodes | None = None,
        values: tuple[Value, ...] = (),
        groups: tuple[Value, ...] = (),
        paths: tuple[tuple[int, ...], ...] = (),
        closed_world: bool = False,
    ) -> PlanResult:
        """Return an answer together with everything cited so far."""
        nothing = np.zeros(0, dtype=np.int32)
        return PlanResult(
            nodes=nothing if nodes is None else nodes,
            values=values,
            groups=groups,
            edges=np.unique(np.concatenate([nothing, *self.edges])),
            attributes=tuple(self.facts),
            paths=paths,
            closed_world=closed_world or self.closed_world,
        )


@dataclass(frozen=True, slots=True)
class Given:
    """Nodes named by key or type: nothing to prove."""

    nodes: Nodes

    def prove(self, evidence: Evidence, wanted: Nodes) -> None:
        """Cite nothing."""

    def examine(self, evidence: Evidence) -> None:
        """Cite nothing."""


@dataclass(frozen=True, slots=True)
class Starting:
    """Nodes from which a step can be walked."""

    nodes: Nodes
    walked: Walk

    def prove(self, evidence: Evidence, wanted: Nodes) -> None:
        """Cite the edges that can be walked from the wanted nodes."""
        evidence.cite_walk(self.walked, among(self.walked.sources, wanted))

    def examine(self, evidence: Evidence) -> None:
        """Cite every such edge."""
        evidence.cite_walk(self.walked)


@dataclass(frozen=True, slots=True)
class Holding:
    """Nodes that have a value of an attribute."""

    nodes: Nodes
    column: Column

    def prove(self, evidence: Evidence, wanted: Nodes) -> None:
        """Cite the values of the wanted nodes."""
        evidence.cite(column_facts(self.column, *rows_of(self.column, np.unique(wanted))))

    def examine(self, evidence: Evidence) -> None:
        """Cite every value."""
        self.prove(evidence, self.nodes)


@dataclass(frozen=True, slots=True)
class Followed:
    """Nodes one step away."""

    nodes: Nodes
    inner: "Found"
    walked: Walk

    def prove(self, evidence: Evidence, wanted: Nodes) -> None:
        """Cite the edges into the wanted nodes, and what proves where those come from."""
        used = among(self.walked.targets, wanted)
        evidence.cite_walk(self.walked, used)
        self.inner.prove(evidence, np.unique(self.walked.sources[used]))

    def examine(self, evidence: Evidence) -> None:
        """Cite every edge walked."""
        evidence.cite_walk(self.walked)
        self.inner.examine(evidence)


@dataclass(frozen=True, slots=True)
class Joined:
    """Nodes in both sets or in either."""

    nodes: Nodes
    left: "Found"
    right: "Found"

    def prove(self, evidence: Evidence, wanted: Nodes) -> None:
        """Prove each wanted node in every side that holds it."""
        for side in (self.left, self.right):
            side.prove(evidence, wanted[among(wanted, side.nodes)])

    def examine(self, evidence: Evidence) -> None:
        """Cite everything both sides looked at."""
        self.left.examine(evidence)
        self.right.examine(evidence)


@dataclass(frozen=True, slots=True)
class Difference:
    """Nodes of the left set that are not in the right one."""

    nodes: Nodes
    left: "Found"
    right: "Found"

    def prove(self, evidence: Evidence, wanted: Nodes) -> None:
        """Also prove what was taken away: without that it might come back."""
        taken = self.left.nodes[among(self.left.nodes, self.right.nodes)]
        self.left.prove(evidence, np.union1d(wanted, taken))
        self.right.prove(evidence, taken)
        evidence.closed_world |= len(wanted) > 0

    def examine(self, evidence: Evidence) -> None:
        """Cite everything both sides looked at."""
        self.left.examine(evidence)
        self.right.examine(evidence)


@dataclass(frozen=True, slots=True)
class Filtered:
    """Nodes with a value that passes.

    Attributes:
        passed: Which of the values measured pass.
        rests_on_absence: A node with fewer edges might pass, or one with more fail.
    """

    nodes: Nodes
    inner: "Found"
    measured: Measured
    passed: Bool[np.ndarray, "num_values"]
    rests_on_absence: bool

    def prove(self, evidence: Evidence, wanted: Nodes) -> None:
        """Cite the values that pass; all that were compared when absence matters."""
        if self.rests_on_absence:
            evidence.cite_measured(self.measured, _all(self.measured))
            self.inner.prove(evidence, self.inner.nodes)
            evidence.closed_world |= len(wanted) > 0
        else:
            evidence.cite_measured(self.measured, self.passed & among(self.measured.owners, wanted))
            self.inner.prove(evidence, wanted)

    def examine(self, evidence: Evidence) -> None:
        """Cite every value measured."""
        evidence.cite_measured(self.measured, _all(self.measured))
        self.inner.examine(evidence)


@dataclass(frozen=True, slots=True)
class Top:
    """Nodes with the largest or smallest values.

    Attributes:
        ranked: The same nodes, best first.
        best: Which of the values measured are the best of their node.
    """

    nodes: Nodes
    inner: "Found"
    measured: Measured
    ranked: Nodes
    best: Bool[np.ndarray, "num_values"]

    def prove(self, evidence: Evidence, wanted: Nodes) -> None:
        """Cite the best value of every node: a superlative rests on all it was compared with."""
        evidence.cite_measured(self.measured, self.best)
        self.inner.prove(evidence, np.unique(self.measured.owners[self.best]))
        evidence.closed_world |= len(wanted) > 0

    def examine(self, evidence: Evidence) -> None:
        """Cite every value measured."""
        evidence.cite_measured(self.measured, _all(self.measured))
        self.inner.examine(evidence)


Found = Given | Starting | Holding | Followed | Joined | Difference | Filtered | Top


def prove_or_examine(found: Found, evidence: Evidence) -> None:
    """Prove all that was found; of an empty set, cite everything that was looked at."""
    if len(found.nodes):
        found.prove(evidence, found.nodes)
    else:
        found.examine(evidence)


def find(plan: NodePlan, view: GraphView) -> Found:
    """Return the nodes that ``plan`` denotes, ascending, and how they were found.

    Raises:
        PlanError: The plan names what the graph does not have.
    """
    match plan:
        case Entities(keys):
            return Given(lookup.node_ids(view, keys))
        case OfType(node_type):
            wanted = lookup.type_id(view, node_type)
            is_wanted = np.asarray(view.node_type_ids) == wanted
            return Given(np.flatnonzero(is_wanted).astype(np.int32))
        case HavingStep(step):
            walked = walk_everywhere(view, step)
            return Starting(np.unique(walked.sources), walked)
        case HavingAttribute(attribute):
            column = lookup.node_column(view, attribute)
            return Holding(np.unique(column.ids).astype(np.int32), column)
        case Follow(source, step):
            inner = find(source, view)
            walked = walk(view, step, inner.nodes)
            return Followed(np.unique(walked.targets), inner, walked)
        case Intersect() | Union() | Subtract():
            return _combined(plan, find(plan.left, view), find(plan.right, view))
        case Filter():
            return _filtered(plan, view)
        case TopK():
            return _top(plan, view)


def _combined(plan: Intersect | Union | Subtract, left: Found, right: Found) -> Found:
    if isinstance(plan, Union):
        return Joined(np.union1d(left.nodes, right.nodes), left, right)
    in_both = among(left.nodes, right.nodes)
    if isinstance(plan, Intersect):
        return Joined(left.nodes[in_both], left, right)
    return Difference(left.nodes[~in_both], left, right)


def _filtered(plan: Filter, view: GraphView) -> Filtered:
    inner = find(plan.source, view)
    measured = measure(view, plan.measure, inner.nodes)
    passed = compare(measured.values, plan.comparison, plan.value)
    grows = plan.comparison in (Comparison.MORE, Comparison.AT_LEAST)
    rests_on_absence = isinstance(plan.measure, Degree) and not grows
    nodes = np.unique(measured.owners[passed])
    return Filtered(nodes, inner, measured, passed, rests_on_absence)


def _top(plan: TopK, view: GraphView) -> Top:
    inner = find(plan.source, view)
    measured = measure(view, plan.measure, inner.nodes)
    order, has = ordinals(measured.values)
    if not plan.ascending:
        order = -order
    rows = np.flatnonzero(has)
    rows = rows[np.lexsort((order[rows], measured.owners[rows]))]
    owners, firsts = np.unique(measured.owners[rows], return_index=True)
    best = order[rows[firsts]]  # of each owner
    ranking = np.lexsort((owners, best))
    if len(ranking) > plan.k:
        ranking = ranking[best[ranking] <= best[ranking[plan.k - 1]]]
    is_best = np.zeros(len(measured.owners), dtype=np.bool_)
    is_best[rows] = order[rows] == best[np.searchsorted(owners, measured.owners[rows])]
    ranked = owners[ranking]
    return Top(np.sort(ranked), inner, measured, ranked, is_best)


def _all(measured: Measured) -> Bool[np.ndarray, "num_values"]:
    return np.ones(len(measured.owners), dtype=np.bool_)

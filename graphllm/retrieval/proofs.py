"""The fewest edges that lead to the answers of a plan, in the order in which they tell most."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from graphllm.graph.view import GraphView
from graphllm.query.lookup import relation_id
from graphllm.query.nodes import find
from graphllm.query.plan import (
    Aggregated,
    Count,
    EdgeValues,
    Exists,
    Filter,
    Follow,
    Intersect,
    NodePlan,
    Plan,
    Subtract,
    TopK,
    Union,
    Values,
)
from graphllm.query.result import PlanResult

Way = tuple[int, ...]


class Proof(NamedTuple):
    """How the answers of a plan are reached.

    Attributes:
        paths: One way to each answer, edges in walking order; those that share edges stand
            together, and first those whose edges lead to most answers.
        rest: Other edges of the proof: further ways, and what was compared.
    """

    paths: tuple[Way, ...]
    rest: tuple[int, ...]

    @property
    def edges(self) -> tuple[int, ...]:
        """The edges of the paths, each once: of the first few, whole paths are there."""
        return tuple(dict.fromkeys(edge for path in self.paths for edge in path))


def shortened(plan: Plan, result: PlanResult, view: GraphView, most: int) -> Proof:
    """Return the proof of a plan's result with one way to each answer.

    Where several nodes lead to the same answers, those are taken that lead to most.

    Args:
        most: Ways, and other edges; of more than that, the first.
    """
    paths = _told(_Ways(view, result.edges).of_plan(plan, result, most))
    used = np.array([edge for path in paths for edge in path], dtype=np.int32)
    others = result.edges[~np.isin(result.edges, used)]
    return Proof(paths, tuple(others[:most].tolist()))


class _Ways:
    """Finds ways to nodes over the edges of a proof."""

    def __init__(self, view: GraphView, edges: Int32[np.ndarray, "num_edges"]) -> None:
        self.view, self.edges = view, edges
        self.heads, self.tails = np.asarray(view.heads[edges]), np.asarray(view.tails[edges])
        self.relation_ids = np.asarray(view.relation_ids[edges])

    def of_plan(self, plan: Plan, result: PlanResult, most: int) -> list[Way]:
        """Return a way to each answer of a plan; none for plans that are no walk."""
        if result.paths:
            return list(result.paths[:most])
        match plan:
            case Values(source) | Count(source) | Aggregated(source) | Exists(source):
                nodes = find(source, self.view).nodes
            case Follow() | Intersect() | Union() | Subtract() | Filter() | TopK():
                source, nodes = plan, result.nodes
            case EdgeValues(source, step):
                source = Follow(source, step)
                nodes = find(source, self.view).nodes
            case _:
                return []
        ways = self._to(source, nodes[:most].tolist())
        return [way for way in ways.values() if way]

    def _to(self, plan: NodePlan, targets: Sequence[int]) -> dict[int, Way]:
        """Return a way to each of ``targets``, which are among the nodes of ``plan``."""
        match plan:
            case Follow(source, step):
                return self._by_step(source, step.relation, targets, inverse=step.inverse)
            case Subtract(source) | Filter(source) | TopK(source):
                return self._to(source, targets)
            case Intersect(left, right):
                first, second = self._to(left, targets), self._to(right, targets)
                return {t: first[t] + second[t] for t in first if t in second}
            case Union(left, right):
                on_the_left = set(find(left, self.view).nodes.tolist())
                found = self._to(left, [t for t in targets if t in on_the_left])
                return found | self._to(right, [t for t in targets if t not in on_the_left])
            case _:
                return dict.fromkeys(targets, ())

    def _by_step(
        self, source: NodePlan, relation: str, targets: Sequence[int], *, inverse: bool
    ) -> dict[int, Way]:
        leaves, enters = (self.tails, self.heads) if inverse else (self.heads, self.tails)
        fits = self.relation_ids == relation_id(self.view, relation)
        fits &= np.isin(enters, np.array(targets, dtype=np.int32))
        fits &= np.isin(leaves, find(source, self.view).nodes)
        rows = np.flatnonzero(fits)
        chosen = _cover(
            list(zip(leaves[rows].tolist(), enters[rows].tolist(), rows.tolist(), strict=True))
        )
        before = self._to(source, list(dict.fromkeys(start for start, _ in chosen.values())))
        return {
            target: (*before[start], int(self.edges[row]))
            for target, (start, row) in chosen.items()
            if start in before
        }


def _cover(steps: Iterable[tuple[int, int, int]]) -> dict[int, tuple[int, int]]:
    """Return, for each target, a start and the row of the step from it, with few starts.

    Greedy set cover: the start with the most targets that are still open comes next; of equals,
    the one with the lower id.

    Examples:
        >>> _cover([(1, 7, 0), (2, 7, 1), (2, 8, 2)])
        {7: (2, 1), 8: (2, 2)}
    """
    import heapq

    reached: dict[int, dict[int, int]] = {}
    for start, target, row in steps:
        reached.setdefault(start, {}).setdefault(target, row)
    queue = [(-len(targets), start) for start, targets in reached.items()]
    heapq.heapify(queue)
    chosen: dict[int, tuple[int, int]] = {}
    while queue:
        promised, start = heapq.heappop(queue)
        new = {t: row for t, row in reached[start].items() if t not in chosen}
        if len(new) == -promised:
            chosen.update((target, (start, row)) for target, row in new.items())
        elif new:
            heapq.heappush(queue, (-len(new), start))
    return chosen


def _told(ways: Sequence[Way]) -> tuple[Way, ...]:
    """Return ways so ordered that those which share their beginning stand together.

    At each fork the branch with the most answers comes first.
    """
    branches: dict[int, list[Way]] = {}
    for way in ways:
        branches.setdefault(way[0], []).append(way)
    ordered: list[Way] = []
    for edge, through in sorted(branches.items(), key=lambda item: (-len(item[1]), item[0])):
        ordered += [way for way in through if len(way) == 1][:1]
        further = [way[1:] for way in through if len(way) > 1]
        ordered += [(edge, *way) for way in (_told(further) if further else ())]
    return tuple(ordered)

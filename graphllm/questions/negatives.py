"""Plans that look like the right one and are wrong: what a scorer has to tell apart."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple, cast

import numpy as np

from graphllm.errors import PlanError
from graphllm.graph.view import GraphView, edges_of
from graphllm.query.execute import execute
from graphllm.query.plan import (
    Aggregate,
    Aggregated,
    Attribute,
    By,
    Comparison,
    Count,
    CountValues,
    EdgeValues,
    Entities,
    Exists,
    Filter,
    Follow,
    GroupCount,
    Grouped,
    HavingAttribute,
    Intersect,
    NodePlan,
    Plan,
    Step,
    Subtract,
    TopK,
    Union,
    Values,
    children,
)
from graphllm.query.result import PlanResult
from graphllm.questions.walks import Return, read_return, there_and_back


class Wrong(StrEnum):
    """In what a plan is wrong."""

    PREFIX = "prefix"  # a step too few
    EXTENSION = "extension"  # a step too many
    DIRECTION = "direction"  # a step walked the other way
    SIBLING = "sibling"  # another relation that leaves the same nodes
    OPERATION = "operation"  # another operation over the same steps
    ATTRIBUTE = "attribute"  # another attribute
    RETURN = "return"  # what is shared, or comes back, is not, or is another


class Negative(NamedTuple):
    """A wrong plan, and in what it is wrong."""

    plan: Plan
    wrong: Wrong


def negatives(
    plan: Plan, view: GraphView, rng: np.random.Generator, *, limit: int = 12
) -> list[Negative]:
    """Return wrong plans over the same names as ``plan``, of as many sorts as there are.

    None has the form and the answers of ``plan``, none repeats, and most find something.

    Args:
        limit: At most this many.
    """
    gold = execute(plan, view)
    seen: set[Plan] = {plan}
    by_sort: dict[Wrong, list[Negative]] = {}
    for found in _candidates(plan, view, rng):
        if found.plan in seen or _same(found.plan, plan, view, gold):
            continue
        seen.add(found.plan)
        by_sort.setdefault(found.wrong, []).append(found)
    chosen = _near_returns(plan, by_sort)[:limit]
    for of_sort in by_sort.values():
        rng.shuffle(cast(list[object], of_sort))
    while len(chosen) < limit and any(by_sort.values()):
        chosen += [of_sort.pop() for of_sort in by_sort.values() if of_sort]
    return chosen[:limit]


def _near_returns(plan: Plan, by_sort: dict[Wrong, list[Negative]]) -> list[Negative]:
    """Take out what a path that comes back is most easily mistaken for.

    That is the path without the whole return, without its way back, back by another relation, and
    without what follows it.
    """
    found = return_in(plan)
    if found is None:
        return []
    back, whole = found
    own = [n for n in by_sort.get(Wrong.RETURN, ()) if n.plan == _replaced(plan, whole, back.start)]
    other = [n for n in by_sort.get(Wrong.RETURN, ()) if n not in own][:1]
    turned_off = [
        n
        for n in by_sort.get(Wrong.SIBLING, ())
        if any(
            isinstance(at, Follow) and at.source == back.there and at.step != back.back.step
            for at in _steps_of(n.plan)
        )
    ][:1]
    chosen = [*own, *turned_off, *by_sort.get(Wrong.PREFIX, ())[:2], *other]
    for negative in chosen:
        by_sort[negative.wrong].remove(negative)
    return chosen


def return_in(plan: Plan) -> tuple[Return, NodePlan] | None:
    """Return the walk there and back inside a plan, and the part of the plan that it is."""
    for part in (plan, *parts_of(plan)):
        found = read_return(part) if isinstance(part, NodePlan) else None
        if found is not None and isinstance(part, NodePlan):
            return found, part
    return None


def parts_of(plan: Plan) -> Iterator[NodePlan]:
    """Yield everything inside a plan."""
    for part in children(plan):
        yield part
        yield from parts_of(part)


def _same(found: Plan, plan: Plan, view: GraphView, gold: PlanResult) -> bool:
    """Whether a plan cannot run, or gives what the right one gives in the same form."""
    try:
        result = execute(found, view)
    except PlanError:
        return True
    if type(found) is not type(plan) and isinstance(found, NodePlan) != isinstance(plan, NodePlan):
        return False
    same_groups = result.groups == gold.groups
    same_nodes = same_groups and np.array_equal(np.sort(result.nodes), np.sort(gold.nodes))
    return same_nodes and result.values == gold.values and result.paths == gold.paths


def _candidates(plan: Plan, view: GraphView, rng: np.random.Generator) -> Iterator[Negative]:
    yield from _other_returns(plan, view, rng)
    yield from _other_groups(plan, view, rng)
    for step_at in _steps_of(plan):
        yield from _other_steps(plan, step_at, view)
    yield from _longer(plan, view, rng)
    yield from _other_operations(plan)
    yield from _other_attributes(plan, view)


Walking = Follow | EdgeValues | GroupCount


def _steps_of(plan: Plan) -> list[Walking]:
    here = [plan] if isinstance(plan, Walking) else []
    return here + [found for part in children(plan) for found in _steps_of(part)]


def _replaced(plan: Plan, old: Plan, new: Plan) -> Plan:
    """Return ``plan`` with ``new`` wherever ``old`` stands."""
    if plan == old:
        return new
    changed = {
        name: _replaced(part, old, new)
        for name in plan.__slots__
        for part in [getattr(plan, name)]
        if isinstance(part, NodePlan)
    }
    return replace(plan, **changed) if changed else plan  # type: ignore[arg-type]


def _other_steps(plan: Plan, at: Walking, view: GraphView) -> Iterator[Negative]:
    turned = replace(at, step=replace(at.step, inverse=not at.step.inverse))
    yield Negative(_replaced(plan, at, turned), Wrong.DIRECTION)
    if isinstance(at, Follow) and not isinstance(at.source, Entities):
        yield Negative(_replaced(plan, at, at.source), Wrong.PREFIX)
    for step in steps_from(at.source, view):
        if step.relation != at.step.relation:
            other = replace(at, step=step)
            yield Negative(_replaced(plan, at, other), Wrong.SIBLING)


def steps_from(source: NodePlan, view: GraphView) -> list[Step]:
    """Return the steps that can be walked from some node of a plan."""
    nodes = np.sort(execute(source, view).nodes)[:20]
    found = []
    for inverse in (False, True):
        edges = edges_of(view, nodes, inverse=inverse)
        relations = np.unique(np.asarray(view.relation_ids)[edges]).tolist()
        found += [Step(view.relations[relation], inverse) for relation in relations]
    return found


def _other_returns(plan: Plan, view: GraphView, rng: np.random.Generator) -> Iterator[Negative]:
    """Yield the plan without its way there and back, with another, or with one it did not have."""
    found = return_in(plan)
    if found is not None:
        back, whole = found
        yield Negative(_replaced(plan, whole, back.start), Wrong.RETURN)
        start, away = back.start, [s for s in steps_from(back.start, view) if s != back.there.step]
    else:
        starts = [part for part in parts_of(plan) if isinstance(part, Entities)]
        if not starts or not isinstance(plan, NodePlan | Values) or isinstance(plan, Subtract):
            return
        whole = start = starts[0]
        away = steps_from(start, view)
    for i in rng.permutation(len(away))[:2].tolist():
        yield Negative(_replaced(plan, whole, there_and_back(start, away[i])), Wrong.RETURN)


def _other_groups(plan: Plan, view: GraphView, rng: np.random.Generator) -> Iterator[Negative]:
    """Yield groups made by something else, and the nodes without groups."""
    if not isinstance(plan, Grouped):
        return
    steps = [s for s in steps_from(plan.source, view) if plan.by.steps != (s,)]
    for i in rng.permutation(len(steps))[:4].tolist():
        yield Negative(replace(plan, by=By((steps[i],))), Wrong.SIBLING)
    names = list(view.node_columns)
    for i in rng.permutation(len(names))[:3].tolist():
        if names[i] != plan.by.attribute:
            yield Negative(replace(plan, by=By((), names[i])), Wrong.ATTRIBUTE)
    others: list[Plan] = [
        replace(plan, over=None) if plan.over is not None else Count(plan.source),
        replace(plan, ascending=not plan.ascending, k=plan.k or 1),
        replace(plan, comparison=None, k=None) if plan.k or plan.comparison else plan.source,
    ]
    if plan.over is not None:
        over = plan.over
        others.append(Aggregated(plan.source, over.measure, over.aggregate))
        made = [a for a in Aggregate if a is not over.aggregate]
        others += [replace(plan, over=replace(over, aggregate=a)) for a in made]
    if plan.comparison in _TURNED:
        others.append(replace(plan, comparison=_TURNED[plan.comparison]))
    yield from (Negative(other, Wrong.OPERATION) for other in others)


_TURNED = {
    Comparison.MORE: Comparison.LESS,
    Comparison.LESS: Comparison.MORE,
    Comparison.AT_LEAST: Comparison.LESS,
}


def _longer(plan: Plan, view: GraphView, rng: np.random.Generator) -> Iterator[Negative]:
    """Yield the plan with a step more at its end, and inside its operation."""
    ends = [plan] if isinstance(plan, NodePlan) else list(children(plan))[:1]
    for end in ends:
        steps = steps_from(end, view)
        for i in rng.permutation(len(steps))[:4].tolist():
            longer = Follow(end, steps[i])
            yield Negative(_replaced(plan, end, longer), Wrong.EXTENSION)


def _other_operations(plan: Plan) -> Iterator[Negative]:
    def wrong(other: Plan) -> Negative:
        return Negative(other, Wrong.OPERATION)

    match plan:
        case Count(source) | Exists(source):
            yield wrong(source)
            yield wrong(Exists(source) if isinstance(plan, Count) else Count(source))
        case Aggregated(source, measure, aggregate):
            for other in Aggregate:
                if other is not aggregate:
                    yield wrong(Aggregated(source, measure, other))
            yield wrong(TopK(source, measure))
            yield wrong(source)
        case GroupCount(source, step):
            yield wrong(Follow(source, step))
            yield wrong(Count(Follow(source, step)))
        case Values(source) | EdgeValues(source):
            yield wrong(source)
            yield from (wrong(_replaced(plan, at, other)) for at, other in _other_sets(source))
        case CountValues(source, attribute):
            yield wrong(Count(source))
            yield wrong(Values(source, attribute))
        case _ if isinstance(plan, NodePlan):
            yield wrong(Count(plan))
            yield from (wrong(_replaced(plan, at, other)) for at, other in _other_sets(plan))
        case _:
            pass


def _other_sets(plan: NodePlan) -> Iterator[tuple[NodePlan, NodePlan]]:
    """Yield parts of a plan with another operation in their place."""
    match plan:
        case TopK(source, measure, k, ascending):
            yield plan, TopK(source, measure, k, not ascending)
            yield plan, source
        case Filter(source, measure, comparison, value):
            turned = {Comparison.MORE: Comparison.LESS, Comparison.LESS: Comparison.MORE}
            other = turned.get(comparison, Comparison.NOT_EQUALS)
            yield plan, Filter(source, measure, other, value)
            yield plan, source
        case Intersect(left, right) | Union(left, right) | Subtract(left, right):
            others: tuple[Callable[[NodePlan, NodePlan], NodePlan], ...] = (
                Intersect,
                Union,
                Subtract,
            )
            yield from ((plan, make(left, right)) for make in others if make is not type(plan))
            yield plan, left
            yield plan, right
            yield plan, Subtract(right, left)
        case _:
            pass
    for part in children(plan):
        yield from _other_sets(part)


def _other_attributes(plan: Plan, view: GraphView) -> Iterator[Negative]:
    for name in list(view.node_columns)[:8]:
        match plan:
            case Values() | CountValues():
                yield Negative(replace(plan, attribute=name), Wrong.ATTRIBUTE)
            case Intersect(_, HavingAttribute()) | Subtract(_, HavingAttribute()):
                other = replace(plan, right=HavingAttribute(name))
                yield Negative(other, Wrong.ATTRIBUTE)
            case TopK(measure=Attribute()) | Aggregated(measure=Attribute()):
                yield Negative(replace(plan, measure=Attribute(name)), Wrong.ATTRIBUTE)
            case Filter(measure=Attribute()):
                yield Negative(replace(plan, measure=Attribute(name)), Wrong.ATTRIBUTE)
            case _:
                pass

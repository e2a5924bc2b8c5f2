"""Draw plans that group nodes, count their values, and ask what has a value at all."""

from typing import TYPE_CHECKING

import numpy as np

from graphllm.query.execute import execute
from graphllm.query.plan import (
    Aggregate,
    Attribute,
    By,
    Comparison,
    CountValues,
    Follow,
    Grouped,
    HavingAttribute,
    Intersect,
    NodePlan,
    OfType,
    Over,
    Part,
    Plan,
    Subtract,
    TopK,
)
from graphllm.questions.lexicon import MeasureSense

if TYPE_CHECKING:
    from graphllm.questions.sampling import Nodes, Sampler

_MOST_GROUPS = 40
_MOST_VALUES = 15  # a text with more different values is a name or a description
_SHAPES = ("each", "each", "each", "each", "first", "first", "passing")


def draw_groups(sampler: "Sampler") -> Plan | None:
    """Return a number for each group of several nodes, or the groups ranked or compared by it."""
    base = sampler.base()
    if base is None:
        return None
    source, nodes, kind = base
    by = _by(sampler, source, nodes, kind)
    if by is None:
        return None
    over = _over(sampler, nodes, kind) if sampler.chance(0.35) else None
    plan = Grouped(source, by, over)
    values = execute(plan, sampler.view).values
    if not 1 < len(values) <= _MOST_GROUPS:
        return None
    shape = sampler.pick(_SHAPES)
    if shape == "first":
        return _first(sampler, plan, len(values))
    if shape == "passing" and over is None:
        return _passing(sampler, plan, [int(v) for v in values if isinstance(v, int)])
    return plan


def _by(sampler: "Sampler", source: NodePlan, nodes: "Nodes", kind: str) -> By | None:
    """Return what nodes may be grouped by: what a step leads to, an attribute, or one there."""
    drawn = sampler.rng.random()
    if drawn < 0.35:
        return _by_attribute(sampler, nodes, kind)
    step = sampler.pick(sampler.steps(int(nodes[0])))
    sense = None if step is None else sampler.lexicon.sense(step, kind)
    if step is None or sense is None or sense.twoway or sense.source == sense.target:
        return None
    if isinstance(source, Follow) and sampler.goes_back(step, source.step):
        return None
    if drawn < 0.85 or not sense.leads_to_one:
        return By((step,))
    reached = _by_attribute(sampler, sampler.nodes(Follow(source, step)), sense.target)
    return None if reached is None else By((step,), reached.attribute, reached.part)


def _by_attribute(sampler: "Sampler", nodes: "Nodes", kind: str) -> By | None:
    """Return an attribute with few different values, or the year of a date."""
    for place in sampler.rng.permutation(len(sampler.lexicon.measures.get(kind, ()))).tolist():
        sense = sampler.lexicon.measures[kind][place]
        if not isinstance(sense.measure, Attribute):
            continue
        values = sampler.read(sense, nodes)
        if any(isinstance(v, bool | float) for v in values) or len(set(map(str, values))) < 2:
            continue
        if any(isinstance(v, np.datetime64) for v in values):
            part = Part.YEAR if sampler.chance(0.8) else Part.MONTH
            return By((), sense.measure.name, part)
        is_year = sense.words.is_time and all(isinstance(v, int) for v in values)
        is_text = all(isinstance(v, str) for v in values)
        repeats = len(set(values)) <= min(_MOST_VALUES, 0.7 * len(values))
        if is_year or (is_text and repeats):
            return By((), sense.measure.name)
    return None


def _over(sampler: "Sampler", nodes: "Nodes", kind: str) -> Over | None:
    """Return an average, a sum or an extreme of a number that nodes have."""
    sense = _number(sampler, nodes, kind)
    if sense is None:
        return None
    options = [Aggregate.AVERAGE] * 4 + [Aggregate.MAXIMUM, Aggregate.MINIMUM]
    if sense.words.adds:
        options += [Aggregate.SUM] * 3
    aggregate = sampler.pick(options)
    return None if aggregate is None else Over(aggregate, sense.measure)


def _number(sampler: "Sampler", nodes: "Nodes", kind: str) -> MeasureSense | None:
    sense = sampler.measure(kind, numbers=True)
    if sense is None or sense.words.is_time or not sense.words.more:
        return None
    values = sampler.read(sense, nodes)
    is_number = not any(isinstance(v, str | bool | np.datetime64) for v in values)
    return sense if len(values) > 2 and is_number else None


def _first(sampler: "Sampler", plan: Grouped, num_groups: int) -> Grouped | None:
    """Return the first groups; of all nodes of a kind, "most" ranks what a step leads to."""
    if isinstance(plan.source, OfType) and plan.over is None and plan.by.attribute is None:
        return None
    k = 1 if sampler.chance(0.6) else int(sampler.rng.integers(2, 6))
    ranked = Grouped(plan.source, plan.by, plan.over, k=k, ascending=sampler.chance(0.25))
    kept = len(execute(ranked, sampler.view).values)
    return ranked if kept <= k + 1 and kept < num_groups else None


def _passing(sampler: "Sampler", plan: Grouped, counts: list[int]) -> Grouped | None:
    """Return the groups with at least, or more or fewer than, so many."""
    comparison = sampler.pick((Comparison.AT_LEAST, Comparison.MORE, Comparison.MORE,
                               Comparison.LESS))  # fmt: skip
    value = sampler.pick(counts)
    if comparison is None or value is None:
        return None
    passing = Grouped(plan.source, plan.by, None, comparison, value)
    return passing if 0 < len(execute(passing, sampler.view).values) < len(counts) else None


def draw_different(sampler: "Sampler") -> Plan | None:
    """Return how many different values an attribute of several nodes has."""
    base = sampler.base()
    by = None if base is None else _by_attribute(sampler, base[1], base[2])
    if base is None or by is None or by.attribute is None or by.part is not None:
        return None
    return CountValues(base[0], by.attribute)


def draw_having(sampler: "Sampler") -> NodePlan | None:
    """Return those of several nodes that have a value of an attribute, or those that have none."""
    base = sampler.base()
    sense = None if base is None else sampler.measure(base[2])
    if base is None or sense is None or not isinstance(sense.measure, Attribute):
        return None
    has = HavingAttribute(sense.measure.name)
    plan = Subtract(base[0], has) if sampler.chance(0.6) else Intersect(base[0], has)
    return plan if 0 < len(sampler.nodes(plan)) < len(base[1]) else None


def next_in_rank(plan: TopK) -> NodePlan:
    """Return the last of the first ``k``: the second largest, not the two largest."""
    return Subtract(plan, TopK(plan.source, plan.measure, plan.k - 1, plan.ascending))

"""Every operation a second time, with Python sets over lists of triples and no cleverness."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from graphllm.graph.folding import fold
from graphllm.query import (
    Aggregate,
    Aggregated,
    Attribute,
    Comparison,
    Count,
    CountValues,
    Degree,
    EdgeValues,
    Entities,
    Exists,
    FactsOf,
    Filter,
    Follow,
    GroupCount,
    HavingAttribute,
    HavingStep,
    Intersect,
    OfType,
    Part,
    Reached,
    Subtract,
    TopK,
    Union,
    Values,
)


@dataclass
class Naive:
    triples: list  # (head, relation, tail) by node number and relation name
    names: list
    keys: list
    types: list
    node_values: dict  # attribute -> list of (node, value)
    edge_values: dict = field(default_factory=dict)

    @classmethod
    def of(cls, view):
        triples = [
            (int(h), view.relations[r], int(t))
            for h, r, t in zip(view.heads, view.relation_ids, view.tails, strict=True)
        ]
        types = [view.node_types[i] if i >= 0 else None for i in view.node_type_ids]
        columns = [
            {
                name: [(int(owner), column.value(row)) for row, owner in enumerate(column.ids)]
                for name, column in side.items()
            }
            for side in (view.node_columns, view.edge_columns)
        ]
        return cls(triples, list(view.names), list(view.keys), types, *columns)

    # -- steps

    def walked(self, step, nodes):
        found = []
        for edge, (head, relation, tail) in enumerate(self.triples):
            source, target = (tail, head) if step.inverse else (head, tail)
            if relation != step.relation or source not in nodes:
                continue
            if step.condition and not any(
                holds(value, step.condition.comparison, step.condition.value)
                for owner, value in self.edge_values[step.condition.attribute]
                if owner == edge
            ):
                continue
            found.append((source, edge, target))
        return found

    # -- values of a node

    def measured(self, measure, node):
        match measure:
            case Attribute(name):
                return [value for owner, value in self.node_values[name] if owner == node]
            case Reached(step=step):
                return [self.names[t] for t in sorted({t for _, _, t in self.walked(step, {node})})]
            case Degree(step):
                return [len({target for _, _, target in self.walked(step, {node})})]

    # -- sets of nodes

    def nodes(self, plan):
        everything = set(range(len(self.names)))
        match plan:
            case Entities(keys):
                return {n for n in everything if self.keys[n] in keys}
            case OfType(type):
                return {n for n in everything if self.types[n] == type}
            case HavingStep(step):
                return {source for source, _, _ in self.walked(step, everything)}
            case HavingAttribute(attribute):
                return {owner for owner, _ in self.node_values[attribute]}
            case Follow(source, step):
                return {target for _, _, target in self.walked(step, self.nodes(source))}
            case Intersect(left, right):
                return self.nodes(left) & self.nodes(right)
            case Union(left, right):
                return self.nodes(left) | self.nodes(right)
            case Subtract(left, right):
                return self.nodes(left) - self.nodes(right)
            case Filter(source, measure, comparison, value):
                return {
                    n
                    for n in self.nodes(source)
                    if any(holds(v, comparison, value) for v in self.measured(measure, n))
                }
            case TopK():
                return set(self.ranked(plan))

    def ranked(self, plan):
        sign = 1 if plan.ascending else -1
        best = {}
        for n in self.nodes(plan.source):
            ranks = [sign * rank(v) for v in self.measured(plan.measure, n) if rank(v) is not None]
            if ranks:
                best[n] = min(ranks)
        order = sorted(best, key=lambda n: (best[n], n))
        if len(order) > plan.k:
            order = [n for n in order if best[n] <= best[order[plan.k - 1]]]
        return order

    def groups(self, plan):
        """Each group's number, by what the group is."""
        members = {}
        for node in sorted(self.nodes(plan.source)):
            ends = {node}
            for step in plan.by.steps:
                ends = {target for _, _, target in self.walked(step, ends)}
            for end in ends:
                for group in self.labels(plan.by, end):
                    members.setdefault(group, []).append(node)
        numbers = {}
        for group, nodes in members.items():
            numbers[group] = len(set(nodes))
            if plan.over is not None:
                inside = Entities(tuple(self.keys[n] for n in nodes))
                total = self.aggregated(Aggregated(inside, plan.over.measure, plan.over.aggregate))
                numbers[group] = total[0] if total else None
        kept = {g: n for g, n in numbers.items() if n is not None}
        if plan.comparison is not None:
            kept = {g: n for g, n in kept.items() if holds(n, plan.comparison, plan.value)}
        if plan.k is not None and len(kept) > plan.k:
            sign = 1 if plan.ascending else -1
            last = sorted(sign * rank(n) for n in kept.values())[plan.k - 1]
            kept = {g: n for g, n in kept.items() if sign * rank(n) <= last}
        return kept

    def labels(self, by, node):
        if by.attribute is None:
            return {node}
        values = {value for owner, value in self.node_values[by.attribute] if owner == node}
        if by.part is None:
            return values
        length = {Part.YEAR: 4, Part.MONTH: 7, Part.DAY: 10}[by.part]
        cut = {str(value)[:length] for value in values}
        return {int(text) for text in cut} if by.part is Part.YEAR else cut

    # -- answers: (nodes in order or None, values or None)

    def answer(self, plan):
        match plan:
            case Values(source, attribute):
                inside = self.nodes(source)
                return None, [v for n, v in self.node_values[attribute] if n in inside]
            case EdgeValues(source, step, attribute, target):
                ends = None if target is None else self.nodes(target)
                edges = {
                    e
                    for _, e, t in self.walked(step, self.nodes(source))
                    if ends is None or t in ends
                }
                return None, [v for e, v in self.edge_values[attribute] if e in edges]
            case Count(source):
                return None, [len(self.nodes(source))]
            case Exists(source):
                return None, [bool(self.nodes(source))]
            case Aggregated():
                return None, self.aggregated(plan)
            case GroupCount(source, step):
                reached = {}
                for s, _, t in self.walked(step, self.nodes(source)):
                    reached.setdefault(t, set()).add(s)
                order = sorted(reached, key=lambda t: (-len(reached[t]), t))
                return order, [len(reached[t]) for t in order]
            case CountValues(source, attribute):
                inside = self.nodes(source)
                return None, [len({v for n, v in self.node_values[attribute] if n in inside})]
            case FactsOf(source):
                return sorted(self.nodes(source)), None
            case TopK():
                return self.ranked(plan), None
            case _:
                return sorted(self.nodes(plan)), None

    def aggregated(self, plan):
        values = []
        for n in sorted(self.nodes(plan.source)):
            if isinstance(plan.measure, Reached):
                targets = {t for _, _, t in self.walked(plan.measure.step, {n})}
                values += [reading(self.names[t]) for t in targets]
            else:
                read = [reading(v) for v in self.measured(plan.measure, n)]
                values += [v for i, v in enumerate(read) if v not in read[:i]]
        if plan.aggregate in (Aggregate.MINIMUM, Aggregate.MAXIMUM):
            ranked = [(rank(v), v) for v in values if v is not None and rank(v) is not None]
            pick = max if plan.aggregate is Aggregate.MAXIMUM else min
            return [pick(ranked, key=lambda pair: pair[0])[1]] if ranked else []
        numbers = [v for v in values if is_number(v)]
        if not numbers:
            return []
        return [sum(numbers) / (len(numbers) if plan.aggregate is Aggregate.AVERAGE else 1)]

    # -- paths

    def shortest_paths(self, plan):
        start, end = self.nodes(plan.start), self.nodes(plan.end)
        for hops in range(plan.max_hops + 1):
            sequences = itertools.product(range(len(self.triples)), repeat=hops)
            found = [edges for edges in sequences if any(self.leads(edges, a) & end for a in start)]
            if found:
                return tuple(sorted(found)[: plan.max_paths])
        return ()

    def leads(self, edges, node):
        at = {node}
        for edge in edges:
            head, _, tail = self.triples[edge]
            at = {t for s, t in ((head, tail), (tail, head)) if s in at}
        return at


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def reading(value):
    """A text as a number or datetime64, if it is written as one."""
    if not isinstance(value, str):
        return value
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        pass
    try:
        return np.datetime64(datetime.fromisoformat(value), "us")
    except ValueError:
        return None


def rank(value):
    value = reading(value)
    if is_number(value):
        return value
    if isinstance(value, np.datetime64):
        d = value.item()
        day = (d.month - 1) * 31 + d.day - 1
        return d.year + (day + (d.hour + (d.minute + d.second / 60) / 60) / 24) / 372
    return None


ORDER = {
    Comparison.EQUALS: lambda a, b: a == b,
    Comparison.NOT_EQUALS: lambda a, b: a != b,
    Comparison.LESS: lambda a, b: a < b,
    Comparison.AT_MOST: lambda a, b: a <= b,
    Comparison.MORE: lambda a, b: a > b,
    Comparison.AT_LEAST: lambda a, b: a >= b,
}


def holds(value, comparison, literal):
    if isinstance(literal, str):
        if not isinstance(value, str):
            return False
        text = fold(value) or value.strip().casefold()
        wanted = fold(literal) or literal.strip().casefold()
        if comparison is Comparison.CONTAINS:
            starts = [i for i in range(len(text) + 1) if i == 0 or text[i - 1] == " "]
            return any(text[i:].startswith(wanted) for i in starts)
        return ORDER[comparison](text, wanted)
    if comparison is Comparison.CONTAINS:
        return False
    value = reading(value)
    if isinstance(value, bool) or isinstance(literal, bool):
        equality = comparison in (Comparison.EQUALS, Comparison.NOT_EQUALS)
        both = isinstance(value, bool) and isinstance(literal, bool)
        return equality and both and ORDER[comparison](value, literal)
    if value is None:
        return False
    if isinstance(value, np.datetime64) and is_number(literal):
        return literal == int(literal) and ORDER[comparison](value.item().year, literal)
    if is_number(value) and isinstance(literal, np.datetime64):
        return value == int(value) and ORDER[comparison](value, literal.item().year)
    return ORDER[comparison](value, literal)

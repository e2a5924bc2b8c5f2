"""Plans as numbered sentences of plain English."""

from collections.abc import Sequence

import numpy as np

from graphllm.graph.columns import format_value
from graphllm.graph.folding import humanize
from graphllm.graph.view import GraphView
from graphllm.query.plan import (
    Aggregate,
    Aggregated,
    Attribute,
    Comparison,
    Count,
    Degree,
    EdgeValues,
    Entities,
    Exists,
    FactsOf,
    Filter,
    Follow,
    GroupCount,
    HavingStep,
    Intersect,
    Literal,
    Measure,
    NodePlan,
    OfType,
    Plan,
    Reached,
    ShortestPath,
    Step,
    Subtract,
    TopK,
    Union,
    Values,
    check_depth,
)
from graphllm.query.text import printable

_COMPARED = {
    Comparison.EQUALS: "is",
    Comparison.NOT_EQUALS: "is not",
    Comparison.LESS: "is less than",
    Comparison.AT_MOST: "is at most",
    Comparison.MORE: "is more than",
    Comparison.AT_LEAST: "is at least",
    Comparison.CONTAINS: "contains",
}
_COMPARED_DATES = {
    **_COMPARED,
    Comparison.LESS: "is before",
    Comparison.AT_MOST: "is not after",
    Comparison.MORE: "is after",
    Comparison.AT_LEAST: "is not before",
}
_AGGREGATES = {
    Aggregate.MINIMUM: "smallest",
    Aggregate.MAXIMUM: "largest",
    Aggregate.SUM: "sum of all",
    Aggregate.AVERAGE: "average",
}


def to_words(plan: Plan, view: GraphView | None = None) -> str:
    """Return ``plan`` as numbered sentences, safe to print in a terminal.

    Args:
        view: Where to look up names; without it entities are called by their keys.

    Raises:
        PlanError: The plan is nested too deep.

    Examples:
        >>> films = Follow(Entities(("Brad Pitt",)), Step("starred_actors", inverse=True))
        >>> print(to_words(Count(Follow(films, Step("directed_by")))))
        1. Start at Brad Pitt.
        2. Go to those whose 'starred actors' is Brad Pitt.
        3. Take their 'directed by'.
        4. Answer with how many different ones there are.
    """
    check_depth(plan)
    writer = _Writer(view)
    writer.sentence(writer.ending(plan))
    return printable_lines(writer.sentences)


def printable_lines(sentences: Sequence[str]) -> str:
    """Return numbered lines; a line end inside a sentence is escaped like all that hides."""
    return "\n".join(f"{i}. {printable(text)}" for i, text in enumerate(sentences, start=1))


class _Writer:
    """Writes the sentences of a plan from the inside out; sets are called by their sentence."""

    def __init__(self, view: GraphView | None) -> None:
        self.view = view
        self.sentences: list[str] = []

    def sentence(self, text: str) -> int:
        self.sentences.append(text)
        return len(self.sentences)

    def name(self, key: str) -> str:
        node = None if self.view is None else self.view.find_key(key)
        return key if node is None or self.view is None else self.view.names[node]

    def only_name(self, plan: NodePlan) -> str | None:
        is_one = isinstance(plan, Entities) and len(plan.keys) == 1
        return self.name(plan.keys[0]) if isinstance(plan, Entities) and is_one else None

    def called(self, plan: NodePlan, number: int) -> str:
        """Return what to call the result of sentence ``number`` in the next one."""
        name = self.only_name(plan)
        if name is not None:
            return name
        return "them" if number == len(self.sentences) else f"step {number}"

    def their(self, plan: NodePlan, number: int, thing: str) -> str:
        called = self.called(plan, number)
        return f"their {thing}" if called == "them" else f"the {thing} of {called}"

    def nodes(self, plan: NodePlan) -> int:
        """Write the sentences that find these nodes; return the number of the last."""
        match plan:
            case Entities(keys):
                return self.sentence(f"Start at {_listed([self.name(key) for key in keys])}.")
            case OfType(node_type):
                return self.sentence(f"Take everything of type '{node_type}'.")
            case HavingStep(step):
                something = _label(step.relation)
                have = f"is the {something} of something" if step.inverse else f"has a {something}"
                return self.sentence(f"Take everything that {have}{_condition(step)}.")
            case Follow(source, step):
                number = self.nodes(source)
                return self.sentence(self.follow(source, number, step))
            case Filter(source, measure, comparison, value):
                self.nodes(source)
                test = f"{_measure(measure)} {_compared(comparison, value)}"
                return self.sentence(f"Keep those whose {test}.")
            case TopK(source, measure, k, ascending):
                self.nodes(source)
                extreme = "smallest" if ascending else "largest"
                those = "the one" if k == 1 else f"the {k}"
                return self.sentence(
                    f"Keep {those} with the {extreme} {_measure(measure)}, and any that tie."
                )
            case Intersect() | Union() | Subtract():
                return self.combined(plan)

    def combined(self, plan: Intersect | Union | Subtract) -> int:
        left, right = self.nodes(plan.left), self.nodes(plan.right)
        match plan:
            case Intersect():
                return self.sentence(f"Keep what is in both step {left} and step {right}.")
            case Union():
                return self.sentence(f"Put step {left} and step {right} together.")
            case Subtract():
                return self.sentence(f"Take step {left} without what is in step {right}.")

    def follow(self, source: NodePlan, number: int, step: Step) -> str:
        label, condition = _label(step.relation), _condition(step)
        if not step.inverse:
            return f"Take {self.their(source, number, label)}{condition}."
        called = self.called(source, number)
        one_of = called if self.only_name(source) is not None else f"one of {called}"
        return f"Go to those whose {label} is {one_of}{condition}."

    def ending(self, plan: Plan) -> str:
        match plan:
            case ShortestPath(start, end, max_hops):
                first, second = self.nodes(start), self.nodes(end)
                ends = f"{self.called(start, first)} to {self.called(end, second)}"
                hops = "1 edge" if max_hops == 1 else f"{max_hops} edges"
                return f"Answer with the shortest connections from {ends}, of at most {hops}."
            case EdgeValues(source, step, attribute, target):
                return self.edge_values(source, step, attribute, target)
            case Values(source, attribute):
                number = self.nodes(source)
                return f"Answer with {self.their(source, number, _label(attribute))}."
            case Count(source):
                self.nodes(source)
                return "Answer with how many different ones there are."
            case Exists(source):
                self.nodes(source)
                return "Answer yes if there are any, and no if there are none."
            case Aggregated(source, measure, aggregate):
                self.nodes(source)
                return f"Answer with the {_AGGREGATES[aggregate]} of their {_measure(measure)}."
            case GroupCount(source, step):
                number = self.nodes(source)
                follow = self.follow(source, number, step).removesuffix(".")
                return f"{follow}; answer with each and from how many it is reached, most first."
            case FactsOf(source):
                number = self.nodes(source)
                return f"Answer with all facts about {self.called(source, number)}."
            case _:
                self.nodes(plan)
                return "Answer with those."

    def edge_values(
        self, source: NodePlan, step: Step, attribute: str, target: NodePlan | None
    ) -> str:
        first = self.nodes(source)
        second = None if target is None else self.nodes(target)
        edges = f"the {_label(step.relation)} edges"
        way = ("into", "from") if step.inverse else ("from", "to")
        ends = f"{way[0]} {self.called(source, first)}"
        if target is not None and second is not None:
            ends += f" {way[1]} {self.called(target, second)}"
        return f"Answer with the {_label(attribute)} of {edges} {ends}{_condition(step)}."


def _label(name: str) -> str:
    return f"'{humanize(name) or name}'"


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _measure(measure: Measure) -> str:
    match measure:
        case Attribute(name):
            return _label(name)
        case Reached(step):
            return f"{_directed(step)}{_condition(step)}"
        case Degree(step):
            return f"number of different {_directed(step)}{_condition(step)}"


def _directed(step: Step) -> str:
    return f"{_label(step.relation)} (backwards)" if step.inverse else _label(step.relation)


def _condition(step: Step) -> str:
    if step.condition is None:
        return ""
    name, comparison, value = (
        step.condition.attribute,
        step.condition.comparison,
        step.condition.value,
    )
    return f" (only where the edge's {_label(name)} {_compared(comparison, value)})"


def _compared(comparison: Comparison, value: Literal) -> str:
    words = _COMPARED_DATES if isinstance(value, np.datetime64) else _COMPARED
    text = f"'{value}'" if isinstance(value, str) else format_value(value)
    return f"{words[comparison]} {text}"

"""Plans as numbered sentences of plain English."""

from collections.abc import Mapping, Sequence

import numpy as np

from graphllm.graph.columns import format_value
from graphllm.graph.folding import humanize
from graphllm.graph.view import GraphView
from graphllm.query.plan import (
    Aggregate,
    Aggregated,
    Attribute,
    By,
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
    Grouped,
    HavingAttribute,
    HavingStep,
    Intersect,
    Literal,
    Measure,
    NodePlan,
    OfType,
    Over,
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
_OWN_WORDS: Mapping[str, str] = {}


def to_words(
    plan: Plan, view: GraphView | None = None, wording: Mapping[str, str] = _OWN_WORDS
) -> str:
    """Return ``plan`` as numbered sentences, safe to print in a terminal.

    Args:
        view: Where to look up names; without it entities are called by their keys.
        wording: What to call relations and attributes whose labels do not tell, by label.

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
    writer = _Writer(view, wording)
    writer.sentence(writer.ending(plan))
    return printable_lines(writer.sentences)


def printable_lines(sentences: Sequence[str]) -> str:
    """Return numbered lines; a line end inside a sentence is escaped like all that hides."""
    return "\n".join(f"{i}. {printable(text)}" for i, text in enumerate(sentences, start=1))


class _Writer:
    """Writes the sentences of a plan from the inside out; sets are called by their sentence."""

    def __init__(self, view: GraphView | None, wording: Mapping[str, str]) -> None:
        self.view = view
        self.wording = wording
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
                something = self.label(step.relation)
                have = f"is the {something} of something" if step.inverse else f"has a {something}"
                return self.sentence(f"Take everything that {have}{self.condition(step)}.")
            case HavingAttribute(attribute):
                return self.sentence(f"Take everything that has a {self.label(attribute)}.")
            case Follow(source, step):
                number = self.nodes(source)
                return self.sentence(self.follow(source, number, step))
            case Filter(source, measure, comparison, value):
                self.nodes(source)
                test = f"{self.measure(measure)} {_compared(comparison, value)}"
                return self.sentence(f"Keep those whose {test}.")
            case TopK(source, measure, k, ascending):
                self.nodes(source)
                extreme = "smallest" if ascending else "largest"
                those = "the one" if k == 1 else f"the {k}"
                return self.sentence(
                    f"Keep {those} with the {extreme} {self.measure(measure)}, and any that tie."
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
        label, condition = self.label(step.relation), self.condition(step)
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
                return f"Answer with {self.their(source, number, self.label(attribute))}."
            case Count(source):
                self.nodes(source)
                return "Answer with how many different ones there are."
            case Exists(source):
                self.nodes(source)
                return "Answer yes if there are any, and no if there are none."
            case Aggregated(source, measure, aggregate):
                self.nodes(source)
                return f"Answer with the {_AGGREGATES[aggregate]} of their {self.measure(measure)}."
            case GroupCount(source, step):
                number = self.nodes(source)
                follow = self.follow(source, number, step).removesuffix(".")
                return f"{follow}; answer with each and from how many it is reached, most first."
            case CountValues(source, attribute):
                number = self.nodes(source)
                many = self.their(source, number, self.label(attribute))
                return f"Answer with how many different ones there are among {many}."
            case Grouped():
                return self.grouped(plan)
            case FactsOf(source):
                number = self.nodes(source)
                return f"Answer with all facts about {self.called(source, number)}."
            case _:
                self.nodes(plan)
                return "Answer with those."

    def grouped(self, plan: Grouped) -> str:
        number = self.nodes(plan.source)
        by = self.group_key(plan.by)
        self.sentence(f"Group {self.called(plan.source, number)} by {by}.")
        amount = "how many there are in it" if plan.over is None else f"the {self.over(plan.over)}"
        first = "the smallest first" if plan.ascending else "the largest first"
        if plan.comparison is not None:
            self.sentence(
                f"Keep the groups where {amount} {_compared(plan.comparison, plan.value)}."
            )
        if plan.k is None:
            return f"Answer with each group and {amount}, {first}."
        those = "the group" if plan.k == 1 else f"the {plan.k} groups"
        extreme = "smallest" if plan.ascending else "largest"
        return f"Answer with {those} where {amount} is {extreme}, and any that tie."

    def group_key(self, by: By) -> str:
        """Return what nodes are grouped by: "their 'country'", "the month of their 'date'"."""
        if by.attribute is None:
            return f"their {self.steps(by.steps)}"
        owner = f"the {self.label(by.attribute)} of their {self.steps(by.steps)}"
        value = owner if by.steps else f"their {self.label(by.attribute)}"
        return value if by.part is None else f"the {by.part.value} of {value}"

    def steps(self, steps: Sequence[Step]) -> str:
        said = [f"{self.directed(step)}{self.condition(step)}" for step in steps]
        return " of their ".join(reversed(said))

    def over(self, over: Over) -> str:
        return f"{_AGGREGATES[over.aggregate]} of their {self.measure(over.measure)}"

    def edge_values(
        self, source: NodePlan, step: Step, attribute: str, target: NodePlan | None
    ) -> str:
        first = self.nodes(source)
        second = None if target is None else self.nodes(target)
        edges = f"the {self.label(step.relation)} edges"
        way = ("into", "from") if step.inverse else ("from", "to")
        ends = f"{way[0]} {self.called(source, first)}"
        if target is not None and second is not None:
            ends += f" {way[1]} {self.called(target, second)}"
        return f"Answer with the {self.label(attribute)} of {edges} {ends}{self.condition(step)}."

    def label(self, name: str) -> str:
        return f"'{self.wording.get(name) or humanize(name) or name}'"

    def measure(self, measure: Measure) -> str:
        match measure:
            case Attribute(name):
                return self.label(name)
            case Reached(step):
                return f"{self.directed(step)}{self.condition(step)}"
            case Degree(step):
                return f"number of different {self.directed(step)}{self.condition(step)}"

    def directed(self, step: Step) -> str:
        return (
            f"{self.label(step.relation)} (backwards)"
            if step.inverse
            else self.label(step.relation)
        )

    def condition(self, step: Step) -> str:
        if step.condition is None:
            return ""
        name, comparison, value = (
            step.condition.attribute,
            step.condition.comparison,
            step.condition.value,
        )
        return f" (only where the edge's {self.label(name)} {_compared(comparison, value)})"


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _compared(comparison: Comparison, value: Literal) -> str:
    words = _COMPARED_DATES if isinstance(value, np.datetime64) else _COMPARED
    text = f"'{value}'" if isinstance(value, str) else format_value(value)
    return f"{words[comparison]} {text}"

"""Questions and plans as the short texts that the plan scorer compares.

The names of a question are replaced by letters, so that what is compared is how it asks and not
of whom; its plan is put in the order of an English noun phrase, the answer first:

    who starred in the films directed by X
    starred actors of film whose directed by is X
"""

from collections.abc import Mapping, Sequence

from graphllm.graph.columns import format_value
from graphllm.graph.folding import humanize
from graphllm.query.plan import (
    Aggregate,
    Aggregated,
    Attribute,
    By,
    Comparison,
    Condition,
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
    Plan,
    Reached,
    ShortestPath,
    Step,
    Subtract,
    TopK,
    Union,
    Values,
)
from graphllm.retrieval.schema import GraphSchema, context_words

LETTERS = ("X", "Y", "Z", "W")
_MOSTLY = 0.5  # share of what a step reaches that must be of a type for it to be called so
_LONGEST_VALUE = 40  # characters of a value that are compared
_COMPARED = {
    Comparison.EQUALS: "",
    Comparison.NOT_EQUALS: "not ",
    Comparison.LESS: "less than ",
    Comparison.AT_MOST: "at most ",
    Comparison.MORE: "more than ",
    Comparison.AT_LEAST: "at least ",
    Comparison.CONTAINS: "containing ",
}
_AGGREGATES = {
    Aggregate.MINIMUM: "smallest",
    Aggregate.MAXIMUM: "largest",
    Aggregate.SUM: "total",
    Aggregate.AVERAGE: "average",
}


def marked(question: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return ``question`` with its names, given by first and last + 1 character, as letters.

    Examples:
        >>> marked("did Ada know Charles?", [(13, 20), (4, 7)])
        'did X know Y?'
    """
    parts, position = [], 0
    for (start, end), letter in zip(sorted(set(spans)), LETTERS, strict=False):
        if start >= position:
            parts += [question[position:start], letter]
            position = end
    return "".join((*parts, question[position:]))


def letters_of(keys: Sequence[Sequence[str]]) -> dict[str, str]:
    """Return the letter of each node's key, given the keys behind each name in its order.

    Examples:
        >>> letters_of([("ada", "ada (2)"), ("charles",)])
        {'ada': 'X', 'ada (2)': 'X', 'charles': 'Y'}
    """
    found: dict[str, str] = {}
    for letter, of_name in zip(LETTERS, keys, strict=False):
        for key in of_name:
            found.setdefault(key, letter)
    return found


class Verbalizer:
    """Writes plans over one graph as texts for the plan scorer.

    Args:
        schema: The graph's relations, and what they lead to.
        typed: Whether to say the types of nodes, where the graph has them.
    """

    def __init__(self, schema: GraphSchema, *, typed: bool = True) -> None:
        self.schema = schema
        self._places = {name: i for i, name in enumerate(schema.view.relations)}
        self._typed = typed and bool(schema.view.node_types)
        self._said: dict[Step, tuple[str, str]] = {}

    def text(self, plan: Plan, letters: Mapping[str, str], unsaid: Step | None = None) -> str:
        """Return ``plan`` as a noun phrase.

        Args:
            letters: What to call a node, by its key; "X" where none is given.
            unsaid: A first step that nobody would speak of: from a country to its cities, in
                "born in Germany".
        """
        return _Phrase(self, letters, unsaid).plan(plan)

    def beginning(self, plan: NodePlan, letters: Mapping[str, str]) -> str:
        """Return ``plan`` as the beginning of a longer one: the beam's text for a path so far."""
        return f"something of {_Phrase(self, letters).nodes(plan)}"

    def label(self, relation: str) -> str:
        """Return the words of a relation; of a path-like label also what it is about."""
        place = self._places.get(relation)
        words = humanize(relation) if place is None else self.schema.labels[place]
        about = [w for w in context_words(relation).split() if w not in words.split()]
        return f"{words} ({' '.join(about[-2:])})" if about else words

    def type_of(self, step: Step) -> str:
        """Return what most nodes that a step arrives at are called, or nothing."""
        place = self._places.get(step.relation)
        if place is None or not self._typed:
            return ""
        shares = self.schema.arrival_types(2 * place + step.inverse)
        best = max(shares, key=shares.__getitem__, default=-1)
        if best < 0 or shares[best] < _MOSTLY:
            return ""
        return humanize(self.schema.view.node_types[best])

    def walks_both_ways(self, step: Step) -> bool:
        """Return whether the direction of a step says nothing: "married to"."""
        place = self._places.get(step.relation)
        return place is not None and self.schema.is_symmetric(place)


class _Phrase:
    """One plan's text."""

    def __init__(
        self, graph: Verbalizer, letters: Mapping[str, str], unsaid: Step | None = None
    ) -> None:
        self.graph = graph
        self.letters = letters
        self.unsaid = unsaid

    def plan(self, plan: Plan) -> str:
        match plan:
            case Count(source):
                return f"how many {self.nodes(source)}"
            case Exists(Intersect(there, Entities(keys))):
                return f"is {self.name(keys)} one of {self.nodes(there)}"
            case Exists(source):
                return f"is there any {self.nodes(source)}"
            case CountValues(source, attribute):
                return f"how many {humanize(attribute)} of {self.nodes(source)}"
            case Grouped():
                return self.grouped(plan)
            case Values(source, attribute):
                return f"{humanize(attribute)} of {self.nodes(source)}"
            case EdgeValues(source, step, attribute, target):
                ends = [self.nodes(end) for end in (source, target) if end is not None]
                joined = " and ".join(ends[::-1] if step.inverse else ends)
                return f"{humanize(attribute)} of {self.graph.label(step.relation)} of {joined}"
            case Aggregated(source, measure, aggregate):
                return f"{_AGGREGATES[aggregate]} {self.measure(measure)} of {self.nodes(source)}"
            case GroupCount(source, step):
                return f"how many {self.nodes(source)} for each {self.graph.label(step.relation)}"
            case ShortestPath(start, end):
                return f"connection between {self.nodes(start)} and {self.nodes(end)}"
            case FactsOf(source):
                return f"everything about {self.nodes(source)}"
            case _:
                return self.answering(plan)

    def grouped(self, plan: Grouped) -> str:
        by, source = self.by(plan.by), self.nodes(plan.source)
        number = f"number of {source}"
        if plan.over is not None:
            number = f"{_AGGREGATES[plan.over.aggregate]} {self.measure(plan.over.measure)}"
            number += f" of {source}"
        if plan.comparison is not None:
            return f"{by} with {number} {_COMPARED[plan.comparison]}{_written(plan.value)}"
        if plan.k is not None:
            most = "smallest" if plan.ascending else "largest"
            return f"{plan.k if plan.k > 1 else ''} {by} with {most} {number}".strip()
        return f"{number} for each {by}"

    def by(self, by: By) -> str:
        """Return what the nodes are grouped by."""
        if by.attribute is not None:
            part = f"{by.part.value} of " if by.part is not None else ""
            return f"{part}{humanize(by.attribute)}"
        last = by.steps[-1]
        return (self.graph.type_of(last) if last.inverse else "") or self.graph.label(last.relation)

    def answering(self, plan: NodePlan) -> str:
        """Return a set of nodes with what they are, where its last step does not say so."""
        last = _walked(plan)
        kind = self.graph.type_of(last.step) if isinstance(last, Follow) else ""
        text = self.nodes(plan)
        return f"{kind}: {text}" if kind and not text.startswith(kind) else text

    def nodes(self, plan: NodePlan) -> str:
        match plan:
            case Entities(keys):
                return self.name(keys)
            case OfType(kind):
                return f"all {humanize(kind)}"
            case HavingStep(step):
                return f"all with {self.graph.label(step.relation)}"
            case HavingAttribute(attribute):
                return f"all with {humanize(attribute)}"
            case Follow(Entities(keys), step) if step == self.unsaid:
                return self.name(keys)
            case Follow(source, step):
                return self.step(step, self.nodes(source))
            case Filter(source, measure, comparison, value):
                compared = f"{_COMPARED[comparison]}{_written(value)}"
                return f"{self.nodes(source)} with {self.measure(measure)} {compared}"
            case TopK(source, measure, k, ascending):
                number = f"{k} " if k > 1 else ""
                most = "smallest" if ascending else "largest"
                return f"{number}{self.nodes(source)} with {most} {self.measure(measure)}"
            case _:
                return self.joined(plan)

    def joined(self, plan: Intersect | Union | Subtract) -> str:
        left, right = plan.left, plan.right
        if isinstance(plan, Subtract) and isinstance(right, Entities):
            return self.nodes(left)  # others than oneself: what walking back means anyway
        if isinstance(plan, Intersect) and isinstance(right, OfType):
            return f"{humanize(right.type)}: {self.nodes(left)}"
        first, second = self.nodes(left), self.nodes(right)
        is_turned = isinstance(plan, Union) and _walked(plan) == left
        if is_turned and isinstance(left, Follow) and self.graph.walks_both_ways(left.step):
            return first
        word = {Intersect: "and also", Union: "or", Subtract: "but not"}[type(plan)]
        return f"{first} {word} {second}"

    def step(self, step: Step, source: str) -> str:
        label = f"{self.graph.label(step.relation)}{self.condition(step.condition)}"
        if not step.inverse or self.graph.walks_both_ways(step):
            return f"{label} of {source}"
        return f"{self.graph.type_of(step) or 'those'} whose {label} is {source}"

    def condition(self, condition: Condition | None) -> str:
        if condition is None:
            return ""
        compared = f"{_COMPARED[condition.comparison]}{_written(condition.value)}"
        return f" with {humanize(condition.attribute)} {compared}"

    def measure(self, measure: Measure) -> str:
        match measure:
            case Attribute(name):
                return humanize(name)
            case Reached(step):
                return self.graph.label(step.relation)
            case Degree(step):
                counted = self.graph.type_of(step) if step.inverse else ""
                return f"number of {counted or self.graph.label(step.relation)}"

    def name(self, keys: Sequence[str]) -> str:
        return next((self.letters[key] for key in keys if key in self.letters), LETTERS[0])


def _walked(plan: NodePlan) -> NodePlan:
    """Return the step that a plan ends with: of others than oneself, and of either way, too."""
    match plan:
        case Subtract(left, Entities()):
            return left
        case Union(Follow(one, step) as left, Follow(other, back)):
            turned = one == other and step.relation == back.relation
            return left if turned else plan
        case _:
            return plan


def _written(value: Literal) -> str:
    text = value if isinstance(value, str) else format_value(value)
    return text[:_LONGEST_VALUE]

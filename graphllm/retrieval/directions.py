"""Which end of a journey, a message or a payment words speak of: where it comes from, or goes to.

A flight has two airports, a trip two stations, a transfer two accounts; "from" and "to" tell them
apart in a question, and words such as "source" and "destination" in the labels of a graph.
"""

from collections.abc import Collection, Iterable, Sequence
from enum import Enum

from graphllm.query.lookup import relation_id
from graphllm.query.plan import (
    Aggregated,
    Count,
    Degree,
    Entities,
    Exists,
    Filter,
    Follow,
    Intersect,
    NodePlan,
    OfType,
    Plan,
    Step,
    Subtract,
    TopK,
    Union,
    Values,
)
from graphllm.retrieval.english import words
from graphllm.retrieval.linker import Seeds, Span
from graphllm.retrieval.schema import GraphSchema

_AGREES, _OPPOSES = 0.05, 0.3  # in score, for a step to the end that words say, or the other
_UNHEEDED = 0.1  # for a step to neither end
_FAR = 3  # words between a preposition and the name that it goes with


class Direction(Enum):
    """One of the two ends."""

    FROM = "from"
    TO = "to"


_IN_LABELS = {
    Direction.FROM: words(
        "source origin start from departure departing sender begin home src payer"
    ),
    Direction.TO: words("destination target end to arrival arriving receiver recipient dest payee"),
}
_SAID = {
    Direction.FROM: words(
        "from leave leaves leaving left depart departs departing departure departures out "
        "originate originates originating origin start starts starting started begin begins"
    ),
    Direction.TO: words(
        "to into towards toward reach reaches reached reaching arrive arrives arriving arrival "
        "arrivals destination destinations land lands landing end ends ending ended"
    ),
}
_BETWEEN = words("the a an at in of on both either airport city station town")
_NOUNS = words("destination destinations origin origins arrival arrivals departure departures")
_JOINING = words("and or both either")


def of_label(label: str) -> Direction | None:
    """Return the end that a label names; ``None`` for both or neither.

    Examples:
        >>> of_label("source airport"), of_label("end station"), of_label("airline")
        (<Direction.FROM: 'from'>, <Direction.TO: 'to'>, None)
    """
    said = [end for end, known in _IN_LABELS.items() if not known.isdisjoint(label.split())]
    return said[0] if len(said) == 1 else None


def of_word(word: str) -> Direction | None:
    """Return the end that a folded word of a question speaks of."""
    return next((end for end, known in _SAID.items() if word in known), None)


def before(folded: Sequence[str], span: Span, nouns: Collection[int] = ()) -> Direction | None:
    """Return the end that the words right before a name say it is.

    Args:
        nouns: Where words stand that "from" may go with, as "airlines" that are from somewhere.

    Examples:
        >>> before("fly to from the Isle".split(), Span(4, 5)).value
        'from'
        >>> before("routes that end at Rome".split(), Span(4, 5)).value
        'to'
    """
    for at in range(span.first - 1, max(span.first - 1 - _FAR, -1), -1):
        end = None if folded[at] in _NOUNS else of_word(folded[at])
        if end is not None or folded[at] not in _BETWEEN:
            return None if at - 1 in nouns else end
    return None


def of_names(
    folded: Sequence[str], named: Sequence[Span], nouns: Collection[int] = ()
) -> dict[Span, Direction]:
    """Return the end that each name is said to be; "to Rome and Oslo" speaks of both.

    Examples:
        >>> spans = [Span(1, 2), Span(3, 4), Span(5, 6)]
        >>> [end.value for end in of_names("to Rome and Oslo from Faro".split(), spans).values()]
        ['to', 'to', 'from']
    """
    found: dict[Span, Direction] = {}
    last: Span | None = None
    for span in sorted(set(named)):
        end = before(folded, span, nouns)
        if end is None and last in found and _JOINING.issuperset(folded[last.last : span.first]):
            end = found[last]
        if end is not None:
            found[span] = end
        last = span
    return found


def left_open(folded: Sequence[str], named: Sequence[Span]) -> Direction | None:
    """Return the end that is asked for: a word for it goes with no name.

    Examples:
        >>> left_open("where can I fly to from Rome".split(), [Span(6, 7)]).value
        'to'
        >>> left_open("which airports are reached from Rome".split(), [Span(5, 6)]).value
        'to'
    """
    used: set[int] = set()
    for span in named:
        at = span.first - 1
        while at >= 0 and folded[at] in _BETWEEN:
            at -= 1
        if at >= 0 and folded[at] in _NOUNS:  # "the destinations of" somebody
            continue
        used.add(at)
        if at > 0 and of_word(folded[at - 1]) is of_word(folded[at]):  # "leave from Rome"
            used.add(at - 1)
    inside = {at for span in named for at in range(*span)}
    said = [of_word(w) for at, w in enumerate(folded) if at not in used | inside]
    ends = {end for end in said if end is not None}
    return ends.pop() if len(ends) == 1 else None


class Ends:
    """What a question says of ends, against the steps of a plan.

    Args:
        schema: The labels of the graph's relations.
        seeds: The question, and the names in it.
        nouns: Where kinds of node are named that are no events.
    """

    def __init__(self, schema: GraphSchema, seeds: Seeds, nouns: Collection[int] = ()) -> None:
        self._schema = schema
        folded = [token.folded for token in seeds.tokens]
        spans = [mention.span for mention in seeds.mentions]
        said = of_names(folded, spans, nouns)
        self._open = left_open(folded, spans)
        self._of_key = {
            schema.view.keys[node]: said[mention.span]
            for mention in seeds.mentions
            if mention.span in said
            for node in mention.nodes[:1]
        }
        self._of_relation = {
            relation: end
            for relation, label in zip(schema.view.relations, schema.labels, strict=False)
            if (end := of_label(label)) is not None
        }

        self._events = self._heads(self._of_relation)

    def _heads(self, relations: Iterable[str]) -> frozenset[int]:
        """Return the kinds of node that have some relations."""
        ports = [2 * relation_id(self._schema.view, relation) + 1 for relation in relations]
        return frozenset(kind for port in ports for kind in self._schema.arrival_types(port))

    def _is_beside(self, relation: str) -> bool:
        """Whether a relation is of the events that have two ends, and says which end it is not."""
        return not self._events.isdisjoint(self._heads([relation]))

    def returns(self, plan: Plan) -> bool:
        """Return whether a plan goes to events and back to the very thing that it came from.

        Each flight has one source: the sources of the flights from Rome are Rome.
        """
        match plan:
            case Follow(Follow(_, Step(relation, True)), Step(onward, False)) if (
                relation == onward and self._is_beside(relation)
            ):
                return True
            case Follow() | Filter() | TopK() | Count() | Exists() | Values() | Aggregated():
                return self.returns(plan.source)
            case Intersect(left, right) | Union(left, right) | Subtract(left, right):
                return self.returns(left) or self.returns(right)
            case _:
                return False

    @property
    def say_nothing(self) -> bool:
        """Whether there is nothing that could agree or not."""
        return not self._of_relation or not (self._of_key or self._open)

    def agreement(self, plan: Plan) -> float:
        """Return what to add to the score of a plan."""
        nodes = plan.source if isinstance(plan, Count | Exists) else plan
        if not isinstance(nodes, NodePlan):
            return 0.0
        asked = _AGREES * (self._open in self._onward(nodes)) if self._open else 0.0
        if isinstance(nodes, TopK) and isinstance(nodes.measure, Degree):
            asked += _agrees(self._of_relation.get(nodes.measure.step.relation), self._open)
        return self._walked(nodes) + asked

    def _onward(self, plan: NodePlan) -> set[Direction | None]:
        """Return the ends of events that a plan goes on to."""
        match plan:
            case Follow(source, step):
                own = set() if step.inverse else {self._of_relation.get(step.relation)}
                return self._onward(source) | own
            case Intersect(left, right) | Union(left, right) | Subtract(left, right):
                return self._onward(left) | self._onward(right)
            case Filter() | TopK():
                return self._onward(plan.source)
            case _:
                return set()

    def _walked(self, plan: NodePlan) -> float:
        match plan:
            case Follow(Follow(_, Step(relation, inverse)) as source, step) if (
                relation == step.relation and inverse is not step.inverse
            ):
                return self._walked(source)  # back to where it came from
            case Follow(source, step):
                return self._walked(source) + self._stepped(source, step)
            case Intersect(left, right) | Union(left, right) | Subtract(left, right):
                return self._walked(left) + self._walked(right)
            case Filter() | TopK():
                return self._walked(plan.source)
            case _:
                return 0.0

    def _stepped(self, source: NodePlan, step: Step) -> float:
        end = self._of_relation.get(step.relation)
        if not step.inverse:  # an agreement counts once, however many names there are
            return min(_agrees(end, self._open), 0.0)
        said = self._of_key.get(_begins(source))
        if end is None and said is not None:
            return -_UNHEEDED * self._is_beside(step.relation)
        return _agrees(end, said)


def _begins(plan: NodePlan) -> str:
    """Return the key of what a chain of steps begins with."""
    match plan:
        case Entities(keys):
            return keys[0]
        case Follow(source):
            return _begins(source)
        case Intersect(source, OfType()):
            return _begins(source)
        case _:
            return ""


def _agrees(end: Direction | None, said: Direction | None) -> float:
    if end is None or said is None:
        return 0.0
    return _AGREES if end is said else -_OPPOSES

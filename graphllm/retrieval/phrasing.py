"""What the order of a question's words says against a plan: "each", and what a name stands with."""

from collections.abc import Sequence

from graphllm.graph.view import GraphView
from graphllm.query.lookup import type_id
from graphllm.query.plan import (
    Aggregated,
    Count,
    Degree,
    Entities,
    Exists,
    Filter,
    Follow,
    Grouped,
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
from graphllm.retrieval.english import RETURN_TRIGGERS, words
from graphllm.retrieval.kinds import Kinds, NamedKind
from graphllm.retrieval.linker import Seeds, Span

_NOT_GROUPED = 0.25  # for one number where one is asked for "each" of a kind
_ELSEWHERE = 0.1  # for a step from a name that is not to the kind it stands with
_OTHER_KIND = 0.15  # for nodes of another kind than "which airlines" asks for
_OTHERS_TWICE = 0.2  # for what shares something with each of two names, where nothing says so
_EACH = words("each every per")
_NOT_NOUNS = words("is are was were do does did has have had can of s the")
_ATTACHING = words("in from of at the based located")


def attached(folded: list[str], kinds: list[tuple[Span, int]], name: Span) -> list[int]:
    """Return the kinds that a name stands with: "airports in Spain", "German airlines".

    Examples:
        >>> attached("airports in Spain".split(), [(Span(0, 1), 7)], Span(2, 3))
        [7]
        >>> attached("airports that Spain owns".split(), [(Span(0, 1), 7)], Span(2, 3))
        []
    """
    at = name.first
    while at > 0 and folded[at - 1] in _ATTACHING:
        at -= 1
    return [kind for span, kind in kinds if span.last == at or span.first == name.last]


def _asked_for(folded: list[str], kinds: list[tuple[Span, int]]) -> int | None:
    """Return the kind that "which airlines" or "what active airlines" asks for."""
    if folded[:1] not in (["which"], ["what"]):
        return None
    owners = {at - 1 for at, word in enumerate(folded) if word == "s"}  # "which album's songs"
    near = [k for span, k in kinds if 1 <= span.first <= 2 and span.last - 1 not in owners]
    return near[0] if near and folded[1] not in _NOT_NOUNS else None


class Phrasing:
    """The words of a question, where the graph's nodes are of kinds.

    Args:
        kinds: The graph's kinds of node.
        seeds: The question, and the names in it.
        found: The kinds that its words name.
    """

    def __init__(self, kinds: Kinds, seeds: Seeds, found: Sequence[NamedKind]) -> None:
        self._kinds = kinds
        folded = [token.folded for token in seeds.tokens]
        named = [(n.span, n.kind) for n in found]
        view: GraphView = kinds.view
        self._each = any(
            folded[s.first - 1 : s.first] and folded[s.first - 1] in _EACH for s, _ in named
        )
        self._shares = not RETURN_TRIGGERS.isdisjoint(folded)
        self._wanted = _asked_for(folded, named)
        self._stands_with: dict[str, list[int]] = {}
        for mention in seeds.mentions:
            with_kinds = attached(folded, named, mention.span)
            start = int(view.node_type_ids[mention.nodes[0]])
            near = [k for k in with_kinds if start >= 0 and self._is_near(start, k)]
            if near:
                self._stands_with[view.keys[mention.nodes[0]]] = near

    def _is_near(self, start: int, kind: int) -> bool:
        return any(end == kind for _, end in self._kinds.joins.get(start, ()))

    def cost(self, plan: Plan) -> float:
        """Return what to take off the score of a plan."""
        grouped = isinstance(plan, Grouped) or (
            isinstance(plan, Aggregated) and isinstance(plan.measure, Degree)
        )
        cost = _NOT_GROUPED * (self._each and not grouped)
        strays, others = self._walked(plan)
        if self._wanted is not None and isinstance(plan, NodePlan):
            ends = self._ends(plan)
            cost += _OTHER_KIND * (ends is not None and self._wanted not in ends)
        return cost + _ELSEWHERE * strays + _OTHERS_TWICE * (others > 1 and not self._shares)

    def _walked(self, plan: Plan) -> tuple[int, int]:
        """Count the steps that go elsewhere, and the names whose like are meant."""
        match plan:
            case Subtract(Follow(Follow(Entities() as one, _), _), Entities() as other) if (
                one == other
            ):
                return 0, 1
            case Follow(Entities(keys), step):
                return int(self._strays(keys[0], step)), 0
            case Intersect(left, right) | Union(left, right) | Subtract(left, right):
                first, second = self._walked(left), self._walked(right)
                return first[0] + second[0], first[1] + second[1]
            case Follow() | Filter() | TopK() | Count() | Exists() | Values() | Aggregated():
                return self._walked(plan.source)
            case Grouped():
                return self._walked(plan.source)
            case _:
                return 0, 0

    def _ends(self, plan: Plan) -> set[int] | None:
        """Return the kinds that a plan's nodes may be of; ``None`` where that is open."""
        match plan:
            case OfType(kind):
                return {type_id(self._kinds.view, kind)}
            case Follow(_, step):
                port = self._port(step)
                if port is None:
                    return None
                return set(self._kinds.schema.arrival_types(port)) or None
            case Intersect(left, right):
                first, second = self._ends(left), self._ends(right)
                return second if first is None else first if second is None else first & second
            case Subtract(left, _):
                return self._ends(left)
            case Filter() | TopK():
                return self._ends(plan.source)
            case _:
                return None

    def _port(self, step: Step) -> int | None:
        """Return the port of a step; ``None`` where it walks no relation of the graph."""
        relation = self._kinds.relation_ids.get(step.relation)
        return None if relation is None else 2 * relation + step.inverse

    def _strays(self, key: str, step: Step) -> bool:
        """Return whether a step leads nowhere from nodes of its kind, or not to whom it should."""
        view, node = self._kinds.view, self._kinds.view.find_key(key)
        kind = -1 if node is None else int(view.node_type_ids[node])
        port = self._port(step)
        if kind < 0 or port is None:
            return False
        reached = self._kinds.reached(kind, port)
        wanted = self._stands_with.get(key, reached)
        return not reached or reached.keys().isdisjoint(wanted)

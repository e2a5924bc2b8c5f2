"""Say why there is no answer, and what came near."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from graphllm.answer import Abstention, Reason
from graphllm.graph.view import GraphView
from graphllm.query import (
    Aggregated,
    EdgeValues,
    Filter,
    Follow,
    Intersect,
    Plan,
    ShortestPath,
    TopK,
    Values,
    execute,
)
from graphllm.query.plan import children
from graphllm.retrieval.ground import PlanCandidate
from graphllm.retrieval.linker import Seeds
from graphllm.retrieval.schema import GraphSchema

_NAMED = 3
_KNOWN = 6


def no_fact(plan: Plan, view: GraphView, schema: GraphSchema) -> Abstention:
    """Return the abstention for a plan that found nothing: where it broke off, and what is known.

    Args:
        plan: A plan whose result is empty.
        schema: Of ``view``.
    """
    broken, reached = _broken(plan, view)
    who = _listed([view.names[n] for n in reached])
    message = f"This graph says nothing of that: {_missing(broken, who, schema.wording)}."
    return Abstention(
        reason=Reason.NO_EDGE, message=message, near_misses=_known_of(reached, schema)
    )


def _broken(plan: Plan, view: GraphView) -> tuple[Plan, list[int]]:
    """Return the innermost part of a plan that gives nothing, and the nodes it began from."""
    for part in children(plan):
        if execute(part, view).is_empty:
            return _broken(part, view)
    inside = children(plan)
    return plan, execute(inside[0], view).nodes.tolist() if inside else []


def _missing(part: Plan, who: str, wording: Mapping[str, str]) -> str:
    match part:
        case Follow(step=step):
            label = wording.get(step.relation, step.relation)
            if step.condition is not None:
                return f"no '{label}' of {who} passes the comparison"
            return f"it has no '{label}' {'that leads to' if step.inverse else 'for'} {who}"
        case Values(attribute=attribute) | EdgeValues(attribute=attribute):
            return f"it gives no '{wording.get(attribute, attribute)}' for {who}"
        case Aggregated() | TopK():
            return f"what is to be compared is not given for {who}"
        case Filter():
            return f"nothing among {who} passes the comparison"
        case Intersect():
            return f"nothing is true of both; the first is true of {who}"
        case ShortestPath(max_hops=hops):
            return f"no connection from {who} within {hops} steps"
        case _:
            return "nothing of that kind is in it"


def no_reading(
    seeds: Seeds, candidates: Sequence[PlanCandidate], view: GraphView, schema: GraphSchema
) -> Abstention:
    """Return the abstention for a question that no plan explains well enough."""
    if not seeds.mentions:
        message = "Nothing that the question names is in this graph."
        return Abstention(reason=Reason.NO_ENTITY, message=message, near_misses=seeds.near_misses)
    nodes = list(seeds.mentions[0].nodes)
    who = _listed([view.names[n] for n in nodes])
    reason = Reason.NOT_SURE if candidates else Reason.NO_RELATION
    message = f"This graph knows {who}, but none of its relations is what the question asks for."
    return Abstention(reason=reason, message=message, near_misses=_known_of(nodes, schema))


def not_sure(probability: float, least: float) -> Abstention:
    """Return the abstention for an answer that is withheld.

    Args:
        probability: That the answer is right.
        least: With which answers are given.
    """
    sure, asked = _two_digits(probability, math.floor), _two_digits(least, math.ceil)
    message = (
        f"Not sure enough: the best answer is right with a probability of {sure},"
        f" and {asked} is asked for."
    )
    return Abstention(reason=Reason.NOT_SURE, message=message)


def _two_digits(probability: float, rounded: Callable[[float], int]) -> str:
    """Return a probability as people read it; rounded so that what falls short is seen to."""
    return f"{rounded(probability * 100) / 100:.2f}"


def too_long(num_words: int, most: int) -> Abstention:
    """Return the abstention for a text that is longer than any question."""
    message = f"This is a text of {num_words} words; ask a question of {most} words or fewer."
    return Abstention(reason=Reason.NOT_UNDERSTOOD, message=message)


def _known_of(nodes: Sequence[int], schema: GraphSchema) -> tuple[str, ...]:
    """Return the labels of what the graph says of ``nodes``, commonest first."""
    counts = schema.port_counts(np.array(nodes[:16], dtype=np.int64))
    both = np.maximum(counts[0::2], counts[1::2])
    known = np.argsort(-both, kind="stable")[:_KNOWN].tolist()
    return tuple(schema.labels[r] for r in known if both[r] > 0)


def _listed(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    if len(names) > _NAMED:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    return " and ".join(names) or "it"

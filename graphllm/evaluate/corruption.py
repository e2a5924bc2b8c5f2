"""True claims and false ones made from them, to test what checks claims."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from graphllm.answer.draft import Claim
from graphllm.errors import DataError
from graphllm.graph.folding import fold
from graphllm.graph.view import GraphView


class Corrupted(StrEnum):
    """What was changed in a claim."""

    HEAD = "head"
    RELATION = "relation"
    TAIL = "tail"
    DIRECTION = "direction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Corruption:
    """A true claim, and the same with one thing wrong."""

    kind: Corrupted
    true: Claim
    false: Claim


def true_claim(view: GraphView, edge: int) -> Claim:
    """Return what the graph says with one edge."""
    return Claim(
        head=view.names[int(view.heads[edge])],
        relation=view.relations[int(view.relation_ids[edge])],
        tail=view.names[int(view.tails[edge])],
        edge=edge,
    )


def corruptions(view: GraphView, rng: np.random.Generator) -> Iterator[Corruption]:
    """Yield false claims about random edges without end, each kind in turn.

    An entity is replaced by one that plays the same part in another edge of that relation, so the
    false claim is of the right kind; a relation by another one of the graph; the direction by
    exchanging the ends. What would still be true of the cited edge is drawn again.

    Raises:
        DataError: The graph has no edge, or a kind of corruption is not possible on it.
    """
    if not view.num_edges:
        raise DataError("a graph without edges makes no claims to corrupt")
    while True:
        for kind in Corrupted:
            yield _corruption(view, kind, rng)


def _corruption(view: GraphView, kind: Corrupted, rng: np.random.Generator) -> Corruption:
    for _ in range(1000):
        edge = int(rng.integers(view.num_edges))
        true = true_claim(view, edge)
        false = _changed(view, true, edge, kind, rng)
        if not _says_the_same(true, false):
            return Corruption(kind=kind, true=true, false=false)
    raise DataError(f"found no claim of this graph that can be made false by its {kind}")


def _changed(
    view: GraphView, claim: Claim, edge: int, kind: Corrupted, rng: np.random.Generator
) -> Claim:
    match kind:
        case Corrupted.DIRECTION:
            return replace(claim, head=claim.tail, tail=claim.head)
        case Corrupted.RELATION:
            return replace(claim, relation=view.relations[int(rng.integers(len(view.relations)))])
    alike = np.flatnonzero(np.asarray(view.relation_ids) == view.relation_ids[edge])
    other = true_claim(view, int(rng.choice(alike)))
    if kind is Corrupted.HEAD:
        return replace(claim, head=other.head)
    return replace(claim, tail=other.tail)


def _says_the_same(first: Claim, second: Claim) -> bool:
    # names that differ only in case or accents may well be one thing
    return first.relation == second.relation and [fold(first.head), fold(first.tail)] == [
        fold(second.head),
        fold(second.tail),
    ]

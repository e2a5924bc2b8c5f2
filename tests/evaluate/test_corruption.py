import itertools

import numpy as np
import pytest

from graphllm.answer.draft import Draft
from graphllm.answer.verify import verify
from graphllm.errors import DataError
from graphllm.evaluate.corruption import Corrupted, corruptions, true_claim
from graphllm.graph import TextualGraph

TRIPLES = [
    ("Heat", "directed_by", "Mann"),
    ("Ali", "directed_by", "Mann"),
    ("Alien", "directed_by", "Scott"),
    ("Heat", "starred", "Pacino"),
    ("Ali", "starred", "Smith"),
    ("HEAT", "starred", "Self"),
    ("Self", "starred", "self"),
]


def first(graph, count, seed=0):
    return list(itertools.islice(corruptions(graph, np.random.default_rng(seed)), count))


def test_each_kind_in_turn_changes_just_its_part():
    graph = TextualGraph.from_triples(TRIPLES)
    found = first(graph, 80)
    assert [c.kind for c in found] == list(Corrupted) * 20
    for c in found:
        true, false = c.true, c.false
        assert (true.head, true.relation, true.tail) == TRIPLES[true.edge]
        assert false.edge == true.edge
        if c.kind is Corrupted.DIRECTION:
            assert (false.head, false.relation, false.tail) == (
                true.tail,
                true.relation,
                true.head,
            )
        else:
            changed = [
                part
                for part in ("head", "relation", "tail")
                if getattr(true, part) != getattr(false, part)
            ]
            assert changed == [c.kind]


def test_false_claims_are_of_the_right_kind_and_not_true_of_their_edge():
    graph = TextualGraph.from_triples(TRIPLES)
    for c in first(graph, 200):
        if c.kind is Corrupted.TAIL:
            assert c.false.tail in {t for _, r, t in TRIPLES if r == c.true.relation}
        if c.kind is Corrupted.HEAD:
            assert {c.true.head.lower()} != {c.false.head.lower()}
        assert c.true.edge != 6 or c.kind is not Corrupted.DIRECTION  # Self starred self


def test_a_seed_repeats():
    graph = TextualGraph.from_triples(TRIPLES)
    assert first(graph, 20) == first(graph, 20)
    assert first(graph, 20) != first(graph, 20, seed=1)


def test_verify_catches_them_and_accepts_the_true_ones():
    graph = TextualGraph.from_triples(TRIPLES)
    for c in first(graph, 100):
        entities = (c.true.head, c.true.tail)
        for claim, supported in ((c.true, True), (c.false, False)):
            draft = Draft(text="", entities=entities, claims=(claim,))
            assert [v.supported for v in verify(draft, graph).verdicts] == [supported]


def test_true_claim_of_an_edge():
    graph = TextualGraph.from_triples(TRIPLES)
    claim = true_claim(graph, 2)
    assert (claim.head, claim.relation, claim.tail, claim.edge) == (*TRIPLES[2], 2)


def test_what_cannot_be_corrupted_is_said():
    empty = TextualGraph.from_triples([])
    with pytest.raises(DataError, match="without edges makes no claims"):
        first(empty, 1)
    lonely = TextualGraph.from_triples([("a", "r", "b")])
    with pytest.raises(DataError, match="made false by its head"):
        first(lonely, 1)

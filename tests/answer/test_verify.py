"""The check catches what the graph does not say, and only that."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.answer import Claim, Draft, Reason, verify
from graphllm.graph import GraphBuilder, TextualGraph

RELATIONS = ("knows", "wrote", "lives in", "born in", "cites")


def multigraph(seed: int, num_nodes: int = 200, num_edges: int = 2000) -> TextualGraph:
    """Random triples with parallel edges and self-loops; several nodes share a name."""
    rng = np.random.default_rng(seed)
    builder = GraphBuilder()
    for i in range(num_nodes):
        builder.node(f"n{i}", name=f"Name {i % (num_nodes // 2)}", attributes={"size": i})
    for head, tail, relation in zip(
        rng.integers(num_nodes, size=num_edges),
        rng.integers(num_nodes, size=num_edges),
        rng.integers(len(RELATIONS), size=num_edges),
        strict=True,
    ):
        builder.edge(f"n{head}", RELATIONS[relation], f"n{tail}", attributes={"year": int(tail)})
    return builder.build()


def true_claim(graph: TextualGraph, edge: int) -> Claim:
    return Claim(
        head=graph.names[int(graph.heads[edge])],
        relation=graph.relations[int(graph.relation_ids[edge])],
        tail=graph.names[int(graph.tails[edge])],
        edge=edge,
    )


def corrupted(graph: TextualGraph, edge: int, how: str, rng: np.random.Generator) -> Claim:
    claim = true_claim(graph, edge)
    head, relation, tail = claim.head, claim.relation, claim.tail
    if how == "direction":
        head, tail = tail, head
    elif how == "relation":
        relation = str(rng.choice([r for r in RELATIONS if r != relation]))
    elif how == "head":
        head = str(rng.choice([n for n in graph.names if n != head]))
    else:
        tail = str(rng.choice([n for n in graph.names if n != tail]))
    return Claim(head=head, relation=relation, tail=tail, edge=edge)


def draft_of(*claims: Claim, entities=("x",), **more) -> Draft:
    return Draft(text="x", entities=entities, claims=claims, **more)


def test_a_thousand_corrupted_claims_are_caught_and_the_true_ones_pass():
    graph, rng = multigraph(1), np.random.default_rng(2)
    differing = [
        e for e in range(graph.num_edges) if true_claim(graph, e).head != true_claim(graph, e).tail
    ]
    edges = rng.choice(differing, size=1000)
    kinds = ("direction", "relation", "head", "tail")
    wrong = [corrupted(graph, int(e), kinds[i % 4], rng) for i, e in enumerate(edges)]
    right = [true_claim(graph, int(e)) for e in edges]
    verdicts = verify(draft_of(*wrong, *right), graph).verdicts
    assert [v.supported for v in verdicts] == [False] * 1000 + [True] * 1000


@given(st.data())
def test_a_claim_is_supported_exactly_when_a_naive_reading_of_its_edge_says_so(data):
    node = st.sampled_from("ABC")
    relation = st.sampled_from("rs")
    triples = data.draw(st.lists(st.tuples(node, relation, node), min_size=1, max_size=8))
    graph = TextualGraph.from_triples(triples)
    head, said, tail = data.draw(st.tuples(node, relation, node))
    edge = data.draw(st.integers(-1, len(triples)))
    shown = data.draw(st.none() | st.sets(st.integers(0, 8)))
    claim = Claim(head=head, relation=said, tail=tail, edge=edge)
    expected = (
        0 <= edge < len(triples)
        and triples[edge] == (head, said, tail)
        and (shown is None or edge in shown)
    )
    assert verify(draft_of(claim), graph, retrieved=shown).verdicts[0].supported == expected


@pytest.mark.parametrize(
    ("claim", "problem"),
    [
        (Claim(head="Ada", relation="wrote", tail="Notes", edge=9), "there is no edge 9"),
        (Claim(head="Ada", relation="wrote", tail="Notes", edge=-1), "there is no edge -1"),
        (Claim(head="Ada", relation="wrote", tail="Notes", edge=1), "edge 1 was not retrieved"),
        (Claim(head="Ada", relation="read", tail="Notes", edge=0), "says 'wrote', not 'read'"),
        (Claim(head="Notes", relation="wrote", tail="Ada", edge=0), "does not leave 'Notes'"),
        (Claim(head="Ada", relation="wrote", tail="Ada", edge=0), "does not enter 'Ada'"),
        (Claim(head="Ada", relation="wrote", tail="Notes"), "cites nothing"),
        (Claim(head="Ada", relation="born", tail="1816", node=0), "does not have born '1816'"),
        (Claim(head="Notes", relation="born", tail="1815", node=0), "is not called 'Notes'"),
        (Claim(head="Ada", relation="died", tail="1852", node=0), "does not have died '1852'"),
        (Claim(head="Ada", relation="born", tail="1815", node=7), "there is no node 7"),
        (
            Claim(head="Ada", relation="wrote", tail="Notes", edge=0, qualifiers=(("y", "2"),)),
            "does not have y '2'",
        ),
    ],
)
def test_the_problem_is_named(claim, problem):
    builder = GraphBuilder()
    builder.node("ada", name="Ada", attributes={"born": 1815})
    builder.edge("ada", "wrote", "Notes", attributes={"y": 1})
    builder.edge("ada", "wrote", "Notes")
    verdict = verify(draft_of(claim), builder.build(), retrieved=[0]).verdicts[0]
    assert problem in verdict.problem


def test_names_aliases_keys_and_spelling_are_all_the_same_node():
    builder = GraphBuilder()
    builder.node("q1", name="Amélie", aliases=["Le Fabuleux Destin"], attributes={"mood": "Gay"})
    builder.edge("q1", "set in", "Paris", attributes={"from": 2001})
    graph = builder.build()
    heads = ("Amélie", "amelie", "Le fabuleux DESTIN", "q1")
    claims = [
        Claim(head=h, relation="set in", tail="paris", edge=0, qualifiers=(("from", "2001"),))
        for h in heads
    ]
    claims.append(Claim(head="Amelie", relation="mood", tail="gay", node=0))
    assert all(verdict.supported for verdict in verify(draft_of(*claims), graph).verdicts)


def test_spelling_does_not_make_two_nodes_one():
    graph = TextualGraph.from_triples([("C#", "is", "new"), ("C++", "is", "old"), ("!", "is", "?")])
    claims = [
        Claim(head="C++", relation="is", tail="new", edge=0),
        Claim(head="?", relation="is", tail="!", edge=2),
    ]
    assert [v.supported for v in verify(draft_of(*claims), graph).verdicts] == [False, False]


def test_numbers_compare_exactly():
    builder = GraphBuilder()
    builder.node("x", attributes={"temperature": -5, "share": 0.5})
    graph = builder.build()
    claims = [
        Claim(head="x", relation="temperature", tail="5", node=0),
        Claim(head="x", relation="share", tail="05", node=0),
        Claim(head="x", relation="temperature", tail="-5", node=0),
    ]
    assert [v.supported for v in verify(draft_of(*claims), graph).verdicts] == [False, False, True]


GRAPH = TextualGraph.from_triples([("A", "r", "B"), ("A", "r", "C"), ("A", "s", "D")])
GOOD = Claim(head="A", relation="r", tail="B", edge=0)
BAD = Claim(head="A", relation="r", tail="D", edge=2)


def test_entities_that_no_supported_claim_mentions_go():
    draft = Draft(text="B and D.", entities=("B", "D"), claims=(GOOD, BAD))
    verified = verify(draft, GRAPH)
    assert verified.draft.entities == ("B",)
    assert verified.draft.text == "B"
    assert verified.draft.claims == (GOOD,)
    assert verified.abstention is None


def test_a_sound_draft_comes_back_as_it_was():
    draft = Draft(text="It is B.", entities=("b",), claims=(GOOD,), confidence=0.7)
    assert verify(draft, GRAPH).draft == draft


def test_nothing_left_is_an_abstention_that_says_what_was_wrong():
    verified = verify(Draft(text="D.", entities=("D",), claims=(BAD,)), GRAPH)
    assert verified.draft.entities == ()
    assert verified.abstention is not None
    assert verified.abstention.reason is Reason.NO_EDGE
    assert "edge 2 says 's', not 'r'" in verified.abstention.message


@pytest.mark.parametrize(
    ("claims", "flags", "stays"),
    [
        ((GOOD,), {"closed_world": True}, True),
        ((), {"closed_world": True}, True),  # "no": nothing was there to cite
        ((GOOD, BAD), {"closed_world": True}, False),  # a count over a wrong edge is a wrong count
        ((GOOD,), {"derived": True}, True),
        ((), {"derived": True}, False),
        ((GOOD, BAD), {"derived": True}, False),
        ((GOOD,), {}, False),
    ],
)
def test_worked_out_answers_stand_on_all_their_claims(claims, flags, stays):
    verified = verify(Draft(text="4", entities=("4",), claims=claims, **flags), GRAPH)
    assert (verified.abstention is None) == stays
    assert verified.draft.entities == (("4",) if stays else ())


def test_the_graph_name_of_a_node_cited_by_its_key_may_be_the_answer():
    builder = GraphBuilder()
    builder.node("q7", name="Zoë")
    builder.edge("q7", "r", "B")
    claim = Claim(head="q7", relation="r", tail="B", edge=0)
    draft = Draft(text="Zoë.", entities=("Zoë",), claims=(claim,))
    assert verify(draft, builder.build()).draft.entities == ("Zoë",)


@pytest.mark.slow
def test_ten_times_the_claims_take_ten_times_as_long():
    graph = multigraph(3)

    def seconds(num_claims):
        draft = draft_of(*(true_claim(graph, e) for e in range(num_claims)))
        start = time.process_time()
        verify(draft, graph)
        return time.process_time() - start

    assert min(seconds(2000) for _ in range(3)) < 40 * max(seconds(200) for _ in range(3))

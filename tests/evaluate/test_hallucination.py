import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.answer import Claim, Draft
from graphllm.evaluate import hallucination
from graphllm.evaluate.hallucination import (
    Facts,
    Grounds,
    Named,
    averages,
    grounds_of,
    read_grounds,
)
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.tasks import GraphQA

FILMS = TextualGraph.from_triples(
    [
        ("Alien", "directed_by", "Ridley Scott"),
        ("Alien", "starring", "John Hurt"),
        ("Amélie", "starring", "Audrey Tautou"),
        ("Me, Myself & Irene", "starring", "Jim Carrey"),
    ]
)
SCOTT = ("Alien", "directed by", "Ridley Scott")


@pytest.mark.parametrize(
    "text",
    [
        "Nodes: Alien; Ridley Scott\nEdges: (Alien | directed by | Ridley Scott)",
        "Scott.\n\nNodes:\n- Alien\n- Ridley Scott\nEdges:\n- (Alien | directed by | Ridley Scott)",
        "**Nodes:** Alien; Ridley Scott\n**Edges:** (Alien, directed by, Ridley Scott)",
        "Supporting nodes: Alien; Ridley Scott\n"
        "Supporting edges: Alien -> directed by -> Ridley Scott",
        "nodes: 'Alien'; \"Ridley Scott\"\nedges: Alien --directed by--> Ridley Scott",
        "Nodes: a; b\nno, better:\nNodes: Alien; Ridley Scott\nEdges:\n1. Alien | directed by | "
        "Ridley Scott",
    ],
)
def test_forms_that_models_write(text):
    grounds = read_grounds(text)
    assert grounds == Grounds(("Alien", "Ridley Scott"), (SCOTT,))


def test_several_edges_on_a_line_and_parentheses_inside_names():
    text = "Edges: (Dune (1984) | by | Lynch); (Dune | by | Villeneuve)"
    assert read_grounds(text).edges == (
        ("Dune (1984)", "by", "Lynch"),
        ("Dune", "by", "Villeneuve"),
    )


@pytest.mark.parametrize("text", ["", "Ridley Scott", "Nodes: none\nEdges: none", "Nodes:\nEdges:"])
def test_no_grounds(text):
    assert read_grounds(text) == Grounds()
    assert hallucination([text], FILMS).fully_valid.n == 0


def test_an_edge_without_three_parts_is_named_and_is_in_no_graph():
    named = Facts(FILMS).named(read_grounds("Edges: (Alien | Ridley Scott)"))
    assert named == Named(0, 0, 1, 0)
    assert (named.valid_nodes, named.valid_edges, named.fully_valid) == (None, 0.0, 0.0)


@pytest.mark.parametrize(
    ("edge", "exists"),
    [
        (("alien", "Directed By", "RIDLEY SCOTT"), True),
        (("Amelie", "starring", "Audrey Tautou"), True),
        (("Ridley Scott", "directed by", "Alien"), False),  # the other way round
        (("Alien", "starring", "Ridley Scott"), False),
        (("Alien", "directed by", "John Hurt"), False),
        (("Aliens", "directed by", "Ridley Scott"), False),
    ],
)
def test_an_edge_exists_with_its_relation_and_direction(edge, exists):
    assert Facts(FILMS).has_edge(*edge) is exists


def test_a_name_with_commas_is_one_name_when_there_is_such_a_node():
    facts = Facts(FILMS)
    assert facts.named(Grounds(nodes=("Me, Myself & Irene",))) == Named(1, 1, 0, 0)
    assert facts.named(Grounds(nodes=("Alien, Ridley Scott, Bob",))) == Named(3, 2, 0, 0)


def test_aliases_and_keys_are_names():
    builder = GraphBuilder()
    builder.node("Q1", name="Alien", aliases=["Le huitième passager"])
    builder.edge("Q1", "by", "Q2")
    facts = Facts(builder.build())
    assert facts.has_node("le huitieme passager")
    assert facts.has_edge("q1", "by", "Q2")


def test_averages_count_an_answer_where_it_names_something():
    named = [Named(2, 1, 1, 1), Named(0, 0, 2, 2), Named(0, 0, 0, 0)]
    validity = averages(named)
    assert (validity.valid_nodes.value, validity.valid_nodes.n) == (0.5, 1)
    assert (validity.valid_edges.value, validity.valid_edges.n) == (1.0, 2)
    assert (validity.fully_valid.value, validity.fully_valid.n) == (0.5, 2)


def test_drafts_are_read_before_they_are_checked():
    claims = (
        Claim(head="Alien", relation="directed_by", tail="Ridley Scott", edge=0),
        Claim(head="Alien", relation="directed_by", tail="George Lucas", edge=0),
        Claim(head="Alien", relation="year", tail="1979", node=0),
    )
    draft = Draft(text="", entities=("Ridley Scott",), claims=claims)
    assert Facts(FILMS).named(grounds_of(draft)) == Named(3, 2, 2, 1)


def test_answers_that_were_checked_name_only_what_exists():
    answer = GraphQA.from_graph(FILMS).ask("Who directed Alien?")
    validity = hallucination([answer], FILMS)
    assert (validity.fully_valid.value, validity.fully_valid.n) == (1.0, 1)


def naive_named(grounds, triples):
    """The same by comparing every name with every other, for names of small letters."""
    nodes = {name for head, _, tail in triples for name in (head, tail)}
    true_nodes = [name for name in set(grounds.nodes) if any(name == node for node in nodes)]
    true_edges = [edge for edge in set(grounds.edges) if any(edge == t for t in triples)]
    return Named(len(set(grounds.nodes)), len(true_nodes), len(set(grounds.edges)), len(true_edges))


NAMES = st.text(string.ascii_lowercase[:4], min_size=1, max_size=2)
TRIPLES = st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=8)


@given(
    triples=TRIPLES,
    nodes=st.lists(NAMES, max_size=4),
    edges=st.lists(st.tuples(NAMES, NAMES, NAMES), max_size=4),
)
def test_agrees_with_comparing_everything(triples, nodes, edges):
    edges = [*edges, *triples[:2]]
    text = (
        "Nodes: " + "; ".join(nodes) + "\nEdges: " + "; ".join(f"({' | '.join(e)})" for e in edges)
    )
    grounds = Grounds(tuple(dict.fromkeys(nodes)), tuple(dict.fromkeys(edges)))
    assert read_grounds(text) == grounds
    assert Facts(TextualGraph.from_triples(triples)).named(grounds) == naive_named(grounds, triples)


@given(text=st.text(max_size=200))
def test_any_text_can_be_read(text):
    named = Facts(FILMS).named(read_grounds("Nodes: " + text + "\nEdges:" + text))
    assert 0 <= named.true_nodes <= named.num_nodes
    assert 0 <= named.true_edges <= named.num_edges


def test_a_long_hostile_reply_is_read_in_time():
    import time

    start = time.perf_counter()
    for text in (
        "Nodes:" + "(" * 100_000,
        "Edges:\n" + "(" * 50_000,
        "Edges:\n(" + "a(" * 50_000,
        "*" * 100_000,
    ):
        read_grounds(text)
    assert time.perf_counter() - start < 5
    assert np.isnan(hallucination([], FILMS).fully_valid.value)

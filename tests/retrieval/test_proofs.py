"""Short proofs still prove everything."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.graph import TextualGraph
from graphllm.query import execute, parse_plan
from graphllm.retrieval.proofs import shortened
from tests.retrieval.worlds import family, films

FILM_PLANS = [
    'follow(entities("Alien"), "starring")',
    'follow(follow(entities("John Hurt"), ~"starring"), "directed by")',
    'follow(subtract(follow(follow(entities("Alien"), "starring"), ~"starring"),'
    ' entities("Alien")), "genre")',
    'intersect(follow(entities("James Cameron"), ~"directed by"),'
    ' follow(entities("Sigourney Weaver"), ~"starring"))',
    'union(follow(entities("Alien"), "genre"), follow(entities("Aliens"), "genre"))',
    'count(follow(entities("Drama"), ~"genre"))',
]


def only(view, edges):
    """The graph of some edges, with all nodes."""
    edges = np.unique(np.array(edges, dtype=np.int64))
    return TextualGraph(
        keys=view.keys,
        names=view.names,
        heads=view.heads[edges],
        relation_ids=view.relation_ids[edges],
        tails=view.tails[edges],
        relations=view.relations,
    )


@pytest.mark.parametrize("text", FILM_PLANS)
def test_the_plan_gives_the_same_on_the_short_proof(text):
    view, plan = films(), parse_plan(text)
    result = execute(plan, view)
    proof = shortened(plan, result, view, 100)
    assert sorted({*proof.edges, *proof.rest}) == result.edges.tolist()
    assert not set(proof.edges) & set(proof.rest)
    again = execute(plan, only(view, proof.edges))
    assert again.nodes.tolist() == result.nodes.tolist()
    assert again.values == result.values


def walk(view, start, path):
    """The node a path leads to."""
    for edge in path:
        ends = {int(view.heads[edge]), int(view.tails[edge])}
        assert start in ends
        (start,) = (ends - {start}) or ends
    return start


TRIPLES = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 1), st.integers(0, 7)),
    min_size=4,
    max_size=40,
    unique=True,
).map(lambda rows: [(f"n{h}", f"r{r}", f"n{t}") for h, r, t in rows])


@settings(max_examples=80)
@given(TRIPLES)
def test_there_is_one_way_to_each_answer(triples):
    view = TextualGraph.from_triples([("n0", "r0", "n1"), ("n1", "r1", "n2"), *triples])
    plan = parse_plan('follow(follow(follow(entities("n0"), "r0"), "r1"), ~"r0")')
    result = execute(plan, view)
    proof = shortened(plan, result, view, 100)
    assert sorted(walk(view, 0, path) for path in proof.paths) == result.nodes.tolist()
    assert all(len(path) == 3 for path in proof.paths)
    shared = [path[0] for path in proof.paths]
    assert len([1 for i, e in enumerate(shared) if e not in shared[:i]]) == len(
        [1 for i, e in enumerate(shared) if not i or e != shared[i - 1]]
    )  # paths that begin alike stand together


def test_few_nodes_on_the_way():
    triples = [("s", "to", "a"), ("s", "to", "b"), ("s", "to", "c")]
    triples += [("a", "has", "x"), ("b", "has", "y"), ("c", "has", "x"), ("c", "has", "y")]
    view = TextualGraph.from_triples(triples)
    plan = parse_plan('follow(follow(entities("s"), "to"), "has")')
    proof = shortened(plan, execute(plan, view), view, 100)
    assert proof.edges == (2, 5, 6)
    assert proof.rest == (0, 1, 3, 4)


def test_first_where_most_answers_are():
    triples = [("s", "to", "a"), ("s", "to", "b"), ("a", "has", "x"), ("b", "has", "y")]
    view = TextualGraph.from_triples([*triples, ("b", "has", "z")])
    plan = parse_plan('follow(follow(entities("s"), "to"), "has")')
    proof = shortened(plan, execute(plan, view), view, 100)
    assert proof.paths == ((1, 3), (1, 4), (0, 2))
    assert shortened(plan, execute(plan, view), view, 1).paths == ((0, 2),)


def test_what_is_no_walk_has_only_its_edges():
    view = family()
    plan = parse_plan('facts(entities("anna"))')
    result = execute(plan, view)
    proof = shortened(plan, result, view, 100)
    assert proof.paths == ()
    assert list(proof.rest) == result.edges.tolist()


def test_the_attribute_that_is_read_belongs_to_the_end_of_a_way():
    view = family()
    plan = parse_plan('values(follow(entities("greta"), "parent"), "born")')
    proof = shortened(plan, execute(plan, view), view, 100)
    assert {view.keys[walk(view, view.find_key("greta"), p)] for p in proof.paths} == {
        "dora",
        "fritz",
    }

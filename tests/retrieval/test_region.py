"""Regions: what is in reach, and that hubs do not make them large."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.graph import TextualGraph
from graphllm.retrieval.region import best_edges, region, spread, steps_from

EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 9)), min_size=1)


def graph_of(edges):
    return TextualGraph.from_triples([(f"n{h}", f"r{r}", f"n{t}") for h, r, t in edges])


def equal(view):
    return np.zeros(len(view.relations), dtype=np.float32)


def ids(*nodes):
    return np.array(nodes, dtype=np.int32)


@settings(max_examples=60)
@given(EDGES, st.integers(0, 9), st.integers(1, 4))
def test_region_is_what_breadth_first_search_reaches(edges, start, max_hops):
    view = graph_of(edges)
    start %= view.num_nodes
    ends = list(zip(view.heads.tolist(), view.tails.tolist(), strict=True))
    distance = {start: 0}
    for hop in range(1, max_hops + 1):
        reached = {n for e in ends for n in e if any(distance.get(m, 9) < hop for m in e)}
        distance |= {n: hop for n in reached if n not in distance}
    hops = {
        edge: 1 + min(distance[n] for n in pair if n in distance)
        for edge, pair in enumerate(ends)
        if any(distance.get(n, 9) < max_hops for n in pair)
    }
    found = region(view, [start], equal(view), max_hops=max_hops)
    assert dict(zip(found.nodes.tolist(), found.distances.tolist(), strict=True)) == distance
    assert dict(zip(found.edges.tolist(), found.hops.tolist(), strict=True)) == hops
    assert not found.sampled


@settings(max_examples=60)
@given(EDGES, st.lists(st.integers(0, 9), min_size=1, unique=True))
def test_steps_are_the_edges_both_ways(edges, nodes):
    view = graph_of(edges)
    nodes = ids(*dict.fromkeys(n % view.num_nodes for n in nodes))
    steps = steps_from(view, nodes, equal(view))
    expected = []
    for node in nodes.tolist():
        both = (view.heads, view.tails), (view.tails, view.heads)
        for here, there in both:
            at = np.flatnonzero(here == node)
            at = at[np.argsort(view.relation_ids[at], kind="stable")]
            expected += [(node, int(there[e]), int(e)) for e in at]
    found = zip(steps.sources.tolist(), steps.targets.tolist(), steps.edges.tolist(), strict=True)
    assert list(found) == expected


def hub():
    """A node with 100 edges of one relation, 5 of another and 30 of a third."""
    counts = {"cites": 100, "advises": 5, "likes": 30}
    return TextualGraph.from_triples(
        [("hub", relation, f"{relation} {i}") for relation, n in counts.items() for i in range(n)]
    )


def test_of_a_hub_the_relevant_relations_come_first():
    view = hub()
    relevant = np.array([0, 1, 0.5], dtype=np.float32)
    steps = steps_from(view, ids(0), relevant, max_degree=50)
    taken = [view.relations[r] for r in view.relation_ids[steps.edges]]
    assert {r: taken.count(r) for r in view.relations} == {"cites": 15, "advises": 5, "likes": 30}
    cites = np.sort(steps.edges[view.relation_ids[steps.edges] == 0])
    assert np.diff(cites).max() <= 7  # evenly spaced over all hundred
    assert steps.sampled


def test_a_region_has_no_more_edges_than_it_may():
    view = hub()
    found = region(view, [0], np.array([0, 1, 0.5], dtype=np.float32), max_edges=20)
    relations = [view.relations[r] for r in view.relation_ids[found.edges]]
    assert {r: relations.count(r) for r in set(relations)} == {"advises": 5, "likes": 15}
    assert found.sampled
    assert (np.diff(found.edges) > 0).all()


def test_no_start_no_region():
    found = region(hub(), [], equal(hub()))
    assert len(found.nodes) == len(found.edges) == 0


def test_spread():
    assert spread(3, 5).tolist() == [0, 1, 2]
    assert spread(10, 5).tolist() == [0, 2, 4, 6, 8]


def test_of_equal_edges_the_first_are_kept():
    view = hub()
    edges = np.array([9, 3, 7, 5], dtype=np.int32)
    scores = np.array([1, 1, 2, 1], dtype=np.float32)
    found = best_edges(view, edges, scores, 3, nodes={0: 5.0}, paths=[(3, 5), (9,)])
    assert found.edges.tolist() == [3, 5, 7]
    assert found.edge_scores.tolist() == [1, 1, 2]
    assert found.node_scores.tolist() == [5, 1, 1, 2]
    assert found.paths == ((3, 5),)
    assert found.truncated
    assert not best_edges(view, edges, scores, 4).truncated

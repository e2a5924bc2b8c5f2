"""Forward push against the definition of PageRank."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.retrieval.ppr import forward_push

EDGES = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 2), st.integers(0, 11)), min_size=1, max_size=40
)


def graph_of(edges):
    return TextualGraph.from_triples([(f"n{h}", f"r{r}", f"n{t}") for h, r, t in edges])


def weighted(view, weights):
    """The undirected graph as a matrix; a self-loop can be walked either way."""
    matrix = np.zeros((view.num_nodes, view.num_nodes))
    for head, relation, tail in zip(view.heads, view.relation_ids, view.tails, strict=True):
        matrix[head, tail] += weights[relation]
        matrix[tail, head] += weights[relation]
    return matrix


def pagerank(matrix, starts, restart):
    """The solution of p = restart s + (1 - restart) p W."""
    walk = matrix / matrix.sum(axis=1, keepdims=True)
    left = np.eye(len(matrix)) - (1 - restart) * walk.T
    return np.linalg.solve(left, restart * starts)


WEIGHTS = st.lists(st.floats(0.05, 1), min_size=3, max_size=3)


@settings(max_examples=60)
@given(EDGES, WEIGHTS, st.integers(0, 11), st.sampled_from([1e-2, 1e-3, 1e-4]))
def test_error_is_within_the_bound(edges, weights, start, epsilon):
    view = graph_of(edges)
    weights = np.array(weights, dtype=np.float32)[: len(view.relations)]
    starts = np.zeros(view.num_nodes)
    starts[start % view.num_nodes] = 0.75
    starts[0] += 0.25
    given = {int(n): float(starts[n]) for n in np.flatnonzero(starts)}
    found = forward_push(view, given, weights, restart=0.2, epsilon=epsilon)
    matrix = weighted(view, weights)
    mass = np.zeros(view.num_nodes)
    mass[found.nodes] = found.mass
    short = pagerank(matrix, starts, 0.2) - mass
    assert (short > -1e-9).all()
    assert (short <= epsilon * matrix.sum(axis=1) + 1e-9).all()
    assert np.isclose(found.mass.sum() + found.residual.sum(), 1)
    assert found.complete


def test_flow_is_the_mass_that_passes_an_edge():
    view = TextualGraph.from_triples([("a", "r", "b"), ("b", "r", "c"), ("b", "s", "d")])
    weights = np.array([1, 0.5], dtype=np.float32)
    found = forward_push(view, {0: 1.0}, weights, epsilon=1e-9)
    mass = dict(zip(found.nodes.tolist(), found.mass.tolist(), strict=True))
    expected = [
        mass[0] / 1 + mass[1] / 2.5,
        mass[1] / 2.5 + mass[2],
        (mass[1] / 2.5 + mass[3] / 0.5) / 2,
    ]
    np.testing.assert_allclose(found.flow, expected, rtol=1e-6)


def test_a_start_without_edges_keeps_everything():
    builder = GraphBuilder()
    builder.edge("a", "r", "b")
    builder.node("c")
    view = builder.build()
    found = forward_push(view, {2: 1.0}, np.ones(1, dtype=np.float32))
    assert found.nodes.tolist() == [2]
    assert found.mass.tolist() == [1.0]


def test_it_looks_at_no_more_than_it_may():
    rng = np.random.default_rng(0)
    edges = rng.integers(0, 500, size=(5000, 2)).tolist()
    view = TextualGraph.from_triples([(f"n{h}", "r", f"n{t}") for h, t in edges])
    found = forward_push(view, {0: 1.0}, np.ones(1, dtype=np.float32), epsilon=1e-7, max_steps=300)
    assert len(found.edges) <= 300
    assert not found.complete

"""The randomised decomposition against numpy.linalg.svd."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from graphllm.tokenizers.adjacency import NormalizedAdjacency, times
from graphllm.tokenizers.svd import randomized_svd


def communities(num_nodes=300, seed=0):
    """Twelve groups of several sizes, with few edges between them: singular values that fall."""
    rng = np.random.default_rng(seed)
    group = np.sort(rng.integers(0, 12, num_nodes) * rng.integers(0, 2, num_nodes))
    heads, tails = rng.integers(0, num_nodes, (2, 40 * num_nodes))
    kept = (group[heads] == group[tails]) | (rng.random(len(heads)) < 0.05)
    return heads[kept], tails[kept]


@given(
    st.integers(0, 30), st.integers(1, 20), st.integers(1, 40), st.integers(0, 99), st.booleans()
)
@settings(max_examples=40)
def test_product_is_that_of_dense_matrices(num_rows, num_columns, dim, seed, wide):
    rng = np.random.default_rng(seed)
    dense = rng.random((num_rows, num_columns)) * (rng.random((num_rows, num_columns)) < 0.3)
    matrix = csr_array(dense.astype(np.float32))
    x = rng.standard_normal((num_columns, dim), dtype=np.float32)
    x = np.repeat(x, 2, axis=1)[:, ::2] if wide else x  # columns that do not lie together
    np.testing.assert_allclose(times(matrix, x), dense @ x, atol=1e-5)


@pytest.mark.parametrize("is_symmetric", [True, False], ids=["symmetric", "bipartite"])
def test_it_is_as_good_as_the_exact_one(is_symmetric):
    heads, tails = communities()
    if is_symmetric:
        adjacency = NormalizedAdjacency.undirected(heads, tails, 300)
    else:
        adjacency = NormalizedAdjacency.bipartite(heads, tails % 200, 300, 200)
    dense = adjacency.matrix.toarray().astype(np.float64)
    u, s, vt = np.linalg.svd(dense)
    found = randomized_svd(adjacency, 10, np.random.default_rng(0), n_iter=4)
    np.testing.assert_allclose(found.s, s[:10], rtol=0.02)
    np.testing.assert_allclose(found.u.T @ found.u, np.eye(10), atol=1e-4)
    np.testing.assert_allclose(found.v.T @ found.v, np.eye(10), atol=1e-4)
    best = np.linalg.norm(dense - (u[:, :10] * s[:10]) @ vt[:10])
    assert np.linalg.norm(dense - (found.u * found.s) @ found.v.T) < 1.01 * best
    assert (np.diff(found.s) <= 0).all()


def test_more_iterations_come_nearer():
    heads, tails = np.random.default_rng(0).integers(0, 400, (2, 2000))
    adjacency = NormalizedAdjacency.undirected(heads, tails, 400)
    dense = adjacency.matrix.toarray().astype(np.float64)
    best = np.linalg.svd(dense)[1][20:]
    errors = []
    for n_iter in (0, 1, 2, 8):
        u, s, v = randomized_svd(adjacency, 20, np.random.default_rng(0), n_iter=n_iter)
        errors.append(np.linalg.norm(dense - (u * s) @ v.T) - np.linalg.norm(best))
    assert errors[0] > errors[1] > errors[2] > errors[3] >= -1e-4
    assert errors[3] < 0.02 * errors[0]


@pytest.mark.parametrize("shape", [(6, 6), (3, 9), (9, 3), (1, 1)], ids=str)
def test_directions_that_the_matrix_does_not_have_are_left_out(shape):
    # one edge: rank 1
    adjacency = NormalizedAdjacency.bipartite(np.array([0]), np.array([0]), *shape)
    u, s, v = randomized_svd(adjacency, 5, np.random.default_rng(0))
    assert (u.shape, v.shape) == ((shape[0], 1), (shape[1], 1))
    np.testing.assert_allclose(s, [1.0], rtol=1e-5)
    nothing = np.zeros(0, dtype=np.int64)
    empty = NormalizedAdjacency.bipartite(nothing, nothing, *shape)
    assert randomized_svd(empty, 5, np.random.default_rng(0)).s.shape == (0,)

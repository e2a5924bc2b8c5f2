"""Topology tokens against the same formulas written naively, and what no order may change."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from graphllm.errors import ConfigError, DataError
from graphllm.graph import TextualGraph
from graphllm.index import GraphIndex
from graphllm.tokenizers.adjacency import NormalizedAdjacency
from graphllm.tokenizers.topology import (
    TopologySettings,
    graph_topology,
    topology_of_many,
    topology_tokens,
)

# The formulas once more: dense, one number at a time.


def naive_adjacency(edges, num_rows, num_columns=None):
    """1 where there is an edge; either way when the rows and columns are the same nodes."""
    a = [[0.0] * (num_rows if num_columns is None else num_columns) for _ in range(num_rows)]
    for v, w in edges:
        a[v][w] = 1.0
        if num_columns is None:
            a[w][v] = 1.0
    return a


def naive_normalized(a):
    by_row = [sum(row) for row in a]
    by_column = [sum(column) for column in zip(*a, strict=True)]
    return np.array(
        [
            [value / math.sqrt(by_row[v] * by_column[w]) if value else 0.0 for w, value in row_of]
            for v, row_of in enumerate(map(enumerate, a))
        ]
    ).reshape(len(a), len(by_column) if a else 0)


def naive_tokens(a, dim, order, *, symmetric):
    """Return the tokens of a normalised adjacency; its singular values must all differ."""
    u, s, vt = np.linalg.svd(a)
    rank = min(a.shape)
    columns = []
    for j in range(min(rank, dim)):
        root = math.sqrt(s[j]) if s[j] > 1e-6 else 0.0
        left, right = [root * x for x in u[:, j]], [root * x for x in vt[j]]
        columns.append(
            [x + y for x, y in zip(left, right, strict=True)] if symmetric else left + right
        )
    num_nodes = a.shape[0] if symmetric else sum(a.shape)
    columns += [[0.0] * num_nodes] * (dim - len(columns))
    e = naive_layer_norm(columns, num_nodes, dim)
    square = (
        a
        if symmetric
        else np.block([[np.zeros((len(a), len(a))), a], [a.T, np.zeros((a.shape[1], a.shape[1]))]])
    )
    if order == 0:
        return e
    return sum(np.linalg.matrix_power(square, hops) @ e for hops in range(1, order + 1))


def naive_layer_norm(columns, num_nodes, dim):
    """Turn each column by its third moment; those without one stay as they are."""
    centered = []
    for column in columns:
        cubes, size = sum(x**3 for x in column), sum(abs(x) ** 3 for x in column)
        lopsided = cubes / size if size > 1e-12 else 1.0
        sign = -1 if lopsided < 0 else 1
        centered.append(([sign * x for x in column], abs(lopsided) >= 1e-4))
    rows = []
    for v in range(num_nodes):
        mean = sum(column[v] for column, settled in centered if settled) / dim
        rows.append([column[v] - mean if settled else column[v] for column, settled in centered])
    variances = [sum(x * x for x in row) / dim for row in rows]
    floor = 1e-5 * sum(variances) / num_nodes
    return np.array(
        [
            [x / math.sqrt(variance + floor) if variance else 0.0 for x in row]
            for row, variance in zip(rows, variances, strict=True)
        ]
    )


@st.composite
def edge_lists(draw, num_rows=9, num_columns=9):
    """A number of rows and of columns, and edges: with repeats and self-loops, and lone nodes."""
    rows, columns = draw(st.integers(1, num_rows)), draw(st.integers(1, num_columns))
    edge = st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1))
    return rows, columns, draw(st.lists(edge, max_size=24))


def ends(edges):
    pairs = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def undirected(edges, num_nodes):
    return NormalizedAdjacency.undirected(*ends(edges), num_nodes)


def assume_no_ties(values):
    """Values that are not zero stand apart from each other."""
    values = np.sort(values[np.abs(values) > 1e-5])
    assume(len(values) < 2 or np.diff(values).min() > 1e-3)
    assume(not len(values) or np.abs(values).min() > 1e-3)


def gram(x):
    x = x.astype(np.float64)
    return x @ x.T


@profile(max_examples=40)
@given(edge_lists(), st.integers(1, 12), st.integers(0, 4))
def test_undirected_tokens_are_those_of_the_naive_formula(drawn, dim, order):
    num_nodes, _, edges = drawn
    edges = [(v, w % num_nodes) for v, w in edges]
    a = naive_normalized(naive_adjacency(edges, num_nodes))
    assume_no_ties(np.linalg.svd(a)[1])
    adjacency = undirected(edges, num_nodes)
    np.testing.assert_allclose(adjacency.matrix.toarray(), a, atol=1e-6)
    found = topology_tokens(adjacency, TopologySettings(dim=dim, order=order))
    expected = naive_tokens(a, dim, order, symmetric=True)
    assert found.shape == (num_nodes, dim)
    assert found.dtype == np.float32
    np.testing.assert_allclose(gram(found), gram(expected), atol=2e-3)


@profile(max_examples=40)
@given(edge_lists(7, 5), st.integers(1, 9), st.integers(0, 3))
def test_bipartite_tokens_are_those_of_the_naive_formula(drawn, dim, order):
    num_rows, num_columns, edges = drawn
    a = naive_normalized(naive_adjacency(edges, num_rows, num_columns))
    assume_no_ties(np.linalg.svd(a)[1])
    adjacency = NormalizedAdjacency.bipartite(*ends(edges), num_rows, num_columns)
    found = topology_tokens(adjacency, TopologySettings(dim=dim, order=order))
    expected = naive_tokens(a, dim, order, symmetric=False)
    assert found.shape == (num_rows + num_columns, dim)
    np.testing.assert_allclose(gram(found), gram(expected), atol=2e-3)


def random_edges(num_nodes, seed):
    """Edges of three relations: some twice, some loops, a lone node, very different degrees."""
    draw = np.random.default_rng([num_nodes, seed])
    ends = ((num_nodes - 1) * draw.random((2, 8 * num_nodes)) ** 1.3).astype(int)
    relations = draw.integers(0, 3, ends.shape[1])
    edges = list(zip(*ends.tolist(), relations.tolist(), strict=True))
    return edges + edges[:4]


def least_gap(values):
    values = np.sort(values[values > 1e-6])
    return np.diff(values).min(initial=1.0)


@pytest.mark.parametrize("dim", [16, 128], ids=["short", "long"])
@pytest.mark.parametrize("relations", ["merged", "balanced"])
@pytest.mark.parametrize("directed", [False, True], ids=["undirected", "directed"])
@pytest.mark.parametrize("num_nodes", [20, 60, 160])
def test_gram_matrix_follows_the_nodes_of_a_larger_graph(num_nodes, directed, relations, dim):
    draw = np.random.default_rng(num_nodes)
    settings = TopologySettings(dim=dim, directed=directed, relations=relations)
    assert 2 * num_nodes <= settings.exact_up_to
    for seed in range(2):
        edges = random_edges(num_nodes, seed)
        graph = relational(edges, num_nodes)
        a = NormalizedAdjacency.of(graph, directed=directed, balanced=relations == "balanced")
        a = a.matrix.toarray().astype(np.float64)
        assert least_gap(np.linalg.svd(a)[1] if directed else np.linalg.eigvalsh(a)) > 1e-6
        place, order = draw.permutation(num_nodes), draw.permutation(len(edges))
        moved = [(place[v], place[w], r) for v, w, r in (edges[i] for i in order)]
        before = gram(graph_topology(graph, settings))
        after = gram(graph_topology(relational(moved, num_nodes), settings))
        np.testing.assert_allclose(after[np.ix_(place, place)], before, atol=1e-3)


def relational(edges, num_nodes):
    relations = iter([r for _, _, r in edges])
    return graph_of([(v, w) for v, w, _ in edges], num_nodes, lambda *_: f"r{next(relations)}")


@profile(max_examples=40)
@given(edge_lists(), st.randoms(use_true_random=False))
def test_gram_matrix_follows_a_permutation_of_the_nodes(drawn, random):
    num_nodes, _, edges = drawn
    edges = [(v, w % num_nodes) for v, w in edges]
    a = naive_normalized(naive_adjacency(edges, num_nodes))
    values = np.linalg.eigvalsh(a)
    assume_no_ties(values[values > 0])
    place = list(range(num_nodes))
    random.shuffle(place)
    moved = [(place[v], place[w]) for v, w in edges]
    settings = TopologySettings(dim=10)
    before = gram(topology_tokens(undirected(edges, num_nodes), settings))
    after = gram(topology_tokens(undirected(moved, num_nodes), settings))
    np.testing.assert_allclose(after[np.ix_(place, place)], before, atol=1e-3)


@pytest.mark.parametrize("num_nodes", [4, 5, 8])
def test_a_path_read_backwards_has_the_same_gram_matrix(num_nodes):
    # half of a path's eigenvectors change their sign when it is turned round: no rule can settle it
    rng = np.random.default_rng(0)
    path = [(v, v + 1) for v in range(num_nodes - 1)]
    settings = TopologySettings(dim=8)
    before = gram(topology_tokens(undirected(path, num_nodes), settings))
    np.testing.assert_allclose(before[::-1, ::-1], before, atol=1e-3)
    for _ in range(5):
        place = rng.permutation(num_nodes)
        after = gram(topology_tokens(undirected(place[np.array(path)], num_nodes), settings))
        np.testing.assert_allclose(after[np.ix_(place, place)], before, atol=1e-3)


@profile(max_examples=25)
@given(edge_lists(), st.randoms(use_true_random=False))
def test_gram_matrix_of_a_directed_graph_follows_a_permutation(drawn, random):
    num_nodes, _, edges = drawn
    edges = [(v, w % num_nodes) for v, w in edges]
    a = naive_normalized(naive_adjacency(edges, num_nodes, num_nodes))
    assume_no_ties(np.linalg.svd(a)[1])
    place = list(range(num_nodes))
    random.shuffle(place)
    settings = TopologySettings(dim=20, directed=True)
    before = gram(graph_topology(graph_of(edges, num_nodes), settings))
    moved = graph_of([(place[v], place[w]) for v, w in edges], num_nodes)
    after = gram(graph_topology(moved, settings))
    np.testing.assert_allclose(after[np.ix_(place, place)], before, atol=1e-3)


def graph_of(edges, num_nodes, relation=lambda v, w: "r"):
    """A graph whose node ids are those of ``edges``, with lone nodes."""
    from graphllm.graph import GraphBuilder

    builder = GraphBuilder()
    for node in range(num_nodes):
        builder.node(str(node))
    for v, w in edges:
        builder.edge(str(v), relation(v, w), str(w))
    return builder.build()


def blown_up(num_nodes, rng):
    """A graph of rank 5 at most: five sets of twins, joined as five nodes without ties are."""
    parts = np.sort(rng.integers(0, 5, num_nodes))
    pattern = np.array([[0, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0]])
    heads, tails = np.nonzero(np.pad(pattern, ((0, 1), (0, 0)))[np.ix_(parts, parts)])
    return list(zip(heads.tolist(), tails.tolist(), strict=True))


@pytest.mark.parametrize("directed", [False, True], ids=["undirected", "directed"])
def test_randomised_tokens_are_the_exact_ones_where_the_rank_is_low(directed):
    edges = blown_up(120, np.random.default_rng(0))
    graph = graph_of(edges, 120)
    settings = TopologySettings(dim=24, directed=directed)
    exact = graph_topology(graph, settings)
    sampled = graph_topology(graph, TopologySettings(dim=24, directed=directed, exact_up_to=0))
    np.testing.assert_allclose(gram(sampled), gram(exact), atol=1e-2 * np.abs(gram(exact)).max())


def test_randomised_tokens_are_those_of_the_naive_formula():
    edges = blown_up(60, np.random.default_rng(1))
    a = naive_normalized(naive_adjacency(edges, 60))
    found = topology_tokens(undirected(edges, 60), TopologySettings(dim=9, exact_up_to=0))
    expected = naive_tokens(a, 9, 3, symmetric=True)
    np.testing.assert_allclose(gram(found), gram(expected), atol=1e-3 * np.abs(expected).max() ** 2)


def random_graph(num_nodes=2000, num_edges=8000, seed=0):
    heads, tails = np.random.default_rng(seed).integers(0, num_nodes, (2, num_edges))
    return NormalizedAdjacency.undirected(heads, tails, num_nodes)


def test_same_seed_same_bits_and_another_seed_other_tokens():
    adjacency = random_graph()
    settings = TopologySettings(dim=16)
    first = topology_tokens(adjacency, settings)
    assert first.tobytes() == topology_tokens(adjacency, settings).tobytes()
    given_rng = topology_tokens(adjacency, settings, np.random.default_rng(settings.seed))
    assert first.tobytes() == given_rng.tobytes()
    assert not np.allclose(first, topology_tokens(adjacency, TopologySettings(dim=16, seed=1)))


def test_bits_do_not_depend_on_the_number_of_threads():
    adjacency = random_graph(20_000, 60_000)  # several blocks of rows
    found = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, "blas"):
            found.append(topology_tokens(adjacency, TopologySettings(dim=8)).tobytes())
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("exact_up_to", [512, 0], ids=["exact", "randomised"])
@pytest.mark.parametrize("directed", [False, True], ids=["undirected", "directed"])
def test_nodes_without_edges_and_graphs_without_nodes(exact_up_to, directed):
    settings = TopologySettings(dim=6, exact_up_to=exact_up_to, directed=directed)
    assert graph_topology(graph_of([], 0), settings).shape == (0, 6)
    assert not graph_topology(graph_of([], 1), settings).any()
    assert not graph_topology(graph_of([], 7), settings).any()
    some = graph_topology(graph_of([(0, 1), (1, 2), (0, 2), (2, 3)], 6), settings)
    assert np.isfinite(some).all()
    assert some[:3].any(axis=1).all()
    assert not some[4:].any()


@pytest.mark.parametrize("exact_up_to", [512, 0], ids=["exact", "randomised"])
def test_repeated_and_turned_edges_count_once_and_a_loop_is_an_edge(exact_up_to):
    settings = TopologySettings(dim=4, exact_up_to=exact_up_to)
    once = topology_tokens(undirected([(0, 1), (1, 2), (2, 2)], 3), settings)
    again = undirected([(0, 1), (1, 0), (0, 1), (1, 2), (2, 2), (2, 2)], 3)
    np.testing.assert_array_equal(topology_tokens(again, settings), once)
    without = topology_tokens(undirected([(0, 1), (1, 2)], 3), settings)
    assert not np.allclose(gram(once), gram(without))


def test_dimensions_beyond_the_rank_say_nothing():
    # columns of zeros take part in LayerNorm as the paper's zero padding does: all are the same
    tokens = topology_tokens(undirected([(0, 1), (1, 2)], 3), TopologySettings(dim=12))
    assert tokens.shape == (3, 12)
    np.testing.assert_allclose(tokens[:, 3:], np.repeat(tokens[:, 3:4], 9, axis=1), atol=1e-6)


def test_tokens_do_not_shrink_as_the_graph_grows():
    # LayerNorm's usual floor, 1e-5, is above the variance of a row in a graph of 100,000 nodes
    sizes = [
        np.linalg.norm(topology_tokens(random_graph(n, 4 * n), TopologySettings(dim=8, order=0)))
        / np.sqrt(n)
        for n in (600, 60_000)
    ]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.05)


@profile(max_examples=12)
@given(st.lists(edge_lists(5, 5), max_size=5), st.booleans(), st.booleans())
def test_many_graphs_at_once_are_each_alone(drawn, directed, balanced):
    graphs = [
        graph_of([(v, w % n) for v, w in edges], n, lambda v, w: "ab"[(v + w) % 2])
        for n, _, edges in drawn
    ]
    settings = TopologySettings(
        dim=6, directed=directed, relations="balanced" if balanced else "merged", exact_up_to=8
    )
    together = topology_of_many(graphs, settings)
    assert len(together) == len(graphs)
    for graph, tokens in zip(graphs, together, strict=True):
        np.testing.assert_allclose(tokens, graph_topology(graph, settings), atol=1e-5)


def test_balanced_relations_count_edges_by_their_own_degrees():
    # node 0 has ten "likes" and one "knows"
    likes = [(0, v) for v in range(1, 11)]
    graph = graph_of([*likes, (0, 11)], 12, lambda v, w: "knows" if w == 11 else "likes")
    matrix = NormalizedAdjacency.of(graph, directed=False, balanced=True).matrix.toarray()
    weights = np.zeros((12, 12))
    weights[0, 1:11] = weights[1:11, 0] = 1 / np.sqrt(10 * 1)
    weights[0, 11] = weights[11, 0] = 1
    sums = weights.sum(axis=1)
    np.testing.assert_allclose(matrix, weights / np.sqrt(np.outer(sums, sums)), rtol=1e-6)


def test_parallel_edges_of_two_relations_add_up_when_balanced():
    names = iter("abab")
    graph = graph_of([(0, 1), (0, 1), (1, 2), (1, 2)], 4, lambda v, w: next(names))
    single = graph_of([(0, 1), (1, 2)], 4)
    for settings in (TopologySettings(dim=4), TopologySettings(dim=4, relations="balanced")):
        np.testing.assert_allclose(
            gram(graph_topology(graph, settings)), gram(graph_topology(single, settings)), atol=1e-4
        )


def test_directed_halves_tell_heads_from_tails():
    graph = graph_of([(0, 1), (0, 2), (1, 2), (3, 2)], 4)
    tokens = graph_topology(graph, TopologySettings(dim=8, directed=True))
    assert not tokens[2, :4].any()  # is the head of no edge
    assert tokens[2, 4:].any()
    assert not tokens[0, 4:].any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dim": 0}, "dim is 0, expected at least 1"),
        ({"order": -1}, "order is -1, expected at least 0"),
        ({"n_iter": -2}, "n_iter is -2"),
        ({"dim": 7, "directed": True}, "dim is 7; directed tokens have two halves"),
        ({"relations": "typed"}, r"relations is 'typed', expected one of \('merged', 'balanced'\)"),
    ],
    ids=["dim", "order", "n_iter", "odd", "relations"],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        TopologySettings(**settings)


def test_edges_outside_the_graph_are_named():
    with pytest.raises(DataError, match=r"edge 1 names node 3, outside 0\.\.2"):
        undirected([(0, 1), (3, 1)], 3)
    with pytest.raises(DataError, match=r"edge 0 names column 2, outside 0\.\.1"):
        NormalizedAdjacency.bipartite(*ends([(0, 2)]), 1, 2)


def test_tokens_of_an_index_are_made_once_and_mapped(tmp_path):
    graph = TextualGraph.from_triples([(f"p{i}", "r", f"p{i * 7 % 400}") for i in range(400)])
    settings = TopologySettings(dim=8)
    with GraphIndex.build(graph, tmp_path / "g.gllm") as index:
        first = graph_topology(index, settings)
        np.testing.assert_allclose(first, graph_topology(graph, settings), atol=1e-6)
        (kept,) = tmp_path.glob("g.gllm/gen-*/derived/topology-*.npy")
        written = kept.stat().st_mtime_ns
        graph_topology(index, settings)
        assert kept.stat().st_mtime_ns == written
        graph_topology(index, TopologySettings(dim=8, order=2))
        assert len(list(kept.parent.glob("*.npy"))) == 2


def test_topology_needs_neither_torch_nor_numba_for_a_small_graph():
    code = (
        "from graphllm.graph import TextualGraph as T\n"
        "from graphllm.tokenizers.topology import TopologySettings, graph_topology\n"
        "graph_topology(T.from_triples([('a', 'r', 'b')]), TopologySettings(dim=4))\n"
        "import json, sys\n"
        "print(json.dumps([m for m in ('torch', 'numba', 'transformers') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []

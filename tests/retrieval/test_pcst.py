"""The Steiner tree against brute force, the reference implementation, and itself."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import ConfigError, DataError, MissingExtraError
from graphllm.graph import TextualGraph
from graphllm.index import GraphIndex
from graphllm.retrieval.pcst import PRUNINGS, EdgeRows, check_pcst_fast, pcst
from graphllm.retrieval.prizes import Prizes

# made by: python benchmarks/pcst_parity.py --fixture FILE --seed 7
FIXTURE = json.loads(Path(__file__).with_name("pcst_fast.json").read_text("utf-8"))


def node_prizes(prizes, cost=0.5, **edge_prizes):
    """Prizes of the nodes 0, 1, ..."""
    return Prizes(
        node_ids=np.arange(len(prizes), dtype=np.int32),
        node_prizes=np.asarray(prizes, np.float64),
        edge_cost=cost,
        **edge_prizes,
    )


@st.composite
def problems(draw, largest=6, most_edges=12):
    """A small multigraph, loops included, with a prize per node and a cost per edge; no ties."""
    num_nodes = draw(st.integers(1, largest))
    node = st.integers(0, num_nodes - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=most_edges))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    prizes = rng.random(num_nodes) * draw(st.sampled_from([0.3, 1.0, 3.0]))
    prizes[rng.random(num_nodes) < draw(st.sampled_from([0.0, 0.5]))] = 0.0
    return EdgeRows.from_edges(edges, num_nodes=num_nodes), prizes, rng.random(len(edges))


def cheapest_tree(nodes, graph, costs):
    """What joining ``nodes`` among themselves costs at least; None where they are not joined."""
    parts, total = [{v} for v in nodes], 0.0
    for edge in np.argsort(costs):
        ends = {int(graph.heads[edge]), int(graph.tails[edge])}
        touched = [part for part in parts if part & ends]
        if ends <= set(nodes) and len(touched) == 2:
            parts = [part for part in parts if part not in touched] + [touched[0] | touched[1]]
            total += costs[edge]
    return total if len(parts) == 1 else None


def least_cost_and_loss(graph, prizes, costs):
    """The least cost of a tree and the prizes it misses, over all connected node sets."""
    nodes = range(graph.num_nodes)
    sets = [s for size in nodes for s in combinations(nodes, size + 1)]
    trees = [(s, cheapest_tree(s, graph, costs)) for s in sets]
    return min(cost + prizes.sum() - prizes[list(s)].sum() for s, cost in trees if cost is not None)


def is_tree(graph, tree):
    joined = cheapest_tree(
        tree.nodes.tolist(),
        graph,
        np.where(np.isin(np.arange(len(graph.heads)), tree.edges), 0.0, np.inf),
    )
    return joined == 0.0 and len(tree.edges) == len(tree.nodes) - 1


@settings(max_examples=50)
@given(problem=problems(largest=5, most_edges=10))
def test_within_the_bound_of_the_best_of_all_connected_node_sets(problem):
    graph, prizes, costs = problem
    optimum = least_cost_and_loss(graph, prizes, costs)
    gw, strong = (pcst(graph, node_prizes(prizes, costs), pruning=p) for p in PRUNINGS)
    for tree, factor in ((gw, 2), (strong, 1)):
        missed = prizes.sum() - prizes[tree.nodes].sum()
        assert costs[tree.edges].sum() + factor * missed <= 2 * optimum + 1e-9
        assert tree.value == pytest.approx(prizes.sum() - missed - costs[tree.edges].sum())
    assert strong.value >= gw.value - 1e-9


@settings(max_examples=50)
@given(problem=problems(largest=12, most_edges=40), pruning=st.sampled_from(PRUNINGS))
def test_a_tree_that_repeats_and_does_not_depend_on_order(problem, pruning):
    graph, prizes, costs = problem
    tree = pcst(graph, node_prizes(prizes, costs), pruning=pruning)
    if not prizes.any():
        assert len(tree.nodes) == len(tree.edges) == tree.value == 0
        return
    assert is_tree(graph, tree)
    assert prizes[tree.nodes].any()
    order = np.random.default_rng(0).permutation(graph.num_nodes).astype(np.int32)
    shuffled = Prizes(node_ids=order, node_prizes=prizes[order], edge_cost=costs)
    again = pcst(graph, shuffled, pruning=pruning)
    assert again.edges.tolist() == tree.edges.tolist()
    assert again.nodes.tolist() == tree.nodes.tolist()


@settings(max_examples=50)
@given(problem=problems(largest=12, most_edges=40), pruning=st.sampled_from(PRUNINGS))
def test_numbering_does_not_matter_where_nothing_ties(problem, pruning):
    graph, prizes, costs = problem
    tree = pcst(graph, node_prizes(prizes, costs), pruning=pruning)
    rng = np.random.default_rng(1)
    new_id, edge_order = rng.permutation(graph.num_nodes), rng.permutation(len(graph.heads))
    ends = np.stack([new_id[graph.tails], new_id[graph.heads]], axis=1)[edge_order]
    other = EdgeRows.from_edges(ends, num_nodes=graph.num_nodes)
    renamed = pcst(
        other, node_prizes(prizes[np.argsort(new_id)], costs[edge_order]), pruning=pruning
    )
    assert renamed.nodes.tolist() == sorted(new_id[tree.nodes])
    assert sorted(edge_order[renamed.edges]) == tree.edges.tolist()


@pytest.mark.parametrize("pruning", PRUNINGS)
@pytest.mark.parametrize("number", range(len(FIXTURE["problems"])))
def test_equals_the_answers_of_pcst_fast(number, pruning):
    entry = FIXTURE["problems"][number]
    graph = EdgeRows.from_edges(entry["edges"], num_nodes=entry["num_nodes"])
    tree = pcst(graph, prizes_of(entry), pruning=pruning)
    assert [tree.nodes.tolist(), tree.edges.tolist()] == entry[pruning]


def prizes_of(entry):
    return Prizes(
        node_ids=np.array(entry["node_ids"], np.int32),
        node_prizes=np.array(entry["node_prizes"]),
        edge_ids=np.array(entry["edge_ids"], np.int32),
        edge_prizes=np.array(entry["edge_prizes"], np.float64),
        edge_cost=np.array(entry["edge_cost"]),
    )


@pytest.fixture
def needs_pcst_fast():
    pytest.importorskip("pcst_fast", reason="pcst_fast is not built: make oracle")


@given(problem=problems(largest=30, most_edges=120), pruning=st.sampled_from(PRUNINGS))
@pytest.mark.usefixtures("needs_pcst_fast")
def test_equals_pcst_fast(problem, pruning):
    graph, prizes, costs = problem
    if prizes.any():  # where nothing is worth anything, pcst_fast returns the last node
        ours = pcst(graph, node_prizes(prizes, costs), pruning=pruning)
        theirs = pcst(graph, node_prizes(prizes, costs), pruning=pruning, solver="pcst_fast")
        assert ours.nodes.tolist() == theirs.nodes.tolist()
        assert ours.edges.tolist() == theirs.edges.tolist()


@settings(max_examples=50)
@given(problem=problems(largest=8, most_edges=20), pruning=st.sampled_from(PRUNINGS))
def test_an_edge_prized_above_its_cost_is_a_node_between_its_ends(problem, pruning):
    graph, prizes, costs = problem
    edge_prizes = np.random.default_rng(2).random(len(costs)) * 1.5
    whole = node_prizes(
        prizes, costs, edge_ids=np.arange(len(costs), dtype=np.int32), edge_prizes=edge_prizes
    )
    tree = pcst(graph, whole, pruning=pruning)
    nodes, edges = reduced(graph, prizes, costs, edge_prizes, pruning)
    assert tree.nodes.tolist() == nodes
    assert tree.edges.tolist() == edges
    won = prizes[nodes].sum() + edge_prizes[edges].sum()
    assert tree.value == pytest.approx(won - costs[edges].sum())


def reduced(graph, prizes, costs, edge_prizes, pruning):
    """The same by writing the reduced graph down."""
    ends, new_costs, new_prizes, mapping = [], [], list(prizes), {}
    for edge, (head, tail) in enumerate(
        zip(graph.heads.tolist(), graph.tails.tolist(), strict=True)
    ):
        if edge_prizes[edge] <= costs[edge]:
            mapping["edge", len(ends)] = edge
            ends.append((head, tail))
            new_costs.append(costs[edge] - edge_prizes[edge])
    for edge, (head, tail) in enumerate(
        zip(graph.heads.tolist(), graph.tails.tolist(), strict=True)
    ):
        if edge_prizes[edge] > costs[edge]:
            mapping["node", len(new_prizes)] = edge
            ends += [(head, len(new_prizes)), (len(new_prizes), tail)]
            new_costs += [0.0, 0.0]
            new_prizes.append(edge_prizes[edge] - costs[edge])
    larger = EdgeRows.from_edges(ends, num_nodes=len(new_prizes))
    tree = pcst(larger, node_prizes(new_prizes, np.array(new_costs, np.float64)), pruning=pruning)
    edges = {mapping["edge", e] for e in tree.edges.tolist() if ("edge", e) in mapping}
    edges |= {mapping["node", v] for v in tree.nodes.tolist() if ("node", v) in mapping}
    nodes = {v for v in tree.nodes.tolist() if v < len(prizes)}
    nodes |= {int(end) for e in edges for end in (graph.heads[e], graph.tails[e])}
    return sorted(nodes), sorted(edges)


@pytest.mark.parametrize("pruning", PRUNINGS)
def test_one_cost_for_all_is_the_same_as_equal_costs_one_by_one(pruning):
    rng = np.random.default_rng(3)
    for _ in range(50):
        edges = rng.integers(0, 80, (200, 2))
        edges[:60, 0] = 0  # long enough to be queued
        graph = EdgeRows.from_edges(edges, num_nodes=80)
        ids = rng.choice(80, 6, replace=False).astype(np.int32)
        prizes = Prizes(node_ids=ids, node_prizes=np.arange(6, 0, -1.0))
        apart = Prizes(node_ids=ids, node_prizes=prizes.node_prizes, edge_cost=np.full(200, 0.5))
        one, other = pcst(graph, prizes, pruning=pruning), pcst(graph, apart, pruning=pruning)
        assert (one.edges.tolist(), one.value) == (other.edges.tolist(), other.value)


def test_the_cheaper_of_parallel_edges_and_no_loop():
    graph = EdgeRows.from_edges([(0, 0), (0, 1), (1, 0)], num_nodes=2)
    tree = pcst(graph, node_prizes([1.0, 1.0], np.array([0.1, 0.5, 0.4])))
    assert (tree.nodes.tolist(), tree.edges.tolist(), tree.value) == ([0, 1], [2], 1.6)


def test_a_part_that_does_not_pay_is_left_out():
    path = EdgeRows.from_edges([(0, 1), (1, 2), (2, 3)], num_nodes=4)
    tree = pcst(path, node_prizes([3.0, 0.0, 3.0, 0.1], 1.0))
    assert (tree.nodes.tolist(), tree.edges.tolist(), tree.value) == ([0, 1, 2], [0, 1], 4.0)


def test_one_prized_node_is_the_tree_and_none_is_nothing():
    path = EdgeRows.from_edges([(0, 1)], num_nodes=2)
    assert pcst(path, node_prizes([0.0, 2.0])).nodes.tolist() == [1]
    for prizes in ([0.0, 0.0], []):
        assert list(map(np.size, pcst(path, node_prizes(prizes)))) == [0, 0, 1]
    assert pcst(EdgeRows.from_edges([], num_nodes=3), node_prizes([1, 3, 2])).nodes.tolist() == [1]


def test_far_nodes_are_not_looked_at():
    from graphllm.retrieval import _pcst_kernel as kernel

    num_nodes = 20_000
    ring = np.arange(num_nodes)
    graph = EdgeRows.from_edges(np.stack([ring, np.roll(ring, 1)], axis=1), num_nodes=num_nodes)
    rows = [*graph.outgoing[:3], *graph.incoming[:3], graph.heads, graph.tails]
    for array in rows:
        array.flags.writeable = False
    nothing, local_of = np.empty(0), np.zeros(num_nodes, np.int32)
    nothing.flags.writeable = False
    none = np.empty(0, np.int32)
    costs = kernel.Costs(0.5, nothing, none, np.empty(0), np.empty(0, np.int64))
    ids, prizes = np.array([5, 11]), np.array([9.0, 9.0])
    grown = kernel.grow(kernel.Graph(*rows), costs, local_of, ids, prizes)
    assert set(grown.ids.tolist()) <= set(range(16))
    assert np.flatnonzero(local_of).tolist() == sorted(grown.ids.tolist())


def test_the_same_from_memory_and_from_files_and_in_threads(tmp_path):
    rng = np.random.default_rng(4)
    triples = [
        (f"n{a}", f"r{r}", f"n{b}") for a, b, r in rng.integers(0, 60, (300, 3)) % (60, 60, 4)
    ]
    graph = TextualGraph.from_triples(triples)
    ids = np.arange(0, graph.num_nodes, 7, dtype=np.int32)
    prizes = Prizes(node_ids=ids, node_prizes=np.linspace(1, 2, len(ids)))
    expected = pcst(graph, prizes)
    assert len(expected.edges) > 3
    path = tmp_path / "g.gllm"
    with GraphIndex.build(graph, path) as opened, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: pcst(opened, prizes), range(12)))
    assert all(tree.edges.tolist() == expected.edges.tolist() for tree in found)


@pytest.mark.parametrize(
    ("prizes", "message"),
    [
        (lambda: node_prizes([1, 1, 1, 1]), r"a prize is for node 3; the graph has nodes 0\.\.2"),
        (lambda: node_prizes([1, -1]), "the prize of node 1 is -1.0; expected 0 or more"),
        (lambda: node_prizes([1, np.nan]), "the prize of node 1 is nan; expected 0 or more"),
        (lambda: node_prizes([1, 1], -0.5), "an edge cost is negative or not finite"),
        (
            lambda: node_prizes([1, 1], np.ones(3)),
            "3 edge costs for 2 edges; expected one for each",
        ),
    ],
)
def test_bad_prizes_and_costs_are_named(prizes, message):
    with pytest.raises(DataError, match=message):
        pcst(EdgeRows.from_edges([(0, 1), (1, 2)], num_nodes=3), prizes())


def test_prizes_fit_their_ids():
    ids = np.array([1, 1], np.int32)
    with pytest.raises(DataError, match="a node id comes twice"):
        Prizes(node_ids=ids, node_prizes=np.ones(2))
    with pytest.raises(DataError, match="the prize of edge 0 is inf; expected 0 or more"):
        Prizes(
            node_ids=ids[:1],
            node_prizes=np.ones(1),
            edge_ids=ids[:1] * 0,
            edge_prizes=np.array([np.inf]),
        )


def test_edges_lie_inside_the_graph():
    with pytest.raises(DataError, match=r"edge 1 \(0, 5\) names a node outside 0\.\.2"):
        EdgeRows.from_edges([(0, 1), (0, 5)], num_nodes=3)


def test_unknown_pruning_and_solver():
    graph = EdgeRows.from_edges([(0, 1)], num_nodes=2)
    with pytest.raises(ConfigError, match="unknown pruning 'weak'; there are gw, strong"):
        pcst(graph, node_prizes([1, 1]), pruning="weak")
    with pytest.raises(ConfigError, match="unknown solver 'ilp'; there are graphllm, pcst_fast"):
        pcst(graph, node_prizes([1, 1]), solver="ilp")


def test_without_pcst_fast_the_message_says_how_to_build_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pcst_fast", None)
    graph = EdgeRows.from_edges([(0, 1)], num_nodes=2)
    with pytest.raises(MissingExtraError, match="pip install --no-binary pcst_fast pcst_fast"):
        pcst(graph, node_prizes([1, 1]), solver="pcst_fast")


def test_a_pcst_fast_that_answers_nonsense_is_refused():
    def first_everywhere(edges, prizes, costs, *others):
        """What the published wheel returns with NumPy 2."""
        return np.zeros(3, np.int64), np.zeros(2, np.int64)

    with pytest.raises(
        ConfigError, match=r"gives wrong answers .* build it from source: pip install"
    ):
        check_pcst_fast(first_everywhere)


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_numba_is_imported_only_when_a_tree_is_asked_for():
    assert run("import graphllm.retrieval.pcst, sys; print('numba' in sys.modules)") == "False\n"


@pytest.mark.slow
def test_works_where_nothing_can_be_cached():
    code = """
import numba.core.caching as caching, numpy as np
caching.CodeLibraryCacheImpl._locator_classes = caching.CompileResultCacheImpl._locator_classes = []
from graphllm.retrieval.pcst import EdgeRows, pcst
from graphllm.retrieval.prizes import Prizes
prizes = Prizes(node_ids=np.array([0, 1], np.int32), node_prizes=np.ones(2))
print(pcst(EdgeRows.from_edges([(0, 1)], num_nodes=2), prizes).edges)
"""
    assert run(code) == "[0]\n"

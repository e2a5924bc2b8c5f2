"""The prizes of G-Retriever against its formula written down once more, word by word."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.retrieval.pcst import PRUNINGS, EdgeRows, pcst
from graphllm.retrieval.prizes import edge_prize_levels, g_retriever_prizes

C = 0.01


def naive_prizes(node_scores, edge_scores, top_k, top_k_edges, edge_cost):
    """The published formula as loops: a prize per node, a prize per edge, the cost of an edge."""
    node_prizes = [0.0] * len(node_scores)
    ranked = sorted(range(len(node_scores)), key=lambda node: -node_scores[node])
    k = min(top_k, len(node_scores))
    for rank in range(k):
        node_prizes[ranked[rank]] = float(k - rank)
    distinct = sorted(set(edge_scores), reverse=True)
    num_levels = min(top_k_edges, len(distinct))
    edge_prizes, last = [0.0] * len(edge_scores), float(num_levels)
    for level in range(num_levels):
        members = [e for e, score in enumerate(edge_scores) if score == distinct[level]]
        value = min((num_levels - level) / len(members), last)
        last = value * (1 - C)
        for edge in members:
            edge_prizes[edge] = value
    return node_prizes, edge_prizes, min(edge_cost, max(edge_prizes) * (1 - C / 2))


def naive_subgraph(edges, node_prizes, edge_prizes, costs, solve):
    """Reduction and read-out as loops around any solver of (edges, prizes, costs)."""
    ordinary, between, virtual = [], [], []
    for edge, prize in enumerate(edge_prizes):
        (ordinary if prize <= costs[edge] else virtual).append(edge)
    new_edges = [tuple(edges[e]) for e in ordinary]
    new_costs = [costs[e] - edge_prizes[e] for e in ordinary]
    new_prizes = list(node_prizes)
    for edge in virtual:
        between += [(edges[edge][0], len(new_prizes)), (len(new_prizes), edges[edge][1])]
        new_prizes.append(edge_prizes[edge] - costs[edge])
    nodes, kept = solve(new_edges + between, new_prizes, new_costs + [0.0] * len(between))
    chosen = [ordinary[e] for e in kept if e < len(ordinary)]
    chosen += [virtual[v - len(node_prizes)] for v in nodes if v >= len(node_prizes)]
    ends = {int(end) for e in chosen for end in edges[e]}
    return sorted(ends | {int(v) for v in nodes if v < len(node_prizes)}), sorted(chosen)


# few distinct scores, as edges of few relations have
SCORES = st.integers(1, 6).map(lambda n: n / 8)


@given(
    node_scores=st.lists(st.floats(-1, 1), min_size=1, max_size=12, unique=True),
    edge_scores=st.lists(SCORES, min_size=1, max_size=30),
    top_k=st.integers(0, 6),
    top_k_edges=st.integers(1, 8),
    edge_cost=st.sampled_from([0.1, 0.5, 1.0]),
)
def test_equal_to_the_formula_in_loops(node_scores, edge_scores, top_k, top_k_edges, edge_cost):
    found = g_retriever_prizes(
        node_scores, edge_scores, top_k=top_k, top_k_edges=top_k_edges, edge_cost=edge_cost
    )
    nodes, edges, cost = naive_prizes(node_scores, edge_scores, top_k, top_k_edges, edge_cost)
    assert dense(found.node_ids, found.node_prizes, len(nodes)) == nodes
    assert dense(found.edge_ids, found.edge_prizes, len(edges)) == edges
    assert found.edge_cost == cost
    assert max(edges) > found.edge_cost  # at least one edge is worth more than it costs


def dense(ids, prizes, size):
    full = np.zeros(size)
    full[ids] = prizes
    return full.tolist()


def test_nodes_of_one_score_rank_by_id():
    assert g_retriever_prizes([0.5, 0.7, 0.7, 0.5], [], top_k=3).node_ids.tolist() == [1, 2, 0]


def test_without_edges_the_cost_stays():
    prizes = g_retriever_prizes([0.5], [], edge_cost=0.25)
    assert (prizes.edge_cost, len(prizes.edge_ids)) == (0.25, 0)


def test_levels_fall_even_where_few_edges_share_much():
    # 1/1 would be more than the 2/4 above it
    assert edge_prize_levels([4, 1]).tolist() == [0.5, 0.5 * 0.99]


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), pruning=st.sampled_from(PRUNINGS))
def test_the_same_subgraph_as_the_published_way_over_pcst_fast(seed, pruning):
    pytest.importorskip("pcst_fast", reason="pcst_fast is not built: make oracle")
    from pcst_fast import pcst_fast

    def solve(edges, prizes, costs):
        table = np.array(edges, np.int64).reshape(-1, 2)
        return pcst_fast(table, np.array(prizes), np.array(costs), -1, 1, pruning, 0)

    rng = np.random.default_rng(seed)
    num_nodes, num_edges = int(rng.integers(4, 40)), int(rng.integers(3, 120))
    edges = rng.integers(0, num_nodes, (num_edges, 2))
    edge_scores = rng.permutation(12)[rng.integers(0, 12, num_edges)] / 12
    node_scores = rng.random(num_nodes)
    nodes, edge_prizes, cost = naive_prizes(node_scores.tolist(), edge_scores.tolist(), 3, 5, 0.5)
    # edges of one cost tie, and then either answer is right: part the costs a little
    costs = cost * (1 - 0.01 * rng.random(num_edges))
    expected = naive_subgraph(edges.tolist(), nodes, edge_prizes, costs.tolist(), solve)
    prizes = replace(g_retriever_prizes(node_scores, edge_scores), edge_cost=costs)
    found = pcst(EdgeRows.from_edges(edges, num_nodes=num_nodes), prizes, pruning=pruning)
    assert (found.nodes.tolist(), found.edges.tolist()) == expected

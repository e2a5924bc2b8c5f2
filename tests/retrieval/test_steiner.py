"""Retrieval by Steiner trees: what is prized, and what is left when a tree is cut."""

import numpy as np
import pytest

from graphllm.errors import ConfigError
from graphllm.graph.folding import humanize
from graphllm.retrieval.pcst import EdgeRows, pcst
from graphllm.retrieval.ppr import forward_push
from graphllm.retrieval.prizes import g_retriever_prizes
from graphllm.retrieval.relevance import relevance
from graphllm.retrieval.steiner import PCSTRetriever, walk_prizes
from tests.retrieval.worlds import encoder, films, linker, reader

QUESTION = "who directed the films that John Hurt starred in?"


def test_prizes_follow_the_walk():
    mass = np.array([0.5, 0.2, 0.1, 0.05], dtype=np.float32)
    flow = np.array([0.4, 0.1, 0.0], dtype=np.float32)
    prizes = walk_prizes(mass, np.array([3]), flow, 3)
    np.testing.assert_allclose(prizes.node_prizes, [2, 2, 1, 2], rtol=1e-6)
    np.testing.assert_allclose(prizes.edge_prizes, [0.95, 0.475, 0], rtol=1e-6)
    assert prizes.edge_cost == 1


def test_a_cut_tree_is_the_beginning_of_the_whole_one():
    seeds = linker("films").link(QUESTION)
    retriever = PCSTRetriever(reader("films").planner)
    whole = retriever.retrieve(seeds)
    best = whole.edges[np.argsort(-whole.edge_scores)].tolist()
    assert len(set(whole.edge_scores.tolist())) == len(best)
    reached = {int(whole.nodes[whole.node_scores.argmax()])}
    for edge in best:  # each edge touches what the better ones reach
        ends = {int(films().heads[edge]), int(films().tails[edge])}
        assert ends & reached or edge == best[0]
        reached |= ends


def test_the_answer_is_in_the_tree():
    seeds = linker("films").link(QUESTION)
    found = PCSTRetriever(reader("films").planner).retrieve(seeds, max_edges=12)
    names = {films().names[int(node)] for node in found.nodes}
    assert names >= {"John Hurt", "Ridley Scott", "David Lynch"}


def test_published_prizes():
    view, ground = films(), reader("films").planner.ground
    seeds = linker("films").link(QUESTION)
    found = PCSTRetriever(reader("films").planner, prizes="g_retriever").retrieve(seeds)
    about = relevance(ground, seeds)
    pushed = forward_push(view, about.starts, about.relations + np.float32(0.02))
    nodes = np.union1d(view.heads[pushed.edges], view.tails[pushed.edges])
    query = encoder().encode([QUESTION])[0]
    of_names = encoder().encode([view.names[int(n)] for n in nodes]) @ query
    of_relations = encoder().encode([humanize(r) for r in view.relations]) @ query
    prizes = g_retriever_prizes(of_names, of_relations[view.relation_ids[pushed.edges]])
    ends = np.stack([view.heads[pushed.edges], view.tails[pushed.edges]], axis=1)
    rows = EdgeRows.from_edges(np.searchsorted(nodes, ends), num_nodes=len(nodes))
    tree = pcst(rows, prizes)
    assert found.edges.tolist() == pushed.edges[tree.edges].tolist()


def test_unknown_prizes():
    with pytest.raises(ConfigError, match="unknown prizes 'gold'"):
        PCSTRetriever(reader("films").planner, prizes="gold")

"""Training soft prompts: the published loop deals out the same prizes; the table adds up."""

import numpy as np
import pytest
import torch

from graphllm import TextualGraph
from graphllm.models.fact_prompts import FactPrompts, FactSettings, ReplyForm
from graphllm.retrieval.g_retriever import whole_graph
from graphllm.retrieval.pcst import EdgeRows, pcst
from graphllm.retrieval.prizes import g_retriever_prizes


@pytest.fixture
def loop(script):
    return script("loop_speed")


@pytest.mark.parametrize("seed", range(40))
def test_both_loops_keep_the_same_part_of_a_graph(loop, seed):
    rng = np.random.default_rng(seed)
    num_nodes, num_edges = int(rng.integers(2, 12)), int(rng.integers(1, 20))
    node_scores = rng.permutation(num_nodes).astype(np.float32) / num_nodes
    relations = rng.permutation(6).astype(np.float32)[:4] / 6 + 0.1
    edge_scores = relations[rng.integers(4, size=num_edges)]
    theirs = loop.one_by_one(torch.from_numpy(node_scores), torch.from_numpy(edge_scores))
    ours = g_retriever_prizes(node_scores, edge_scores, top_k=3, top_k_edges=5, edge_cost=0.5)
    edges = rng.integers(num_nodes, size=(num_edges, 2))
    graph = EdgeRows.from_edges(edges, num_nodes=num_nodes)
    one, other = pcst(graph, theirs), pcst(graph, ours)
    assert one.edges.tolist() == other.edges.tolist()
    assert one.nodes.tolist() == other.nodes.tolist()


def test_a_question_comes_with_what_lies_around_its_names(loop):
    graph = TextualGraph.from_triples(
        [(f"Town {i}", "located in", f"Land {i % 3}") for i in range(30)]
    )
    found = list(loop.questions(graph, 5, 7))
    assert len(found) == 5
    for one in found:
        assert 0 < len(one.edges) <= 7
        ends = {*graph.heads[one.edges].tolist(), *graph.tails[one.edges].tolist()}
        assert ends == set(one.nodes.tolist())
    text = loop.as_csv(graph, loop.Kept(np.array([0, 1]), np.array([0])))
    assert text == "node_id,node_attr\n0,Town 0\n1,Land 0\n\nsrc,edge_attr,dst\n0,located in,1\n"


def cell(mode, seed, hits):
    """A cell: what each budget came to."""
    scores = {}
    for budget, value in hits.items():
        one = {"value": value, "standard_error": 0.03, "n": 100}
        scores[budget] = {"hits_at_1": one, "f1": one, "nameable": one}
    return {"suite": "metaqa", "mode": mode, "seed": seed, "scores": {"metaqa-1hop": scores}}


def test_the_table_has_a_row_for_each_budget_and_mode(script):
    bench = script("soft_prompt")
    cells = [
        cell("both", 0, {"128": 0.8, "64": 0.4}),
        cell("both", 1, {"128": 0.8, "64": 0.6}),
        cell("text", 0, {"64": 0.3}),
    ]
    lines = bench.table(cells).splitlines()
    assert [line.split()[:5] for line in lines[1:]] == [
        ["metaqa-1hop", "64", "text", "1", "100"],
        ["metaqa-1hop", "64", "both", "2", "100"],
        ["metaqa-1hop", "128", "both", "2", "100"],
    ]
    assert "0.300 +- 0.030" in lines[1]
    # the seeds differ by 0.2: a standard error of 0.1 beside that of the questions
    assert f"0.500 +- {np.hypot(0.1, 0.03):.3f}" in lines[2]


def test_a_scrambled_question_numbers_the_same_nodes_in_an_order_of_its_own(script):
    bench = script("soft_prompt")
    graph = TextualGraph.from_triples([("Ada", "knows", f"Friend {i}") for i in range(20)])
    settings = FactSettings(form=ReplyForm.REFERENCES, max_tokens=80, with_text=False, num_items=12)
    plain, mixed = (
        kind(graph, lambda text: len(text.split()), settings)
        for kind in (FactPrompts, bench.Scrambled)
    )
    part = whole_graph(graph)
    one, other = (mixed.shown(question, part) for question in ("who?", "whom?"))
    assert mixed.shown("who?", part) == one
    assert one.references != other.references != plain.shown("whom?", part).references
    usual = plain.items(plain.shown("who?", part))
    assert sorted(mixed.items(one)) == sorted(mixed.items(other)) == sorted(usual)


@pytest.mark.parametrize(
    ("mode", "told"), [("text", True), ("both+topology", True), ("soft", False), ("blind", False)]
)
def test_controls_read_no_words(mode, told, script):
    assert script("soft_prompt").with_text(mode) == told

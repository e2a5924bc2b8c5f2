"""What G-Retriever takes of a graph, and its text, against the published way in loops."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import ConfigError
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.retrieval.g_retriever import (
    PrizeSettings,
    nearest_triples,
    node_texts,
    published_part,
    published_text,
    retrieve_published,
    whole_graph,
)
from graphllm.retrieval.pcst import EdgeRows, pcst
from graphllm.retrieval.prizes import Prizes, g_retriever_prizes
from graphllm.text.encoder import load_encoder
from tests.retrieval.test_prizes import naive_prizes, naive_subgraph

ENCODER = load_encoder()


def with_virtual_nodes(edges, prizes, costs):
    """Solve a problem that is written out whole: every virtual node is a node, with two edges."""
    rows = EdgeRows.from_edges(edges, num_nodes=len(prizes))
    ids = np.arange(len(prizes), dtype=np.int32)
    found = pcst(
        rows, Prizes(node_ids=ids, node_prizes=np.array(prizes, float), edge_cost=np.array(costs))
    )
    return found.nodes.tolist(), found.edges.tolist()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_edges_above_their_cost_are_virtual_nodes_that_are_read_out_again(seed):
    rng = np.random.default_rng(seed)
    num_nodes, num_edges = int(rng.integers(4, 25)), int(rng.integers(3, 60))
    ends = rng.integers(0, num_nodes, (num_edges, 2))
    relation_likeness = rng.permutation(8) / 8
    relations = rng.integers(0, 8, num_edges)
    node_likeness = rng.random(num_nodes)
    likeness = relation_likeness[relations]
    nodes, edge_prizes, cost = naive_prizes(node_likeness.tolist(), likeness.tolist(), 3, 5, 0.5)
    # edges of one cost tie, and then either answer is right: part the costs a little
    costs = cost * (1 - 0.01 * rng.random(num_edges))
    expected = naive_subgraph(ends.tolist(), nodes, edge_prizes, costs.tolist(), with_virtual_nodes)
    made = g_retriever_prizes(node_likeness, likeness)
    prizes = Prizes(
        node_ids=made.node_ids,
        node_prizes=made.node_prizes,
        edge_ids=made.edge_ids,
        edge_prizes=made.edge_prizes,
        edge_cost=costs,
    )
    found = pcst(EdgeRows.from_edges(ends, num_nodes=num_nodes), prizes)
    assert (found.nodes.tolist(), found.edges.tolist()) == expected


GRAPH = TextualGraph.from_triples(
    [
        ("jamaica", "official language", "english"),
        ("jamaica", "capital", "kingston"),
        ("kingston", "twinned with", "coventry"),
        ("coventry", "country", "england"),
        ("england", "official language", "english"),
    ]
)


def test_likeness_is_the_cosine_of_each_text_with_the_question():
    question = "what language is spoken in jamaica?"
    query = ENCODER.encode([question])[0]
    nodes = [float(ENCODER.encode([name])[0] @ query) for name in GRAPH.names]
    relations = [float(ENCODER.encode([name])[0] @ query) for name in GRAPH.relations]
    how = PrizeSettings(top_k=2, top_k_edges=1)
    expected = published_part(GRAPH, nodes, relations, how)
    found = retrieve_published(GRAPH, question, ENCODER, how)
    assert found.nodes.tolist() == expected.nodes.tolist()
    assert found.edges.tolist() == expected.edges.tolist()
    assert {0, 1} <= set(found.nodes.tolist())
    assert 0 in found.edges.tolist()


def test_graphs_without_edges_are_taken_whole():
    builder = GraphBuilder()
    builder.node("a")
    lonely = builder.build()
    how = PrizeSettings()
    assert published_part(lonely, [0.1], [], how).nodes.tolist() == [0]
    empty = GraphBuilder().build()
    assert retrieve_published(empty, "?", ENCODER, how).nodes.tolist() == []
    with pytest.raises(ConfigError, match="must be 0 or more"):
        PrizeSettings(top_k=-1)


def naive_text(nodes, edges):
    """pandas' ``to_csv`` as the published code calls it twice, with an empty line between."""

    def quoted(cell):
        cell = str(cell)
        return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\n\r') else cell

    rows = [("node_id", "node_attr"), *nodes], [("src", "edge_attr", "dst"), *edges]
    tables = ["".join(",".join(map(quoted, row)) + "\n" for row in table) for table in rows]
    return "\n".join(tables)


TEXTS = st.text("ab,\"' ;é", min_size=1, max_size=6).filter(lambda text: text.strip() == text)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=5), st.integers(0, 2**32 - 1))
def test_the_text_is_the_published_one_by_ids_of_the_whole_graph(triples, seed):
    graph = TextualGraph.from_triples(triples)
    kept = sorted(np.random.default_rng(seed).permutation(graph.num_edges)[:2].tolist())
    ends = sorted({int(e) for k in kept for e in (graph.heads[k], graph.tails[k])})
    part = whole_graph(graph)
    part = type(part)(
        nodes=np.array(ends, np.int32),
        edges=np.array(kept, np.int32),
        node_scores=np.ones(len(ends), np.float32),
        edge_scores=np.ones(len(kept), np.float32),
    )
    edges = [
        (int(graph.heads[e]), graph.relations[int(graph.relation_ids[e])], int(graph.tails[e]))
        for e in kept
    ]
    text = published_text(graph, part)
    assert text == naive_text([(node, graph.names[node]) for node in ends], edges)
    read = list(csv.reader(io.StringIO(text)))
    assert read[0] == ["node_id", "node_attr"]
    assert read[len(ends) + 1] == []


def test_a_description_is_the_text_of_its_node():
    builder = GraphBuilder()
    builder.node("1", name="dog", text="name: dog; (x,y,w,h): (0, 4, 64, 34)")
    builder.edge("1", "to the left of", "2")
    graph = builder.build()
    assert node_texts(graph) == ["name: dog; (x,y,w,h): (0, 4, 64, 34)", "2"]
    assert published_text(graph, whole_graph(graph)).splitlines()[1] == (
        '0,"name: dog; (x,y,w,h): (0, 4, 64, 34)"'
    )


def test_nearest_triples_come_nearest_first_and_once():
    twice = TextualGraph.from_triples(
        [("a", "is a", "b"), ("a", "is a", "b"), ("cats", "eat", "fish")]
    )
    lines = nearest_triples(twice, "what do cats eat?", ENCODER, 5).splitlines()
    assert lines == ["(cats, eat, fish)", "(a, is a, b)"]
    assert nearest_triples(twice, "what do cats eat?", ENCODER, 1) == "(cats, eat, fish)"

"""What a question says to nodes and edges."""

import numpy as np
import pytest

from graphllm import TextualGraph
from graphllm.graph import Subgraph
from graphllm.nn import GraphTokens
from graphllm.text.encoder import load_encoder
from graphllm.tokenizers.features import TextTokenizer
from graphllm.tokenizers.question import EDGE_MARKS, asked_of, node_marks, with_question
from graphllm.tokenizers.topology import TopologySettings

ENCODER = load_encoder()
GRAPH = TextualGraph.from_triples(
    [
        ("Alien", "directed by", "Ridley Scott"),
        ("Alien", "starring", "John Hurt"),
        ("Aliens", "directed by", "James Cameron"),
    ]
)
QUESTION = "Who was the director of Alien?"


def part(edges):
    chosen = np.array(edges, dtype=np.int32)
    nodes = np.union1d(GRAPH.heads[chosen], GRAPH.tails[chosen]).astype(np.int32)
    return Subgraph(
        nodes=nodes,
        edges=chosen,
        node_scores=np.ones(len(nodes), np.float32),
        edge_scores=np.ones(len(chosen), np.float32),
    )


def told(edges, named, topology=None):
    found = part(edges)
    tokens = TextTokenizer(GRAPH, ENCODER, topology).tokenize(found)
    return found, tokens, with_question(tokens, asked_of(QUESTION, named, found, ENCODER))


@pytest.mark.parametrize("topology", [None, TopologySettings(dim=8)], ids=["text", "topology"])
def test_named_nodes_are_marked_and_cosines_are_those_of_the_texts(topology):
    alien, cameron = GRAPH.find_key("Alien"), GRAPH.find_key("James Cameron")
    found, tokens, marked = told([0, 1], [alien, cameron], topology)
    dim = tokens.x.shape[1]
    assert marked.x.shape[1] == dim + node_marks(ENCODER.dim)
    assert marked.edge_attr.shape[1] == tokens.edge_attr.shape[1] + EDGE_MARKS
    np.testing.assert_array_equal(marked.x[:, :dim], tokens.x)
    assert marked.x[:, dim].tolist() == [float(node == alien) for node in found.nodes]
    [question] = ENCODER.encode([QUESTION])
    names = ENCODER.encode([GRAPH.names[node] for node in found.nodes.tolist()])
    np.testing.assert_allclose(marked.x[:, dim + 1], names @ question, atol=1e-3)
    np.testing.assert_array_equal(marked.x[:, dim + 2 :], np.tile(question, (len(found.nodes), 1)))
    relations = ENCODER.encode(["directed by", "starring"])
    np.testing.assert_allclose(marked.edge_attr[:, -1], relations @ question, atol=1e-3)
    assert marked.edge_attr[0, -1] > marked.edge_attr[1, -1]


def test_a_blank_question_adds_zeros():
    found = part([0, 2])
    tokens = TextTokenizer(GRAPH, ENCODER).tokenize(found)
    asked = asked_of(QUESTION, found.nodes.tolist(), found, ENCODER)
    assert len(asked.named) == len(found.nodes)
    blank = with_question(tokens, asked.blank)
    assert not blank.x[:, -node_marks(ENCODER.dim) :].any()
    assert not blank.edge_attr[:, -EDGE_MARKS:].any()


def test_bare_edges_stay_bare():
    found = part([0])
    bare = TextTokenizer(GRAPH, ENCODER).tokenize(found)
    bare = GraphTokens.single(bare.x, bare.edge_index)
    asked = asked_of(QUESTION, [], found, ENCODER)
    assert with_question(bare, asked).edge_attr is None

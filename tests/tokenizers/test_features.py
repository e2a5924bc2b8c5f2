"""Tokens of subgraphs: whose vector stands where, and what is encoded."""

import numpy as np
import pytest
import torch

from graphllm.errors import ConfigError, DataError
from graphllm.graph import GraphBuilder, Subgraph
from graphllm.index import GraphIndex
from graphllm.nn import GraphTokens
from graphllm.tokenizers.features import GraphTokenizer, TextTokenizer, load_tokenizer
from graphllm.tokenizers.topology import TopologySettings, graph_topology


class Letters:
    """Counts letters, to length one; remembers what it was asked."""

    dim, id = 26, "letters"

    def __init__(self):
        self.asked = []

    def encode(self, texts):
        self.asked += texts
        counts = np.array([[text.count(c) for c in map(chr, range(97, 123))] for text in texts])
        counts = counts.reshape(-1, 26)
        return (counts / np.maximum(np.linalg.norm(counts, axis=1), 1)[:, None]).astype(np.float32)


@pytest.fixture
def graph():
    builder = GraphBuilder()
    builder.node("ann", text="pilot")
    builder.node("bob")
    builder.node("rome", text="city")
    for edge in [("ann", "knows", "bob"), ("bob", "born in", "rome"), ("ann", "born in", "rome")]:
        builder.edge(*edge)
    return builder.build()


def part(nodes, edges):
    return Subgraph(
        nodes=np.array(nodes, dtype=np.int32),
        edges=np.array(edges, dtype=np.int32),
        node_scores=np.zeros(len(nodes), dtype=np.float32),
        edge_scores=np.zeros(len(edges), dtype=np.float32),
    )


def rounded(encoder, text):
    return encoder.encode([text])[0].astype(np.float16).astype(np.float32)


def test_nodes_and_edges_stand_in_the_order_of_the_subgraph(graph):
    tokenizer = TextTokenizer(graph, Letters())
    tokens = tokenizer.tokenize(part([1, 2], [1]))
    assert isinstance(tokenizer, GraphTokenizer)
    assert isinstance(tokens, GraphTokens)
    assert (tokenizer.dim, tokenizer.edge_dim) == (26, 26)
    assert tokens.edge_index.tolist() == [[0], [1]]
    np.testing.assert_array_equal(tokens.x[0], rounded(Letters(), "bob"))
    both = rounded(Letters(), "rome") + rounded(Letters(), "city")
    np.testing.assert_allclose(tokens.x[1], both / np.linalg.norm(both), rtol=1e-6)
    np.testing.assert_array_equal(tokens.edge_attr[0], rounded(Letters(), "born in"))
    whole = tokenizer.tokenize(part([0, 1, 2], [0, 1, 2]))
    assert whole.edge_index.tolist() == [[0, 1, 0], [1, 2, 2]]
    torch.testing.assert_close(whole.x[1:], tokens.x)


def test_nothing_is_encoded_twice(graph):
    encoder = Letters()
    tokenizer = TextTokenizer(graph, encoder)
    tokenizer.tokenize(part([0, 1, 2], [0, 1, 2]))
    tokenizer.tokenize(part([0, 2], [2]))
    assert sorted(encoder.asked) == ["ann", "bob", "born in", "city", "knows", "pilot", "rome"]


def test_vectors_of_an_index_are_taken_and_give_the_same_tokens(graph, tmp_path):
    with GraphIndex.build(graph, tmp_path / "g.gllm") as index:
        for what in ("names", "texts", "relations"):
            index.embed(Letters(), what)
        encoder = Letters()
        whole = part([0, 1, 2], [0, 1, 2])
        settings = TopologySettings(dim=4)
        kept = TextTokenizer(index, encoder, settings).tokenize(whole)
        assert encoder.asked == []
        fresh = TextTokenizer(graph, encoder, settings).tokenize(whole)
        torch.testing.assert_close(kept.x, fresh.x)
        torch.testing.assert_close(kept.edge_attr, fresh.edge_attr)


def test_topology_follows_the_text_at_the_same_scale(graph):
    settings = TopologySettings(dim=6)
    tokenizer = TextTokenizer(graph, Letters(), settings)
    tokens = tokenizer.tokenize(part([0, 2], [2]))
    text = TextTokenizer(graph, Letters()).tokenize(part([0, 2], [2]))
    assert tokenizer.dim == tokens.x.shape[1] == 32
    torch.testing.assert_close(tokens.x[:, :26], text.x)
    torch.testing.assert_close(tokens.x[:, 26:].norm(dim=1), torch.ones(2))
    wiring = graph_topology(graph, settings)[[0, 2]]
    np.testing.assert_allclose(
        tokens.x[:, 26:], wiring / np.linalg.norm(wiring, axis=1, keepdims=True), rtol=1e-5
    )


def test_a_node_without_edges_has_no_wiring():
    builder = GraphBuilder()
    for name in ("ann", "bob", "eve"):
        builder.node(name)
    builder.edge("ann", "knows", "bob")
    tokens = TextTokenizer(builder.build(), Letters(), TopologySettings(dim=4)).tokenize(
        part([1, 2], [])
    )
    assert not tokens.x[1, 26:].any()
    assert tokens.edge_index.shape == (2, 0)
    assert tokens.edge_attr.shape == (0, 26)


def test_an_empty_subgraph_is_one_graph_without_nodes(graph):
    tokens = TextTokenizer(graph, Letters(), TopologySettings(dim=4)).tokenize(part([], []))
    assert (tokens.x.shape, tokens.num_graphs) == ((0, 30), 1)


@pytest.mark.parametrize("nodes", [[0, 2], [1, 2], [0]], ids=str)
def test_an_edge_whose_end_is_left_out_is_named(graph, nodes):
    with pytest.raises(DataError, match=r"edge 0 \(0, 1\) has an end that is not among the"):
        TextTokenizer(graph, Letters()).tokenize(part(nodes, [0]))


def test_many_graphs_share_their_texts_and_are_each_alone(graph):
    builder = GraphBuilder()
    builder.edge("ann", "knows", "eve")
    graphs, settings = [graph, builder.build()], TopologySettings(dim=4)
    encoder = Letters()
    made = TextTokenizer.of_many(graphs, encoder, settings)
    whole = [part(range(view.num_nodes), range(view.num_edges)) for view in graphs]
    for tokenizer, view, all_of_it in zip(made, graphs, whole, strict=True):
        alone = TextTokenizer(view, Letters(), settings).tokenize(all_of_it)
        torch.testing.assert_close(tokenizer.tokenize(all_of_it).x, alone.x)
    assert len(encoder.asked) == len(set(encoder.asked)) == 8


def test_tokenizers_have_names(graph):
    found = load_tokenizer("text", graph, Letters(), TopologySettings(dim=4))
    assert found.dim == 30
    with pytest.raises(ConfigError, match=r"unknown tokenizer 'txt'.*Did you mean 'text'"):
        load_tokenizer("txt", graph, Letters())

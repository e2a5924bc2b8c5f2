"""Tokens of subgraphs: whose vector stands where, and what is encoded."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from graphllm.errors import ConfigError, DataError
from graphllm.graph import GraphBuilder, Subgraph
from graphllm.index import GraphIndex
from graphllm.nn import GraphTokens
from graphllm.testing import assert_graph_tokenizer_contract
from graphllm.tokenizers.features import (
    TOKENIZERS,
    GraphTokenizer,
    TextTokenizer,
    TopologyTokenizer,
    load_tokenizer,
)
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


@pytest.fixture(scope="module")
def tangle():
    """Thirty people and what joins them, with all a graph may have: see the first edges."""
    builder = GraphBuilder()
    for i in range(30):
        builder.node(f"person {chr(97 + i % 26)}{i}", text="a tailor" if i % 3 else "")
    edges = [(0, "knows", 0), (1, "knows", 2), (1, "knows", 2), (1, "pays", 2), (2, "pays", 1)]
    draw = np.random.default_rng(0)
    ends = draw.integers(0, 28, (60, 2)).tolist()  # the last two have no edges
    edges += [(v, ("knows", "pays", "heads")[(v + w) % 3], w) for v, w in ends]
    for v, relation, w in edges:
        builder.edge(f"person {chr(97 + v % 26)}{v}", relation, f"person {chr(97 + w % 26)}{w}")
    return builder.build()


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
@pytest.mark.parametrize(
    "topology",
    [
        None,
        TopologySettings(dim=6),
        TopologySettings(dim=200, directed=True, relations="balanced"),
        TopologySettings(dim=4, exact_up_to=0),
    ],
    ids=["usual", "short", "directed", "randomised"],
)
def test_every_tokenizer_keeps_the_contract(tangle, name, topology):
    assert_graph_tokenizer_contract(load_tokenizer(name, tangle, Letters(), topology), tangle)


def test_tokenizers_of_an_index_keep_the_contract(tangle, tmp_path):
    with GraphIndex.build(tangle, tmp_path / "t.gllm") as index:
        index.embed(Letters(), "names")
        for name in TOKENIZERS:
            tokenizer = load_tokenizer(name, index, Letters(), TopologySettings(dim=5))
            assert_graph_tokenizer_contract(tokenizer, index)


class Broken:
    """A tokenizer that breaks one promise."""

    edge_dim = 26

    def __init__(self, graph, spoil):
        self.right, self.spoil = TextTokenizer(graph, Letters()), spoil
        self.dim = self.right.dim

    def tokenize(self, subgraph):
        return self.spoil(self.right.tokenize(subgraph), subgraph, self.right)


def spoilt(**changed):
    return lambda tokens, *_: replace(tokens, **{k: f(tokens) for k, f in changed.items()})


def first_node_only(tokens, subgraph, right):
    with np.errstate(all="ignore"):
        return replace(tokens, x=tokens.x - tokens.x[:1]) if len(tokens.x) else tokens


def lone_ends_dropped(tokens_of):
    def tokenize(subgraph):
        try:
            return tokens_of(subgraph)
        except DataError:
            return tokens_of(replace(subgraph, edges=subgraph.edges[:0], edge_scores=NOTHING))

    return tokenize


NOTHING = np.zeros(0, dtype=np.float32)
BREACHES = {
    "edges join other nodes": spoilt(edge_index=lambda t: t.edge_index.flip(0)),
    "x is torch.float64": spoilt(x=lambda t: t.x.double()),
    "x has what is no number": spoilt(x=lambda t: t.x / 0),
    r"x is \(30, 25\) for 30 nodes": spoilt(x=lambda t: t.x[:, 1:]),
    "edge_dim and edge_attr": spoilt(edge_attr=lambda t: None),
    "depends on the part": first_node_only,
    "several vectors": spoilt(edge_attr=lambda t: t.edge_attr + torch.arange(t.num_edges)[:, None]),
    "x does not repeat": spoilt(x=lambda t: t.x + 1e-6 * torch.rand(t.x.shape)),
}


@pytest.mark.parametrize("told", BREACHES, ids=str)
def test_the_contract_sees_a_broken_promise(tangle, told):
    with pytest.raises(AssertionError, match=told):
        assert_graph_tokenizer_contract(Broken(tangle, BREACHES[told]), tangle)


def test_the_contract_sees_an_edge_with_one_end(tangle):
    tokenizer = TextTokenizer(tangle, Letters())
    tokenizer.tokenize = lone_ends_dropped(tokenizer.tokenize)
    with pytest.raises(AssertionError, match="was taken without its tail"):
        assert_graph_tokenizer_contract(tokenizer, tangle)


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
    bare = load_tokenizer("topology", graph, Letters())
    assert isinstance(bare, TopologyTokenizer)
    assert (bare.dim, bare.edge_dim) == (TopologySettings().dim, None)
    with pytest.raises(ConfigError, match=r"unknown tokenizer 'txt'.*Did you mean 'text'"):
        load_tokenizer("txt", graph, Letters())

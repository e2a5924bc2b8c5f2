"""Soft tokens: rows, padding, pooling and projection."""

import math

import pytest
import safetensors.torch
import torch
from torch import nn

from graphllm.errors import ConfigError, DataError
from graphllm.nn import (
    ItemPooling,
    MeanPooling,
    Pooled,
    Projector,
    QueryPooling,
    SoftPrompt,
)
from graphllm.nn.projector import make_activation

# three graphs: of two nodes, of none, of three
BATCH, NUM_GRAPHS = torch.tensor([0, 0, 2, 2, 2]), 3
NODES = [[0, 1], [], [2, 3, 4]]


def states(hidden_dim=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(5, hidden_dim, generator=generator, dtype=torch.float64)


def query_pooling(num_tokens=3, num_heads=2):
    torch.manual_seed(0)
    pooling = QueryPooling(8, num_tokens, num_heads=num_heads).double()
    with torch.no_grad():
        for parameter in pooling.parameters():
            parameter.add_(0.3 * torch.rand_like(parameter))
    return pooling


def test_rows_and_back():
    rows = [torch.ones(2, 4), torch.zeros(0, 4), torch.full((3, 4), 2.0)]
    prompt = SoftPrompt.from_rows(rows)
    assert prompt.embeds.shape == (3, 3, 4)
    assert len(prompt) == 3
    assert prompt.mask.sum(dim=1).tolist() == [2, 0, 3]
    assert all(map(torch.equal, prompt.rows(), rows))
    moved = prompt.to("cpu", torch.bfloat16)
    assert (moved.embeds.dtype, moved.mask.dtype) == (torch.bfloat16, torch.bool)


def test_rows_need_not_be_padded_at_the_end():
    mask = torch.tensor([[False, True, True]])
    prompt = SoftPrompt(embeds=torch.arange(3.0).view(1, 3, 1), mask=mask)
    assert prompt.rows()[0].flatten().tolist() == [1.0, 2.0]


def test_what_does_not_fit_is_an_error():
    with pytest.raises(DataError, match=r"got \(1, 2, 4\) and \(1, 3\)"):
        SoftPrompt(embeds=torch.ones(1, 2, 4), mask=torch.ones(1, 3, dtype=torch.bool))
    with pytest.raises(DataError, match="boolean mask"):
        SoftPrompt(embeds=torch.ones(1, 2, 4), mask=torch.ones(1, 2))
    with pytest.raises(DataError, match=r"2 rows of widths \[3, 4\]"):
        SoftPrompt.from_rows([torch.ones(1, 3), torch.ones(1, 4)])
    with pytest.raises(DataError, match="0 rows"):
        SoftPrompt.from_rows([])


def test_the_mean_is_of_the_graph():
    given = states()
    pooled = MeanPooling()(given, BATCH, NUM_GRAPHS)
    assert pooled.mask.tolist() == [[True], [False], [True]]
    expected = [given[:2].mean(dim=0), torch.zeros(8).double(), given[2:].mean(dim=0)]
    torch.testing.assert_close(pooled.states[:, 0], torch.stack(expected))


def naive_query_pooling(pooling, rows, num_heads):
    """Formula of `QueryPooling` for one graph, query by query and head by head."""
    out = []
    for query in pooling.queries:
        parts = []
        heads = pooling.query(query).view(num_heads, -1)
        for head in range(num_heads):
            keys = [pooling.key(row).view(num_heads, -1)[head] for row in rows]
            values = [pooling.value(row).view(num_heads, -1)[head] for row in rows]
            weights = [math.exp(heads[head] @ key / math.sqrt(len(key))) for key in keys]
            pairs = zip(weights, values, strict=True)
            parts.append(sum(w * value for w, value in pairs) / sum(weights))
        attended = pooling.attention_norm(query + pooling.out(torch.cat(parts)))
        out.append(pooling.output_norm(attended + pooling.feed_forward(attended).clamp(min=0)))
    return torch.stack(out)


def test_queries_are_their_formula():
    pooling, given = query_pooling().requires_grad_(False), states()
    pooled = pooling(given, BATCH, NUM_GRAPHS)
    assert pooled.mask.tolist() == [[True] * 3, [False] * 3, [True] * 3]
    assert not pooled.states[1].any()
    for graph in (0, 2):
        expected = naive_query_pooling(pooling, given[NODES[graph]], 2)
        torch.testing.assert_close(pooled.states[graph], expected)


def test_items_are_the_states_as_chosen():
    given = states()
    items = [torch.tensor([1]), torch.zeros(0, dtype=torch.int64), torch.tensor([2, 0, 2])]
    pooled = ItemPooling()(given, BATCH, NUM_GRAPHS, items)
    assert pooled.mask.tolist() == [[True, False, False], [False] * 3, [True] * 3]
    assert torch.equal(pooled.states[pooled.mask], given[[1, 4, 2, 4]])
    assert not pooled.states[~pooled.mask].any()
    everything = ItemPooling()(given, BATCH, NUM_GRAPHS)
    assert torch.equal(everything.states[everything.mask], given)
    assert everything.mask.sum(dim=1).tolist() == [2, 0, 3]


def test_items_outside_their_graph_are_an_error():
    one = torch.tensor([0])
    with pytest.raises(DataError, match="1 lists of items for 3 graphs"):
        ItemPooling()(states(), BATCH, NUM_GRAPHS, [one])
    with pytest.raises(DataError, match=r"items of graph 0 reach over 0\.\.2, outside 0\.\.1"):
        ItemPooling()(states(), BATCH, NUM_GRAPHS, [torch.tensor([2, 0]), one[:0], one])
    with pytest.raises(DataError, match="items of graph 1 reach over"):
        ItemPooling()(states(), BATCH, NUM_GRAPHS, [one, one, one])


POOLINGS = {"mean": MeanPooling, "queries": query_pooling, "items": ItemPooling}


@pytest.mark.parametrize("make", POOLINGS.values(), ids=POOLINGS)
def test_a_graph_is_pooled_as_it_is_alone(make):
    pooling, given = make(), states()
    pooled = pooling(given, BATCH, NUM_GRAPHS)
    for graph, nodes in enumerate(NODES):
        alone = pooling(given[nodes], torch.zeros(len(nodes), dtype=torch.int64), 1)
        assert alone.mask.any() == pooled.mask[graph].any()
        torch.testing.assert_close(
            alone.states[alone.mask], pooled.states[graph][pooled.mask[graph]]
        )


@pytest.mark.parametrize("make", [MeanPooling, query_pooling], ids=["mean", "queries"])
def test_the_order_of_nodes_does_not_matter(make):
    pooling, given = make(), states()
    other = given[[1, 0, 4, 2, 3]]
    pooled, again = pooling(given, BATCH, NUM_GRAPHS), pooling(other, BATCH, NUM_GRAPHS)
    torch.testing.assert_close(again.states, pooled.states)


@pytest.mark.parametrize("make", POOLINGS.values(), ids=POOLINGS)
def test_gradients_are_finite_with_an_empty_graph(make):
    pooling, given = make(), states().requires_grad_()
    weights = torch.linspace(-1, 1, 8, dtype=torch.float64)
    (pooling(given, BATCH, NUM_GRAPHS).states * weights).sum().backward()
    for part in (given, *pooling.parameters()):
        assert part.grad.isfinite().all()
        assert (part.grad.abs() > 1e-9).any()


@pytest.mark.parametrize("make", POOLINGS.values(), ids=POOLINGS)
def test_only_empty_graphs(make):
    pooled = make()(torch.zeros(0, 8).double(), torch.zeros(0, dtype=torch.int64), 2)
    assert not pooled.mask.any()
    assert not pooled.states.any()


def test_a_mean_in_half_precision_is_of_all_nodes():
    many = torch.ones(5000, 4, dtype=torch.bfloat16)
    pooled = MeanPooling()(many, torch.zeros(5000, dtype=torch.int64), 1)
    assert pooled.states.dtype == torch.bfloat16
    assert (pooled.states == 1).all()


@pytest.mark.gpu
@pytest.mark.parametrize("make", POOLINGS.values(), ids=POOLINGS)
def test_a_gpu_gives_the_same(make):
    pooling, given = make(), states()
    expected = pooling(given, BATCH, NUM_GRAPHS)
    found = pooling.to("cuda")(given.to("cuda"), BATCH.to("cuda"), NUM_GRAPHS)
    torch.testing.assert_close(found.states.cpu(), expected.states)
    assert torch.equal(found.mask.cpu(), expected.mask)


def pooled_vectors(seed=0):
    generator = torch.Generator().manual_seed(seed)
    mask = torch.tensor([[True, True], [False, False], [True, False]])
    return Pooled(torch.randn(3, 2, 6, generator=generator) * mask[..., None], mask)


@pytest.mark.parametrize("model_dim", [16, 256])
@pytest.mark.parametrize("length", [0.5, 40.0])
def test_tokens_start_as_long_as_word_embeddings(model_dim, length):
    torch.manual_seed(0)
    projector = Projector(6, model_dim, embedding_norm=length, num_tokens=4)
    prompt = projector(pooled_vectors())
    assert prompt.embeds.shape == (3, 8, model_dim)
    assert prompt.mask.sum(dim=1).tolist() == [8, 0, 4]
    lengths = torch.cat(prompt.rows()).norm(dim=-1)
    torch.testing.assert_close(lengths, torch.full_like(lengths, length))
    assert not prompt.embeds[~prompt.mask].any()


def test_tokens_may_start_close_to_an_embedding():
    torch.manual_seed(0)
    projector = Projector(16, 24, embedding_norm=3.0, num_tokens=2)
    start = torch.randn(24)
    projector.start_at(start)
    pooled = Pooled(states=torch.randn(4, 3, 16), mask=torch.ones(4, 3, dtype=torch.bool))
    tokens = projector(pooled).embeds
    cosines = torch.cosine_similarity(tokens, start.expand_as(tokens), dim=-1)
    assert cosines.min() > 0.9
    assert cosines.max() < 1 - 1e-6


def test_each_vector_becomes_tokens_beside_each_other():
    projector = Projector(6, 10, embedding_norm=1.0, num_tokens=2)
    pooled = pooled_vectors()
    second = Pooled(pooled.states[:1, 1:], pooled.mask[:1, 1:])
    both, alone = projector(pooled).embeds, projector(second).embeds
    torch.testing.assert_close(both[0, 2:], alone[0])


def test_the_settings_of_g_retriever():
    torch.manual_seed(0)
    projector = Projector(
        6, 10, embedding_norm=None, hidden_dim=12, activation="sigmoid", num_tokens=1
    )
    published = nn.Sequential(nn.Linear(6, 12), nn.Sigmoid(), nn.Linear(12, 10))
    published.load_state_dict(
        dict(zip(published.state_dict(), projector.state_dict().values(), strict=True))
    )
    pooled = pooled_vectors()
    kept = pooled.mask
    assert torch.equal(projector(pooled).embeds[kept], published(pooled.states)[kept])


def test_gradients_reach_every_parameter():
    projector = Projector(6, 10, embedding_norm=2.0, num_tokens=2)
    prompt = projector(pooled_vectors())
    (prompt.embeds * torch.linspace(-1, 1, 10)).sum().backward()
    for name, parameter in projector.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 1e-6, name


def test_a_saved_projector_gives_the_same(tmp_path):
    one, other = (Projector(6, 10, embedding_norm=length) for length in (2.0, 3.0))
    safetensors.torch.save_file(one.state_dict(), tmp_path / "projector.safetensors")
    other.load_state_dict(safetensors.torch.load_file(tmp_path / "projector.safetensors"))
    assert torch.equal(other(pooled_vectors()).embeds, one(pooled_vectors()).embeds)


def test_settings_out_of_range_are_an_error():
    with pytest.raises(ConfigError, match="embedding_norm must be more than 0, got 0"):
        Projector(6, 10, embedding_norm=0.0)
    with pytest.raises(ConfigError, match="num_tokens must be 1 or more, got 0"):
        Projector(6, 10, embedding_norm=None, num_tokens=0)
    with pytest.raises(ConfigError, match="hidden_dim must be 1 or more, got 0"):
        Projector(6, 10, embedding_norm=None, hidden_dim=0)
    with pytest.raises(ConfigError, match=r"activation must be one of .*, got 'tanh'"):
        make_activation("tanh")
    with pytest.raises(ConfigError, match="hidden_dim 8 is no multiple of num_heads 3"):
        QueryPooling(8, 2, num_heads=3)
    with pytest.raises(ConfigError, match="num_tokens must be 1 or more, got 0"):
        QueryPooling(8, 0)

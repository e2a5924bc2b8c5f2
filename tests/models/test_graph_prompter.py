"""The prompter against its formula, graph by graph; what it writes and what it refuses to read."""

import json
from dataclasses import replace

import pytest
import torch

from graphllm.errors import ConfigError, DataError
from graphllm.models.graph_prompter import POOLINGS, GraphPrompter, PrompterSettings
from graphllm.nn import ENCODERS, GraphTokens

MADE = PrompterSettings(
    in_dim=5, edge_dim=3, model_dim=6, hidden_dim=8, num_layers=2, num_tokens=2, embedding_norm=2.0
)


def graph(num_nodes, num_edges, seed):
    draw = torch.Generator().manual_seed(seed)
    ends = torch.randint(max(num_nodes, 1), (2, num_edges), generator=draw)
    x = torch.randn(num_nodes, 5, generator=draw)
    return GraphTokens.single(x, ends, torch.randn(num_edges, 3, generator=draw))


def prompter(**changes):
    torch.manual_seed(0)
    return GraphPrompter(replace(MADE, **changes)).eval()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_graphs_side_by_side_give_what_each_gives_alone(pooling):
    made = prompter(pooling=pooling)
    graphs = [graph(4, 5, 1), graph(1, 0, 2), graph(3, 2, 3)]
    together = made(GraphTokens.collate(graphs)).rows()
    for one, rows in zip(graphs, together, strict=True):
        [alone] = made(one).rows()
        assert len(rows) == (one.num_nodes if pooling == "items" else 2)
        torch.testing.assert_close(rows, alone, rtol=1e-4, atol=1e-5)


def test_the_mean_is_projected_as_the_paper_says():
    made = prompter(
        pooling="mean", num_tokens=1, activation="sigmoid", embedding_norm=None, both_ways=False
    )
    tokens = graph(5, 6, 4)
    first, second = made.projector.inner, made.projector.outer
    mean = made.encoder(tokens).mean(dim=0)
    inside = 1 / (1 + torch.exp(-(first.weight @ mean + first.bias)))
    expected = second.weight @ inside + second.bias
    torch.testing.assert_close(made(tokens).embeds[0, 0], expected, rtol=1e-4, atol=1e-5)


def test_tokens_begin_as_long_as_word_embeddings():
    lengths = prompter()(graph(6, 8, 5)).embeds.norm(dim=-1)
    torch.testing.assert_close(lengths, torch.full_like(lengths, 2.0), rtol=1e-3, atol=1e-3)


def test_chosen_nodes_get_tokens_in_their_order():
    made = prompter(pooling="items")
    tokens = graph(4, 5, 6)
    [every] = made(tokens).rows()
    [some] = made(tokens, [torch.tensor([2, 0])]).rows()
    torch.testing.assert_close(some, every[[2, 0]])
    with pytest.raises(ConfigError, match="pooling by mean takes no items"):
        prompter(pooling="mean")(tokens, [torch.tensor([0])])


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_gets_gradients_through_it(encoder):
    made = prompter(encoder=encoder)
    made(graph(4, 5, 7)).embeds.square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in made.parameters() if p.grad is not None)
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in made.encoder.parameters())


def test_what_is_saved_is_what_is_loaded(tmp_path):
    made = prompter(encoder="gat", pooling="items")
    made.save(tmp_path)
    loaded = GraphPrompter.load(tmp_path)
    assert loaded.made == made.made
    assert not loaded.training
    tokens = graph(4, 5, 8)
    assert torch.equal(loaded(tokens).embeds, made(tokens).embeds)


def test_damaged_files_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"prompter\.json: cannot be read"):
        GraphPrompter.load(tmp_path)
    prompter().save(tmp_path)
    about = json.loads((tmp_path / "prompter.json").read_text("utf-8"))
    for change in ({"hidden_dim": 12}, {"pooling": "max"}, {"heads": 3}, {"num_tokens": "two"}):
        (tmp_path / "prompter.json").write_text(json.dumps({**about, **change}), "utf-8")
        with pytest.raises(DataError, match="not the files of a prompter"):
            GraphPrompter.load(tmp_path)
    (tmp_path / "prompter.json").write_text(json.dumps(about), "utf-8")
    (tmp_path / "prompter.safetensors").write_bytes(b"torn")
    with pytest.raises(DataError, match="not the files of a prompter"):
        GraphPrompter.load(tmp_path)


@pytest.mark.parametrize("wrong", [{"pooling": "max"}, {"num_tokens": 0}], ids=str)
def test_settings_out_of_range(wrong):
    with pytest.raises(ConfigError, match=r"pooling is one of|num_tokens must be 1 or more"):
        replace(MADE, **wrong)

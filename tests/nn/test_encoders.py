"""What all encoders promise, and each against its formula written out node by node."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from graphllm.errors import ConfigError, DataError
from graphllm.nn import ENCODERS, GraphTokens, encoder_class
from graphllm.nn.conv_stack import make_norm
from graphllm.testing import assert_graph_encoder_contract, random_graph_tokens
from tests.nn import naive

IN_DIM, HIDDEN_DIM, EDGE_DIM = 6, 8, 5

# a key's bias adds the same to every score of a softmax
WITHOUT_EFFECT = {"graph_transformer": r"\.lin_key\.bias$"}

with_norms = [(name, norm) for name in ENCODERS for norm in ("layer", "batch") if name != "dagnn"]


def make(name, **settings):
    torch.manual_seed(0)
    given = {"num_layers": 2, "num_heads": 2, "edge_dim": EDGE_DIM, **settings}
    encoder = encoder_class(name)(IN_DIM, HIDDEN_DIM, **given)
    with torch.no_grad():
        for part in (*encoder.parameters(), *encoder.buffers()):
            if (
                part.is_floating_point()
            ):  # biases and running means that start at zero hide mistakes
                part.add_(0.3 * torch.rand_like(part))
    return encoder


def graph(num_nodes=9, num_edges=20, edge_dim=EDGE_DIM, seed=3):
    return random_graph_tokens(num_nodes, num_edges, in_dim=IN_DIM, edge_dim=edge_dim, seed=seed)


@pytest.mark.parametrize("both_ways", [True, False])
@pytest.mark.parametrize("edge_dim", [EDGE_DIM, None])
@pytest.mark.parametrize("name", ENCODERS)
def test_keeps_the_contract(name, edge_dim, both_ways):
    encoder = make(name, edge_dim=edge_dim, both_ways=both_ways)
    assert (encoder.edge_dim == edge_dim) or not encoder.reads_relations
    pattern = WITHOUT_EFFECT.get(name, r"\b\B")
    dead = [key for key, _ in encoder.named_parameters() if re.search(pattern, key)]
    assert_graph_encoder_contract(encoder, without_effect=dead)


@pytest.mark.parametrize(("name", "norm"), with_norms)
def test_keeps_the_contract_with_either_norm(name, norm):
    encoder = make(name, norm=norm)
    pattern = WITHOUT_EFFECT.get(name, r"\b\B")
    dead = [key for key, _ in encoder.named_parameters() if re.search(pattern, key)]
    assert_graph_encoder_contract(encoder, without_effect=dead, seed=5)


@pytest.mark.parametrize("both_ways", [True, False])
@pytest.mark.parametrize("edge_dim", [EDGE_DIM, None])
@pytest.mark.parametrize("name", ENCODERS)
def test_equals_its_formula(name, edge_dim, both_ways):
    encoder = make(name, edge_dim=edge_dim, both_ways=both_ways, num_layers=3).double().eval()
    for tokens in (graph(edge_dim=encoder.edge_dim), graph(4, 0, edge_dim=encoder.edge_dim)):
        expected = naive.ENCODERS[name](encoder, tokens, num_heads=2)
        torch.testing.assert_close(encoder(tokens), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name, norm in with_norms if norm == "batch"])
def test_equals_its_formula_with_kept_statistics(name):
    encoder = make(name, norm="batch").double()
    encoder(graph())  # in training mode, so that there are statistics
    encoder.eval()
    tokens = graph(edge_dim=encoder.edge_dim, seed=4)
    expected = naive.ENCODERS[name](encoder, tokens, num_heads=2)
    torch.testing.assert_close(encoder(tokens), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ENCODERS)
def test_loads_what_it_saved(name, tmp_path):
    encoder, other = make(name).eval(), make(name, num_layers=2).eval()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    tokens = graph().to("cpu", torch.float32)
    safetensors.torch.save_file(encoder.state_dict(), tmp_path / "encoder.safetensors")
    assert not torch.equal(other(tokens), encoder(tokens))
    other.load_state_dict(safetensors.torch.load_file(tmp_path / "encoder.safetensors"))
    assert torch.equal(other(tokens), encoder(tokens))


@pytest.mark.parametrize("name", ENCODERS)
def test_trains_on_graphs_too_small_for_statistics(name):
    encoder = make(name, dropout=0.2, norm="batch").train()
    for tokens in (graph(1, 0), graph(0, 0), graph(1, 3)):
        assert encoder(tokens.to("cpu", torch.float32)).isfinite().all()


@pytest.mark.parametrize("name", ENCODERS)
def test_dropout_is_of_training_alone(name):
    encoder, tokens = make(name, dropout=0.5), graph().to("cpu", torch.float32)
    assert not torch.equal(encoder.train()(tokens), encoder(tokens))
    assert torch.equal(encoder.eval()(tokens), encoder(tokens))


@pytest.mark.parametrize("name", ENCODERS)
def test_relations_are_read_where_it_says_so(name):
    encoder, tokens = make(name).double().eval(), graph()
    other = replace(tokens, edge_attr=tokens.edge_attr.flip(0))
    assert torch.equal(encoder(other), encoder(tokens)) != encoder.reads_relations


@pytest.mark.parametrize("name", ENCODERS)
def test_the_head_of_an_edge_hears_of_its_tail_when_both_ways(name):
    tokens = GraphTokens.single(
        torch.randn(2, IN_DIM), torch.tensor([[0], [1]]), torch.randn(1, EDGE_DIM)
    )
    changed = replace(tokens, x=torch.stack([tokens.x[0], tokens.x[1] + 1]))
    for both_ways in (True, False):
        if name == "gps" and not both_ways:
            continue  # its attention reaches every node anyway
        encoder = make(name, both_ways=both_ways).eval()
        same = torch.allclose(encoder(tokens)[0], encoder(changed)[0])
        assert same != both_ways


@pytest.mark.parametrize("name", ENCODERS)
def test_vectors_of_another_width_are_an_error(name):
    encoder = make(name)
    wide = GraphTokens.single(torch.ones(2, 7), torch.tensor([[0], [1]]), torch.ones(1, EDGE_DIM))
    with pytest.raises(DataError, match="x is 7 wide; this encoder reads 6"):
        encoder(wide)
    if not encoder.reads_relations:
        return
    bare = GraphTokens.single(torch.ones(2, IN_DIM), torch.tensor([[0], [1]]))
    with pytest.raises(DataError, match="edge_attr is None"):
        encoder(bare)
    with pytest.raises(DataError, match="edge_attr is 4 wide; this encoder reads 5"):
        encoder(replace(bare, edge_attr=torch.ones(1, 4)))


@pytest.mark.parametrize("name", ENCODERS)
def test_settings_out_of_range_are_an_error(name):
    with pytest.raises(ConfigError, match="num_layers must be 1 or more, got 0"):
        make(name, num_layers=0)
    with pytest.raises(ConfigError, match=r"below 1, got 2\.0"):
        make(name, dropout=2.0)
    with pytest.raises(ConfigError, match="edge_dim must be 1 or more, got -1"):
        make(name, edge_dim=-1)
    if name in ("graph_transformer", "gat", "gps"):
        with pytest.raises(ConfigError, match="hidden_dim 8 is no multiple of num_heads 3"):
            make(name, num_heads=3)


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ENCODERS)
def test_half_precision_is_near_and_trains(name, device):
    encoder, tokens = make(name).to(device), graph(40, 90).to(device, torch.float32)
    exact = encoder(tokens).detach()
    with torch.autocast(device, torch.bfloat16):
        states = encoder(tokens)
    torch.testing.assert_close(states.float(), exact, rtol=0.1, atol=0.1 * float(exact.std()))
    states.float().square().mean().backward()
    assert all(parameter.grad.isfinite().all() for parameter in encoder.parameters())


@pytest.mark.gpu
@pytest.mark.parametrize("name", ENCODERS)
def test_a_gpu_gives_the_same(name):
    encoder = make(name).double().eval()
    tokens = GraphTokens.collate([graph(), graph(0, 0), graph(30, 80)])
    expected = encoder(tokens)
    found = encoder.to("cuda")(tokens.to("cuda"))
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-9, atol=1e-9)


def test_every_encoder_has_its_formula_here():
    assert set(naive.ENCODERS) == set(ENCODERS)


def test_unknown_norms_are_an_error():
    with pytest.raises(ConfigError, match="norm must be 'layer' or 'batch', got 'none'"):
        make_norm("none", 8)


@pytest.mark.slow
def test_graph_tokens_and_soft_prompts_do_not_wait_for_torch_geometric():
    code = "import graphllm.nn, sys; print('torch_geometric' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_unknown_encoders_are_an_error():
    with pytest.raises(ConfigError, match=r"unknown graph encoder 'gatt'.*Did you mean 'gat'"):
        encoder_class("gatt")


def test_the_settings_of_g_retriever_have_its_number_of_parameters():
    with torch.device("meta"):
        encoder = encoder_class("graph_transformer")(
            1024, 1024, num_layers=4, num_heads=4, edge_dim=1024, norm="batch", both_ways=False
        )
    # key, query, value and skip with bias, edge without; three norms
    layer = 4 * (1024 * 1024 + 1024) + 1024 * 1024
    expected = 4 * layer + 3 * 2 * 1024
    assert sum(p.numel() for p in encoder.parameters()) == expected


def test_the_contract_finds_what_breaks_it():
    class Ordered(encoder_class("gcn")):
        """Depends on the order of the nodes."""

        def states(self, x, edges, batch):
            return super().states(x, edges, batch) + torch.arange(len(x))[:, None]

    class Mixing(encoder_class("gcn")):
        """Lets the graphs of a batch see each other."""

        def states(self, x, edges, batch):
            return super().states(x - x.mean(dim=0), edges, batch)

    class Idle(encoder_class("gcn")):
        """Has a parameter that does nothing."""

        def __init__(self, *args, **settings):
            super().__init__(*args, **settings)
            self.idle = torch.nn.Parameter(torch.ones(1))

    for broken in (Ordered, Mixing, Idle):
        with pytest.raises(AssertionError):
            assert_graph_encoder_contract(broken(IN_DIM, HIDDEN_DIM))

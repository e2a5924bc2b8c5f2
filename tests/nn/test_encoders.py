"""What all encoders promise, and each against its formula written out node by node."""

import pytest
import torch

from graphllm.nn import ENCODERS, encoder_class
from graphllm.testing import assert_graph_encoder_contract

IN_DIM, HIDDEN_DIM, EDGE_DIM = 6, 8, 5

# names end so: a key's bias adds the same to every score of a softmax
WITHOUT_EFFECT = {"graph_transformer": ("lin_key.bias",)}


def make(name, **settings):
    torch.manual_seed(0)
    given = {"num_layers": 2, "num_heads": 2, "edge_dim": EDGE_DIM, **settings}
    return encoder_class(name)(IN_DIM, HIDDEN_DIM, **given)


@pytest.mark.parametrize("both_ways", [True, False])
@pytest.mark.parametrize("edge_dim", [EDGE_DIM, None])
@pytest.mark.parametrize("name", ENCODERS)
def test_keeps_the_contract(name, edge_dim, both_ways):
    encoder = make(name, edge_dim=edge_dim, both_ways=both_ways)
    endings = WITHOUT_EFFECT.get(name, ())
    dead = [key for key, _ in encoder.named_parameters() if key.endswith(endings or ("?",))]
    assert_graph_encoder_contract(encoder, without_effect=dead)

"""Plain attention while a model is trained, and what it had before afterwards."""

import pytest
import torch
from transformers import BertConfig, BertLMHeadModel, BertModel, EncoderDecoderModel

from graphllm.train.attention import plain_attention


def model():
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "vocab_size": 40}
    config = {**sizes, "num_attention_heads": 2, "max_position_embeddings": 32}
    decoder = BertConfig(is_decoder=True, add_cross_attention=True, **config)
    encoder = BertModel(BertConfig(**config), add_pooling_layer=False)
    return EncoderDecoderModel(encoder=encoder, decoder=BertLMHeadModel(decoder)).eval()


def used(module):
    """How each attention of a model is computed."""
    return {
        part.config._attn_implementation
        for name, part in module.named_modules()
        if name.endswith(".self")
    }


def test_every_attention_is_plain_inside_and_says_the_same():
    made = model()
    ids = torch.tensor([[1, 2, 3, 4]])
    fused = made(input_ids=ids, decoder_input_ids=ids).logits
    assert used(made) == {"sdpa"}
    with plain_attention(made):
        assert used(made) == {"eager"}
        plain = made(input_ids=ids, decoder_input_ids=ids).logits
    assert used(made) == {"sdpa"}
    torch.testing.assert_close(plain, fused, atol=1e-5, rtol=1e-5)


def test_what_was_fused_is_so_again_after_an_error():
    made = model()
    with pytest.raises(RuntimeError, match="out of memory"), plain_attention(made):
        raise RuntimeError("out of memory")
    assert used(made) == {"sdpa"}


def test_what_was_plain_stays_plain():
    made = model()
    for part in made.modules():
        if hasattr(part, "config"):
            part.config._attn_implementation = "eager"
    with plain_attention(made):
        assert used(made) == {"eager"}
    assert used(made) == {"eager"}

"""A tiny model of random weights whose vocabulary has references, as graphllm-small's has."""

from pathlib import Path

import torch
from transformers import BertConfig, BertLMHeadModel, BertModel, EncoderDecoderModel

from graphllm.llm.small.checkpoint import set_tokens
from graphllm.llm.small.vocabulary import transformers_tokenizer

CONTEXT = 256


def save_reference_model(folder: Path) -> Path:
    torch.manual_seed(0)
    tokenizer = transformers_tokenizer()
    layers = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": CONTEXT,
        "initializer_range": 0.5,
    }
    encoder = BertModel(BertConfig(**layers), add_pooling_layer=False)
    decoder = BertLMHeadModel(BertConfig(is_decoder=True, add_cross_attention=True, **layers))
    model = EncoderDecoderModel(encoder=encoder, decoder=decoder)
    set_tokens(model)
    model.config.max_position_embeddings = CONTEXT
    model.save_pretrained(folder)
    tokenizer.model_max_length = CONTEXT
    tokenizer.save_pretrained(folder)
    return folder

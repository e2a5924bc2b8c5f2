"""graphllm-small as a transformers model: a MiniLM encoder and a decoder over the same vocabulary.

It is a plain `EncoderDecoderModel` of two BERTs. What is special is where training begins: the
decoder's layers are MiniLM's own, references are orthogonal vectors as long as those of words, and
the way from an encoder's state through cross-attention to the vocabulary is nearly the identity, so
that a reference the decoder attends to is the token it writes.
"""

import math
from typing import Any, TypeAlias

import torch
from torch import nn

from graphllm.llm.small.vocabulary import CONTEXT, END, FIRST_NODE, PAD, START, reference_ids
from graphllm.text.weights import minilm_folder

SmallModel: TypeAlias = Any  # EncoderDecoderModel; to mypy its parts are Tensor or Module
Part: TypeAlias = Any  # of one, or its configuration

_LINEAR_GELU = 6.0  # gelu(x + 6) is x + 6 for every x that a layer norm gives
# Examples never come twice with the same references, and drawing masks takes a fifth of the time.
_NO_DROPOUT: dict[str, Any] = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
_KIND = 0.4  # share of a reference's length that tells lines from nodes
_ADDED = (0.5, 6.0)  # scale of what cross-attention adds: in the last layer it is what counts


def minilm_encoder() -> Part:
    """Return MiniLM as transformers has it."""
    from transformers import BertModel
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # the pooler is not used
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    folder = str(minilm_folder())
    return BertModel.from_pretrained(folder, **_NO_DROPOUT)


def start_model(*, num_decoder_layers: int = 2, seed: int = 0) -> SmallModel:
    """Return the model that training starts from."""
    from transformers import BertLMHeadModel, EncoderDecoderModel

    encoder = minilm_encoder()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        _put_references(encoder, generator)
        decoder = BertLMHeadModel(decoder_config(encoder.config, num_decoder_layers))
        _start_decoder(decoder, encoder, generator)
    model = EncoderDecoderModel(encoder=encoder, decoder=decoder)
    set_tokens(model)
    return model


def empty_model(*, num_decoder_layers: int) -> SmallModel:
    """Return a model of the same shape whose weights mean nothing yet."""
    from transformers import BertConfig, BertLMHeadModel, BertModel, EncoderDecoderModel

    config = BertConfig.from_pretrained(str(minilm_folder()), **_NO_DROPOUT)
    encoder = BertModel(config)
    decoder = BertLMHeadModel(decoder_config(config, num_decoder_layers))
    return EncoderDecoderModel(encoder=encoder, decoder=decoder)


def decoder_config(config: Part, num_layers: int) -> Part:
    """Return the configuration of a decoder beside an encoder's."""
    from transformers import BertConfig

    given = config.to_dict() | {
        "num_hidden_layers": num_layers,
        "is_decoder": True,
        "add_cross_attention": True,
        "tie_word_embeddings": True,
    }
    return BertConfig.from_dict(given)


def set_tokens(model: SmallModel) -> None:
    """Tell a model which tokens begin, end and fill."""
    for config in (model.config, model.generation_config):
        config.decoder_start_token_id = START
        config.bos_token_id = START
        config.eos_token_id = END
        config.pad_token_id = PAD
    model.config.vocab_size = model.config.decoder.vocab_size
    model.config.max_position_embeddings = CONTEXT
    model.generation_config.max_new_tokens = 64


def _put_references(encoder: Part, generator: torch.Generator) -> None:
    """Give the references rows as long as those of the words.

    All differ orthogonally; those of lines have one part in common, and those of nodes another.
    """
    words = encoder.embeddings.word_embeddings.weight
    ids = torch.tensor(reference_ids())
    length = words[1000:].norm(dim=1).mean()
    drawn = torch.randn(words.shape[1], len(ids) + 2, generator=generator)
    *own, of_lines, of_nodes = torch.linalg.qr(drawn).Q.T
    kind = torch.where((ids < FIRST_NODE)[:, None], of_lines, of_nodes)
    words[ids] = length * (math.sqrt(1 - _KIND**2) * torch.stack(own) + _KIND * kind)


def _start_decoder(decoder: Part, encoder: Part, generator: torch.Generator) -> None:
    """Copy MiniLM's last layers and embeddings, and let attended states pass to the vocabulary."""
    decoder.bert.embeddings.load_state_dict(encoder.embeddings.state_dict())
    layers = encoder.encoder.layer
    taken = layers[len(layers) - len(decoder.bert.encoder.layer) :]
    for layer, own in zip(decoder.bert.encoder.layer, taken, strict=True):
        layer.load_state_dict(own.state_dict(), strict=False)
        cross = layer.crossattention
        cross.load_state_dict(own.attention.state_dict())
        _near_identity(cross.self.value, 1.0, generator)
        scale = _ADDED[layer is decoder.bert.encoder.layer[-1]]
        _near_identity(cross.output.dense, scale, generator)
    head = decoder.cls.predictions.transform
    _near_identity(head.dense, 1.0, generator)
    head.dense.bias.fill_(_LINEAR_GELU)
    decoder.tie_weights()


def _near_identity(linear: nn.Linear, scale: float, generator: torch.Generator) -> None:
    size = linear.weight.shape[0]
    noise = torch.randn(size, size, generator=generator) * (0.1 / math.sqrt(size))
    linear.weight.copy_(scale * (torch.eye(size) + noise))
    linear.bias.zero_()

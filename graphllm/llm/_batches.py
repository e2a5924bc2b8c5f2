"""Prompts of several lengths as one batch, with soft parts among the embeddings of words."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import PreTrainedModel

from graphllm.errors import ConfigError
from graphllm.llm._prompt_tokens import SOFT, Row

Side = Literal["left", "right"]

_PROBE_IDS = 4


class Padded(NamedTuple):
    """Rows of token ids made equally long; ``SOFT`` stays where it was."""

    ids: Int[Tensor, "rows length"]
    mask: Int[Tensor, "rows length"]


def padded(rows: Sequence[Sequence[int]], pad_id: int, side: Side) -> Padded:
    """Return rows of one length, filled on ``side``; the mask is 1 where a row's own tokens are."""
    length = max(map(len, rows))
    ids = torch.full((len(rows), length), pad_id)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(rows):
        start = length - len(tokens) if side == "left" else 0
        ids[row, start : start + len(tokens)] = torch.tensor(tokens, dtype=torch.long)
        mask[row, start : start + len(tokens)] = 1
    return Padded(ids, mask)


def model_inputs(
    model: PreTrainedModel, batch: Padded, soft: Sequence[Tensor]
) -> dict[str, Tensor]:
    """Return what the model is called with: ids, or embeddings where there are soft parts.

    Words are looked up through the model's own input embeddings, which scale them where the model
    wants that; a soft part goes in as it is.
    """
    ids, mask = batch.ids.to(model.device), batch.mask.to(model.device)
    if not soft:
        return {"input_ids": ids, "attention_mask": mask}
    return {"inputs_embeds": spliced(model, ids, soft), "attention_mask": mask}


def spliced(
    model: PreTrainedModel, ids: Int[Tensor, "rows length"], soft: Sequence[Tensor]
) -> Float[Tensor, "rows length model_dim"]:
    """Return the embeddings of ``ids`` with the vectors of ``soft`` at the places of ``SOFT``."""
    is_soft: Bool[Tensor, "rows length"] = ids == SOFT
    embeds = word_embeddings(model, ids.masked_fill(is_soft, 0))
    vectors = torch.cat([part.to(embeds) for part in soft])
    return embeds.masked_scatter(is_soft[..., None], vectors)


def word_embeddings(
    model: PreTrainedModel, ids: Int[Tensor, "rows length"]
) -> Float[Tensor, "rows length model_dim"]:
    """Return what the model itself reads for ``ids``, scaled where it scales them."""
    embeds = model.get_input_embeddings()(ids)
    assert isinstance(embeds, Tensor)  # noqa: S101  (a module may return anything)
    return embeds


def soft_parts(rows: Sequence[Row]) -> list[Tensor]:
    """Return the soft parts of all rows, in the order of their places."""
    return [part for row in rows for part in row.soft]


def decoder_start(model: PreTrainedModel) -> int:
    """Return the token with which the decoder of a sequence-to-sequence model begins."""
    for settings in (model.generation_config, model.config):
        start = getattr(settings, "decoder_start_token_id", None)
        if start is not None:
            return int(start)
    return int(model.generation_config.bos_token_id)


def model_dim(model: PreTrainedModel) -> int:
    """Return the width of the model's input embeddings."""
    weight = cast("Tensor", model.get_input_embeddings().weight)
    return int(weight.shape[-1])


def check_takes_embeddings(model: PreTrainedModel, name: str) -> None:
    """Raise unless the model gives the same for embeddings of words as for the words.

    Some models scale embeddings outside of the table, or also look at the ids themselves; a soft
    part would be misread by them.

    Raises:
        ConfigError: The model takes no embeddings, or reads them differently.
    """
    reads = model.get_encoder() if model.config.is_encoder_decoder else model
    ids = torch.arange(_PROBE_IDS, device=model.device)[None]
    try:
        with torch.no_grad():
            by_ids = reads(input_ids=ids)[0]
            by_embeds = reads(inputs_embeds=word_embeddings(model, ids))[0]
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ConfigError(_no_soft_parts(name)) from error
    if not torch.allclose(by_ids, by_embeds, rtol=1e-3, atol=1e-3):
        raise ConfigError(_no_soft_parts(name))


def _no_soft_parts(name: str) -> str:
    return (
        f"{name} reads the embeddings of words differently when they are handed to it, so soft "
        "parts cannot be put among them; use a model of another kind (Llama, Qwen, GPT-2, T5 ...)"
    )

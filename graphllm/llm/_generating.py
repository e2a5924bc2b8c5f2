"""The tokens a model writes after prompts."""

from collections.abc import Collection, Sequence
from threading import Event
from typing import Any, cast

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    PreTrainedModel,
    StoppingCriteriaList,
)

from graphllm.llm._batches import model_inputs, padded, soft_parts
from graphllm.llm._decoding import GumbelNoise, StopWhenTold, TokenQueue
from graphllm.llm._prompt_tokens import Row
from graphllm.llm.language_model import Decoding
from graphllm.llm.small.replies import allowed_tokens


def reply_ids(
    model: PreTrainedModel,
    rows: Sequence[Row],
    decoding: Decoding,
    *,
    pad_id: int,
    end_ids: Collection[int],
    streamer: TokenQueue | None = None,
    closed: Event | None = None,
) -> list[list[int]]:
    """Return the tokens of the reply to each row, up to and with its end token.

    Rows are filled on the left, so that each goes on where it ends; the encoder of a
    sequence-to-sequence model expects its texts to begin at position 0.

    Args:
        pad_id: Any token: it is masked.
        end_ids: The tokens that end a reply.
        streamer: Is handed each token as it is written, of a single row.
        closed: Ends the work when it is set.
    """
    is_seq2seq = model.config.is_encoder_decoder
    batch = padded([row.ids for row in rows], pad_id, "right" if is_seq2seq else "left")
    settings = GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=decoding.max_new_tokens,
        do_sample=False,  # GumbelNoise draws, where a draw is asked for
        num_beams=1,
        eos_token_id=sorted(end_ids) or None,
        pad_token_id=pad_id,
    )
    allowed = allowed_tokens([row.ids for row in rows]) if decoding.references else None
    noise = [GumbelNoise(len(rows), decoding.temperature, decoding.seed)]
    with torch.no_grad():
        inputs = model_inputs(model, batch, soft_parts(rows))
        sequences = cast("Any", model).generate(
            **inputs,
            generation_config=settings,
            prefix_allowed_tokens_fn=allowed,
            logits_processor=LogitsProcessorList(noise if decoding.temperature else []),
            stopping_criteria=StoppingCriteriaList([StopWhenTold(closed or Event())]),
            streamer=streamer,
        )
    # of embeddings nothing is given back; a decoder begins with a token of its own
    told = 1 if is_seq2seq else batch.ids.shape[1] if "input_ids" in inputs else 0
    return [_up_to_end(row, end_ids) for row in sequences[:, told:].tolist()]


def _up_to_end(row: list[int], end_ids: Collection[int]) -> list[int]:
    ends = (at + 1 for at, token in enumerate(row) if token in end_ids)
    return row[: next(ends, len(row))]

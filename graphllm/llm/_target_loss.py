"""How likely a model finds the replies it is told, and what its layers make of prompts."""

import inspect
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from graphllm.errors import ConfigError
from graphllm.llm._batches import decoder_start, model_inputs, padded, soft_parts
from graphllm.llm._prompt_tokens import Row


class TokenLosses(NamedTuple):
    """Negative log-likelihood of every token of the targets, one target behind the other."""

    nll: Float[Tensor, "tokens"]
    row: Int[Tensor, "tokens"]


def target_losses(
    model: PreTrainedModel, rows: Sequence[Row], targets: Sequence[list[int]], pad_id: int
) -> TokenLosses:
    """Return the loss of each target's tokens after its prompt; of the prompts' tokens none.

    Rows are filled on the right, behind all that counts: positions then are what they are alone.
    Logits are compared in float32 where the model computes in halves.
    """
    of = _seq2seq_logits if model.config.is_encoder_decoder else _causal_logits
    logits = of(model, rows, targets, pad_id)
    labels = torch.tensor(list(chain.from_iterable(targets)), device=logits.device)
    lengths = torch.tensor([len(target) for target in targets], device=logits.device)
    exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
    nll = cross_entropy(exact, labels, reduction="none")
    return TokenLosses(
        nll, torch.arange(len(rows), device=logits.device).repeat_interleave(lengths)
    )


def per_row(losses: TokenLosses, num_rows: int) -> Float[Tensor, "rows"]:
    """Return the loss of each target: that of its tokens, summed."""
    return losses.nll.new_zeros(num_rows).index_add(0, losses.row, losses.nll)


def _causal_logits(
    model: PreTrainedModel, rows: Sequence[Row], targets: Sequence[list[int]], pad_id: int
) -> Float[Tensor, "tokens vocabulary"]:
    """Return the logits at the positions before each token of the targets."""
    told = [[*row.ids, *target] for row, target in zip(rows, targets, strict=True)]
    batch = padded(told, pad_id, "right")
    length = batch.ids.shape[1]
    # the last position before a target predicts its first token, the last of the row nothing
    before = torch.zeros(batch.ids.shape, dtype=torch.bool)
    for place, row, target in zip(before, rows, targets, strict=True):
        place[len(row) - 1 : len(row) - 1 + len(target)] = True
    keep = length - min(map(len, rows)) + 1
    logits = model(
        **model_inputs(model, batch, soft_parts(rows)), use_cache=False, **_kept(model, keep)
    ).logits
    return logits[:, -keep:][before[:, -keep:].to(logits.device)]


def _kept(model: PreTrainedModel, keep: int) -> dict[str, int]:
    """Ask for logits of the last positions only: all of them may be more than the memory holds."""
    known = inspect.signature(model.forward).parameters
    return {"logits_to_keep": keep} if "logits_to_keep" in known else {}


def _seq2seq_logits(
    model: PreTrainedModel, rows: Sequence[Row], targets: Sequence[list[int]], pad_id: int
) -> Float[Tensor, "tokens vocabulary"]:
    """Return the logits for each token of the targets, given those before it."""
    batch = padded([row.ids for row in rows], pad_id, "right")
    decoder = padded([[decoder_start(model), *target[:-1]] for target in targets], pad_id, "right")
    logits = model(
        **model_inputs(model, batch, soft_parts(rows)),
        decoder_input_ids=decoder.ids.to(model.device),
        decoder_attention_mask=decoder.mask.to(model.device),
        use_cache=False,
    ).logits
    return logits[decoder.mask.bool().to(logits.device)]


def layer_states(
    model: PreTrainedModel, rows: Sequence[Row], layer: int, pad_id: int
) -> list[Float[Tensor, "num_tokens hidden"]]:
    """Return the states of every row's own tokens after ``layer``; the encoder's if there is one.

    Raises:
        ConfigError: There is no such layer.
    """
    reads = model.get_encoder() if model.config.is_encoder_decoder else model
    inputs = model_inputs(
        model, padded([row.ids for row in rows], pad_id, "right"), soft_parts(rows)
    )
    found = reads(**inputs, output_hidden_states=True, **_kept(reads, 1)).hidden_states
    if not -len(found) <= layer < len(found):
        raise ConfigError(f"layer must be between {-len(found)} and {len(found) - 1}, got {layer}")
    return [states[: len(row)] for states, row in zip(found[layer], rows, strict=True)]

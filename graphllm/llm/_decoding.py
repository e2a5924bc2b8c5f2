"""The steps inside a generation: drawing tokens, stopping early, and text as it comes."""

import secrets
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Event

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import LogitsProcessor, StoppingCriteria
from transformers.generation.streamers import BaseStreamer

UNFINISHED = "\ufffd"  # what a decoder makes of the first bytes of a character


class GumbelNoise(LogitsProcessor):
    """Draws tokens by taking the likeliest after adding noise: an exact sample from the softmax.

    Source: Gumbel 1954; argmax(logits / temperature + Gumbel noise) is distributed as
    softmax(logits / temperature). Every row of a batch has a generator of its own, so that it is
    drawn as it would be alone, and torch's global state is left as it was.
    """

    def __init__(self, num_rows: int, temperature: float, seed: int | None) -> None:
        self._temperature = temperature
        seeds = [secrets.randbits(63) if seed is None else seed % 2**63 for _ in range(num_rows)]
        self._generators = [torch.Generator().manual_seed(row_seed) for row_seed in seeds]

    def __call__(
        self, input_ids: Int[Tensor, "rows length"], scores: Float[Tensor, "rows vocabulary"]
    ) -> Float[Tensor, "rows vocabulary"]:
        """Return scores whose largest is the token drawn."""
        noise = torch.empty(scores.shape, dtype=torch.float64)
        for row, generator in zip(noise, self._generators, strict=True):
            row.exponential_(generator=generator)
        gumbel = -noise.clamp_min(torch.finfo(torch.float64).tiny).log()
        return scores / self._temperature + gumbel.to(scores)


class StopWhenTold(StoppingCriteria):
    """Ends a generation whose reader has gone."""

    def __init__(self, told: Event) -> None:
        self._told = told

    def __call__(
        self,
        input_ids: Int[Tensor, "rows length"],
        scores: object,
        **kwargs: object,
    ) -> Bool[Tensor, "rows"]:
        """Return whether each row is to end here: all of them, or none."""
        return torch.full((len(input_ids),), self._told.is_set(), device=input_ids.device)


class TokenQueue(BaseStreamer):
    """Hands each new token to another thread."""

    def __init__(self, tokens: SimpleQueue[int | None]) -> None:
        self._tokens = tokens
        self._prompt_seen = False

    def put(self, value: Int[Tensor, "..."]) -> None:
        """Take what transformers hands over: first the prompt, then one token at a time."""
        if self._prompt_seen:
            self._tokens.put(int(value.flatten()[0]))
        self._prompt_seen = True

    def end(self) -> None:
        """Nothing: the thread says when it is done, whether it ended well or not."""


class GrowingText:
    """Text that grows a token at a time; what it has given out never changes.

    All tokens are decoded again each time: tokenizers drop the space before the first token they
    are given, and need several tokens for some characters.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._given = ""
        self.token_ids: list[int] = []

    def add(self, token_id: int) -> str:
        """Return what can be given out now; an unfinished character waits."""
        self.token_ids.append(token_id)
        text = self._decode(self.token_ids).rstrip(UNFINISHED)
        return self._give(text) if text.startswith(self._given) else ""

    def rest(self) -> str:
        """Return what was still held back."""
        return self._give(self._decode(self.token_ids))

    def _give(self, text: str) -> str:
        new = text[len(self._given) :]
        self._given = text
        return new

"""Batches of examples of about one length, so that little of a batch is padding."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Int64

from graphllm.errors import ConfigError, DataError

E = TypeVar("E")
_FINENESS = 8  # lengths between two powers of two are told apart so finely


class BucketedBatches(Generic[E]):
    """Examples in an order of each epoch's own, those of a batch of about one length.

    Every epoch holds every example once, and as many batches as any other: lengths are rounded up
    to at most an eighth more, and only examples of one rounded length change places.

    Args:
        examples: All of them.
        lengths: Of each, e.g. its tokens; without, examples of all lengths are mixed.
        size: Examples a batch, at most.
        max_tokens: Tokens a batch, at most, when all its examples are padded to the longest.
        seed: Of the orders.

    Raises:
        ConfigError: Neither or too small a limit.
        DataError: No examples, or not one length for each.

    Examples:
        >>> batches = BucketedBatches("abcdef", [1, 9, 1, 9, 1, 9], size=3, seed=1)
        >>> sorted("".join(sorted(batches[step])) for step in range(batches.per_epoch))
        ['ace', 'bdf']
    """

    def __init__(
        self,
        examples: Sequence[E],
        lengths: Sequence[int] | None = None,
        *,
        size: int | None = None,
        max_tokens: int | None = None,
        seed: int = 0,
    ) -> None:
        if not examples:
            raise DataError("no examples to make batches of")
        if size is None and max_tokens is None:
            raise ConfigError("say how large a batch is: size=, max_tokens= or both")
        given = np.ones(len(examples), dtype=np.int64) if lengths is None else np.asarray(lengths)
        if given.shape != (len(examples),) or given.min() < 0:
            raise DataError(f"{len(examples)} examples need as many lengths of 0 or more")
        self._examples, self._seed = examples, seed
        self._rounded = np.array([_rounded_up(length) for length in given.tolist()], dtype=np.int64)
        self._ends = _cut(_widths(given, self._rounded), size, max_tokens)
        self._epoch = -1
        self._order = self._places = np.empty(0, dtype=np.int64)

    @property
    def per_epoch(self) -> int:
        """How many batches hold every example once."""
        return len(self._ends) - 1

    def __getitem__(self, step: int) -> list[E]:
        """Return the examples of a step, counted from 0."""
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._shuffle(epoch)
        batch = self._places[place]
        chosen = self._order[self._ends[batch] : self._ends[batch + 1]]
        return [self._examples[i] for i in chosen.tolist()]

    def _shuffle(self, epoch: int) -> None:
        rng = np.random.default_rng((self._seed, epoch))
        mixed = rng.permutation(len(self._examples))
        self._order = mixed[np.argsort(self._rounded[mixed], kind="stable")]
        self._places = rng.permutation(self.per_epoch)
        self._epoch = epoch


def _rounded_up(length: int) -> int:
    """Return the next number that has nothing behind its first bits.

    Examples:
        >>> [_rounded_up(length) for length in (0, 7, 16, 17, 33, 39, 100)]
        [0, 7, 16, 18, 36, 40, 104]
    """
    step = max((1 << length.bit_length() - 1) // _FINENESS, 1) if length else 1
    return -(-length // step) * step


def _widths(
    lengths: Int64[np.ndarray, "n"], rounded: Int64[np.ndarray, "n"]
) -> Int64[np.ndarray, "n"]:
    """Return, in the order of their lengths, the longest length that each may stand for."""
    order = np.argsort(rounded, kind="stable")
    _, first = np.unique(rounded[order], return_index=True)
    longest = np.maximum.reduceat(lengths[order], first)
    return np.repeat(longest, np.diff(np.append(first, len(order))))


def _cut(
    widths: Int64[np.ndarray, "n"], size: int | None, max_tokens: int | None
) -> Int64[np.ndarray, "ends"]:
    """Return where batches end, as large as they may be."""
    size = len(widths) if size is None else size
    longest = int(widths[-1])
    if size < 1 or (max_tokens is not None and longest > max_tokens):
        raise ConfigError(
            f"a batch of {size} examples and {max_tokens} tokens at most cannot hold one: the"
            f" longest example has {longest} tokens"
        )
    ends = [0]
    for place, width in enumerate(widths.tolist()):
        count = place - ends[-1]
        if count == size or (max_tokens is not None and (count + 1) * width > max_tokens):
            ends.append(place)
    return np.array([*ends, len(widths)], dtype=np.int64)

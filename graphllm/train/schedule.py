"""Learning rates by step: each rises in a straight line, and then falls or stays."""

import math
from collections.abc import Callable
from typing import NamedTuple


class Rates(NamedTuple):
    """What a schedule moves between.

    Attributes:
        num_steps: Steps in all.
        highest: The rate at the end of the rise.
        lowest: What it falls to; it rises from 0 all the same.
        warmup: Share of the steps in which it rises.
    """

    num_steps: int
    highest: float
    lowest: float = 0.0
    warmup: float = 0.0

    @property
    def rising(self) -> int:
        """Whole steps of the rise, one or more."""
        return max(round(self.warmup * self.num_steps), 1)


def cosine(step: int, rates: Rates) -> float:
    """Return the rate that is highest in the last step of the rise, then half a cosine wave.

    Examples:
        >>> [round(cosine(step, Rates(5, 1.0, warmup=0.2)), 2) for step in range(5)]
        [1.0, 1.0, 0.85, 0.5, 0.15]
    """
    if step < rates.rising:
        return rates.highest * (step + 1) / rates.rising
    return _fallen((step - rates.rising) / max(rates.num_steps - rates.rising, 1), rates)


def half_cosine(step: int, rates: Rates) -> float:
    """Return G-Retriever's rate: 0 in the first step, highest just after the rise.

    Source: ``adjust_learning_rate`` of G-Retriever's code, in steps where it has epochs.

    Examples:
        >>> [half_cosine(step, Rates(4, 1.0, warmup=0.5)) for step in range(4)]
        [0.0, 0.5, 1.0, 0.5]
    """
    rising = rates.warmup * rates.num_steps
    if step < rising:
        return rates.highest * step / rising
    return _fallen((step - rising) / (rates.num_steps - rising), rates)


def every_second_step(step: int, rates: Rates) -> float:
    """Return the rate that G-Retriever trains with: ``half_cosine``, set in every second step.

    Its ``grad_steps = 2`` accumulates nothing; it only leaves the rate as it was in the first,
    third, ... step of each epoch. Before it is set for the first time it is the highest. The rise
    lasts one epoch, which tells how long an epoch is.

    Examples:
        >>> rates = Rates(8, 1.0, warmup=0.5)
        >>> [round(every_second_step(step, rates), 2) for step in range(8)]
        [1.0, 0.25, 0.25, 0.75, 0.75, 0.85, 0.85, 0.15]
    """
    per_epoch = rates.rising
    epoch, place = divmod(step, per_epoch)
    if place % 2 == 0:
        place -= 1
    if place < 0:
        epoch, place = epoch - 1, per_epoch - 1 - per_epoch % 2
    if epoch < 0 or place < 0:
        return rates.highest
    return half_cosine(epoch * per_epoch + place, rates)


def constant(step: int, rates: Rates) -> float:
    """Return the rate that stays where the rise brought it."""
    return rates.highest * min(step + 1, rates.rising) / rates.rising


def _fallen(share: float, rates: Rates) -> float:
    """Return the rate when a share of the fall is over."""
    return rates.lowest + (rates.highest - rates.lowest) * (1 + math.cos(math.pi * share)) / 2


SCHEDULES: dict[str, Callable[[int, Rates], float]] = {
    "cosine": cosine,
    "half_cosine": half_cosine,
    "every_second_step": every_second_step,
    "constant": constant,
}

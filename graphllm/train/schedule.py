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


def constant(step: int, rates: Rates) -> float:
    """Return the rate that stays where the rise brought it."""
    return rates.highest * min(step + 1, rates.rising) / rates.rising


def _fallen(share: float, rates: Rates) -> float:
    """Return the rate when a share of the fall is over."""
    return rates.lowest + (rates.highest - rates.lowest) * (1 + math.cos(math.pi * share)) / 2


SCHEDULES: dict[str, Callable[[int, Rates], float]] = {
    "cosine": cosine,
    "half_cosine": half_cosine,
    "constant": constant,
}

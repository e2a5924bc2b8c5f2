"""Whether confidences are probabilities, and which answers to withhold so that few are wrong."""

import math
from itertools import takewhile
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from graphllm.errors import ConfigError
from graphllm.evaluate.metrics import Mean, mean

_HALVINGS = 50
_STARTS = 3  # of the search for a limit


class Answered(NamedTuple):
    """What answering above a limit came to.

    Attributes:
        error: The share of the answers given that are wrong; NaN when none was given.
        coverage: The share of all questions that were answered.
    """

    error: Mean
    coverage: Mean


def expected_calibration_error(
    confidence: Float[np.ndarray, "n"], is_right: Bool[np.ndarray, "n"], num_bins: int = 10
) -> float:
    """Return how far confidences are from the share that is right, on average; NaN of nothing.

    The answers are ordered by confidence and cut into bins of equal mass:

        ECE = sum over bins b of  |b| / n * | mean confidence of b - share right in b |

    Source: Naeini et al. 2015, with bins of equal mass as in Nguyen and O'Connor 2015: of the bins
    of equal width most would be empty.
    Differs from the papers: equal confidences may stand in two bins; which of them do is decided
    by their order.

    Examples:
        >>> confidence, is_right = np.array([0.5, 0.5, 1.0, 1.0]), np.array([1, 0, 1, 0], bool)
        >>> float(expected_calibration_error(confidence, is_right, num_bins=2))
        0.25
    """
    n = len(confidence)
    if not n:
        return math.nan
    order = np.argsort(confidence, kind="stable")
    bins = [b for b in np.array_split(order, num_bins) if len(b)]
    gaps = [len(b) * abs(confidence[b].mean() - is_right[b].mean()) for b in bins]
    return float(sum(gaps) / n)


def upper_bound(num_wrong: int, n: int, doubt: float = 0.1) -> float:
    """Return a bound that the true error rate exceeds with a chance of at most ``doubt``.

    It is the error rate e at which so few wrong answers, or fewer, have that chance:

        P(Binomial(n, e) <= num_wrong) = doubt

    Source: Clopper and Pearson 1934, one-sided.

    Examples:
        >>> round(upper_bound(0, 100, doubt=0.05), 4), upper_bound(3, 3)
        (0.0295, 1.0)
    """
    if num_wrong >= n:
        return 1.0
    low, high = num_wrong / n, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(num_wrong, n, middle) > doubt else (low, middle)
    return high


def _at_most(most: int, n: int, chance: float) -> float:
    """Return the probability that a binomial variable is ``most`` or less."""
    if chance <= 0:
        return 1.0
    if chance >= 1:
        return float(most >= n)
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        + k * math.log(chance) + (n - k) * math.log1p(-chance)
        for k in range(most + 1)
    ]  # fmt: skip
    largest = max(logs)
    return min(1.0, math.exp(largest) * sum(math.exp(log - largest) for log in logs))


def least_confidence(
    confidence: Float[np.ndarray, "n"],
    is_right: Bool[np.ndarray, "n"],
    max_error: float,
    *,
    doubt: float = 0.1,
    num_steps: int = 100,
) -> float | None:
    """Return the least confidence to answer with, so that at most ``max_error`` is wrong.

    It holds for questions like those given, but for a chance of ``doubt``. ``None`` when they do
    not bear out any limit.

    Source: Learn then test (Angelopoulos et al. 2021), by fixed sequence testing from several
    starts (section 3): from the most confident answers on, ever more are let in, in steps of one
    part of ``num_steps``, while the upper bound of their error (Clopper and Pearson) is at most
    ``max_error``; the first step that fails ends a sequence. As each step is only tried when all
    before it held, none needs a correction but for the number of starts, which share ``doubt``.

    Args:
        confidence: Of the answers that could be given.
    """
    if not 0 < max_error < 1:
        raise ConfigError(f"max_error must be above 0 and below 1, got {max_error:g}")
    n, share = len(confidence), doubt / _STARTS
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence, wrong = confidence[order], np.cumsum(~is_right[order])

    def holds(count: int) -> bool:
        level = sorted_confidence[count - 1]
        ties = int(np.searchsorted(-sorted_confidence, -level, side="right"))
        return _at_most(int(wrong[ties - 1]), ties, max_error) <= share  # so the bound is no more

    fewest = math.ceil(math.log(share) / math.log1p(-max_error))  # none of these may be wrong
    most = 0
    for start in np.geomspace(fewest, n, _STARTS).astype(int).tolist() if fewest <= n else []:
        more = range(start, n + 1, max(1, n // num_steps))
        most = max([most, *takewhile(holds, more)])
    return float(sorted_confidence[most - 1]) if most else None


def answered_above(
    limit: float,
    confidence: Float[np.ndarray, "n"],
    is_right: Bool[np.ndarray, "n"],
    num_questions: int | None = None,
) -> Answered:
    """Return what answering with at least this confidence comes to.

    Args:
        num_questions: Of all questions, where some had no answer to give; ``n`` when ``None``.
    """
    given = confidence >= limit
    asked = len(confidence) if num_questions is None else num_questions
    covered = np.zeros(asked, dtype=np.bool_)
    covered[: int(given.sum())] = True
    return Answered(error=mean(~is_right[given]), coverage=mean(covered))

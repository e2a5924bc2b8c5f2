"""Is one run really better than another? Resample the questions both have answered."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from graphllm.errors import DataError

CHUNK_CELLS = 4_000_000  # random counts drawn at once, to bound memory


class PairedBootstrap(NamedTuple):
    """How much the second run differs from the first.

    Attributes:
        difference: Mean of second minus first.
        low: Lower end of the confidence interval of the difference.
        high: Upper end.
        p_value: Two-sided: how often a difference as large appears when there is none.
        n: Number of paired questions.
    """

    difference: float
    low: float
    high: float
    p_value: float
    n: int


def paired_bootstrap(
    first: Float[np.ndarray, "num_first"],
    second: Float[np.ndarray, "num_second"],
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> PairedBootstrap:
    """Compare two runs by resampling questions with replacement.

    Costs time in the number of *distinct* differences: milliseconds for scores of right or wrong,
    seconds for scores that are all different.

    Source: Efron and Tibshirani 1993, chapters 13 (percentile interval) and 16 (the test: the
    resampled differences, shifted to mean zero, play the world without a difference; one is added
    above and below so that p is never 0).

    Args:
        first: One score per question.
        second: The other run's score of the same questions, in the same order.

    Raises:
        DataError: Nothing to compare, or the runs are not paired.
    """
    if len(first) != len(second) or not len(first):
        raise DataError(f"cannot pair {len(first)} scores with {len(second)}")
    differences = second - first
    observed = float(differences.mean())
    means = _resampled_means(differences, rng, resamples)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    # rounding must not make a resample equal to the observed one look smaller
    is_as_large = np.abs(means - observed) >= abs(observed) - 1e-12
    p_value = (1 + int(is_as_large.sum())) / (1 + resamples)
    return PairedBootstrap(observed, float(low), float(high), p_value, len(first))


def _resampled_means(
    values: Float[np.ndarray, "n"], rng: np.random.Generator, resamples: int
) -> Float[np.ndarray, "resamples"]:
    # how often each distinct value is drawn is multinomial; most differences of two runs are equal,
    # so this draws far fewer numbers than an index per question
    distinct, counts = np.unique(values, return_counts=True)
    rows = max(1, CHUNK_CELLS // len(distinct))
    chunks = [
        rng.multinomial(len(values), counts / len(values), size=min(rows, resamples - start))
        @ distinct
        for start in range(0, resamples, rows)
    ]
    return np.concatenate(chunks) / len(values)

"""The random 60/20/20 split of G-Retriever's GraphQA, row for row.

Source: G-Retriever, code: two calls of scikit-learn's ``train_test_split``, 40 % away from training
and half of that for testing, both with ``random_state=42``.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

Rows = Int[np.ndarray, "..."]
SEED = 42


class Halves(NamedTuple):
    """Rows that were kept, and rows that were put aside."""

    kept: Rows
    aside: Rows


def put_aside(rows: Rows, share: float, seed: int = SEED) -> Halves:
    """Return ``rows`` in two parts, in the order and with the sizes of scikit-learn.

    The part put aside is rounded up, and comes first in a permutation that NumPy's legacy generator
    draws; NumPy promises that this generator never changes.
    """
    size = math.ceil(share * len(rows))
    order = np.random.RandomState(seed).permutation(len(rows))
    return Halves(kept=rows[order[size:]], aside=rows[order[:size]])


def published_split(rows: Rows) -> dict[str, Rows]:
    """Return which ``rows`` are in ``"train"``, ``"val"`` and ``"test"``, ascending.

    Examples:
        >>> {part: len(rows) for part, rows in published_split(np.arange(2766)).items()}
        {'train': 1659, 'val': 553, 'test': 554}
    """
    train, rest = put_aside(rows, 0.4)
    val, test = put_aside(rest, 0.5)
    return {"train": np.sort(train), "val": np.sort(val), "test": np.sort(test)}

"""Whether the values of a column are keys of another table, judged by the values alone."""

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from graphllm.io.table import TextColumn

_VALUES = 0.95  # of the distinct values that must be keys
_ROWS = 0.99  # of the rows whose value must be a key
_RUNNER_UP = 0.85  # of the best share; what another table reaches leaves the matter open
_FEW_CODES, _FEW_NUMBERS = 5, 100  # distinct values, below which nothing is told
_SURPRISE = 4.0  # standard deviations above what neighbouring values reach
_COVERED = 0.9  # of the keys, from which a gapless count is taken for references to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Containment:
    """How many values of a column are among some keys.

    Attributes:
        values: Share of the distinct values.
        rows: Share of the rows that have a value.
        surprise: Standard deviations by which ``values`` exceeds the share among the values next
            to them. Any whole number lies in 1..5000; only a reference prefers 17 to 18.
        covered: Share of the keys that occur as values.
    """

    values: float
    rows: float
    surprise: float
    covered: float

    @property
    def is_telling(self) -> bool:
        """Whether so much agreement is no chance."""
        unlikely = self.surprise >= _SURPRISE
        whole = self.values == 1 and self.covered >= _COVERED
        return self.values >= _VALUES and self.rows >= _ROWS and (unlikely or whole)


def containment(column: TextColumn, keys: TextColumn) -> float:
    """Return the share of the column's distinct values that are among ``keys``."""
    values = {column.texts[code] for code in column.used.tolist()}
    return len(values.intersection(keys.texts)) / max(1, len(values))


def measure(column: TextColumn, keys: TextColumn) -> Containment:
    """Return how the values of ``column`` lie among ``keys``."""
    known = set(keys.texts)
    values = [column.texts[code] for code in column.used.tolist()]
    matched = [code for code in column.used.tolist() if column.texts[code] in known]
    counts = np.bincount(column.codes[column.present], minlength=len(column.texts))
    near = sum(text in known for value in values for text in _neighbours(value)) / 2
    return Containment(
        values=len(matched) / max(1, len(values)),
        rows=float(counts[matched].sum() / max(1, counts.sum())),
        surprise=_surprise(len(matched), near, len(values)),
        covered=len(matched) / max(1, keys.num_distinct),
    )


def clear_winner(shares: Collection[float]) -> bool:
    """Whether the largest share stands clearly above all others.

    Examples:
        >>> clear_winner([0.97, 0.7]), clear_winner([0.97, 0.9]), clear_winner([1.0])
        (True, False, True)
    """
    best, *others = sorted(shares, reverse=True)
    return not others or others[0] <= _RUNNER_UP * best


def enough_values(column: TextColumn) -> bool:
    """Whether a column has enough different values to tell anything by them."""
    numeric = all(is_whole(column.texts[code]) for code in column.used.tolist())
    return column.num_distinct >= (_FEW_NUMBERS if numeric else _FEW_CODES)


def is_whole(text: str) -> bool:
    """Whether a text is a whole number."""
    return text.removeprefix("-").isdecimal()


def _neighbours(value: str) -> tuple[str, str]:
    """Return the values next to one: 16 and 18 of 17, ``AT`` and ``AV`` of ``AU``."""
    if is_whole(value):
        return str(int(value) - 1), str(int(value) + 1)
    body, last = value[:-1], ord(value[-1])
    return body + chr(max(0, last - 1)), body + chr(last + 1)


def _surprise(matched: int, near: float, total: int) -> float:
    """Return by how many standard deviations the matches exceed those of the neighbours."""
    expected = (near + 1) / (total + 2)
    return (matched - total * expected) / math.sqrt(max(1e-9, total * expected * (1 - expected)))

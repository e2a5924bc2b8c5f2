"""Read, compare and rank the values that plans measure.

Four kinds, and which of them compare:

* numbers with numbers;
* dates with dates, and with whole numbers as years: a date is before 1950 when its year is less
  than 1950, after 1950 when it is more, equal to 1950 when it lies in that year;
* truth values with truth values, for equality only;
* text with text, folded (``graphllm.graph.folding``).

Text is also read as a number or a date when it is written as one, because triples keep years as
nodes. All other pairs never compare: every comparison of them fails, ``!=`` too.
"""

import operator
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Bool

from graphllm.graph.columns import Value
from graphllm.graph.folding import fold
from graphllm.query.plan import Comparison, Literal

Measurable = np.ndarray | Sequence[str]
Reading = int | float | np.datetime64 | None

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")
_DATE = re.compile(r"(-?[0-9]{4,5}-[0-9]{2}-[0-9]{2}([T ][0-9:]{5,8}(\.[0-9]{1,6})?)?)Z?")

_OPERATORS: dict[Comparison, Callable[..., np.ndarray]] = {
    Comparison.EQUALS: operator.eq,
    Comparison.NOT_EQUALS: operator.ne,
    Comparison.LESS: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.MORE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
}


@lru_cache(maxsize=1 << 16)
def read_text(text: str) -> Reading:
    """Return the number or ISO date that ``text`` is written as, or ``None``.

    Examples:
        >>> read_text("1999"), read_text("-2.50"), read_text("7.0"), read_text("7 Up")
        (1999, -2.5, 7, None)
        >>> read_text("1867-11-07")
        np.datetime64('1867-11-07T00:00:00.000000')
    """
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped):
        number = float(stripped)
        whole = number.is_integer() and abs(number) < 2**53
        return int(number) if whole else number
    match = _DATE.fullmatch(stripped)
    if match is None:
        return None
    try:
        return np.datetime64(match[1], "us")
    except ValueError:  # the thirteenth month
        return None


def fold_text(text: str) -> str:
    """Return what text is compared by: folded, or as written when folding leaves nothing.

    Examples:
        >>> fold_text("Amélie"), fold_text("$")
        ('amelie', '$')
    """
    return fold(text) or text.strip().casefold()


def contains(text: str, part: str) -> bool:
    """Return whether ``part`` begins at a word of ``text``, both folded already.

    Scripts that write no spaces (from U+2E80 on: Chinese, Japanese) match anywhere.

    Examples:
        >>> contains("silent films", "film"), contains("bart", "art"), contains("大東京", "東京")
        (True, False, True)
    """
    if starts_anywhere(part):
        return part in text
    return f" {part}" in f" {text}"


def starts_anywhere(part: str) -> bool:
    """Return whether ``contains`` looks for this folded text inside words too."""
    return part[:1] >= "\u2e80"


def years(dates: np.ndarray) -> np.ndarray:
    """Return the year of each date, as int64."""
    return dates.astype("datetime64[Y]").astype(np.int64) + 1970


def _year(moment: np.datetime64) -> int:
    return int(moment.astype("datetime64[Y]").astype(np.int64)) + 1970


def compare(
    values: Measurable, comparison: Comparison, literal: Literal
) -> Bool[np.ndarray, "num_values"]:
    """Return which values compare with ``literal`` as asked.

    Args:
        values: An array of numbers, truth values or dates; or texts.
    """
    if not isinstance(values, np.ndarray):
        return _compare_texts(values, comparison, literal)
    if len(values) == 0 or isinstance(literal, str) or comparison is Comparison.CONTAINS:
        return np.zeros(len(values), dtype=np.bool_)
    return _compare_array(values, _OPERATORS[comparison], literal)


def _compare_array(
    values: np.ndarray,
    holds: Callable[..., np.ndarray],
    literal: int | float | bool | np.datetime64,
) -> np.ndarray:
    never = np.zeros(len(values), dtype=np.bool_)
    if values.dtype == np.bool_ or isinstance(literal, bool):
        both = values.dtype == np.bool_ and isinstance(literal, bool)
        equality = holds in (operator.eq, operator.ne)
        return holds(values, literal) if both and equality else never
    has_dates = values.dtype.kind == "M"
    if isinstance(literal, np.datetime64):
        if np.isnat(literal):
            return never
        moment = literal.astype("datetime64[us]")
        if has_dates:
            return holds(values, moment) & ~np.isnat(values)
        return holds(values, _year(literal)) & _is_whole(values)
    number = _bounded(literal)
    if number != number:  # NaN
        return never
    if has_dates:
        known = ~np.isnat(values) if float(number).is_integer() else never
        return holds(years(values), number) & known
    return holds(values, number) & ~np.isnan(values)


def _is_whole(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind != "f":
        return np.ones(len(values), dtype=np.bool_)
    return np.isfinite(values) & (np.floor(values) == values)


def _bounded(number: int | float) -> int | float:
    """Return an integer as a float once it no longer fits 64 bits."""
    if isinstance(number, float) or -(2**63) <= number < 2**63:
        return number
    return float(number) if abs(number) < 10**300 else float("inf") * (1 if number > 0 else -1)


def _compare_texts(
    texts: Sequence[str], comparison: Comparison, literal: Literal
) -> Bool[np.ndarray, "num_values"]:
    if not isinstance(literal, str):
        return np.array([_compare_reading(t, comparison, literal) for t in texts], dtype=np.bool_)
    wanted = fold_text(literal)
    if comparison is Comparison.CONTAINS:
        return np.array([contains(fold_text(text), wanted) for text in texts], dtype=np.bool_)
    holds = _OPERATORS[comparison]
    return np.array([bool(holds(fold_text(text), wanted)) for text in texts], dtype=np.bool_)


def _compare_reading(text: str, comparison: Comparison, literal: Literal) -> bool:
    reading = read_text(text)
    return reading is not None and bool(compare(np.array([reading]), comparison, literal)[0])


def ordinals(values: Measurable) -> tuple[np.ndarray, Bool[np.ndarray, "num_values"]]:
    """Return numbers that order the values, and which of them have one.

    Numbers and dates have an order; text only when it is written as one of them. Where both
    meet, a date stands within its year: 1999 < 1999-08-01 < 2000.
    """
    if not isinstance(values, np.ndarray):
        return _text_ordinals(values)
    if values.dtype == np.bool_:
        return np.zeros(len(values)), np.zeros(len(values), dtype=np.bool_)
    if values.dtype.kind == "M":
        return values.astype(np.int64), ~np.isnat(values)
    return values, ~np.isnan(values)


def _text_ordinals(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    readings = [read_text(text) for text in texts]
    has = np.array([reading is not None for reading in readings], dtype=np.bool_)
    dates = [reading for reading in readings if isinstance(reading, np.datetime64)]
    if len(dates) == has.sum():
        known = np.zeros(len(readings), dtype=np.int64)
        known[has] = np.array(dates, dtype="datetime64[us]").astype(np.int64)
        return known, has
    scale = [_on_year_scale(reading) if reading is not None else 0 for reading in readings]
    return np.array(scale), has


def _on_year_scale(reading: int | float | np.datetime64) -> int | float:
    """Return a number as it is, and a date as its year and the part of it that has gone by.

    Months count 31 days so that the same scale is a short expression in SPARQL; only the order
    matters.
    """
    if not isinstance(reading, np.datetime64):
        return reading
    month = reading.astype("datetime64[M]")
    days = (reading - month) / np.timedelta64(1, "D")
    months = int(month.astype(np.int64)) % 12
    return _year(reading) + float(months * 31 + days) / 372


def plain_value(values: Measurable, row: int) -> Value | None:
    """Return one value as Python keeps it: text by what it reads as, dates as ``datetime64``."""
    if not isinstance(values, np.ndarray):
        return read_text(values[row])
    value = values[row]
    return value if isinstance(value, np.datetime64) else value.item()

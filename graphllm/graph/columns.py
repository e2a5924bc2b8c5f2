"""Typed attributes: a column of numbers, dates or texts over some of the nodes or edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Int32

from graphllm.errors import DataError
from graphllm.graph.strings import StringTable

Value = int | float | bool | str | np.datetime64


class Kind(StrEnum):
    """What the values of a column are."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"  # a point in time, kept to the microsecond
    TEXT = "text"


DTYPES = {
    Kind.INTEGER: np.dtype(np.int64),
    Kind.NUMBER: np.dtype(np.float64),
    Kind.BOOLEAN: np.dtype(np.bool_),
    Kind.DATE: np.dtype("datetime64[us]"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The values of one attribute for those nodes (or edges) that have it.

    Attributes:
        name: As the source wrote it, e.g. ``"born"``.
        kind: How to read ``values``.
        ids: The owner of each value, ascending; an owner with several values repeats.
        values: As long as ``ids``; a NumPy array of the kind's dtype, or a ``StringTable`` of text.

    Raises:
        DataError: ``ids`` descends, lengths differ, or the dtype is not the kind's.
    """

    name: str
    kind: Kind
    ids: Int32[np.ndarray, "num_values"]
    values: np.ndarray | StringTable

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.values):
            raise DataError(
                f"attribute {self.name!r}: {len(self.ids)} owners and {len(self.values)} values"
            )
        if len(self.ids) > 1 and bool((self.ids[1:] < self.ids[:-1]).any()):
            raise DataError(f"attribute {self.name!r}: its owners are not in ascending order")
        if self.kind is Kind.TEXT:
            if not isinstance(self.values, StringTable):
                raise DataError(f"attribute {self.name!r}: text values belong in a StringTable")
        elif not isinstance(self.values, np.ndarray) or self.values.dtype != DTYPES[self.kind]:
            raise DataError(f"attribute {self.name!r}: {self.kind} needs dtype {DTYPES[self.kind]}")

    def rows(self, owner: int) -> range:
        """Return where the values of ``owner`` stand; empty when it has none."""
        start, end = np.searchsorted(self.ids, [owner, owner + 1])
        return range(int(start), int(end))

    def of(self, owner: int) -> list[Value]:
        """Return the values of one node or edge, as Python values (dates as ``datetime64``)."""
        return [self.value(row) for row in self.rows(owner)]

    def value(self, row: int) -> Value:
        """Return the value in ``row``."""
        value = self.values[row]
        if isinstance(value, (str, np.datetime64)):
            return value
        return value.item()


def format_value(value: Value) -> str:
    """Write a value as a person would read it.

    Examples:
        >>> format_value(np.datetime64("1867-11-07T00:00:00", "us")), format_value(3.0)
        ('1867-11-07', '3')
        >>> format_value(True), format_value(0.25), format_value(1234567)
        ('yes', '0.25', '1234567')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, np.datetime64):
        text = str(value.astype("datetime64[s]"))
        return text.removesuffix("T00:00:00")
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)


def column_from_python(
    name: str, owners: Sequence[int], values: Sequence[Value], kind: Kind
) -> Column:
    """Return a column from parallel lists, sorted by owner; the order of one owner's values stays.

    Raises:
        DataError: A value is not of ``kind``.
    """
    order = np.argsort(np.asarray(owners, dtype=np.int32), kind="stable")
    ids = np.asarray(owners, dtype=np.int32)[order]
    ordered = [values[i] for i in order.tolist()]
    if kind is Kind.TEXT:
        return Column(
            name=name, kind=kind, ids=ids, values=StringTable.from_strings(map(str, ordered))
        )
    try:
        array = np.array(ordered, dtype=DTYPES[kind])
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f"attribute {name!r}: a value is not {kind}: {error}") from error
    return Column(name=name, kind=kind, ids=ids, values=array)

"""Many strings in two arrays, so that millions of names cost bytes and not objects."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import overload

import numpy as np
from jaxtyping import Int, UInt8


class StringTable(Sequence[str]):
    """An immutable sequence of strings over one UTF-8 buffer; both arrays may be memory-mapped.

    Args:
        offsets: Where each string begins in ``data``, and where the last one ends.
        data: The UTF-8 bytes of all strings, one after the other.

    Examples:
        >>> table = StringTable.from_strings(["Ada", "", "Émile"])
        >>> table[2], len(table), list(table[:2])
        ('Émile', 3, ['Ada', ''])
    """

    __slots__ = ("data", "offsets")

    def __init__(
        self, offsets: Int[np.ndarray, "num_strings_plus_1"], data: UInt8[np.ndarray, "num_bytes"]
    ) -> None:
        self.offsets = offsets
        self.data = data

    @classmethod
    def from_strings(cls, strings: Iterable[str]) -> "StringTable":
        """Return a table that holds ``strings`` in the same order."""
        encoded = [s.encode("utf-8", "replace") for s in strings]
        offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(e) for e in encoded], out=offsets[1:])
        return cls(offsets, np.frombuffer(b"".join(encoded), dtype=np.uint8))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        position = int(index)
        if position < 0:
            position += len(self)
        if not 0 <= position < len(self):
            raise IndexError(f"string {index} of {len(self)}")
        start, end = self.offsets[position], self.offsets[position + 1]
        return self.data[start:end].tobytes().decode("utf-8")

    def __iter__(self) -> Iterator[str]:
        buffer, offsets = self.data.tobytes(), self.offsets.tolist()
        for start, end in pairwise(offsets):
            yield buffer[start:end].decode("utf-8")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StringTable):
            return NotImplemented
        return np.array_equal(self.offsets, other.offsets) and np.array_equal(self.data, other.data)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"StringTable({len(self)} strings, {len(self.data)} bytes)"

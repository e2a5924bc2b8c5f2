"""A table of texts in columns: what every tabular format becomes before it becomes a graph."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int32

from graphllm.graph import Column, Kind, StringTable
from graphllm.graph.columns import DTYPES
from graphllm.io.source import Source
from graphllm.io.values import ABSENT, ABSENT_AMONG_VALUES, column_kind, parse_as

_LONGEST_ABSENT = max(map(len, ABSENT_AMONG_VALUES))
MARGIN = " \t\r\n\xa0\ufeff"  # what is taken off both ends of a cell


@dataclass(frozen=True)
class TextColumn:
    """The cells of one column: a code per row, and the distinct texts the codes stand for."""

    codes: Int32[np.ndarray, "num_rows"]
    values: StringTable

    @classmethod
    def of(cls, cells: Iterable[str]) -> "TextColumn":
        """Return the column that holds ``cells``, without the margins of each."""
        code_of: dict[str, int] = {}
        codes = [code_of.setdefault(cell.strip(MARGIN), len(code_of)) for cell in cells]
        return cls(np.array(codes, dtype=np.int32), StringTable.from_strings(code_of))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> str:
        return self.texts[self.codes[row]]

    @cached_property
    def texts(self) -> list[str]:
        """The distinct texts, by code."""
        return list(self.values)

    def cells(self) -> list[str]:
        """Return the text of each row."""
        texts = self.texts
        return [texts[code] for code in self.codes.tolist()]

    @cached_property
    def kind(self) -> Kind:
        """What the cells are."""
        return column_kind(self.values)

    @cached_property
    def present(self) -> Bool[np.ndarray, "num_rows"]:
        """Which rows have a value."""
        absent = ABSENT if self.kind is Kind.TEXT else ABSENT_AMONG_VALUES
        known = np.ones(len(self.values), dtype=np.bool_)
        for code in np.flatnonzero(np.diff(self.values.offsets) <= _LONGEST_ABSENT).tolist():
            known[code] = self.values[code] not in absent
        return known[self.codes]

    @cached_property
    def num_distinct(self) -> int:
        """How many different values there are among the rows that have one."""
        return len(self.used)

    @cached_property
    def used(self) -> np.ndarray:
        """The codes that stand in some row and are a value, ascending."""
        counts = np.bincount(self.codes[self.present], minlength=len(self.values))
        return np.flatnonzero(counts)

    @property
    def is_unique(self) -> bool:
        """Whether every row has a value of its own."""
        return bool(self.present.all()) and self.num_distinct == len(self)

    def take(self, rows: np.ndarray) -> "TextColumn":
        """Return the column of some rows, by position or mask."""
        return TextColumn(self.codes[rows], self.values)

    def typed(self, name: str, owners: Int32[np.ndarray, "num_rows"]) -> Column | None:
        """Return the values as an attribute of ``owners`` (ascending); None when all are absent."""
        ids = owners[self.present]
        if not len(ids):
            return None
        codes = self.codes[self.present]
        if self.kind is Kind.TEXT:
            return Column(name=name, kind=self.kind, ids=ids, values=take(self.values, codes))
        used = np.zeros(len(self.texts), dtype=np.bool_)
        used[codes] = True
        table = np.zeros(len(self.texts), dtype=DTYPES[self.kind])
        table[used] = [
            parse_as(text, self.kind) for text, use in zip(self.texts, used, strict=True) if use
        ]
        return Column(name=name, kind=self.kind, ids=ids, values=table[codes])


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of one file.

    Attributes:
        source: Where it comes from.
        labels: The label of each column; ``column 1`` and so on where the file has no header.
        columns: The cells of each column.
        has_header: Whether the labels stand in the file.
        find_line: Returns the line of the file in which a row begins; only errors ask.
    """

    source: Source
    labels: tuple[str, ...]
    columns: tuple[TextColumn, ...]
    has_header: bool
    find_line: Callable[[int], int | None]

    @property
    def num_rows(self) -> int:
        """How many rows, the header not counted."""
        return len(self.columns[0]) if self.columns else 0

    def mapped_name(self, position: int) -> str:
        """Return how ``--map`` names a column: by its label, or by its position from 1."""
        return self.labels[position] if self.has_header else str(position + 1)

    def drop(self, positions: Iterable[int]) -> "Table":
        """Return the table without some columns."""
        gone = set(positions)
        kept = [i for i in range(len(self.labels)) if i not in gone]
        return Table(
            source=self.source,
            labels=tuple(self.labels[i] for i in kept),
            columns=tuple(self.columns[i] for i in kept),
            has_header=self.has_header,
            find_line=self.find_line,
        )


def tidy_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Return labels that are all there and all different.

    Examples:
        >>> tidy_labels(["name", "", " name"])
        ('name', 'column 2', 'name 2')
    """
    tidy: list[str] = []
    for position, label in enumerate(labels, 1):
        base = " ".join(label.strip(MARGIN).split()) or f"column {position}"
        name, copies = base, 1
        while name in tidy:
            copies += 1
            name = f"{base} {copies}"
        tidy.append(name)
    return tuple(tidy)


class Shared(NamedTuple):
    """Several columns in one numbering."""

    codes: list[np.ndarray]
    values: StringTable


def share_codes(columns: Sequence[TextColumn]) -> Shared:
    """Number the texts of several columns together, by first appearance, row by row.

    Within a row the first column comes first. A text that no row holds gets no number.
    """
    merged, remaps = merge([column.values for column in columns])
    codes = [remap[column.codes] for remap, column in zip(remaps, columns, strict=True)]
    width, count = len(columns), len(merged)
    first = np.full(count, np.iinfo(np.int64).max)
    for position, column_codes in enumerate(codes):
        seen = np.full(count, np.iinfo(np.int64).max)
        # assigned backwards, so that the first appearance is what stays
        seen[column_codes[::-1]] = np.arange(len(column_codes) - 1, -1, -1) * width + position
        np.minimum(first, seen, out=first)
    order = np.argsort(first, kind="stable")
    order = order[: np.count_nonzero(first != np.iinfo(np.int64).max)]
    rank = np.full(count, -1, dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return Shared([rank[column_codes] for column_codes in codes], take(merged, order))


class Merged(NamedTuple):
    """One table of distinct strings, and where the strings of each table it came from went."""

    values: StringTable
    remaps: list[np.ndarray]


def merge(tables: Sequence[StringTable]) -> Merged:
    """Return the distinct strings of several tables, by first appearance."""
    import pyarrow as pa

    everything = pa.concat_arrays([to_arrow(table) for table in tables])
    encoded = everything.dictionary_encode()
    indices = encoded.indices.to_numpy()
    ends = np.cumsum([len(table) for table in tables])[:-1]
    return Merged(from_arrow(encoded.dictionary), list(np.split(indices, ends)))


def to_arrow(table: StringTable) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return a string table as an Arrow array over the same memory."""
    import pyarrow as pa

    offsets = pa.py_buffer(np.ascontiguousarray(table.offsets, dtype=np.int64))
    data = pa.py_buffer(np.ascontiguousarray(table.data))
    return pa.LargeStringArray.from_buffers(len(table), offsets, data)


def from_arrow(array: Any) -> StringTable:  # noqa: ANN401 - pyarrow ships no types
    """Return an Arrow array of texts as a string table; a null becomes an empty text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = array.cast(pa.large_string())
    if array.null_count:
        array = pc.fill_null(array, "")
    _, offset_buffer, data_buffer = array.buffers()
    if not len(array):
        return StringTable.from_strings(())
    offsets = np.frombuffer(offset_buffer, dtype=np.int64)[
        array.offset : array.offset + 1 + len(array)
    ]
    data = np.frombuffer(data_buffer or b"", dtype=np.uint8)[offsets[0] : offsets[-1]]
    return StringTable(offsets - offsets[0], data)


def take(table: StringTable, positions: np.ndarray) -> StringTable:
    """Return the strings at ``positions``, in that order."""
    return from_arrow(to_arrow(table).take(np.asarray(positions, dtype=np.int64)))

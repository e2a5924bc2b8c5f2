"""Typed attributes on disk: an Arrow IPC file per column, memory-mapped when first asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from graphllm.errors import IndexDamagedError
from graphllm.graph.columns import DTYPES, Column, Kind
from graphllm.graph.strings import StringTable


def write_column(column: Column, stream: BinaryIO) -> None:
    """Write ``column`` as two Arrow columns, ``ids`` and ``values``."""
    import pyarrow as pa

    ids = pa.array(column.ids)
    values = _to_arrow(column)
    batch = pa.record_batch([ids, values], names=["ids", "values"])
    with pa.ipc.new_file(stream, batch.schema) as writer:
        writer.write_batch(batch)


def _to_arrow(column: Column) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return the values without copying text, and keep NaT, which is no missing value here."""
    import pyarrow as pa

    if isinstance(column.values, StringTable):
        offsets = np.ascontiguousarray(column.values.offsets, dtype=np.int64)
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(column.values.data)]
        return pa.Array.from_buffers(pa.large_utf8(), len(column.values), buffers)
    if column.kind is Kind.DATE:
        return pa.array(column.values.view(np.int64)).view(pa.timestamp("us"))
    return pa.array(column.values)


def read_column(name: str, kind: Kind, path: Path) -> Column:
    """Map the column that ``write_column`` wrote to ``path``.

    Raises:
        IndexDamagedError: The file is not such a column.
    """
    import pyarrow as pa

    try:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
        ids, values = (table.column(part).combine_chunks() for part in ("ids", "values"))
        return Column(
            name=name,
            kind=kind,
            ids=ids.to_numpy(zero_copy_only=False),
            values=_from_arrow(values, kind),
        )
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
        raise IndexDamagedError(
            f"{path}: attribute {name!r} cannot be read ({error}); build the index again"
        ) from error


def _from_arrow(
    values: Any,  # noqa: ANN401 - pyarrow ships no types
    kind: Kind,
) -> np.ndarray | StringTable:
    if kind is Kind.TEXT:
        _, offsets, data = values.buffers()
        return StringTable(
            np.frombuffer(offsets, dtype=np.int64)[: len(values) + 1],
            np.frombuffer(data or b"", dtype=np.uint8),
        )
    if kind is Kind.DATE:
        values = values.view("int64")
    return np.asarray(values.to_numpy(zero_copy_only=False)).view(DTYPES[kind])


class LazyColumns(Mapping[str, Column]):
    """Columns by name, each read when it is first asked for."""

    def __init__(self, readers: Sequence[tuple[str, Callable[[], Column]]]) -> None:
        self._readers = dict(readers)
        self._read: dict[str, Column] = {}

    def __getitem__(self, name: str) -> Column:
        if name not in self._read:
            self._read[name] = self._readers[name]()
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)

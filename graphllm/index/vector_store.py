"""Vectors by the string they are of, kept between runs: what was encoded once is never again.

A store is a folder per encoder with append-only segments, one per process that wrote. A segment
is a sequence of batches; a batch is a header (magic, count, dim, CRC-32 of the rest), the keys and
the vectors. A batch that was torn by a crash fails its checksum and ends its segment; only its
strings are encoded again.
"""

import os
import struct
import time
import zlib
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float16, Int64, Shaped

from graphllm.errors import DataError
from graphllm.index.generations import sync

MAGIC = b"GLV1"
HEADER = struct.Struct("<4sIII")
KEY_BYTES = 16

Keys = Shaped[np.ndarray, "num_strings"]
"""BLAKE2b hashes of strings, dtype ``S16``."""


class _Batch(NamedTuple):
    keys: Keys
    vectors: Float16[np.ndarray, "num_strings dim"]


def keys_of(strings: Sequence[str]) -> Keys:
    """Return the key of each string."""
    digests = (
        blake2b(s.encode("utf-8", "replace"), digest_size=KEY_BYTES).digest() for s in strings
    )
    return np.frombuffer(b"".join(digests), dtype=f"S{KEY_BYTES}")


class VectorStore:
    """The vectors of one encoder, in the folder ``path``.

    Args:
        path: The folder; it is made at the first ``append``.
        dim: Length of a vector; batches of another length are not read.
    """

    def __init__(self, path: Path, dim: int) -> None:
        self.path = path
        self.dim = dim
        self._segment: Path | None = None
        self._batches: list[_Batch] = []
        for segment in sorted(path.glob("*.segment")):
            self._batches += _read_segment(segment, dim)

    def __len__(self) -> int:
        return sum(len(batch.keys) for batch in self._batches)

    def append(self, keys: Keys, vectors: Float16[np.ndarray, "num_strings dim"]) -> None:
        """Add a batch; when this returns, it is on the disk.

        Raises:
            DataError: The folder cannot be written.
        """
        rest = keys.tobytes() + np.ascontiguousarray(vectors).tobytes()
        sizes = struct.pack("<II", len(keys), self.dim)
        header = HEADER.pack(MAGIC, len(keys), self.dim, zlib.crc32(sizes + rest))
        try:
            with self._own_segment().open("ab") as stream:
                stream.write(header + rest)
                sync(stream)
        except OSError as error:
            raise DataError(f"{self.path}: cannot be written: {error.strerror}") from error
        self._batches.append(_Batch(keys, vectors))

    def _own_segment(self) -> Path:
        if self._segment is None:
            self.path.mkdir(parents=True, exist_ok=True)
            self._segment = self.path / f"{time.time_ns():020d}-{os.getpid()}.segment"
        return self._segment

    def holds(self, keys: Keys) -> Bool[np.ndarray, "num_strings"]:
        """Say of each key whether its vector is here."""
        return self._rows(keys) >= 0

    def fill(self, keys: Keys, out: Float16[np.ndarray, "num_strings dim"]) -> None:
        """Write the vector of each key to its row of ``out``; every key must be here."""
        rows = self._rows(keys)
        order = np.argsort(rows, kind="stable")
        bounds = np.searchsorted(rows[order], self._starts())
        for batch, start, low, high in zip(
            self._batches, self._starts(), bounds, bounds[1:], strict=False
        ):
            mine = order[low:high]
            out[mine] = batch.vectors[rows[mine] - start]

    def _starts(self) -> Int64[np.ndarray, "num_batches_plus_1"]:
        """Number the rows of all batches through: where each begins, and where the last ends."""
        return np.cumsum([0, *(len(batch.keys) for batch in self._batches)], dtype=np.int64)

    def _rows(self, keys: Keys) -> Int64[np.ndarray, "num_strings"]:
        """Return the row of each key, or -1."""
        if not self._batches:
            return np.full(len(keys), -1, dtype=np.int64)
        every = np.concatenate([batch.keys for batch in self._batches])
        order = np.argsort(every, kind="stable")
        found = np.minimum(np.searchsorted(every, keys, sorter=order), len(every) - 1)
        rows = order[found]
        return np.where(every[rows] == keys, rows, -1)


def _read_segment(path: Path, dim: int) -> list[_Batch]:
    """Return the whole batches of a segment, memory-mapped; reading stops at the first torn one."""
    if path.stat().st_size < HEADER.size:
        return []
    data = np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)
    batches, position = [], 0
    while position + HEADER.size <= len(data):
        magic, count, its_dim, checksum = HEADER.unpack_from(data.data, position)
        start = position + HEADER.size
        middle = start + count * KEY_BYTES
        end = middle + count * its_dim * 2
        sizes = struct.pack("<II", count, its_dim)
        if magic != MAGIC or end > len(data):
            break
        if zlib.crc32(data[start:end].data, zlib.crc32(sizes)) != checksum:
            break
        if its_dim == dim:
            keys = data[start:middle].view(f"S{KEY_BYTES}")
            batches.append(_Batch(keys, data[middle:end].view(np.float16).reshape(count, dim)))
        position = end
    return batches

"""Search by meaning: one float16 vector per distinct string of a generation, made on demand.

gen-000001/vectors/all-MiniLM-L6-v2-53aa5117/
names.matrix.npy   a row per distinct string
names.rows.npy     the row of each node
names.faiss        only when there are too many rows to look at each
names.json         encoder, sizes and checksums of these; written last
"""

import json
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from jaxtyping import Float16, Float32, Int, Int32

from graphllm.config import settings
from graphllm.errors import DataError, IndexDamagedError
from graphllm.index.folders import cache_dir
from graphllm.index.generations import (
    FileEntry,
    entry_of,
    map_array,
    problem_of,
    sync_path,
    write_atomically,
)
from graphllm.index.locks import only_one
from graphllm.index.progress import Progress, silent
from graphllm.index.vector_store import Keys, VectorStore, keys_of
from graphllm.text.encoder import TextEncoder

logger = logging.getLogger(__name__)

BATCH = 1_024  # strings encoded between two writes to the store: what a crash can cost
FLAT_LIMIT = 200_000  # rows up to which all are looked at
BLOCK = 16_384  # rows turned to float32 at a time
KEPT_BYTES = 128 << 20  # a float32 copy up to this size is kept for the next search
SHORTLIST = 4  # how many times top_k candidates the approximate index gives to be scored exactly


class Hits(NamedTuple):
    """The best rows for each query, best first, with their dot products."""

    rows: Int32[np.ndarray, "num_queries top_k"]
    scores: Float32[np.ndarray, "num_queries top_k"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorsInfo:
    """What stands in the ``.json`` beside some vectors."""

    what: str
    encoder: str
    dim: int
    num_strings: int
    digest: str
    files: dict[str, FileEntry]


class Vectors:
    """The vectors of the distinct strings among some items, e.g. of the names of all nodes.

    Attributes:
        rows: The row of ``matrix`` that each item has.
        matrix: A vector per distinct string, memory-mapped.
    """

    def __init__(
        self,
        rows: Int32[np.ndarray, "num_items"],
        matrix: Float16[np.ndarray, "num_strings dim"],
        faiss_path: Path | None = None,
    ) -> None:
        self.rows = rows
        self.matrix = matrix
        self._faiss_path = faiss_path

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.matrix.shape[1])

    def of(self, items: Int[np.ndarray, "num_asked"]) -> Float32[np.ndarray, "num_asked dim"]:
        """Return the vectors of ``items``."""
        return self.matrix[self.rows[items]].astype(np.float32)

    def owners(self, row: int) -> Int32[np.ndarray, "num_owners"]:
        """Return the items whose string has this row, ascending."""
        low, high = np.searchsorted(self._sorted_rows, [row, row + 1])
        return self._by_row[low:high]

    @cached_property
    def _by_row(self) -> Int32[np.ndarray, "num_items"]:
        return np.argsort(self.rows, kind="stable").astype(np.int32)

    @cached_property
    def _sorted_rows(self) -> Int32[np.ndarray, "num_items"]:
        return self.rows[self._by_row]

    def search(self, queries: Float32[np.ndarray, "num_queries dim"], top_k: int) -> Hits:
        """Return the ``top_k`` rows with the largest dot product; ties go to the lower row.

        Exact up to 200,000 rows. Above, an inverted-file index proposes four times as many and
        these are scored exactly.
        """
        top_k = min(top_k, len(self.matrix))
        if self._faiss_path is not None:
            return self._search_shortlist(queries, top_k)
        if self.matrix.size * 4 <= KEPT_BYTES:
            return _best(queries @ self._matrix32.T, np.arange(len(self.matrix)), top_k)
        parts = [self._search_block(queries, start, top_k) for start in self._blocks()]
        scores = np.concatenate([part.scores for part in parts], axis=1)
        return _best(scores, np.concatenate([part.rows for part in parts], axis=1), top_k)

    def _blocks(self) -> range:
        return range(0, len(self.matrix), BLOCK)

    def _search_block(
        self, queries: Float32[np.ndarray, "num_queries dim"], start: int, top_k: int
    ) -> Hits:
        block = self.matrix[start : start + BLOCK].astype(np.float32)
        return _best(queries @ block.T, np.arange(start, start + len(block)), top_k)

    @cached_property
    def _matrix32(self) -> Float32[np.ndarray, "num_strings dim"]:
        return self.matrix.astype(np.float32)

    @cached_property
    def _faiss(self) -> Any:  # noqa: ANN401 - faiss ships no types
        import faiss

        flags = faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY
        index = cast(Any, faiss.read_index(str(self._faiss_path), flags))
        index.nprobe = max(8, index.nlist // 16)
        return index

    def _search_shortlist(
        self, queries: Float32[np.ndarray, "num_queries dim"], top_k: int
    ) -> Hits:
        _, proposed = self._faiss.search(np.ascontiguousarray(queries), top_k * SHORTLIST)
        found = [
            self._score(query, rows, top_k) for query, rows in zip(queries, proposed, strict=True)
        ]
        return Hits(
            np.concatenate([hits.rows for hits in found]),
            np.concatenate([hits.scores for hits in found]),
        )

    def _score(
        self, query: Float32[np.ndarray, "dim"], rows: Int[np.ndarray, "num_rows"], top_k: int
    ) -> Hits:
        rows = np.unique(rows[rows >= 0])
        scores = query[None] @ self.matrix[rows].astype(np.float32).T
        missing = top_k - len(rows)
        if missing > 0:  # the lists that were probed hold fewer; -1 says so
            rows = np.pad(rows, (0, missing), constant_values=-1)
            scores = np.pad(scores, ((0, 0), (0, missing)), constant_values=-np.inf)
        return _best(scores, rows, top_k)


def _best(
    scores: Float32[np.ndarray, "num_queries num_rows"],
    rows: Int[np.ndarray, "*num_queries num_rows"],
    top_k: int,
) -> Hits:
    """Return the ``top_k`` largest of each line, all when there are fewer; ties by row."""
    top_k = min(top_k, scores.shape[1])
    rows = np.broadcast_to(rows, scores.shape)
    best_rows = np.zeros((len(scores), top_k), dtype=np.int32)
    best_scores = np.zeros((len(scores), top_k), dtype=np.float32)
    for line, (values, ids) in enumerate(zip(scores, rows, strict=True)):
        if top_k:
            least = np.partition(values, len(values) - top_k)[len(values) - top_k]
            among = np.flatnonzero(values >= least)
            order = among[np.lexsort((ids[among], -values[among]))[:top_k]]
            best_rows[line], best_scores[line] = ids[order], values[order]
    return Hits(best_rows, best_scores)


def slug(encoder_id: str) -> str:
    """Return a folder name for an encoder: readable, and different for different ids."""
    readable = re.sub(r"[^\w.-]+", "-", encoder_id)[:48].strip("-.")
    return f"{readable}-{sha256(encoder_id.encode()).hexdigest()[:8]}"


def open_vectors(generation_folder: Path, encoder_id: str, what: str) -> Vectors | None:
    """Return the vectors of ``what`` by that encoder, or ``None`` when they were not made yet.

    Raises:
        IndexDamagedError: They are there and are not as they were written.
    """
    folder = generation_folder / "vectors" / slug(encoder_id)
    info = _read_info(folder / f"{what}.json")
    if info is None:
        return None
    for name, entry in info.files.items():
        problem = problem_of(folder / name, entry, whole=False)
        if problem:
            raise IndexDamagedError(f"{folder}: {problem}; embed again")
    try:
        rows, matrix = (map_array(folder / f"{what}.{part}.npy") for part in ("rows", "matrix"))
    except (OSError, ValueError, SyntaxError, TypeError) as error:
        raise IndexDamagedError(f"{folder}: {what} cannot be read; embed again") from error
    faiss_file = f"{what}.faiss"
    return Vectors(rows, matrix, folder / faiss_file if faiss_file in info.files else None)


def _read_info(path: Path) -> VectorsInfo | None:
    try:
        raw = json.loads(path.read_bytes())
        files = {name: settings(FileEntry, entry) for name, entry in raw["files"].items()}
        return settings(VectorsInfo, {**raw, "files": files})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise IndexDamagedError(f"{path}: says nothing about vectors; embed again") from error


def embedded_with(generation_folder: Path) -> tuple[str, ...]:
    """Return the ids of the encoders there are vectors of."""
    paths = sorted(generation_folder.glob("vectors/*/*.json"))
    return tuple(dict.fromkeys(info.encoder for path in paths if (info := _read_info(path))))


def check_vectors(generation_folder: Path) -> list[str]:
    """Read all vectors of a generation and return what is wrong, a line each."""
    problems = []
    for path in sorted(generation_folder.glob("vectors/*/*.json")):
        try:
            info = _read_info(path)
        except IndexDamagedError as error:
            problems.append(str(error))
            continue
        for name, entry in info.files.items() if info else ():
            problem = problem_of(path.parent / name, entry, whole=True)
            if problem:
                problems.append(f"{path.parent}: {problem}; embed again")
    return problems


def embed(
    strings: Sequence[str],
    encoder: TextEncoder,
    generation_folder: Path,
    what: str,
    *,
    progress: Progress = silent,
    flat_limit: int = FLAT_LIMIT,
) -> Vectors:
    """Make the vectors of ``strings`` and put them beside a generation, or take what is there.

    Every distinct string is encoded once, ever, by each encoder: vectors come from the user's
    cache. A run that was killed has lost at most its last batch.

    Raises:
        BusyError: Another process is embedding the same thing.
        DataError: The encoder gave something else than finite vectors, or the disk is full.
    """
    folder = generation_folder / "vectors" / slug(encoder.id)
    unique: dict[str, int] = {}
    rows = np.array([unique.setdefault(s, len(unique)) for s in strings], dtype=np.int32)
    wanted = _Wanted(what, encoder, list(unique), keys_of(list(unique)), rows)
    with only_one(folder / f"{what}.lock", f"embedding {what}"):
        made = _made_before(generation_folder, wanted)
        if made is None:
            store = VectorStore(cache_dir() / "vectors" / slug(encoder.id), encoder.dim)
            _encode_missing(store, wanted, progress)
            _assemble(folder, wanted, store, flat_limit)
            made = open_vectors(generation_folder, encoder.id, what)
    if made is None:
        raise IndexDamagedError(f"{folder}: {what} vanished while it was made; embed again")
    return made


class _Wanted(NamedTuple):
    """What is to be embedded: distinct strings, their keys, and which of them each item has."""

    what: str
    encoder: TextEncoder
    strings: list[str]
    keys: Keys
    rows: Int32[np.ndarray, "num_items"]

    @property
    def digest(self) -> str:
        """A hash of the strings of all items, in their order."""
        return sha256(self.keys.tobytes() + self.rows.tobytes()).hexdigest()


def _made_before(generation_folder: Path, wanted: _Wanted) -> Vectors | None:
    """Return the vectors that stand already, if they are whole and of the same strings."""
    path = generation_folder / "vectors" / slug(wanted.encoder.id) / f"{wanted.what}.json"
    try:
        info = _read_info(path)
        if info is not None and info.digest == wanted.digest:
            return open_vectors(generation_folder, wanted.encoder.id, wanted.what)
    except IndexDamagedError:
        logger.warning("%s is damaged and is made again", path.parent)
    return None


def _encode_missing(store: VectorStore, wanted: _Wanted, progress: Progress) -> None:
    """Encode what the store does not hold, strings of like length together, batch by batch."""
    stage, total = f"embedding {wanted.what}", len(wanted.strings)
    missing = np.flatnonzero(~store.holds(wanted.keys)).tolist()
    missing.sort(key=lambda i: -len(wanted.strings[i]))  # the slow ones first: no late surprise
    done = total - len(missing)
    progress(stage, done, total)
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        vectors = _encoded(wanted.encoder, [wanted.strings[i] for i in batch])
        store.append(wanted.keys[batch], vectors)
        done += len(batch)
        progress(stage, done, total)


def _encoded(encoder: TextEncoder, strings: list[str]) -> Float16[np.ndarray, "num_strings dim"]:
    vectors = np.asarray(encoder.encode(strings))
    if vectors.shape != (len(strings), encoder.dim):
        raise DataError(
            f"encoder {encoder.id} gave {vectors.shape} for {len(strings)} texts, expected"
            f" {(len(strings), encoder.dim)}"
        )
    with np.errstate(over="ignore"):  # what overflows is reported below
        half = vectors.astype(np.float16)
    if not np.isfinite(half).all():
        raise DataError(f"encoder {encoder.id} gave a vector that is not finite in float16")
    return half


def _assemble(folder: Path, wanted: _Wanted, store: VectorStore, flat_limit: int) -> None:
    """Write the files of one ``what``; the ``.json`` that vouches for them comes last."""
    matrix = np.zeros((len(wanted.strings), wanted.encoder.dim), dtype=np.float16)
    store.fill(wanted.keys, matrix)
    description = folder / f"{wanted.what}.json"
    for stale in (description, *folder.glob(f".{wanted.what}.json.*")):
        stale.unlink(missing_ok=True)
    written: dict[str, Callable[[Path], None]] = {
        f"{wanted.what}.matrix.npy": lambda path: _save(path, matrix),
        f"{wanted.what}.rows.npy": lambda path: _save(path, wanted.rows),
    }
    if len(matrix) > flat_limit:
        written[f"{wanted.what}.faiss"] = lambda path: _write_faiss(path, matrix)
    for name, write in written.items():
        partial = folder / f".{name}.partial"  # a reader may have the old file mapped
        write(partial)
        sync_path(partial)
        partial.replace(folder / name)
    info = VectorsInfo(
        what=wanted.what,
        encoder=wanted.encoder.id,
        dim=wanted.encoder.dim,
        num_strings=len(wanted.strings),
        digest=wanted.digest,
        files={name: entry_of(folder / name) for name in written},
    )
    write_atomically(description, json.dumps(asdict(info), indent=1).encode())


def _save(path: Path, array: np.ndarray) -> None:
    with path.open("wb") as stream:
        np.save(stream, array)


def _write_faiss(path: Path, matrix: Float16[np.ndarray, "num_strings dim"]) -> None:
    """Write an inverted-file index of 8-bit codes: a quarter of the bytes of float32."""
    import faiss

    count, dim = matrix.shape
    lists = int(4 * count**0.5)
    sample = np.random.default_rng(0).permutation(count)[: 64 * lists]
    index = cast(Any, faiss).IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dim),
        dim,
        lists,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
    )
    index.cp.min_points_per_centroid = 1  # no advice on stderr when the graph is small
    index.train(matrix[np.sort(sample)].astype(np.float32))
    for start in range(0, count, BLOCK):
        index.add(matrix[start : start + BLOCK].astype(np.float32))
    faiss.write_index(index, str(path))

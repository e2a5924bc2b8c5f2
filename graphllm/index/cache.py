"""The user's cache: an index of every file that was asked, found again by what the file holds.

$GRAPHLLM_CACHE/
  indexes/9f2c...e1.gllm   named by a hash of the files' bytes, how they were read, and formats
  files/4be0...77.json     what a path held when it was last hashed, with its size and time
  vectors/...              see ``graphllm.index.vectors``
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from graphllm.config import settings
from graphllm.errors import BusyError, ConfigError, DataError
from graphllm.index.folders import cache_dir
from graphllm.index.generations import (
    CURRENT,
    FORMAT_VERSION,
    SourceFile,
    open_generation,
    remove_index,
    write_atomically,
)
from graphllm.index.graph_index import GraphIndex, SourceInfo
from graphllm.index.progress import Progress, silent
from graphllm.io import ColumnMap, graph_files, read_graph
from graphllm.io.read import format_named, left_out

READERS_VERSION = 3  # raised when a reader makes another graph of the same bytes
PATIENCE_S = 900.0  # how long to wait for another process that is building the same index
SETTLED_NS = 2_000_000_000  # a younger file may change again within its time stamp's resolution

PathLike = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """An index, or the vectors of an encoder, in the user's cache.

    Attributes:
        what: ``"index"`` or ``"vectors"``.
        sources: The files that were indexed.
        last_used: Seconds since 1970.
    """

    path: Path
    what: str
    sources: tuple[str, ...]
    size_bytes: int
    last_used: float


def is_index(path: PathLike) -> bool:
    """Say whether ``path`` is an index folder and not a folder of files to read."""
    return Path(path).is_dir() and (
        Path(path).suffix == ".gllm" or (Path(path) / CURRENT).is_file()
    )


def index_for(
    path: PathLike | Sequence[PathLike],
    *,
    mapping: ColumnMap | str | None = None,
    format: str | None = None,
    on_mapping: Callable[[str], None] | None = None,
    progress: Progress = silent,
) -> GraphIndex:
    """Return an index of the graph at ``path``: the one in the cache, or a new one put there.

    Args:
        path: Whatever ``read_graph`` takes, or an index folder, which is opened where it is.
        mapping: Which column plays which part; see ``read_graph``.
        format: How to read the file; guessed when ``None``.
        on_mapping: Called with each line that says how the columns were understood, now or when
            the index was built.

    Raises:
        DataError: The file cannot be read, or the cache cannot be written.
        ConfigError: ``mapping`` or ``format`` is given for an index.
        BusyError: Another process has been building the same index for very long.
    """
    if isinstance(path, str | os.PathLike) and is_index(path):
        if mapping or format:
            raise ConfigError(f"{path}: is an index already; leave --map and --format out")
        return GraphIndex.open(path)
    columns = ColumnMap.parse(mapping) if isinstance(mapping, str) else mapping
    options = {
        "mapping": str(columns or ""),
        "format": "" if format is None else format_named(format),
        "left out": ", ".join(file.name for file in left_out(path)),  # what is told of it is kept
    }
    files = tuple(_remembered(file) for file in graph_files(path))
    folder = cache_dir() / "indexes" / f"{_key(files, options)}.gllm"

    def build() -> GraphIndex:
        notes: list[str] = []
        progress("reading", 0, 1)
        graph = read_graph(path, mapping=columns, format=format, on_mapping=notes.append)
        progress("reading", 1, 1)
        if any(file.has_changed() for file in files):
            raise DataError(f"{files[0].path}: changed while it was read; try again")
        source = SourceInfo(files=files, reader_options=options, reader_notes=tuple(notes))
        return GraphIndex.build(graph, folder, source=source, progress=progress)

    index = _opened(folder) or _built(folder, build)
    if on_mapping:
        for line in index.manifest.reader_notes:
            on_mapping(line)
    return index


def _key(files: Sequence[SourceFile], options: dict[str, str]) -> str:
    named = [(Path(file.path).name, file.sha256) for file in files]
    return sha256(
        json.dumps([FORMAT_VERSION, READERS_VERSION, options, named]).encode()
    ).hexdigest()[:32]


def _opened(folder: Path) -> GraphIndex | None:
    """Open a cached index and note that it was used; ``None`` when it is not there or damaged."""
    try:
        index = GraphIndex.open(folder)
    except DataError:
        return None
    with suppress(OSError):
        os.utime(folder)
    return index


def _built(folder: Path, build: Callable[[], GraphIndex]) -> GraphIndex:
    """Build an index, or wait for the process that is building it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return build()
        except BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        index = _opened(folder)
        if index:
            return index


def _remembered(path: Path) -> SourceFile:
    """Describe a file without reading it when neither size nor time have changed since."""
    path = path.absolute()
    record = cache_dir() / "files" / f"{sha256(os.fsencode(path)).hexdigest()[:32]}.json"
    with suppress(OSError, ValueError, TypeError):
        status = path.stat()
        known = settings(SourceFile, json.loads(record.read_bytes()))
        if (known.size, known.mtime_ns) == (status.st_size, status.st_mtime_ns):
            return known
    file = SourceFile.of(path)
    if time.time_ns() - file.mtime_ns > SETTLED_NS:
        with suppress(OSError):  # without a record the file is hashed again, no more
            record.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(record, json.dumps(asdict(file)).encode())
    return file


def cache_entries() -> list[CacheEntry]:
    """Return what the cache holds, the last used first."""
    root = cache_dir()
    entries = [_entry(path, "index") for path in sorted(root.glob("indexes/*.gllm"))]
    entries += [_entry(path, "vectors") for path in sorted(root.glob("vectors/*"))]
    return sorted(entries, key=lambda entry: -entry.last_used)


def _entry(path: Path, what: str) -> CacheEntry:
    sources: tuple[str, ...] = ()
    if what == "index":
        with suppress(DataError):
            generation = open_generation(path)
            sources = tuple(file.path for file in generation.manifest.sources)
            generation.close()
    files = [file.stat() for file in path.rglob("*") if file.is_file()]
    return CacheEntry(
        path=path,
        what=what,
        sources=sources,
        size_bytes=sum(status.st_size for status in files),
        last_used=max([path.stat().st_mtime, *(status.st_mtime for status in files)]),
    )


def clear_cache(older_than_s: float | None = None) -> int:
    """Remove what was not used for ``older_than_s`` seconds, or everything; return bytes freed.

    An index that is being built or read stays.
    """
    freed = 0
    for entry in cache_entries():
        if older_than_s is not None and time.time() - entry.last_used < older_than_s:
            continue
        removed = remove_index(entry.path) if entry.what == "index" else _remove(entry.path)
        freed += entry.size_bytes if removed else 0
    if older_than_s is None:
        _remove(cache_dir() / "files")
    return freed


def _remove(path: Path) -> bool:
    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()

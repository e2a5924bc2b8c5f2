"""An index folder on disk: immutable generations, one writer, any number of readers.

    films.gllm/
      CURRENT           one line: the generation in force, and the SHA-256 of its manifest
      gen-000001/       never changed once it stands, except that vectors are added
        manifest.json   what the generation is, and size and checksum of each of its files
        ...
      taught.jsonl      what people taught about the graph: see ``graphllm.index.taught_file``
      planner.json      the weights of a planner adapted to it: see ``graphllm.retrieval.adapted``

A writer fills ``building-000002``, syncs it, renames it and replaces ``CURRENT``; at whatever
moment it dies, ``CURRENT`` names a whole generation. A reader holds a shared lock on the manifest
of its generation, so that no writer removes what it reads.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import time
import weakref
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from io import BufferedWriter
from pathlib import Path
from typing import Any, cast

import numpy as np

from graphllm.config import settings
from graphllm.errors import BusyError, ConfigError, DataError, IndexDamagedError
from graphllm.graph.strings import StringTable
from graphllm.index.folders import cache_dir
from graphllm.index.locks import only_one

if sys.platform != "win32":
    import fcntl

FORMAT = "graphllm-index"
FORMAT_VERSION = 1
CURRENT = "CURRENT"
MANIFEST = "manifest.json"
LOCK = "writer.lock"
# What people add to a graph, whatever generation is in force: see ``graphllm.index.kept``.
TAUGHT = "taught"
PLANNER = "planner"

VERIFIED_AT_FIRST_USE = 16 << 20  # bytes; larger files are left to `check`, opening stays quick

_FOLDERS = ("gen-", "building-", "trash-")
_GENERATION = re.compile(r"gen-(\d{6,})")
_CURRENT_LINE = re.compile(r"gen-(\d{6,}) ([0-9a-f]{64})\n?")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """Size in bytes and CRC-32 of one file of a generation."""

    size: int
    crc32: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file the graph was read from, as it was then."""

    path: str
    sha256: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> "SourceFile":
        """Describe the file at ``path`` as it is now.

        Raises:
            DataError: It cannot be read.
        """
        file = Path(path).absolute()
        try:
            status = file.stat()
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256")
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from error
        return cls(
            path=str(file),
            sha256=digest.hexdigest(),
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
        )

    def has_changed(self) -> bool:
        """Say whether the file now holds other bytes; one that is gone has not changed."""
        try:
            status = Path(self.path).stat()
        except OSError:
            return False
        if (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns):
            return False
        return status.st_size != self.size or SourceFile.of(self.path).sha256 != self.sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnEntry:
    """One attribute of nodes or edges: its name, its kind, its file and how many values it has."""

    name: str
    kind: str
    file: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a generation holds; ``manifest.json``.

    Attributes:
        strings: Which pair of files holds each string table; tables that are equal share one, and
            one that is all empty has ``None``.
        segments: Reserved for additions to this generation; empty in format version 1.
        tombstones: Reserved for deleted nodes and edges; empty in format version 1.
    """

    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    generation: int
    created: str
    content_hash: str
    counts: Mapping[str, int]
    sources: tuple[SourceFile, ...] = ()
    reader_options: Mapping[str, str] = field(default_factory=dict)
    reader_notes: tuple[str, ...] = ()
    strings: Mapping[str, str | None] = field(default_factory=dict)
    node_columns: tuple[ColumnEntry, ...] = ()
    edge_columns: tuple[ColumnEntry, ...] = ()
    segments: tuple[str, ...] = ()
    tombstones: tuple[str, ...] = ()
    files: Mapping[str, FileEntry] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Return the bytes of ``manifest.json``."""
        return (json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes, where: Path) -> "Manifest":
        """Read ``manifest.json``.

        Raises:
            DataError: A later graphllm wrote it.
            IndexDamagedError: It is not a manifest.
        """
        try:
            raw = json.loads(data)
            if raw["format"] != FORMAT:
                raise ValueError(f"format is {raw['format']!r}, expected {FORMAT!r}")
            if raw["format_version"] > FORMAT_VERSION:
                raise DataError(
                    f"{where}: index format {raw['format_version']}, this graphllm reads up to"
                    f" {FORMAT_VERSION}; update graphllm, or build the index again"
                )
            return _manifest(raw)
        except DataError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IndexDamagedError(
                f"{where}: not a manifest ({_one_line(error)}); build the index again"
            ) from error


def _manifest(raw: dict[str, Any]) -> Manifest:
    nested: dict[str, Any] = {
        "sources": tuple(settings(SourceFile, entry) for entry in raw["sources"]),
        "node_columns": tuple(settings(ColumnEntry, entry) for entry in raw["node_columns"]),
        "edge_columns": tuple(settings(ColumnEntry, entry) for entry in raw["edge_columns"]),
        "files": {name: settings(FileEntry, entry) for name, entry in raw["files"].items()},
        **{name: tuple(raw[name]) for name in ("reader_notes", "segments", "tombstones")},
    }
    return settings(Manifest, {**raw, **nested})


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


class Generation:
    """One generation, pinned for reading until it is closed or forgotten."""

    def __init__(self, folder: Path, manifest: Manifest, pin: int) -> None:
        self.folder = folder
        self.manifest = manifest
        self._verified: set[str] = set()
        self._finalizer = weakref.finalize(self, os.close, pin)

    def close(self) -> None:
        """Let a writer remove this generation; arrays that are mapped stay readable."""
        self._finalizer()

    def path(self, name: str) -> Path:
        """Return the path of a file, verified when it is small.

        Raises:
            IndexDamagedError: The file is missing, or not the one that was written.
        """
        path = self.folder / name
        entry = self.manifest.files.get(name)
        if entry is None:
            raise self.damaged(f"the manifest does not list {name}")
        if name not in self._verified:
            problem = problem_of(path, entry, whole=entry.size <= VERIFIED_AT_FIRST_USE)
            if problem:
                raise self.damaged(problem)
            self._verified.add(name)
        return path

    def array(self, name: str) -> np.ndarray:
        """Return the array in ``name``.npy, memory-mapped."""
        path = self.path(f"{name}.npy")
        try:
            return map_array(path)
        except (OSError, ValueError, SyntaxError, TypeError, OverflowError, EOFError) as error:
            raise self.damaged(f"{name}.npy: {_one_line(error)}") from error

    def strings(self, name: str) -> StringTable:
        """Return the string table in the two files of ``name``."""
        return StringTable(self.array(f"{name}.offsets"), self.array(f"{name}.data"))

    def damaged(self, problem: str) -> IndexDamagedError:
        """Return (not raise) the error that says what is wrong with this generation."""
        advice = "build the index again"
        if cache_dir() in self.folder.parents:
            advice = "run `graphllm cache clear` to have the index built again"
        return IndexDamagedError(f"{self.folder}: {problem}; {advice}")


def map_array(path: Path) -> np.ndarray:
    """Return the array in a ``.npy`` file, memory-mapped unless it is tiny; never a pickle."""
    small = path.stat().st_size < 4096  # reading costs less than mapping, and empty maps fail
    loaded = np.load(path, mmap_mode=None if small else "r", allow_pickle=False)
    return cast(np.ndarray, loaded.view(np.ndarray))


def problem_of(path: Path, entry: FileEntry, *, whole: bool) -> str | None:
    """Say what is wrong with a file, by its size and, when ``whole``, by its checksum."""
    try:
        size = path.stat().st_size
        if size != entry.size:
            return f"{path.name} has {size} bytes, expected {entry.size}"
        if whole and _crc32(path) != entry.crc32:
            return f"{path.name} fails its checksum"
    except FileNotFoundError:
        return f"{path.name} is missing"
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror}"
    return None


def entry_of(path: Path) -> FileEntry:
    """Describe a file as it is now."""
    return FileEntry(size=path.stat().st_size, crc32=_crc32(path))


def _crc32(path: Path) -> int:
    checksum = 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            checksum = zlib.crc32(block, checksum)
    return checksum


def open_generation(path: str | os.PathLike[str]) -> Generation:
    """Open and pin the generation in force of the index folder at ``path``.

    Raises:
        DataError: There is no index, or a later graphllm wrote it.
        IndexDamagedError: ``CURRENT`` or the manifest is damaged, or a file is missing.
    """
    root = Path(path)
    for _ in range(20):
        number, digest = _current(root)
        folder = root / _folder_name(number)
        try:
            data, pin = _pinned(folder / MANIFEST)
        except FileNotFoundError:
            if _current(root)[0] == number:
                raise IndexDamagedError(
                    f"{root}: {folder.name}, which {CURRENT} names, is missing; build the index"
                    " again"
                ) from None
            continue  # a writer has just replaced and removed it
        try:
            manifest = Manifest.from_json(data, folder / MANIFEST)
            if hashlib.sha256(data).hexdigest() != digest:
                raise IndexDamagedError(
                    f"{folder / MANIFEST}: is not the one that {CURRENT} names; build the index"
                    " again"
                )
        except BaseException:
            os.close(pin)
            raise
        generation = Generation(folder, manifest, pin)
        for name, entry in manifest.files.items():
            problem = problem_of(folder / name, entry, whole=False)
            if problem:
                raise generation.damaged(problem)
        return generation
    raise BusyError(f"{root}: is being rebuilt again and again; try later")


def _folder_name(number: int) -> str:
    return f"gen-{number:06d}"


def _current(root: Path) -> tuple[int, str]:
    """Return the number of the generation in force and the digest of its manifest."""
    try:
        line = (root / CURRENT).read_text("ascii")
    except (FileNotFoundError, NotADirectoryError):
        what = "holds no finished index" if root.is_dir() else "no such index"
        raise DataError(f"{root}: {what}; build it with `graphllm index FILE`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamagedError(
            f"{root / CURRENT}: {_one_line(error)}; build the index again"
        ) from error
    found = _CURRENT_LINE.fullmatch(line)
    if not found:
        raise IndexDamagedError(f"{root / CURRENT}: names no generation; build the index again")
    return int(found[1]), found[2]


def _pinned(manifest: Path) -> tuple[bytes, int]:
    """Return the manifest's bytes and a file descriptor that holds a shared lock on it."""
    pin = os.open(manifest, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        if sys.platform != "win32":  # there, an open file cannot be removed anyway
            with suppress(OSError):  # some network file systems have no locks
                fcntl.flock(pin, fcntl.LOCK_SH)
        if manifest.stat().st_ino != os.fstat(pin).st_ino:
            raise FileNotFoundError(manifest)
        with os.fdopen(os.dup(pin), "rb") as stream:
            return stream.read(), pin
    except BaseException:
        os.close(pin)
        raise


class GenerationWriter:
    """A generation while it is being filled; hands out files and keeps their checksums."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder = folder
        self.number = number
        self.files: dict[str, FileEntry] = {}

    def save(self, name: str, array: np.ndarray) -> None:
        """Write ``array`` to ``name``.npy."""
        path = self.folder / f"{name}.npy"
        with path.open("wb") as stream:
            np.save(stream, array, allow_pickle=False)
            sync(stream)
        self.add(path.name, synced=True)

    def save_strings(self, name: str, table: StringTable) -> None:
        """Write ``table`` to the two files of ``name``."""
        self.save(f"{name}.offsets", table.offsets)
        self.save(f"{name}.data", table.data)

    def add(self, name: str, *, synced: bool = False) -> None:
        """Take in a file that was written into ``folder``."""
        path = self.folder / name
        if not synced:
            sync_path(path)
        self.files[name] = entry_of(path)


def sync(stream: BufferedWriter) -> None:
    """Bring what was written to the disk."""
    stream.flush()
    os.fsync(stream.fileno())


def sync_path(path: Path) -> None:
    """Bring a file, or the entries of a folder, to the disk."""
    if path.is_dir() and sys.platform == "win32":
        return  # folders cannot be synced there
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the file at ``path`` by one that holds ``data``, or leave it as it was."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    with partial.open("wb") as stream:
        stream.write(data)
        sync(stream)
    partial.replace(path)
    sync_path(path.parent)


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, in a folder that is made if need be.

    Raises:
        DataError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Be the only writer of the index folder at ``root``, which is made if need be.

    Raises:
        BusyError: Another process, or another thread, is writing it.
        DataError: ``root`` is a file, holds other things, or cannot be written.
    """
    _check_is_ours(root)
    with only_one(root / LOCK, "writing this index"):
        yield


def _check_is_ours(root: Path) -> None:
    """Refuse to write into a file, or into a folder of somebody's other things."""
    if root.exists() and not root.is_dir():
        raise DataError(f"{root}: is a file; an index is a folder, name another path")
    if not root.is_dir():
        return
    strange = [entry.name for entry in root.iterdir() if not _is_ours(entry.name)]
    if strange:
        raise DataError(
            f"{root}: holds {sorted(strange)[0]!r}, which is not part of an index; name another"
            " folder"
        )


def _is_ours(name: str) -> bool:
    hidden = name.startswith(".")  # our own partial files, and what file managers leave
    return hidden or name.startswith((CURRENT, LOCK, TAUGHT, PLANNER, *_FOLDERS))


@contextmanager
def new_generation(root: Path) -> Iterator[GenerationWriter]:
    """Give an empty folder for the next generation; call ``publish`` in it before it ends.

    What a killed writer left behind is removed first; afterwards the new generation, the one it
    replaced and those that somebody still reads are kept.
    """
    with locked(root):
        current = _current_number(root)
        standing = set(_numbers(root))
        _sweep(root, keep={n for n in standing if current is None or n <= current})
        number = max(standing, default=0) + 1
        folder = root / f"building-{number:06d}"
        folder.mkdir()
        try:
            yield GenerationWriter(folder, number)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        _sweep(root, keep={current, number})


def publish(writer: GenerationWriter, manifest: Manifest) -> None:
    """Put the generation that ``writer`` filled in force; everything is on disk before it is."""
    root = writer.folder.parent
    data = manifest.to_json()
    write_atomically(writer.folder / MANIFEST, data)
    folder = root / _folder_name(writer.number)
    writer.folder.rename(folder)
    sync_path(root)
    line = f"{folder.name} {hashlib.sha256(data).hexdigest()}\n"
    write_atomically(root / CURRENT, line.encode("ascii"))


def _current_number(root: Path) -> int | None:
    """Return the generation in force, or ``None`` when there is none or ``CURRENT`` is damaged."""
    with suppress(DataError, ConfigError):
        return _current(root)[0]
    return None


def _numbers(root: Path) -> list[int]:
    found = (_GENERATION.fullmatch(entry.name) for entry in root.iterdir())
    return [int(match[1]) for match in found if match]


def _sweep(root: Path, keep: Collection[int | None]) -> None:
    """Remove leftovers, and the generations that are neither kept nor read."""
    for entry in list(root.iterdir()):
        found = _GENERATION.fullmatch(entry.name)
        if found and int(found[1]) not in keep:
            _remove_unread(entry)
        elif entry.name.startswith(("building-", "trash-")):
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name.startswith(f".{CURRENT}."):
            entry.unlink(missing_ok=True)


def _remove_unread(folder: Path) -> None:
    """Remove a generation, unless a reader has pinned it: then the next writer tries again."""
    trash = folder.with_name(f"trash-{folder.name}")
    with suppress(OSError), _not_pinned(folder / MANIFEST):
        folder.rename(trash)  # fails on Windows while a file in it is open
    shutil.rmtree(trash, ignore_errors=True)


@contextmanager
def _not_pinned(manifest: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``manifest``; an OSError when a reader holds one."""
    if sys.platform == "win32" or not manifest.exists():
        yield
        return
    pin = os.open(manifest, os.O_RDONLY)
    try:
        fcntl.flock(pin, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(pin)


def remove_index(root: Path) -> bool:
    """Remove the index folder at ``root``; say no when somebody is reading or writing it."""
    try:
        with locked(root):
            for number in _numbers(root):
                _remove_unread(root / _folder_name(number))
            if _numbers(root):
                return False
            shutil.rmtree(root, ignore_errors=True)
    except (BusyError, DataError):
        return False
    return not root.exists()


def check_files(generation: Generation) -> list[str]:
    """Read every file of ``generation`` and return what is wrong, a line each."""
    found = (
        problem_of(generation.folder / name, entry, whole=True)
        for name, entry in generation.manifest.files.items()
    )
    return [str(generation.damaged(problem)) for problem in found if problem]

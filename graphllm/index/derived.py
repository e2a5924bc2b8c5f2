"""Arrays that are computed from a graph, each made once and kept beside a generation.

gen-000001/derived/topology-4f0c....npy    the array
gen-000001/derived/topology-4f0c....json   its size and checksum; written last
"""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from graphllm.config import settings
from graphllm.errors import IndexDamagedError
from graphllm.index.generations import (
    VERIFIED_AT_FIRST_USE,
    FileEntry,
    entry_of,
    map_array,
    problem_of,
    sync_path,
    write_atomically,
)
from graphllm.index.locks import only_one

logger = logging.getLogger(__name__)

PATIENCE_S = 3_600.0  # how long to wait for another process that is computing the same array


def derive(generation_folder: Path, name: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """Return the array called ``name``, memory-mapped; it is made when it is not there yet.

    One that is damaged is made again: nothing is lost but time.

    Args:
        name: Says what the array is, and with which settings: no other one may have it.

    Raises:
        BusyError: Another process is making it, and has not finished in an hour.
        DataError: It cannot be written.
    """
    folder = generation_folder / "derived"
    kept = _opened(folder, name)
    if kept is not None:
        return kept
    with only_one(folder / f"{name}.lock", f"computing {name}", patience_s=PATIENCE_S):
        kept = _opened(folder, name)  # by the process that was waited for
        if kept is None:
            _write(folder, name, make())
            kept = _opened(folder, name)
    if kept is None:
        raise IndexDamagedError(f"{folder}: {name} vanished while it was made; try again")
    return kept


def _opened(folder: Path, name: str) -> np.ndarray | None:
    """Return the array if it is there and as it was written."""
    try:
        entry = _entry(folder / f"{name}.json")
        if entry is None:
            return None
        problem = problem_of(
            folder / f"{name}.npy", entry, whole=entry.size <= VERIFIED_AT_FIRST_USE
        )
        if not problem:
            return map_array(folder / f"{name}.npy")
    except (OSError, ValueError, SyntaxError, TypeError, EOFError) as error:
        problem = str(error)
    logger.warning("%s: %s; it is made again", folder, problem)
    return None


def _entry(path: Path) -> FileEntry | None:
    try:
        return settings(FileEntry, json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, AttributeError) as error:
        raise IndexDamagedError(f"{path}: says nothing about an array") from error


def _write(folder: Path, name: str, array: np.ndarray) -> None:
    """Write the files of one array; the ``.json`` that vouches for it comes last."""
    description, path = folder / f"{name}.json", folder / f"{name}.npy"
    description.unlink(missing_ok=True)
    partial = folder / f".{name}.npy.partial"  # a reader may have the old file mapped
    with partial.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)
    sync_path(partial)
    partial.replace(path)
    write_atomically(description, json.dumps(asdict(entry_of(path))).encode())


def check_derived(generation_folder: Path) -> list[str]:
    """Read all arrays beside a generation and return what is wrong, a line each."""
    problems = []
    for path in sorted(generation_folder.glob("derived/*.json")):
        try:
            entry = _entry(path)
        except IndexDamagedError as error:
            problems.append(str(error))
            continue
        problem = problem_of(path.with_suffix(".npy"), entry, whole=True) if entry else None
        if problem:
            problems.append(f"{path.parent}: {problem}; it is made again when it is asked for")
    return problems

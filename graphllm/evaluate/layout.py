"""Find and read the files of a data set as it is published."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graphllm.errors import ConfigError, DataError


def choose_split(name: str, split: str | None, known: Sequence[str]) -> str:
    """Return ``split``, or the first of those known when it is ``None``.

    Raises:
        ConfigError: The suite called ``name`` has no such split.
    """
    if split is not None and split not in known:
        raise ConfigError(f"{name} has no split {split!r}, only {', '.join(known)}")
    return split or known[0]


def find_file(data_dir: Path, folders: Sequence[str], dataset: str, names: Sequence[str]) -> Path:
    """Return the first file there is of those ``names`` in those ``folders``.

    Raises:
        DataError: There is none.
    """
    candidates = [data_dir / folder / name for folder in folders for name in names]
    for path in candidates:
        if path.is_file():
            return path
    raise DataError(
        f"no file {candidates[0]}; unpack {dataset} so that it is there, or name the folder"
        f" above {folders[0]}/ with --data or GRAPHLLM_DATA"
    )


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file.

    Raises:
        DataError: It is not UTF-8, or empty.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}") from error
    # names may hold other line separators, which splitlines() would break at
    lines = text.removesuffix("\n").split("\n")
    if lines == [""]:
        raise DataError(f"{path} is empty; expected one question a line")
    return lines


def json_object(text: str | bytes, where: str) -> dict[str, Any]:
    """Return the JSON object that ``text`` is.

    Raises:
        DataError: It is none; names ``where``, such as a file and a line.
    """
    try:
        record = json.loads(text)
    except ValueError as error:
        raise DataError(f"{where}: not JSON: {error}") from error
    if not isinstance(record, dict):
        raise DataError(f"{where}: expected an object, got {str(record)[:80]}")
    return record

"""Examples in a file: a line of JSON for each, with the fields of its dataclass."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from graphllm.errors import DataError

E = TypeVar("E")


@runtime_checkable
class Record(Protocol):
    """A dataclass, as type checkers know one."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


def write_json_lines(path: Path, examples: Iterable[Record]) -> int:
    """Write examples as JSON lines; return how many."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for example in examples:
            file.write(json.dumps(asdict(example), ensure_ascii=False) + "\n")
            count += 1
    return count


def read_json_lines(
    path: Path, from_record: Callable[[dict[str, Any]], E], what: str = "an example"
) -> list[E]:
    """Return the examples of a file of JSON lines.

    Args:
        from_record: Makes an example of the fields of a line; a ``ValueError``, ``TypeError`` or
            ``KeyError`` that it raises says that they are none.
        what: A line should be, for the message.

    Raises:
        DataError: There is no such file, or a line cannot be read; the message says which.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; expected examples as JSON lines")
    found = []
    # split at line ends alone: a text may hold a separator at which str.splitlines breaks a line
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                found.append(from_record(json.loads(line)))
            except (ValueError, TypeError, KeyError) as error:
                raise DataError(f"{path}, line {number}: not {what}: {error!r}") from error
    return found

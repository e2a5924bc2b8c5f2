"""What was taught about a graph, kept as a log of JSON lines; ``undo`` takes the last line back.

    {"format": "graphllm-taught", "version": 1}
    {"number": 1, "relation": "R17", "means": "supplies", "inverse": false}
    {"number": 2, "alias": "IBM", "name": "International Business Machines", "keys": ["Q37156"]}
    {"forget": 1}

Where it lies is said by ``graphllm.index.kept``.
"""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphllm.errors import ConfigError, DataError
from graphllm.graph.taught import NOTHING_TAUGHT, Alias, Lesson, Meaning, Taught
from graphllm.index.generations import write_atomically
from graphllm.index.locks import only_one

_FORMAT, _VERSION = "graphllm-taught", 1
_LARGEST = 8 << 20  # bytes; a person does not teach more
_PATIENCE_S = 3.0  # to write a few lines takes milliseconds


@dataclass(frozen=True, slots=True)
class Learnt:
    """A line of the log: a lesson was taught."""

    number: int
    lesson: Lesson

    def __str__(self) -> str:
        return f"{self.number}. {self.lesson}"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A line of the log: a lesson no longer holds."""

    number: int

    def __str__(self) -> str:
        return f"that {self.number} was to be forgotten"


Event = Learnt | Forgotten
Stamp = tuple[int, int, int] | None


class TaughtFile:
    """What was taught about one graph; safe to share between threads and processes.

    Args:
        path: The log, which need not be there yet; in memory only when ``None``.

    Examples:
        >>> taught = TaughtFile()
        >>> taught.teach(Meaning("R17", "supplies"))
        (1,)
        >>> taught.forget(1), taught.taught.lessons
        (Meaning(relation='R17', phrase='supplies', inverse=False), {})
        >>> print(taught.undo(), "/", taught.taught)
        that 1 was to be forgotten / 1. R17 means "supplies"
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._stamp: Stamp = None
        self._events: tuple[Event, ...] = ()
        self._taught = NOTHING_TAUGHT

    @property
    def taught(self) -> Taught:
        """What holds now; the same object as long as nothing changed.

        Raises:
            DataError: The file is damaged, or cannot be read.
        """
        with self._lock:
            stamp = self._stamp_now()
            if stamp != self._stamp:
                self._hold(self._read(), stamp)
            return self._taught

    def teach(self, *lessons: Lesson) -> tuple[int, ...]:
        """Keep ``lessons``, all of them or none, and return their numbers.

        A lesson that holds already keeps the number it has.

        Raises:
            BusyError: Another process is writing the file for long.
            DataError: It cannot be written, or is damaged.
        """
        with self._editing():
            known = {held: number for number, held in self._taught.lessons.items()}
            last = max((event.number for event in self._events), default=0)
            new = [lesson for lesson in dict.fromkeys(lessons) if lesson not in known]
            learnt = [Learnt(number, lesson) for number, lesson in enumerate(new, start=last + 1)]
            if learnt:
                self._write((*self._events, *learnt))
            known.update((event.lesson, event.number) for event in learnt)
            return tuple(known[lesson] for lesson in lessons)

    def forget(self, number: int) -> Lesson:
        """Take a lesson back and return it.

        Raises:
            ConfigError: There is none of that number.
        """
        with self._editing():
            lesson = self._taught.lessons.get(number)
            if lesson is None:
                there = ", ".join(map(str, self._taught.lessons)) or "nothing"
                raise ConfigError(f"nothing of number {number} was taught; there is {there}")
            self._write((*self._events, Forgotten(number)))
            return lesson

    def undo(self) -> Event:
        """Take back what was last taught or forgotten, and return it.

        Raises:
            ConfigError: There is nothing to take back.
        """
        with self._editing():
            if not self._events:
                raise ConfigError("nothing was taught, so there is nothing to take back")
            last = self._events[-1]
            self._write(self._events[:-1])
            return last

    @contextmanager
    def _editing(self) -> Iterator[None]:
        """Be the only one who writes, and know what the others wrote."""
        with self._lock, _alone(self.path):
            _ = self.taught
            yield

    def _write(self, events: tuple[Event, ...]) -> None:
        if self.path is not None:
            header = {"format": _FORMAT, "version": _VERSION}
            lines = [header, *map(_record, events)]
            write_atomically(self.path, "".join(f"{json.dumps(x)}\n" for x in lines).encode())
        self._hold(events, self._stamp_now())

    def _hold(self, events: tuple[Event, ...], stamp: Stamp) -> None:
        self._events, self._stamp = events, stamp
        self._taught = _replayed(events)

    def _stamp_now(self) -> Stamp:
        """Return what changes whenever the file is replaced; ``None`` where there is no file."""
        if self.path is None:
            return self._stamp
        try:
            status = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read: {error.strerror}") from error
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _read(self) -> tuple[Event, ...]:
        if self.path is None:
            return self._events
        try:
            if self.path.stat().st_size > _LARGEST:
                raise DataError(f"{self.path}: is no log of lessons; remove it to begin again")
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read: {error.strerror}") from error
        return tuple(_events(lines, self.path))


@contextmanager
def _alone(path: Path | None) -> Iterator[None]:
    """Hold the lock of ``path``; waits a little for another process."""
    if path is None:
        yield
        return
    with only_one(path.with_suffix(".lock"), "teaching", patience_s=_PATIENCE_S):
        yield


def _replayed(events: Sequence[Event]) -> Taught:
    lessons: dict[int, Lesson] = {}
    for event in events:
        if isinstance(event, Learnt):
            lessons[event.number] = event.lesson
        else:
            lessons.pop(event.number, None)
    return Taught(lessons)


def _record(event: Event) -> dict[str, Any]:
    if isinstance(event, Forgotten):
        return {"forget": event.number}
    number = {"number": event.number}
    match event.lesson:
        case Meaning(relation, phrase, inverse):
            return {**number, "relation": relation, "means": phrase, "inverse": inverse}
        case Alias(alias, name, keys):
            return {**number, "alias": alias, "name": name, "keys": list(keys)}


def _events(lines: Sequence[bytes], path: Path) -> Iterator[Event]:
    read: Callable[[Any], Event | None] = _header
    for number, line in enumerate(lines, start=1):
        try:
            event = read(json.loads(line))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(
                f"{path}, line {number}: not what graphllm writes there ({type(error).__name__});"
                " mend the line, or remove the file to begin again"
            ) from error
        if event is not None:
            yield event
        read = _event


def _header(raw: Any) -> None:  # noqa: ANN401 - what a file holds
    if raw["format"] != _FORMAT or raw["version"] > _VERSION:
        raise ValueError(raw)


def _event(raw: Any) -> Event:  # noqa: ANN401 - what a file holds
    if "forget" in raw:
        return Forgotten(_number(raw["forget"]))
    lesson: Lesson
    if "relation" in raw:
        lesson = Meaning(_text(raw["relation"]), _text(raw["means"]), raw["inverse"] is True)
    else:
        keys = tuple(map(_text, raw["keys"]))
        lesson = Alias(_text(raw["alias"]), _text(raw["name"]), keys)
    return Learnt(_number(raw["number"]), lesson)


def _number(raw: object) -> int:
    if type(raw) is not int or raw < 1:
        raise ValueError(raw)
    return raw


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise TypeError(raw)
    return raw

"""Write to the terminal: answers to stdout, everything else to stderr."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import click

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

PATIENCE_S = 0.5  # a stage that is over sooner shows no bar


@runtime_checkable
class Stream(Protocol):
    """What may be a terminal."""

    def isatty(self) -> bool:
        """Whether someone looks at it."""


def say(text: str = "") -> None:
    """Print a part of the answer, plainly where stdout is no terminal."""
    click.echo(text, color=has_colour(sys.stdout))


def note(text: str) -> None:
    """Print what is not the answer."""
    click.echo(text, err=True, color=has_colour(sys.stderr))


def has_colour(stream: Stream) -> bool:
    """Whether colours may be written: a terminal, and ``NO_COLOR`` is not set."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and stream.isatty()


def bold(text: str) -> str:
    """Return ``text`` in bold; ``say`` and ``note`` take it out where it does not belong."""
    return click.style(text, bold=True)


def dim(text: str) -> str:
    """Return ``text`` dimmed."""
    return click.style(text, dim=True)


class Progress:
    """Bars with rate and time left, one per stage; drawn when a stage lasts and someone looks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage = ""
        self._since = 0.0
        self._bars: RichProgress | None = None
        self._task: Any = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` of a stage are finished."""
        if stage != self._stage:
            self._stage, self._since, self._task = stage, self._clock(), None
        if self._task is None:
            if done >= total or self._clock() - self._since < PATIENCE_S:
                return
            self._bars = self._bars or _bars()
            self._task = self._bars.add_task(stage, total=total)
        if self._bars is not None:
            self._bars.update(self._task, completed=done, total=total)

    @property
    def is_drawing(self) -> bool:
        """Whether the stage that is on has a bar."""
        return self._task is not None

    def close(self) -> None:
        """Take the bars off the screen."""
        if self._bars is not None:
            self._bars.stop()


def _bars() -> "RichProgress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn
    from rich.progress import Progress as RichProgress
    from rich.progress import TimeRemainingColumn as TimeLeft
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed else "")

    bars = RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeLeft(),
        console=Console(stderr=True),
        transient=True,
    )
    bars.start()
    return bars


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """Report to nobody."""


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Give what is to be told of progress; it draws bars where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    report = Progress()
    try:
        yield report
    finally:
        report.close()

"""Tell a caller how far a long piece of work has come."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Progress = Callable[[str, int, int], None]
"""Called as ``progress(stage, done, total)``, with ``done == total`` when a stage is over."""

STEP = 8_192  # items between two calls

T = TypeVar("T")


def silent(_stage: str, _done: int, _total: int) -> None:
    """Tell nobody."""


def tracked(items: Iterable[T], stage: str, total: int, progress: Progress) -> Iterator[T]:
    """Yield ``items``, reporting now and then, and at the end."""
    for done, item in enumerate(items):
        if done % STEP == 0:
            progress(stage, done, total)
        yield item
    progress(stage, total, total)

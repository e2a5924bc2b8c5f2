"""How many threads BLAS uses: many for one question, one per worker for many texts."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

import numpy as np  # noqa: F401  (its BLAS must be loaded before the controller looks for it)
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

_lock = Lock()
_users = 0
_threads_before: list[int] = []


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def blas_threads() -> int:
    """Return how many threads BLAS may use: the cores, or what OMP_NUM_THREADS says."""
    with _lock:
        return max(_threads_before or _current_threads(), default=1)


def _current_threads() -> list[int]:
    return [library.num_threads for library in _blas().lib_controllers]


def _set_threads(counts: list[int]) -> None:
    for library, count in zip(_blas().lib_controllers, counts, strict=True):
        library.set_num_threads(count)


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Keep BLAS to one thread until the last of the blocks now inside has ended.

    The setting belongs to the process, so it is counted: two overlapping blocks that each restored
    what they found would leave one thread behind for good.
    """
    global _users, _threads_before
    with _lock:
        if _users == 0:
            _threads_before = _current_threads()
            _set_threads([1] * len(_threads_before))
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _set_threads(_threads_before)
                _threads_before = []

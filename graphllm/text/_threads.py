"""How many threads BLAS uses: many for one question, one per worker for many texts."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from threadpoolctl import (  # type: ignore[import-untyped]
    ThreadpoolController,
    threadpool_limits,
)

_lock = Lock()
_users = 0
_limits: threadpool_limits | None = None


def blas_threads() -> int:
    """Return how many threads NumPy's BLAS may use: the cores, or what OMP_NUM_THREADS says."""
    with _lock:
        pools = _limits.get_original_num_threads() if _limits is not None else _current_threads()
    return max(pools.get("blas") or 1, 1)


def _current_threads() -> dict[str, int | None]:
    pools = ThreadpoolController().select(user_api="blas").info()
    return {"blas": max((pool["num_threads"] for pool in pools), default=1)}


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Keep BLAS to one thread until the last of the blocks now inside has ended.

    The setting belongs to the process, so it is counted: two overlapping blocks that each restored
    what they found would leave one thread behind for good.
    """
    global _users, _limits
    with _lock:
        _users += 1
        if _limits is None:
            _limits = threadpool_limits(1, user_api="blas")
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and _limits is not None:
                _limits.restore_original_limits()
                _limits = None

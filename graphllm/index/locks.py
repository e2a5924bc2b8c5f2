"""One writer at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graphllm.errors import BusyError, DataError


@contextmanager
def only_one(lock: Path, doing: str, *, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the file ``lock``, in a folder that is made if need be.

    Args:
        doing: What is done meanwhile, as in "another process is ...".
        patience_s: How long to wait for another who holds it.

    Raises:
        BusyError: Another process, or another thread, holds it.
        DataError: The folder, or what is written there meanwhile, cannot be written.
    """
    from filelock import FileLock, Timeout

    folder = lock.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=patience_s):
            yield
    except Timeout as error:
        raise BusyError(f"{folder}: another process is {doing}; try later") from error
    except OSError as error:
        where = error.filename or folder
        raise DataError(f"{where}: cannot be written: {error.strerror or error}") from error

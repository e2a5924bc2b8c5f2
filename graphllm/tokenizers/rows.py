"""Tall arrays, worked on block by block: little memory beside them, a thread per core.

Blocks have fixed bounds and BLAS one thread each, so results do not depend on how many cores there
are.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from graphllm.text._threads import blas_threads, single_threaded_blas

BLOCK_ROWS = 16_384

T = TypeVar("T")


def each_block(num_rows: int, work: Callable[[slice], T]) -> list[T]:
    """Return what ``work`` makes of each block of rows, in order."""
    return side_by_side(
        [slice(start, start + BLOCK_ROWS) for start in range(0, num_rows, BLOCK_ROWS)], work
    )


def side_by_side(blocks: list[slice], work: Callable[[slice], T]) -> list[T]:
    """Return what ``work`` makes of each of ``blocks``, several at a time."""
    threads = min(blas_threads(), len(blocks))
    with single_threaded_blas():
        if threads < 2:
            return [work(block) for block in blocks]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(work, blocks))

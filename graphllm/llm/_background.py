"""Asynchronous work for callers who are not: in a loop of its own, in a thread of its own.

``asyncio.run`` in the caller's thread would do but for notebooks, where a loop runs already.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")

JOIN_S = 1.0  # a look-up of a name cannot be cancelled; its thread is left to end by itself


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns; interrupted, cancel it first."""
    with _loop() as loop:
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        finally:
            future.cancel()


def iterate(items: AsyncIterator[T]) -> Iterator[T]:
    """Yield what ``items`` yields; closed early, cancel it where it stands."""
    arrived: SimpleQueue[tuple[T] | None] = SimpleQueue()

    async def pump() -> None:
        async for item in items:
            arrived.put((item,))

    with _loop() as loop:
        pumping = asyncio.run_coroutine_threadsafe(pump(), loop)
        pumping.add_done_callback(lambda _: arrived.put(None))
        try:
            while (item := arrived.get()) is not None:
                yield item[0]
            pumping.result()
        finally:
            pumping.cancel()


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def until_stopped() -> None:
        stop = asyncio.Event()
        started.set_result((asyncio.get_running_loop(), stop))
        await stop.wait()

    thread = Thread(target=lambda: asyncio.run(until_stopped()), name="graphllm-llm", daemon=True)
    thread.start()
    loop, stop = started.result()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(JOIN_S)

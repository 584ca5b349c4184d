"""Spreads work that asks nothing of anybody over the cores, in processes of their own. Keeps its order, loses none.

Whoever has little to do stays in its own process: starting others takes longer than the work.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

ENOUGH = 10_000
"""From how many rows on others are worth starting: some seconds of work."""
MOST = 16
"""How many processes at most; about 60 MB each, and one reader cannot feed more."""
_AHEAD = 2
"""How many chunks are under way for each process, so that none waits for the next."""

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")


class ProcessLost(Exception):  # noqa: N818 - says what is the case
    """A process ended with work in its hands: nothing can be concluded. Doing it all again is harmless."""


class Hands:
    """Where work is done: here, or by a pool; use `hands`."""

    def __init__(self, pool: ProcessPoolExecutor | None = None, count: int = 0) -> None:
        self._pool = pool
        self._ahead = _AHEAD * count

    async def map(self, do: Callable[[_Work], _Result], chunks: AsyncIterator[_Work]) -> AsyncGenerator[_Result, None]:
        """What `do` makes of each, in order. Raises ProcessLost, and what `do` raises."""
        if self._pool is None:
            async for chunk in chunks:
                yield do(chunk)
            return
        loop, under_way = asyncio.get_running_loop(), deque[asyncio.Future[_Result]]()
        try:
            async for chunk in chunks:
                under_way.append(loop.run_in_executor(self._pool, do, chunk))
                if len(under_way) > self._ahead:
                    yield await under_way.popleft()
            while under_way:
                yield await under_way.popleft()
        except BrokenProcessPool as error:
            raise ProcessLost(
                "a process of the verification has ended before its time; nothing was concluded"
            ) from error
        finally:
            for left in under_way:
                left.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)


HERE = Hands()
"""This process alone."""


@contextmanager
def hands(rows: int) -> Iterator[Hands]:
    """A process for each core if there are so many rows, else this one; they end with the block."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if rows < ENOUGH or cores == 1:
        yield HERE
        return
    with pool(min(cores, MOST)) as found:
        yield found


@contextmanager
def pool(count: int) -> Iterator[Hands]:
    """So many processes, each started fresh: a fork of this one would share its connections."""
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(count, mp_context=context, initializer=_begin)
    try:
        yield Hands(executor, count)
    finally:
        executor.shutdown(cancel_futures=True)


def _begin() -> None:
    """An interrupt is the parent's to answer; should the parent be killed, nobody is left to work for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)

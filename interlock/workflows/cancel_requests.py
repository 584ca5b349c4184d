"""A raw cancel request to the engine does not end a settlement: only its parties and operators can.

Says nothing of DvP.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def outliving_cancel_requests(work: Coroutine[Any, Any, T], noticed: Callable[[], None]) -> T:
    """Await `work` to its end, however often this task is cancelled meanwhile; `noticed` is called each time.

    A single `asyncio.shield` protects from the first request only, so this loops (measured: the second one closed a
    workflow after one of two steps).
    """
    task = asyncio.ensure_future(work)
    while True:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if task.cancelled() or me is None:  # the worker evicts this run: nothing is lost by letting it go
                raise
            me.uncancel()
            noticed()

"""The word to stop, and what is dropped when it comes. Knows no signal and no work."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(Exception):  # noqa: N818 - the work was given up because it is time to stop: no error
    """It is time to stop; the work was cancelled."""


class Stop:
    """Told once, for the whole process."""

    def __init__(self) -> None:
        self._told = asyncio.Event()

    def tell(self) -> None:
        """It is time to stop; saying so again changes nothing."""
        self._told.set()

    async def wait(self) -> None:
        """Until it is time."""
        await self._told.wait()

    async def unless(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of the work. Raises Stopped if it is time to stop before there is one."""
        working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(self._told.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise Stopped
        finally:
            for task in (working, stopping):
                task.cancel()
            await asyncio.gather(working, stopping, return_exceptions=True)

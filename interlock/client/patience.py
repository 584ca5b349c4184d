"""How long a client waits for a worker's answer: as long as there are workers, and they have their hands full."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from interlock.client.errors import NoWorker
from interlock.client.faults import own_errors
from interlock.client.serving import serving

BUSY_LOOKED_FOR, BUSY_WITHIN = 0.2, timedelta(seconds=5)
"""Seconds between looks for a sign that workers are busy, and for how long it is looked for."""

CUT_OFF_AT_MOST = 3
"""How often in a row a question may be cut off: the server now and then ends connections, with what is asked there."""

T = TypeVar("T")


class Patience:
    """Asks once more, rather than give up, where a worker only has not come to it yet."""

    def __init__(self, temporal: Client, answer_within: timedelta) -> None:
        self._temporal = temporal
        self._answer_within = answer_within

    async def answered(self, ask: Callable[[], Awaitable[T]], about: str | None = None) -> T:
        """What is answered; what may be asked again is, for as long as workers have their hands full.

        `about` is the workflow id of the settlement that is asked. Raises NoWorker if there are no workers that may
        answer for it: nobody asks Temporal for its tasks.
        """
        while True:
            try:
                with own_errors():
                    async with asyncio.timeout(self._answer_within.total_seconds()):
                        return await _not_cut_off(ask)
            except NoWorker:
                if not await self._workers_are_busy(about):
                    raise

    async def _workers_are_busy(self, about: str | None) -> bool:
        """Whether a worker fetches one task after the other: then what we asked has yet to have its turn.

        Raises NoWorker where workers are there, but none of the version that it takes.
        """
        found, before, until = None, 0, time.monotonic() + BUSY_WITHIN.total_seconds()
        while time.monotonic() < until:
            with suppress(RPCError):  # a server that is busy itself has not said that nobody works
                found = await serving(self._temporal, about)
                if not found.last_asked_ns and found.others_ask:
                    raise NoWorker(found.missing)
                if not found.last_asked_ns:
                    return False
                if before and found.last_asked_ns != before:
                    return True
                before = found.last_asked_ns
            await asyncio.sleep(BUSY_LOOKED_FOR)
        if found is not None and found.others_ask:
            raise NoWorker(found.missing)
        return False


async def _not_cut_off(ask: Callable[[], Awaitable[T]]) -> T:
    """What is answered; asked again where neither we nor a worker ended the question, but the server's connection."""
    for _ in range(CUT_OFF_AT_MOST):
        try:
            return await ask()
        except RPCError as error:
            task = asyncio.current_task()
            if error.status is not RPCStatusCode.CANCELLED or (task is not None and task.cancelling()):
                raise
    return await ask()

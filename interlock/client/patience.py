"""How long a client waits for a worker's answer: as long as there are workers, and they have their hands full."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from interlock.client.errors import NoWorker
from interlock.client.faults import own_errors
from interlock.protocol.names import Role

BUSY_LOOKED_FOR, BUSY_WITHIN = 0.2, timedelta(seconds=5)
"""Seconds between looks for a sign that workers are busy, and for how long it is looked for."""

CUT_OFF_AT_MOST = 3
"""How often in a row a question may be cut off: the server now and then ends connections, with what is asked there."""

_RPC_WITHIN = timedelta(seconds=5)

T = TypeVar("T")


class Patience:
    """Asks once more, rather than give up, where a worker only has not come to it yet."""

    def __init__(self, temporal: Client, answer_within: timedelta) -> None:
        self._temporal = temporal
        self._answer_within = answer_within

    async def answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What is answered; what may be asked again is, for as long as workers have their hands full.

        Raises NoWorker if there are none: nobody asks Temporal for settlements' tasks.
        """
        while True:
            try:
                with own_errors():
                    async with asyncio.timeout(self._answer_within.total_seconds()):
                        return await _not_cut_off(ask)
            except NoWorker:
                if not await self._workers_are_busy():
                    raise

    async def _workers_are_busy(self) -> bool:
        """Whether a worker fetches one task after the other: then what we asked has yet to have its turn."""
        before, until = 0, time.monotonic() + BUSY_WITHIN.total_seconds()
        while time.monotonic() < until:
            with suppress(RPCError):  # a server that is busy itself has not said that nobody works
                polled = await self._last_polled()
                if not polled:
                    return False
                if before and polled != before:
                    return True
                before = polled
            await asyncio.sleep(BUSY_LOOKED_FOR)
        return False

    async def _last_polled(self) -> int:
        """When a worker last asked for settlements' tasks, ns of the server's clock; 0 if none has for minutes."""
        request = DescribeTaskQueueRequest(
            namespace=self._temporal.namespace,
            task_queue=TaskQueue(name=Role.SETTLEMENT.task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        found = await self._temporal.workflow_service.describe_task_queue(request, timeout=_RPC_WITHIN)
        return max((poller.last_access_time.ToNanoseconds() for poller in found.pollers), default=0)


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

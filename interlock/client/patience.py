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
from temporalio.service import RPCError

from interlock.client.errors import NoWorker
from interlock.client.faults import own_errors
from interlock.protocol.names import Role

BUSY_LOOKED_FOR, BUSY_WITHIN = 0.2, timedelta(seconds=5)
"""Seconds between looks for a sign that workers are busy, and for how long it is looked for."""

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
                        return await ask()
            except NoWorker:
                if not await self._workers_are_busy():
                    raise

    async def _workers_are_busy(self) -> bool:
        """Whether a worker fetches one task after the other: then what we asked has yet to have its turn."""
        pause, until = BUSY_LOOKED_FOR, time.monotonic() + BUSY_WITHIN.total_seconds()
        with suppress(RPCError):
            before = await self._last_polled()
            while before and time.monotonic() < until:
                await asyncio.sleep(pause)
                if await self._last_polled() != before:
                    return True
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

"""A worker that keeps no run in memory: each workflow task replays all that came before, and nothing ends otherwise.

`make test-no-cache` runs the whole folder so.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
from temporalio.api.enums.v1 import EventType, TaskQueueKind
from temporalio.client import Client

from interlock.protocol.names import Role
from tests.attestors.quorum import Quorum
from tests.workflows.service import Service, Settlement, running_service
from tests.workflows.test_after_paid import suspended
from tests.world import BUYER, CASH, SELLER

pytestmark = pytest.mark.anywhere


@pytest.fixture
async def forgetful(temporal: Client, attestors: Quorum, local_roles: tuple[Role, ...]) -> AsyncIterator[Service]:
    """A service whose settlement worker remembers nothing."""
    async with running_service(temporal, attestors, cached=0, local_roles=local_roles) as running:
        yield running


@pytest.fixture
async def mindful(temporal: Client, attestors: Quorum, local_roles: tuple[Role, ...]) -> AsyncIterator[Service]:
    """A service whose settlement worker remembers its runs, also where the folder is run without memory."""
    async with running_service(temporal, attestors, cached=100, local_roles=local_roles) as running:
        yield running


async def each_task_began_anew(trade: Settlement) -> bool:
    """Whether no task was given to a worker because it remembered the run: such come by a queue of its own."""
    tasks = [
        event.workflow_task_scheduled_event_attributes.task_queue.kind
        for event in (await trade.history()).events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
    ]
    return len(tasks) > 1 and set(tasks) == {TaskQueueKind.TASK_QUEUE_KIND_NORMAL}


async def test_it_settles_from_its_history_alone(forgetful: Service) -> None:
    trade = forgetful.settlement()
    await trade.instruct(SELLER)
    await trade.instruct(BUYER)
    assert (await trade.end()).outcome == "SETTLED"
    assert await each_task_began_anew(trade)


async def test_it_waits_answers_and_cancels_from_its_history_alone(forgetful: Service) -> None:
    trade = forgetful.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    assert (await trade.end()).outcome == "CANCELLED"
    assert await each_task_began_anew(trade)


async def test_it_is_suspended_and_resumed_from_its_history_alone(forgetful: Service) -> None:
    trade = await suspended(forgetful)
    await forgetful.world.act(forgetful.world.asset, "admit", "northbank")
    await trade.order("resume")
    assert (await trade.end()).outcome == "SETTLED"
    assert await each_task_began_anew(trade)


async def test_a_remembered_run_is_told_from_a_forgotten_one(mindful: Service) -> None:
    """The comparison: with a memory, a task comes by the worker's own queue."""
    trade = mindful.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    await trade.end()
    assert not await each_task_began_anew(trade)

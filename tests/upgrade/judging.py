"""What settlements' histories say of an upgrade: which builds carried each on, what failed, how many runs it took."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from temporalio.api.enums.v1 import EventType, TimeoutType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from interlock.client import SettlementHandle

READ_AT_ONCE = 10
SLOW = "TMPRL1101"


@dataclass(frozen=True)
class Carried:
    """One settlement's history."""

    workflow_id: str
    builds: tuple[str, ...]
    """The build of each workflow task that was completed, without repeats; "" for a worker that is not versioned."""
    failures: tuple[str, ...]
    """What made its tasks fail, in words."""
    runs: int


async def carried(client: Client, handles: Iterable[SettlementHandle]) -> list[Carried]:
    """How each was carried on so far."""
    turns = asyncio.Semaphore(READ_AT_ONCE)

    async def one(workflow_id: str) -> Carried:
        async with turns:
            return await _read(client, workflow_id)

    return await asyncio.gather(*(one(handle.workflow_id) for handle in handles))


async def _read(client: Client, workflow_id: str) -> Carried:
    builds, failures = list[str](), list[str]()
    async for event in client.get_workflow_handle(workflow_id).fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            build = event.workflow_task_completed_event_attributes.deployment_version.build_id
            if build not in builds:
                builds.append(build)
        if (why := _failure(event)) is not None:
            failures.append(why)
    runs = [run async for run in client.list_workflows(f"WorkflowId = '{workflow_id}'")]
    return Carried(workflow_id, tuple(builds), tuple(failures), len(runs))


def _failure(event: HistoryEvent) -> str | None:
    """Why a task was begun and not completed; None for any other event, and for what only says that a machine is slow.

    That is a task that was not begun in time, and the SDK's limit of two seconds for a worker's thread: both are given
    again, on whatever build.
    """
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
        timed_out = event.workflow_task_timed_out_event_attributes.timeout_type
        return "timed out" if timed_out == TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE else None
    if event.event_type != EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
        return None
    failed = event.workflow_task_failed_event_attributes
    return None if SLOW in failed.failure.message else f"{failed.cause}: {failed.failure.message}"


def by_builds(all_carried: Sequence[Carried]) -> Counter[tuple[str, ...]]:
    """How many were carried on by which builds, in their order."""
    return Counter(each.builds for each in all_carried)


def disturbed(all_carried: Sequence[Carried]) -> list[Carried]:
    """Those of which a task failed, or that were run more than once."""
    return [each for each in all_carried if each.failures or each.runs != 1]

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


@dataclass(frozen=True)
class Carried:
    """One settlement's history."""

    workflow_id: str
    builds: tuple[str, ...]
    """The build of each workflow task that was completed, without repeats; "" for a worker that is not versioned."""
    failed: int
    runs: int


async def carried(client: Client, handles: Iterable[SettlementHandle]) -> list[Carried]:
    """How each was carried on so far."""
    turns = asyncio.Semaphore(READ_AT_ONCE)

    async def one(workflow_id: str) -> Carried:
        async with turns:
            return await _read(client, workflow_id)

    return await asyncio.gather(*(one(handle.workflow_id) for handle in handles))


async def _read(client: Client, workflow_id: str) -> Carried:
    builds, failed = list[str](), 0
    async for event in client.get_workflow_handle(workflow_id).fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            build = event.workflow_task_completed_event_attributes.deployment_version.build_id
            if build not in builds:
                builds.append(build)
        failed += _has_failed(event)
    runs = [run async for run in client.list_workflows(f"WorkflowId = '{workflow_id}'")]
    return Carried(workflow_id, tuple(builds), failed, len(runs))


def _has_failed(event: HistoryEvent) -> bool:
    """Whether a task was begun and not completed. One not begun in time is given again, by a busy machine too."""
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
        return event.workflow_task_timed_out_event_attributes.timeout_type == TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
    return event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED


def by_builds(all_carried: Sequence[Carried]) -> Counter[tuple[str, ...]]:
    """How many were carried on by which builds, in their order."""
    return Counter(each.builds for each in all_carried)


def disturbed(all_carried: Sequence[Carried]) -> list[Carried]:
    """Those of which a task failed, or that were run more than once."""
    return [each for each in all_carried if each.failed or each.runs != 1]

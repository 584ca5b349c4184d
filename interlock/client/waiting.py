"""Waits for many settlements at once: a long poll each while they are few, one list for all while they are many.

A long poll is exact, but costs the server a shard's attention each; thousands of them would slow down what they wait
for. So many are waited for by asking the server every so often what has ended lately. That list may lag or miss
something, so a few are also asked after directly, in turn.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from interlock.client.errors import InterlockError
from interlock.client.runs import Runs

LONG_POLLS = 64
ROUND_SECONDS = 0.5
ASKED_DIRECTLY_A_ROUND = 10
LIST_OVERLAP = timedelta(seconds=15)
FIRST_LOOK_BACK = timedelta(hours=1)


async def ended(runs: Runs, workflow_ids: Iterable[str]) -> AsyncIterator[str]:
    """The workflow ids, each once, as their settlements end. Ends when all have; raises the client's faults."""
    waiting = dict.fromkeys(workflow_ids)
    since = datetime.now(UTC) - FIRST_LOOK_BACK
    turns = deque(waiting)
    while len(waiting) > LONG_POLLS:
        done: list[str] = []
        latest = since
        async for workflow_id, closed_at in runs.completed_since(since):
            latest = max(latest, closed_at)
            if workflow_id in waiting:
                done.append(workflow_id)
        since = max(since, latest - LIST_OVERLAP)
        done += await _asked_directly(runs, turns, waiting)
        for workflow_id in dict.fromkeys(done):
            del waiting[workflow_id]
            yield workflow_id
        if len(waiting) > LONG_POLLS:
            await asyncio.sleep(ROUND_SECONDS)
    async for workflow_id in _by_long_poll(runs, waiting):
        yield workflow_id


async def _asked_directly(runs: Runs, turns: deque[str], waiting: dict[str, None]) -> list[str]:
    found = []
    for _ in range(min(ASKED_DIRECTLY_A_ROUND, len(turns))):
        workflow_id = turns.popleft()
        if workflow_id not in waiting:
            continue
        turns.append(workflow_id)
        run = await runs.describe(workflow_id)
        if run is not None and run.completed:
            found.append(workflow_id)
    return found


async def _by_long_poll(runs: Runs, waiting: Iterable[str]) -> AsyncIterator[str]:
    async def until_ended(workflow_id: str) -> str:
        with suppress(InterlockError):  # whoever asks for this one's outcome is told; the others are waited for
            await runs.end(workflow_id)
        return workflow_id

    polls = {asyncio.create_task(until_ended(workflow_id)) for workflow_id in waiting}
    try:
        while polls:
            done, polls = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield await task
    finally:
        for task in polls:
            task.cancel()
        await asyncio.gather(*polls, return_exceptions=True)

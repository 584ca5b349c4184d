"""A change that no open settlement replays, let through on workers without builds: nothing moves, and the fix heals."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import WorkflowExecutionStatus

from tests.e2e.conftest import outcome, until
from tests.upgrade.changes import COMPATIBLE, FIXED, INCOMPATIBLE, Tree, tree_with
from tests.upgrade.traffic import Waiting
from tests.upgrade.world import Plant, plant

OPEN = 10
DIVERGES = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR


async def replayed(running: Plant, tree: Tree) -> tuple[int, str]:
    """What the replay of all open settlements says with that tree's code: its exit code, and what it printed."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "interlock.cli.main", "replay", "--open", "--all", "--json"],
        env=tree.whole_environment | {"TEMPORAL_ADDRESS": running.stack.temporal.address},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


async def diverged(running: Plant, waiting: Waiting) -> bool:
    """Whether each of them has failed a task because its history was not what the code would do."""

    async def one(workflow_id: str) -> bool:
        events = (await running.temporal.get_workflow_handle(workflow_id).fetch_history()).events
        return any(
            event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
            and event.workflow_task_failed_event_attributes.cause == DIVERGES
            for event in events
        )

    return all(await asyncio.gather(*(one(handle.workflow_id) for handle in waiting.handles)))


async def untouched(running: Plant, waiting: Waiting) -> bool:
    """Whether all are open, with their units in escrow and no verdict."""
    for handle in waiting.handles:
        described = await running.temporal.get_workflow_handle(handle.workflow_id).describe()
        lock = await running.market.asset.lock_of(str(handle.terms_hash))
        verdict = await running.market.payment.verdict_of(str(handle.terms_hash))
        if described.status is not WorkflowExecutionStatus.RUNNING or lock is None or lock.state != "locked" or verdict:
            return False
    return True


@pytest.mark.timeout(600)
async def test_what_diverges_stays_open_and_untouched_is_listed_and_ends_after_the_fix(tmp_path: Path) -> None:
    with tree_with(INCOMPATIBLE) as wrong, tree_with(FIXED) as fix:
        async with plant(tmp_path / "stack") as running:
            await running.start("old", versioned=False)
            waiting = await Waiting.begin(running.market, running.temporal, OPEN)
            before = await waiting.moved()
            await running.stop("old")

            await running.start("wrong", tree=wrong, versioned=False)
            await waiting.fund()
            await until(lambda: diverged(running, waiting), every_seconds=0.5)
            new = await running.market.parties()
            assert await outcome(await new.instruct()) == "SETTLED"
            assert await untouched(running, waiting)
            assert await waiting.moved() == before == (0, 0)
            await running.verify()

            code, listed = await replayed(running, wrong)
            assert code == 1
            assert [handle.workflow_id for handle in waiting.handles if handle.workflow_id not in listed] == []
            assert (await replayed(running, fix))[0] == 0

            await running.stop("wrong")
            await running.start("fix", tree=fix, versioned=False)
            assert Counter((await waiting.ended()).values()) == {"SETTLED": OPEN}
            assert await waiting.moved() == (OPEN, OPEN)
            await running.verify()


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_open_settlements_end_on_newer_code_that_replays_them(tmp_path: Path) -> None:
    """As with `interlock up`, where nobody names a build: and it is the newer code that ends them."""
    with tree_with(COMPATIBLE) as newer:
        async with plant(tmp_path / "stack") as running:
            await running.start("old", versioned=False)
            waiting = await Waiting.begin(running.market, running.temporal, 2)
            await running.stop("old")
            assert (await replayed(running, newer))[0] == 0
            await running.start("newer", tree=newer, versioned=False)
            await waiting.fund()
            assert Counter((await waiting.ended()).values()) == {"SETTLED": 2}
            told = [event.text async for event in waiting.handles[0].events()]
            assert any(text.startswith("units are held in escrow") for text in told)

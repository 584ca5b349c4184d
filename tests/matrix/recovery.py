"""How a settlement without a workflow is taken up again: somebody instructs again, or the sweeper finds it."""

import asyncio

from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from tests.matrix.cell import Cell, expect
from tests.matrix.placement import Placement
from tests.matrix.switchboard import Held, When
from tests.matrix.trade import LOOK_EVERY_SECONDS

SWEEP_AGAIN_SECONDS = 1.0


async def held(cell: Cell, *, swept: bool) -> Held:
    """The step, held when its workflow is to be lost: before it, or where only this leaves something to sweep, after.

    A worker that takes steps here goes on to the end, workflow or not. So it dies with the step done and not answered.
    """
    return await cell.held(When.AFTER if swept and cell.placement is Placement.HERE else When.BEFORE)


async def carried_out(held: Held) -> None:
    """The step is carried out all the same."""
    if held.said.when is When.BEFORE:
        held.let()
        await held.landed()


async def another_worker(cell: Cell, held: Held) -> None:
    """The worker is killed, and another one starts."""
    await cell.room.kill_worker()
    held.let_others()
    await cell.room.start_worker()


async def by_instructing_again(cell: Cell) -> None:
    """Both parties' words, which anybody may have kept, are sent once more."""
    await _has_no_workflow(cell)
    await cell.trade.settle()


async def by_the_sweeper(cell: Cell) -> None:
    """Sweeps, until the ledgers show the end; nobody says a word."""
    await _has_no_workflow(cell)
    ended = cell.meanwhile(cell.ended())
    while not ended.done():
        await cell.room.sweep()
        await asyncio.wait({ended}, timeout=SWEEP_AGAIN_SECONDS)
    await ended


async def _has_no_workflow(cell: Cell) -> None:
    """The situation that is to be recovered from: no run of this settlement is open."""
    try:
        found = await cell.room.workflow(cell.trade.handle.workflow_id).describe()
    except RPCError as error:
        expect(error.status is RPCStatusCode.NOT_FOUND, f"the engine says {error.message}")
        return
    expect(found.status is not WorkflowExecutionStatus.RUNNING, "a workflow is running")


async def until_cancel_is_requested(cell: Cell) -> None:
    """Until the engine has recorded a cancel request in the settlement's history."""
    workflow = cell.room.workflow(cell.trade.handle.workflow_id)
    while True:
        history = await workflow.fetch_history()
        if any(event.HasField("workflow_execution_cancel_requested_event_attributes") for event in history.events):
            return
        await asyncio.sleep(LOOK_EVERY_SECONDS)

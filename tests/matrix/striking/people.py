"""Somebody stops the workflow in the Web UI: terminates it, or asks for its cancellation."""

from tests.matrix import recovery
from tests.matrix.cell import Cell, expect
from tests.matrix.placement import Placement
from tests.matrix.switchboard import When

SWEPT = ("attest", "void", "attest PAID")
"""Rows in which the sweeper recovers what was terminated; in the others somebody instructs again."""


async def the_workflow_is_terminated(cell: Cell) -> None:
    """The workflow is terminated while the step is on its way; the step is carried out all the same.

    Then somebody instructs again; in *attest*, *void* and *attest PAID* nobody does, and the sweeper finds it.
    """
    swept = cell.step.name in SWEPT
    held = await recovery.held(cell, swept=swept)
    await cell.silence()
    cell.strikes()
    await cell.room.workflow(cell.trade.handle.workflow_id).terminate("as in the Web UI")
    await recovery.carried_out(held)
    if not swept:
        await recovery.by_instructing_again(cell)
        return
    if cell.placement is Placement.HERE:
        await recovery.another_worker(cell, held)
    await recovery.by_the_sweeper(cell)


async def the_workflow_is_cancelled(cell: Cell) -> None:
    """A raw cancel request, twice, while the step is on its way: recorded, shown, and otherwise ignored."""
    held = await cell.held(When.BEFORE)
    cell.strikes()
    for _ in range(2):
        await cell.room.workflow(cell.trade.handle.workflow_id).cancel()
    if cell.placement is Placement.APART:
        await recovery.until_cancel_is_requested(cell)
        held.let()
    else:  # nothing is written into history while a workflow task is at work
        held.let()
        await recovery.until_cancel_is_requested(cell)
    await cell.ended()
    told = [event.kind async for event in cell.trade.handle.events()]
    expect("cancel_request" in told, f"the request is not among what is shown: {told}")

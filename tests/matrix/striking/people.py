"""Somebody stops the workflow in the Web UI: terminates it, or asks for its cancellation."""

from tests.matrix.cell import Cell, expect
from tests.matrix.recovery import by_instructing_again, by_the_sweeper, until_cancel_is_requested
from tests.matrix.switchboard import When

SWEPT = ("attest", "void", "attest PAID")
"""Rows in which the sweeper recovers what was terminated; in the others somebody instructs again."""


async def the_workflow_is_terminated(cell: Cell) -> None:
    """The workflow is terminated while the step is on its way; the step is carried out all the same.

    Then somebody instructs again; in *attest*, *void* and *attest PAID* nobody does, and the sweeper finds it.
    """
    held = await cell.held(When.BEFORE)
    await cell.silence()
    cell.strikes()
    await cell.room.workflow(cell.trade.handle.workflow_id).terminate("as in the Web UI")
    held.let()
    await held.landed()
    await (by_the_sweeper if cell.step.name in SWEPT else by_instructing_again)(cell)


async def the_workflow_is_cancelled(cell: Cell) -> None:
    """A raw cancel request, twice, while the step is on its way: recorded, shown, and otherwise ignored."""
    held = await cell.held(When.BEFORE)
    cell.strikes()
    for _ in range(2):
        await cell.room.workflow(cell.trade.handle.workflow_id).cancel()
    await until_cancel_is_requested(cell)
    held.let()
    await cell.ended()
    told = [event.kind async for event in cell.trade.handle.events()]
    expect("cancel_request" in told, f"the request is not among what is shown: {told}")

"""Temporal is killed, or loses everything it knew."""

from tests.matrix import recovery
from tests.matrix.cell import Cell, expect
from tests.matrix.switchboard import When

SWEPT = ("lock", "pay", "attest VOIDED")
"""Rows in which the sweeper recovers what was lost; in the others somebody instructs again."""


async def temporal_is_killed(cell: Cell) -> None:
    """SIGKILL to Temporal; the step is carried out while it is away, then it starts again on the same database."""
    held = await cell.held(When.BEFORE)
    cell.strikes()
    await cell.room.kill_engine()
    held.let()
    await held.landed()
    await cell.room.start_engine()


async def temporal_loses_everything(cell: Cell) -> None:
    """SIGKILL to Temporal, and its database is gone; the step is carried out, and nobody is left to hear of it.

    Then somebody instructs again; in *lock*, *pay* and *attest VOIDED* nobody does, and the sweeper finds it.
    """
    swept = cell.step.name in SWEPT
    held = await recovery.held(cell, swept=swept)
    await cell.silence()
    cell.strikes()
    await cell.room.kill_engine()
    await recovery.carried_out(held)
    expect(cell.room.engine.database.exists(), "the engine had no database to lose")
    cell.room.lose_history()
    await cell.room.start_engine()
    # the sweeper's schedule went with the rest; a settlement worker that starts makes it again at once
    if swept:
        await recovery.another_worker(cell, held)
        await recovery.by_the_sweeper(cell)
    else:
        await recovery.by_instructing_again(cell)
        await cell.ended_in_full()
        await recovery.another_worker(cell, held)

"""Postgres is killed in the middle of a transaction, or cannot be reached for a while."""

from tests.matrix.cell import Cell
from tests.matrix.lane import somebody_waits
from tests.matrix.switchboard import When

ATTEMPTS_IN_VAIN = 3


async def postgres_is_killed_inside(cell: Cell) -> None:
    """SIGKILL to Postgres, all of it, while the step's transaction waits for a lock with everything else done."""
    step = cell.step
    held = await cell.held(When.BEFORE)
    # readers are stopped by nothing less; writers at their last statement, so all that they wrote is to be lost
    mode = "EXCLUSIVE" if step.writes else "ACCESS EXCLUSIVE"
    role = f"{step.ledger}_attestor_%" if step.asks_attestors else f"{step.ledger}_writer"
    async with cell.lane.table_held(step.ledger, step.table, mode) as holder:
        held.let()
        await somebody_waits(holder, role)
        cell.strikes()
        await cell.lane.kill_postgres()
    await cell.lane.start_postgres()
    await cell.heard(step.verb, When.BEFORE, times=2)


async def the_ledger_is_unreachable(cell: Cell) -> None:
    """Whoever looks at the ledger or changes it in this step is cut off from it, until three attempts were in vain."""
    step = cell.step
    held = await cell.held(When.BEFORE)
    gate = (cell.lane.stack.gates if step.asks_attestors else cell.room.gates)[step.ledger]
    gate.shut()
    try:
        cell.strikes()
        held.let()
        await cell.heard(
            step.verb,
            When.AFTER,
            answer="no_quorum" if step.asks_attestors else "fault",
            times=ATTEMPTS_IN_VAIN,
        )
    finally:
        gate.open()

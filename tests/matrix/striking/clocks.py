"""The clock of one ledger is minutes wrong while the step is carried out, and until the settlement has ended.

Each ledger judges by its own clock alone. So one that is ahead of settle_by makes a settlement expire, or be rejected
before anything has moved; one that is behind keeps a time that has come from coming. Neither breaks it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from tests.matrix.cell import Cell, expect
from tests.matrix.steps import Way
from tests.matrix.switchboard import When

MINUTES = timedelta(minutes=10)
SETTLE_WITHIN = timedelta(minutes=5).total_seconds()
SOON_SECONDS = 25.0
VERY_SOON_SECONDS = 12.0
IN_VAIN = 3

ENDS_WHEN_AHEAD = {
    "asset": {"match": "REJECTED", "check": "REJECTED", "lock": "EXPIRED"},
    "payment": {
        "match": "REJECTED", "check": "REJECTED",
        "lock": "EXPIRED", "attest": "EXPIRED", "pay": "EXPIRED", "void": "EXPIRED",
    },
}  # fmt: skip
"""By ledger and step; all others end as they would have."""


async def asset_ahead(cell: Cell) -> None:
    """The asset ledger's clock is ten minutes ahead, settle_by is in five."""
    # a lock refused because it is too late is voided at settle_by, by the other ledger's clock: not long from now
    await _ahead(cell, "asset", SOON_SECONDS if cell.step.name == "lock" else SETTLE_WITHIN)


async def payment_ahead(cell: Cell) -> None:
    """The payment ledger's clock is ten minutes ahead, settle_by is in five."""
    await _ahead(cell, "payment", SETTLE_WITHIN)


async def asset_behind(cell: Cell) -> None:
    """The asset ledger's clock is ten minutes behind; before the lock, the terms' not_before has just come."""
    if cell.step.name in ("match", "check", "lock"):
        cell.not_before_ago = 1.0
        async with _wrong(cell, "asset", -MINUTES):
            await cell.heard("asset lock", When.AFTER, answer="too_early", times=IN_VAIN)
    else:
        async with _wrong(cell, "asset", -MINUTES):
            await cell.ended()


async def payment_behind(cell: Cell) -> None:
    """The payment ledger's clock is ten minutes behind; a void is asked for because settle_by has come."""
    if cell.step.name == "void":
        cell.way, cell.settle_within, cell.outcome = Way.EXPIRES, VERY_SOON_SECONDS, "EXPIRED"
        async with _wrong(cell, "payment", -MINUTES):
            await cell.heard("payment void", When.AFTER, answer="not_past_deadline", times=IN_VAIN)
    else:
        async with _wrong(cell, "payment", -MINUTES):
            await cell.ended()


async def _ahead(cell: Cell, ledger: str, settle_within: float) -> None:
    cell.settle_within = settle_within
    cell.outcome = ENDS_WHEN_AHEAD[ledger].get(cell.step.name, cell.outcome)
    async with _wrong(cell, ledger, MINUTES):
        await cell.ended()


@asynccontextmanager
async def _wrong(cell: Cell, ledger: str, ahead: timedelta) -> AsyncIterator[None]:
    """From the moment that the step is on its way, for as long as the block lasts."""
    checks_there = cell.step.name == "check" and ledger == "payment"
    held = await cell.held(When.BEFORE, verb="payment check" if checks_there else None)
    await cell.lane.clock_runs(ledger, ahead)
    try:
        now = {name: await each.now() for name, each in cell.lane.ledgers.items()}
        other = next(name for name in now if name != ledger)
        expect(abs(now[ledger] - now[other] - ahead) < abs(ahead) / 2, f"the ledgers' clocks say {now}")
        cell.strikes()
        held.let()
        yield
    finally:
        await cell.lane.clock_runs_right(ledger)

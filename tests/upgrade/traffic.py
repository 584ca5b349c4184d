"""Settlements that flow while an upgrade goes on, and settlements that wait through it for the buyers' cash."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from temporalio.client import Client

from interlock.client import SettlementHandle
from interlock.protocol import Mint, SettlementReport
from interlock.protocol.names import WAITING_FOR
from tests.e2e.conftest import Market, Parties, until
from tests.world import BUYER, CASH, OUSG, SELLER, UNITS

PATIENCE_SECONDS = 240.0


class Traffic:
    """What was begun, and how it ended."""

    def __init__(self, market: Market, parties: Parties) -> None:
        self._market = market
        self._parties = parties
        self._outcomes: dict[str, asyncio.Task[SettlementReport]] = {}
        self.handles: list[SettlementHandle] = []

    async def begin(self) -> None:
        """One more settlement, which has all that it needs."""
        terms = self._parties.terms(f"FLOW-{secrets.token_hex(8).upper()}")
        signatures = [each.sign(terms, self._market.client.network) for each in (SELLER, BUYER)]
        handle = await self._market.client.settle(terms, signatures)
        self.handles.append(handle)
        self._outcomes[handle.workflow_id] = asyncio.create_task(handle.outcome())

    async def flow(self, per_second: float, at_once: int) -> None:
        """Begin so many a second until cancelled, and no more than the machine can carry on at once."""

        async def has_room() -> bool:
            return sum(not task.done() for task in self._outcomes.values()) < at_once

        while True:
            await asyncio.gather(self.begin(), asyncio.sleep(1 / per_second))
            await until(has_room, every_seconds=0.1, patience_seconds=PATIENCE_SECONDS)

    async def settled(self, count: int) -> None:
        """Until so many more have been begun and have settled from now on."""
        begun = len(self.handles)

        async def enough() -> bool:
            later = [self._outcomes[handle.workflow_id] for handle in self.handles[begun:]]
            return sum(task.done() for task in later) >= count

        await until(enough, patience_seconds=PATIENCE_SECONDS)

    async def ended(self) -> dict[str, str | None]:
        """How each of them ends, by its workflow id."""
        reports = await asyncio.wait_for(asyncio.gather(*self._outcomes.values()), PATIENCE_SECONDS)
        return {name: report.outcome for name, report in zip(self._outcomes, reports, strict=True)}


@asynccontextmanager
async def flowing(market: Market, per_second: float, at_once: int) -> AsyncIterator[Traffic]:
    """Traffic for as long as the block lasts; what it began goes on afterwards."""
    parties = await market.parties(cash=100_000 * CASH)
    await market.order(market.asset, Mint, account=parties.seller, asset=OUSG.code, quantity=100_000 * UNITS)
    traffic = Traffic(market, parties)
    task = asyncio.create_task(traffic.flow(per_second, at_once))
    try:
        yield traffic
    finally:
        if not task.cancel():
            task.result()
        with suppress(asyncio.CancelledError):
            await task


class Waiting:
    """Settlements whose units are locked and whose buyers have no cash yet."""

    def __init__(self, parties: Parties, handles: Sequence[SettlementHandle]) -> None:
        self._parties = parties
        self.handles = tuple(handles)

    @classmethod
    async def begin(cls, market: Market, temporal: Client, count: int) -> "Waiting":
        """Begin them; once the server's index has all of them as waiting for cash."""
        parties = await market.parties(cash=0)
        await market.order(market.asset, Mint, account=parties.seller, asset=OUSG.code, quantity=count * UNITS)
        handles = [await parties.instruct() for _ in range(count)]
        query = f"{WAITING_FOR} = 'insufficient_balance' AND ExecutionStatus = 'Running'"

        async def all_wait() -> bool:
            return (await temporal.count_workflows(query)).count == count

        await until(all_wait, every_seconds=0.5, patience_seconds=PATIENCE_SECONDS)
        return cls(parties, handles)

    async def fund(self) -> None:
        """Give the buyers what they lack; the ledger's worker wakes who waits."""
        await self._parties.fund(len(self.handles) * CASH)

    async def moved(self) -> tuple[int, int]:
        """How many trades' units and cash have changed hands."""
        return await self._parties.moved()

    async def ended(self) -> dict[str, str | None]:
        """How each of them ends, by its workflow id."""
        outcomes = asyncio.gather(*(handle.outcome() for handle in self.handles))
        reports = await asyncio.wait_for(outcomes, PATIENCE_SECONDS)
        return {handle.workflow_id: report.outcome for handle, report in zip(self.handles, reports, strict=True)}

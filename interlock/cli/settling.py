"""Carries a blotter's trades to their ends, many at a time; keeps their reports in the file's order.

A trade that is refused becomes a bad row and stops nothing else. A fault (no server, no worker) stops all of it:
running the same file again goes on from where it is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from interlock.cli import from_ledgers
from interlock.cli.blotter import BadRow
from interlock.cli.context import Context
from interlock.cli.errors import CliError
from interlock.cli.prepared import Prepared
from interlock.client import InterlockError, InvalidInstruction, NotReached, NoWorker, ServiceFault, SettlementHandle
from interlock.protocol import Check, SettlementReport

IN_FLIGHT = 25
"""Enough to keep a worker busy, and few enough for each to be answered before it is asked again."""

SILENT_ROUNDS = 6
"""How often in a row a trade may go unanswered, about a minute in all, by a service that has answered others."""


class Settling:
    """The trades of one blotter on their way."""

    def __init__(self, context: Context, prepared: Sequence[Prepared]) -> None:
        self._context = context
        self._prepared = prepared
        self._handles: dict[str, SettlementHandle] = {}
        self._reports: dict[str, SettlementReport] = {}
        self.rejected: list[BadRow] = []

    @property
    def reports(self) -> list[SettlementReport]:
        """A report for every trade that was recorded, in the file's order."""
        order = [each.signed.terms_hash for each in self._prepared]
        return [self._reports[terms_hash] for terms_hash in order if terms_hash in self._reports]

    async def instruct(self) -> None:
        """Send every trade with both signatures; the nearest settle_by first, for a long file takes its time."""
        by_deadline = sorted(self._prepared, key=lambda each: each.signed.terms.settle_by)
        await self._each("instructing", by_deadline, self._send)

    async def look(self) -> None:
        """Ask once where every trade stands."""
        await self._each("asking", self._recorded(), self._look)

    async def wait(self) -> None:
        """Wait until every trade has ended."""
        recorded = {each.signed.terms_hash: each for each in self._recorded()}
        client = await self._context.client()
        with self._context.output.progress("settling", len(recorded)) as advance:
            async for handle in client.ended([self._handles[terms_hash] for terms_hash in recorded]):
                terms_hash = handle.terms_hash or ""
                try:
                    self._reports[terms_hash] = await handle.outcome()
                except ServiceFault:
                    raise
                except InterlockError as error:
                    self._reject(recorded[terms_hash], error)
                advance(1)

    async def _send(self, prepared: Prepared) -> None:
        try:
            await self._settle(prepared)
        except ServiceFault:
            raise
        except InterlockError as error:
            if not await self._on_a_ledger(prepared, error):
                self._reject(prepared, error)
            elif prepared.signed.terms_hash not in self._reports:
                await self._settle(prepared, known=True)

    async def _settle(self, prepared: Prepared, *, known: bool = False) -> None:
        """Send a trade, again and again while the service is only busy: while it answers others, or did a while ago."""
        client, signed = await self._context.client(), prepared.signed
        silent = 0
        while True:
            answered = len(self._handles)
            try:
                self._handles[signed.terms_hash] = await client.settle(signed.terms, signed.signatures, known=known)
            except (NoWorker, NotReached):
                silent = 0 if len(self._handles) > answered else silent + 1
                if not self._handles or silent > SILENT_ROUNDS:
                    raise
                known = True  # sent in time; its settle_by may pass while it waits its turn
            else:
                return

    async def _look(self, prepared: Prepared) -> None:
        self._reports[prepared.signed.terms_hash] = await self._handles[prepared.signed.terms_hash].status()

    async def _on_a_ledger(self, prepared: Prepared, error: InterlockError) -> bool:
        """Whether terms whose settle_by has passed are known to a ledger, though Temporal has forgotten them."""
        if not isinstance(error, InvalidInstruction) or error.code != "deadline_passed":
            return False
        rows = await from_ledgers.rows(self._context, prepared.signed.terms_hash)
        if prepared.signed.terms_hash not in rows:
            return False
        report = from_ledgers.report_of(*rows[prepared.signed.terms_hash])
        if report is not None and report.outcome is not None:
            self._reports[report.terms_hash] = report
        return True

    def _recorded(self) -> list[Prepared]:
        return [each for each in self._prepared if each.signed.terms_hash in self._handles]

    def _reject(self, prepared: Prepared, error: InterlockError) -> None:
        self.rejected.append(prepared.row.bad(error.field, error.message, error.code))

    async def _each(
        self, description: str, prepared: Sequence[Prepared], act: Callable[[Prepared], Awaitable[None]]
    ) -> None:
        with self._context.output.progress(description, len(prepared)) as advance:
            await _in_flight(prepared, act, advance)


async def _in_flight(
    prepared: Sequence[Prepared], act: Callable[[Prepared], Awaitable[None]], advance: Callable[[int], None]
) -> None:
    waiting = iter(prepared)

    async def lane() -> None:
        for each in waiting:
            await act(each)
            advance(1)

    async with asyncio.TaskGroup() as lanes:
        for _ in range(min(IN_FLIGHT, len(prepared))):
            lanes.create_task(lane())


async def checked(context: Context, prepared: Sequence[Prepared]) -> list[BadRow]:
    """The rows that a ledger would refuse, where it can be asked. Balances may change, so they are not judged."""
    rejected: list[BadRow] = []
    async with AsyncExitStack() as opened:
        try:
            # only the writer's role may check, though a check writes nothing
            ledgers = {
                name: await opened.enter_async_context(context.ledger(name, write=True))
                for name in context.ledger_names()
            }
        except CliError as error:
            context.output.note(f"the ledgers were not asked: {error}")
            return rejected

        async def ask(each: Prepared) -> None:
            for leg in (each.signed.terms.delivery, each.signed.terms.payment):
                check: Check = await ledgers[leg.ledger].check(each.signed)
                if check.refusal is not None:
                    refusal = check.refusal
                    rejected.append(each.row.bad(refusal.field, refusal.text, refusal.code))
                if check != Check():
                    return

        with context.output.progress("checking", len(prepared)) as advance:
            await _in_flight(prepared, ask, advance)
    return rejected

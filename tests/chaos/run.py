"""One run of the chaos: trades, faults and the observer together until everything has ended, then the judgement."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.client import RPCTimeoutOrCancelledError
from temporalio.service import RPCError

from interlock.ledgers.reader import PostgresReader
from interlock.ledgers.verify import verify
from interlock.protocol.names import SETTLEMENT_WORKFLOW
from tests.chaos import books, progress, results
from tests.chaos.floor import Floor, opened
from tests.chaos.judge import ending, judge
from tests.chaos.observer import Observer
from tests.chaos.patience import insist
from tests.chaos.plan import Plan
from tests.chaos.plots import play
from tests.chaos.results import Results
from tests.chaos.saboteur import Saboteur
from tests.chaos.trade import TERMS_HASHES_KEY
from tests.chaos.whole import CAUGHT_UP_WITHIN_SECONDS, judged_traces, readers_of

_LOOK_EVERY_SECONDS = 0.5


@dataclass
class Run:
    """What goes on while a run lasts."""

    floor: Floor
    observer: Observer
    saboteur: Saboteur
    quiet: bool
    ended: int = 0
    broken: list[str] = field(default_factory=list)
    """What trades themselves found wrong."""

    async def play_all(self) -> None:
        """Start all settlements and see each to its end, with faults until the last is started."""
        plan = self.floor.plan
        async with self._beside():
            sabotage = asyncio.create_task(self._found("the saboteur", self.saboteur.work()))
            trades = await self._start_all(plan)
            self.saboteur.over.set()
            await sabotage
            _, unended = await asyncio.wait(trades, timeout=plan.ends_within * self.floor.fleet.pace)
            for trade in unended:
                trade.cancel()
            await asyncio.gather(*unended, return_exceptions=True)
            await self.come_to_rest()

    async def _start_all(self, plan: Plan) -> list[asyncio.Task[None]]:
        places = asyncio.Semaphore(plan.at_once)
        begun = time.monotonic()
        trades = []
        for number in range(1, plan.settlements + 1):
            due = begun + plan.seconds * number / plan.settlements
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await places.acquire()
            trades.append(asyncio.create_task(self._play(number, places)))
            if number == plan.settlements // 2:
                trades.append(asyncio.create_task(self._found("midway", self._verify_midway())))
        return trades

    async def _verify_midway(self) -> None:
        self.broken += await insist(lambda: violations(self.floor, {}))

    async def _play(self, number: int, places: asyncio.Semaphore) -> None:
        try:
            await self._found(f"CHAOS-{number:05d}", play(self.floor, number))
        finally:
            places.release()
            self.ended += 1

    async def _found(self, what: str, work: Coroutine[None, None, None]) -> None:
        """Carry something out whose failure is a finding: all else goes on."""
        try:
            await work
        except Exception as error:
            self.broken.append(f"{what}: {error!r}")

    @asynccontextmanager
    async def _beside(self) -> AsyncIterator[None]:
        """The observer and the progress shown, for as long as the block lasts."""
        shown = progress.show(self.floor.plan.settlements, lambda: self.ended, self._told, quiet=self.quiet)
        tasks = [asyncio.create_task(self.observer.watch()), asyncio.create_task(shown)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    def _told(self) -> str:
        wrong = len(self.observer.violations) + len(self.broken)
        faults, looks = len(self.saboteur.hits), self.observer.looks
        return f"{faults} faults, {looks} looks" + (f", {wrong} WRONG" if wrong else "")

    async def come_to_rest(self) -> None:
        """Wait until the ledgers have nothing open and no settlement runs; what still does then is judged as it is."""
        until = time.monotonic() + self.floor.plan.ends_within * self.floor.fleet.pace
        while time.monotonic() < until and (await self._open_on_ledgers() or await self.listed("Running")):  # noqa: ASYNC110 - of other processes
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def _open_on_ledgers(self) -> list[str]:
        asset, payment = await books.read_both(self.observer.dsns)
        rows = asset.locks.keys() | payment.verdicts.keys()
        return [row for row in rows if ending(row, asset, payment) is None]

    async def listed(self, status: str) -> list[str]:
        """The workflow ids of settlements whose runs have this status, as far as Temporal's lagging list knows.

        A run that knows no terms is no settlement: it was started, and what it was to be told was lost with the server.
        It ends by itself after ten minutes, and nobody waits for it.
        """
        with suppress(RPCError, RPCTimeoutOrCancelledError):
            query = f"WorkflowType = '{SETTLEMENT_WORKFLOW}' AND ExecutionStatus = '{status}'"
            runs = [run async for run in self.floor.temporal.list_workflows(query)]
            return [run.id for run in runs if run.typed_search_attributes.get(TERMS_HASHES_KEY)]
        return ["nobody can say which"]


async def violations(floor: Floor, checked: dict[str, int]) -> list[str]:
    """What interlock's own verification finds on both ledgers, as an auditor; `checked` is told how much it saw."""
    async with (
        await PostgresReader.connect(floor.stack.dsn("asset", "asset_reader")) as asset,
        await PostgresReader.connect(floor.stack.dsn("payment", "payment_reader")) as payment,
    ):
        found = await verify(asset, payment)
    checked |= {name: result.checked for name, result in found.items()}
    return [f"verify, {name}: {text}" for name, result in found.items() for text in result.violations]


async def chaos(plan: Plan, folder: Path, *, quiet: bool = False) -> Results:
    """Play it all in an empty folder, and judge it."""
    begun = time.monotonic()
    async with opened(plan, folder) as floor:
        dsns = {ledger: floor.stack.dsn(ledger, f"{ledger}_reader") for ledger in ("asset", "payment")}
        run = Run(floor, Observer(dsns, plan.stream("observer")), Saboteur(floor), quiet)
        await run.play_all()
        return await _judged(run, begun)


async def _judged(run: Run, begun: float) -> Results:
    floor, observer, register = run.floor, run.observer, run.floor.register
    await observer.look()
    asset, payment = await books.read_both(observer.dsns)
    judgement = judge(register, asset, payment)
    checked: dict[str, int] = {}
    wrong = [*run.broken, *observer.violations, *judgement.wrong, *await violations(floor, checked)]
    wrong += (f"workflow {name} still runs" for name in await run.listed("Running"))
    wrong += (f"workflow {name} was cancelled" for name in await run.listed("Canceled"))
    wrong += (f"workflow {name} timed out" for name in await run.listed("TimedOut"))
    whole = await judged_traces(readers_of(floor.stack), within=CAUGHT_UP_WITHIN_SECONDS * floor.fleet.pace)
    wrong += (f"traces: {text}" for text in whole.violations)
    recovered = list(results.recoveries(register, run.saboteur.hits))
    could = [claim for claim in register.claims.values() if claim.waits_for_nobody]
    if (settled := sum(claim.settled for claim in could)) < len(could) / 2:
        wrong.append(f"only {settled} of {len(could)} settlements that waited for nobody were settled in time")
    terminated = [each for each in recovered if each[1].fault == "run terminated"]
    return Results(
        seed=floor.plan.seed,
        settlements=run.ended,
        claims=len(register.claims),
        faults=run.saboteur.counts,
        endings=judgement.endings,
        could_settle=len(could),
        did_settle=settled,
        not_in_time=tuple(results.not_in_time(register)),
        frozen=run.saboteur.frozen,
        plots=Counter(claim.plot for claim in register.claims.values()),
        slowest=results.slowest(recovered),
        slowest_terminated=results.slowest(terminated),
        longest_life_seconds=results.longest_life(register),
        looks=observer.looks,
        looks_away=observer.away,
        verified=checked,
        traces=whole,
        seconds=round(time.monotonic() - begun, 1),
        wrong=tuple(dict.fromkeys(wrong)),
    )

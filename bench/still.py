"""The part `still`: what settlements cost that stand still, unmatched or without cash, and how soon cash wakes one."""

import asyncio
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.contestants import Ours
from bench.driving import drive
from bench.place import Place, opened
from bench.progress import say
from bench.results import Results, Sample
from bench.sizes import Sizes
from bench.usage import cpu_of, memory_of
from interlock.client import SettlementClient
from interlock.protocol import Mint, OpenAccount, Outcome, RefusalCode, SignedTerms
from interlock.protocol.names import WAITING_FOR
from tests.chaos.trading import Party
from tests.world import key

PART = "still"
UNMATCHED, NO_CASH = "unmatched", "waiting for cash"
AT_ONCE = 50
WOKEN = 5
"""How many of those that wait for cash are funded, one after the other, and timed."""

PATIENCE_SECONDS = 120.0
"""For how long at most it is waited for one that was funded."""

_LOOK_EVERY_SECONDS = 0.5


async def measure(sizes: Sizes, results: Results) -> None:
    """On a stack of their own each, with every role in one worker."""
    for what in (UNMATCHED, NO_CASH):
        if results.has(what=what):
            continue
        with tempfile.TemporaryDirectory(prefix="interlock-bench-") as folder:
            async with opened(Path(folder)) as place, Ours("still").running(place) as running:
                still = _Still(place, running.client, sizes, running.processes["worker"][0])
                results.add([await (still.unmatched() if what == UNMATCHED else still.without_cash())])


@dataclass(frozen=True)
class _Still:
    """One worker, and the settlements that it holds open."""

    place: Place
    client: SettlementClient
    sizes: Sizes
    worker: int

    async def unmatched(self) -> Sample:
        """Only one party has instructed them."""
        idle = await self._used()
        trades = self.place.signed("STILL", self.sizes.open)
        before = memory_of(self.worker)
        await drive(lambda signed: self.client.instruct(signed.terms, signed.signatures[0]), trades, AT_ONCE)
        return await self._watched(UNMATCHED, idle, before)

    async def without_cash(self) -> Sample:
        """Both have, and the buyer's account is empty; then some are given what they need."""
        idle = await self._used()
        buyers = [Party(f"poor-{number}", key("poor")) for number in range(self.sizes.open)]
        await drive(self._open, buyers, AT_ONCE)
        seller = self.place.market.parties[0]
        trades = [self.place.signed(f"STILL-{buyer.account.upper()}", 1, (seller, buyer))[0] for buyer in buyers]
        before = memory_of(self.worker)
        await drive(lambda signed: self.client.settle(signed.terms, signed.signatures), trades, AT_ONCE)
        await self._until_all_wait()
        sample = await self._watched(NO_CASH, idle, before)
        woken = [await self._woken(signed) for signed in trades[:: max(1, len(trades) // WOKEN)][:WOKEN]]
        say(f"cash wakes one within {max(woken):.1f} s")
        return {**sample, "woken": woken}

    async def _until_all_wait(self) -> None:
        waiting = f"{WAITING_FOR} = '{RefusalCode.INSUFFICIENT_BALANCE}'"
        while (await self.place.temporal.count_workflows(waiting)).count < self.sizes.open:  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def _open(self, buyer: Party) -> None:
        market, owner = self.place.market, buyer.key.address
        for ledger in (market.asset, market.payment):
            await market.order(ledger, OpenAccount, account=buyer.account, owner=owner, admitted=True)

    async def _woken(self, signed: SignedTerms) -> float:
        """Seconds from the moment its buyer has the cash to its outcome, as the client sees it; at most PATIENCE."""
        outcome = asyncio.ensure_future(self.client.handle(signed.terms).outcome())
        leg, market = signed.terms.payment, self.place.market
        await market.order(market.payment, Mint, account=leg.deliverer, asset=leg.asset.code, quantity=leg.quantity)
        begun = time.perf_counter()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                if (report := await outcome).outcome is not Outcome.SETTLED:
                    raise RuntimeError(f"{report.settlement_id} ended {report.outcome}")
        return time.perf_counter() - begun

    async def _watched(self, what: str, idle: dict[str, float], memory: int) -> Sample:
        """What is used while nothing happens: at first, and then, when waits have grown longer."""
        first, then = await self._used(), await self._used()
        held = (memory_of(self.worker) - memory) / self.sizes.open * 1000
        percent = ", ".join(f"{sum(used.values()):.1%}" for used in (idle, first, then))
        say(f"{self.sizes.open:,} {what}: of one core {percent} (none open, at first, then)")
        return {
            "what": what, "open": self.sizes.open, "cores": {"idle": idle, "first": first, "then": then},
            "memory_per_1000": held,
        }  # fmt: skip

    async def _used(self) -> dict[str, float]:
        """How much of one core each process uses, over so many seconds."""
        processes, seconds = {**self.place.servers, "worker": (self.worker,)}, self.sizes.still_seconds
        before = cpu_of(processes)
        await asyncio.sleep(seconds)
        after = cpu_of(processes)
        return {name: (after[name] - before[name]) / seconds for name in processes}

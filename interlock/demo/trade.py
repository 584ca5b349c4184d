"""One trade of the demo: its terms, its own four accounts, what its parties say, and what can be seen of it.

It sees what anybody can see: the SDK's report and the ledgers' rows. It judges no ending.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TypeVar

from interlock.client import SettlementHandle
from interlock.client.errors import ServiceFault, UnknownSettlement
from interlock.demo.world import BUYER, SELLER, World
from interlock.protocol import (
    Leg,
    Lock,
    LockState,
    SettlementReport,
    Terms,
    Verdict,
    VerdictKind,
)
from interlock.protocol.steps import RELEASE
from interlock.stack.embedded import ASSETS

UNITS = 2_500 * 10**18
NAV_CENTS = 114_07
CASH = 2_500 * NAV_CENTS
LONG_SECONDS = 600.0
LOOK_EVERY_SECONDS = 0.2
PATIENCE_SECONDS = 45.0
RELEASE_WAITS = timedelta(seconds=1)

_Seen = TypeVar("_Seen")


class NotAsTold(Exception):  # noqa: N818 - it is the demo's finding, not a fault
    """Something happened otherwise than the scenario tells; the text says what."""


def expect(so: bool, text: str) -> None:
    """Raise NotAsTold with the text unless it is so."""
    if not so:
        raise NotAsTold(text)


async def until(what: str, look: Callable[[], Awaitable[_Seen | None]], within: float = PATIENCE_SECONDS) -> _Seen:
    """Look until there is something to see. Raises NotAsTold when there was nothing for so many seconds."""
    deadline = time.monotonic() + within
    while (seen := await look()) is None:
        expect(time.monotonic() < deadline, f"waited {within:g} s in vain for {what}")
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return seen


@dataclass(frozen=True)
class Start:
    """What the parties have when a scenario begins, and how many seconds (at pace 1) they give the settlement."""

    units: bool = True
    cash: bool = True
    admitted: bool = True
    settle_within: float = LONG_SECONDS


class Trade:
    """2,500 OUSG against USD deposit tokens, between accounts that no other trade uses."""

    def __init__(self, world: World, name: str, start: Start) -> None:
        self.world = world
        self.name = name
        self.start = start
        own = "" if name == "story" else f".{name}"
        self.seller_account, self.buyer_account = f"{SELLER}{own}", f"{BUYER}{own}"
        self.settlement_id = f"OUSG-{datetime.now(UTC):%Y%m%d}-{name.upper()}"
        self.units_given = self.cash_given = 0

    @cached_property
    def terms(self) -> Terms:
        """What both agree on; made when first asked for, and settle_by counts from then."""
        return self.terms_with()

    def terms_with(self, *, buyer: str | None = None, cash: int = CASH) -> Terms:
        """This trade's terms, with something else in some places."""
        return Terms(
            settlement_id=self.settlement_id,
            seller=self.world.seller.address,
            buyer=buyer or self.world.buyer.address,
            delivery=Leg(
                ledger="asset",
                asset=ASSETS["asset"],
                quantity=UNITS,
                deliverer=self.seller_account,
                receiver=self.buyer_account,
            ),
            payment=Leg(
                ledger="payment",
                asset=ASSETS["payment"],
                quantity=cash,
                deliverer=self.buyer_account,
                receiver=self.seller_account,
            ),
            settle_by=datetime.now(UTC) + timedelta(seconds=self.start.settle_within * self.world.pace),
            coordinator=self.world.stack.coordinator,
        )

    @property
    def terms_hash(self) -> str:
        """The key of everything."""
        return self.terms.hash(self.world.network)

    @property
    def handle(self) -> SettlementHandle:
        """The settlement, as the buyer's client holds it."""
        return self.world.buyer.client.handle(self.terms)

    async def open(self) -> None:
        """Open the accounts, with what the scenario gives them to start with."""
        world = self.world
        for ledger in (world.asset, world.payment):
            await world.open(ledger, self.seller_account, world.seller.address)
        await world.open(world.asset, self.buyer_account, world.buyer.address, admitted=self.start.admitted)
        await world.open(world.payment, self.buyer_account, world.buyer.address)
        if self.start.units:
            await self.fund_units()
        if self.start.cash:
            await self.fund_cash()

    async def fund_units(self, quantity: int = UNITS) -> None:
        """The seller gets units to deliver."""
        await self.world.mint(self.world.asset, self.seller_account, ASSETS["asset"].code, quantity)
        self.units_given += quantity

    async def fund_cash(self, quantity: int = CASH) -> None:
        """The buyer gets cash to pay with."""
        await self.world.mint(self.world.payment, self.buyer_account, ASSETS["payment"].code, quantity)
        self.cash_given += quantity

    async def both_instruct(self) -> None:
        """Seller and buyer each sign and send the same terms."""
        await self.world.seller.instruct(self.terms)
        instructed = (await self.world.buyer.instruct(self.terms)).instructed
        expect(instructed is not None and instructed.matched, "both signed the same terms, and they do not match")

    async def report(self) -> SettlementReport | None:
        """Where it stands; None if nobody can say it right now."""
        with suppress(ServiceFault, UnknownSettlement):
            return await self.handle.status()
        return None

    async def blocked(self, code: str) -> SettlementReport:
        """Wait until the report names this as the reason why it waits."""

        async def look() -> SettlementReport | None:
            report = await self.report()
            return report if report and report.blocker and report.blocker.code == code else None

        return await until(f"the report to name {code} as the reason", look)

    async def waits_for_cash(self) -> None:
        """Wait until the units are locked, the lock is attested, and only the cash is missing."""
        report = await self.blocked("insufficient_balance")
        text = report.blocker.text if report.blocker else ""
        expect(self.buyer_account in text, f"the buyer's account is short, and the reason shown is: {text}")
        await self.still_locked()

    async def still_locked(self) -> None:
        """The units are in escrow, and nothing is decided."""
        lock, verdict = await self.lock(), await self.verdict()
        expect(lock is not None and lock.state is LockState.LOCKED, f"the lock is {lock.state if lock else 'missing'}")
        expect(verdict is None, "there is a verdict already")

    async def decided(self, kind: VerdictKind) -> Verdict:
        """Wait until the payment ledger has its verdict, and see that it is this one."""
        verdict = await until("a verdict", self.verdict)
        expect(verdict.verdict is kind, f"the verdict is {verdict.verdict}")
        return verdict

    async def release_asked_for(self) -> None:
        """Wait until it is paid, the payment is attested, and the release has waited a while for somebody.

        A while, so that what was done before it is written down everywhere: whoever dies next takes none of it along.
        """
        await self.decided(VerdictKind.PAID)
        workflow = self.world.temporal.get_workflow_handle(self.handle.workflow_id)

        async def look() -> bool | None:
            pending = (await workflow.describe()).raw_description.pending_activities
            asked = [each.scheduled_time.ToDatetime(UTC) for each in pending if each.activity_type.name == RELEASE.name]
            return any(datetime.now(UTC) - since > RELEASE_WAITS for since in asked) or None

        await until("the release to be asked for", look)

    async def lock(self) -> Lock | None:
        """The asset ledger's row."""
        return await self.world.asset.lock_of(self.terms_hash)

    async def verdict(self) -> Verdict | None:
        """The payment ledger's row."""
        return await self.world.payment.verdict_of(self.terms_hash)

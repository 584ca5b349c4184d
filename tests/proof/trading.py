"""Settlements of every kind that a proof can be of, on one real stack, and their exports by the command."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from interlock.client import SettlementHandle
from interlock.protocol import (
    AccountOrder,
    LocalSigner,
    Message,
    OpenAccount,
    OperatorOrder,
    Redirection,
    Signature,
    SignedOperatorOrder,
    SignedRedirection,
)
from interlock.stack.embedded import EmbeddedStack
from tests.cli.conftest import Ran, command
from tests.e2e.conftest import Market, Parties, outcome, until
from tests.world import BUYER, CASH, OPERATORS, SELLER, UNITS

OUTCOMES = {
    "settled": "SETTLED",
    "consented": "CANCELLED",
    "ordered": "CANCELLED",
    "expired": "EXPIRED",
    "redirected": "SETTLED",
    "tombstone": "CANCELLED",
}
"""How each scenario ends."""

_SOON = timedelta(seconds=12)


@dataclass
class Floor:
    """A running stack with one worker for everything, on which the scenarios are played."""

    folder: Path
    stack: EmbeddedStack
    market: Market
    ids: dict[str, str] = field(default_factory=dict)

    async def instruct(self, scenario: str, *, cash: int = 10 * CASH, **changes: object) -> SettlementHandle:
        """Both parties instruct a trade whose id begins with the scenario's name."""
        parties = await self.market.parties(cash=cash)
        quantity = changes.pop("quantity", UNITS)
        terms = parties.terms(f"{scenario.upper()}-{parties.name.upper()}", **changes)
        terms = terms.model_copy(update={"delivery": terms.delivery.model_copy(update={"quantity": quantity})})
        self.ids[scenario] = terms.settlement_id
        return await self.market.client.settle(terms, self.sign(terms, SELLER, BUYER))

    def sign(self, message: Message, *signers: LocalSigner) -> tuple[Signature, ...]:
        """Everybody's signature on a message of this network."""
        return tuple(each.sign(message, self.market.client.network) for each in signers)

    async def settled(self) -> None:
        """The story."""
        await outcome(await self.instruct("settled"))

    async def consented(self) -> None:
        """Both parties cancel, with units in escrow."""
        await self.cancelled(await self.instruct("consented", cash=0))

    async def tombstone(self) -> None:
        """Both parties cancel before the seller has the units: there never is a lock."""
        await self.cancelled(await self.instruct("tombstone", quantity=100 * UNITS))

    async def cancelled(self, handle: SettlementHandle) -> None:
        """Once it waits for somebody's balance, both parties cancel."""
        await waits_for(handle, "insufficient_balance")
        assert handle.terms is not None
        for party in (SELLER, BUYER):
            await handle.cancel(party.sign_cancellation(handle.terms, self.market.client.network))
        await outcome(handle)

    async def ordered(self) -> None:
        """Two operators void it, with units in escrow."""
        handle = await self.instruct("ordered", cash=0)
        await waits_for(handle, "insufficient_balance")
        order = OperatorOrder(terms_hash=str(handle.terms_hash), act="void", reason="tests say so", valid_until=soon())
        await handle.order(SignedOperatorOrder(order=order, signatures=self.sign(order, *OPERATORS[:2])))
        await outcome(handle)

    async def expired(self) -> None:
        """The buyer never has the money."""
        await outcome(await self.instruct("expired", cash=0, settle_by=datetime.now(UTC) + _SOON))

    async def redirected(self) -> None:
        """The buyer's account is expelled after the lock: two operators and the buyer name another one."""
        handle = await self.instruct("redirected", cash=0)
        await waits_for(handle, "insufficient_balance")
        assert handle.terms is not None
        receiver, other = handle.terms.delivery.receiver, f"{handle.terms.delivery.receiver}-2"
        await self.market.order(self.market.asset, OpenAccount, account=other, owner=BUYER.address)
        await self.market.order(self.market.asset, AccountOrder, act="expel", account=receiver)
        await parties_of(self.market, receiver).fund(CASH)
        await waits_for(handle, "not_admitted")
        word = Redirection(terms_hash=str(handle.terms_hash), receiver=other, reason="tests say so", valid_until=soon())
        await handle.redirect(SignedRedirection(redirection=word, signatures=self.sign(word, BUYER, *OPERATORS[:2])))
        await outcome(handle)

    async def play(self) -> None:
        """All scenarios at once; the story last, so that its neighbours' seals stand elsewhere by then."""
        await asyncio.gather(self.consented(), self.tombstone(), self.ordered(), self.expired(), self.redirected())
        await self.settled()

    async def run(self, *words: str) -> Ran:
        """The command on this stack."""
        return await asyncio.to_thread(command, self.folder.parent, "--data-dir", str(self.folder), *words)

    async def export(self, scenario: str, to: Path, *words: str) -> Ran:
        """Export a scenario's settlement."""
        return await self.run("--json", "audit", "export", self.ids[scenario], "--out", str(to), *words)

    @property
    def trust(self) -> dict[str, object]:
        """The keys of this environment, with what its ledgers were born with."""
        client = json.loads((self.folder / "client.json").read_text())
        operators = [each.address for each in OPERATORS[:2]]
        born = {"operators": {"asset": operators, "payment": operators}}
        return {"network": client["network"], "keepers": client["keepers"]} | born


def soon() -> datetime:
    """Until when an order counts."""
    return datetime.now(UTC) + timedelta(minutes=10)


def parties_of(market: Market, account: str) -> Parties:
    """The parties whose buyer's account this is."""
    return Parties(market, account.partition("-")[2])


async def waits_for(handle: SettlementHandle, code: str) -> None:
    """Until the settlement waits for this."""

    async def does() -> bool:
        blocker = (await handle.status()).blocker
        return blocker is not None and blocker.code == code

    await until(does)


@asynccontextmanager
async def floor(folder: Path) -> AsyncIterator[Floor]:
    """A stack in this folder, stopped at the end."""
    stack = EmbeddedStack(folder, tuple(each.address for each in OPERATORS[:2]), sweep_every_seconds=1.0)
    await stack.start()
    try:
        async with Market.on(folder) as market:
            yield Floor(folder, stack, market)
    finally:
        await stack.stop()

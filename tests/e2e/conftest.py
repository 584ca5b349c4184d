"""The embedded stack, once for all tests that do not break it: one worker process for each role, funded parties."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from interlock.client import SettlementClient, SettlementHandle
from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol import LedgerOrder, Leg, LocalSigner, Mint, OpenAccount, SignedLedgerOrder, Stage, Terms
from interlock.protocol.names import Role
from interlock.stack.embedded import EmbeddedStack
from interlock.stack.processes import ManagedProcess
from interlock.stack.temporal import _DYNAMIC_CONFIG
from tests.world import ATTEMPT, BUYER, CASH, OPERATORS, OUSG, SELLER, UNITS, USD, receipt


@dataclass
class Market:
    """A stack's client, and both its ledgers as whoever holds their writer roles sees them."""

    client: SettlementClient
    asset: PostgresLedger
    payment: PostgresLedger

    @classmethod
    @asynccontextmanager
    async def on(cls, folder: Path) -> "AsyncIterator[Market]":
        """What the data folder of a running stack leads to."""
        dsns = json.loads((folder / "ledgers.json").read_text())
        async with (
            await SettlementClient.connect(data_dir=folder) as client,
            await PostgresLedger.connect(dsns["asset"]["writer"]) as asset,
            await PostgresLedger.connect(dsns["payment"]["writer"]) as payment,
        ):
            yield cls(client, asset, payment)

    async def parties(self, cash: int = 10 * CASH) -> "Parties":
        """A seller with units and a buyer with cash, each with an account of its own on both ledgers."""
        parties = Parties(self, secrets.token_hex(4))
        for ledger in (self.asset, self.payment):
            await self.order(ledger, OpenAccount, account=parties.seller, owner=SELLER.address, admitted=True)
            await self.order(ledger, OpenAccount, account=parties.buyer, owner=BUYER.address, admitted=True)
        await self.order(self.asset, Mint, account=parties.seller, asset=OUSG.code, quantity=10 * UNITS)
        if cash:
            await parties.fund(cash)
        return parties

    async def order(self, ledger: PostgresLedger, kind: type[LedgerOrder], **fields: Any) -> None:
        """Have a ledger carry out what two of its operators sign."""
        until = datetime.now(UTC) + timedelta(minutes=10)
        nonce = f"0x{secrets.token_hex(32)}"
        order = kind(ledger=ledger.name, reason="tests say so", nonce=nonce, valid_until=until, **fields)
        signatures = tuple(each.sign(order, self.client.network) for each in OPERATORS[:2])
        receipt(await ledger.order(SignedLedgerOrder(order=order, signatures=signatures), ATTEMPT))


@dataclass
class Parties:
    """The seller's and the buyer's accounts of one test."""

    market: Market
    name: str

    @property
    def seller(self) -> str:
        """The seller's account, on either ledger."""
        return f"seller-{self.name}"

    @property
    def buyer(self) -> str:
        """The buyer's account, on either ledger."""
        return f"buyer-{self.name}"

    async def fund(self, cash: int) -> None:
        """Give the buyer cash, in smallest units."""
        await self.market.order(self.market.payment, Mint, account=self.buyer, asset=USD.code, quantity=cash)

    def terms(self, settlement_id: str, **changes: Any) -> Terms:
        """The story's trade between these accounts; `changes` change what is agreed."""
        agreed: dict[str, Any] = {
            "settlement_id": settlement_id,
            "seller": SELLER.address,
            "buyer": BUYER.address,
            "delivery": Leg(ledger="asset", asset=OUSG, quantity=UNITS, deliverer=self.seller, receiver=self.buyer),
            "payment": Leg(ledger="payment", asset=USD, quantity=CASH, deliverer=self.buyer, receiver=self.seller),
            "settle_by": datetime.now(UTC) + timedelta(hours=1),
            "coordinator": self.market.client.coordinator,
        }
        return Terms(**(agreed | changes))

    async def instruct(self) -> SettlementHandle:
        """Both parties instruct the story's trade under a new id."""
        terms = self.terms(f"E2E-{secrets.token_hex(8).upper()}")
        signatures = [each.sign(terms, self.market.client.network) for each in (SELLER, BUYER)]
        return await self.market.client.settle(terms, signatures)

    async def moved(self) -> tuple[int, int]:
        """How many trades' units the buyer holds, and how many trades' cash the seller holds."""
        units = {each.account: each.balances.get(OUSG.code, 0) for each in await self.market.asset.accounts()}
        cash = {each.account: each.balances.get(USD.code, 0) for each in await self.market.payment.accounts()}
        return units[self.buyer] // UNITS, cash[self.seller] // CASH


@dataclass
class Service:
    """A running stack with a worker process for each role, and its market."""

    stack: EmbeddedStack
    temporal: Client
    market: Market

    def worker(self, role: Role) -> ManagedProcess:
        """The worker process of one role."""
        return self.stack.processes[role.value]

    async def start_worker(self, role: Role) -> None:
        """Start the role's worker process; also in place of one that has ended."""
        await self.stack.start_worker(role.value, self.stack.worker_environment(role))


@pytest.fixture(scope="package")  # a stack that nobody needs any more still sweeps every second
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """Started once. What a test takes away it brings back."""
    folder: Path = tmp_path_factory.mktemp("stack")
    operators: tuple[LocalSigner, ...] = OPERATORS[:2]
    stack = EmbeddedStack(folder, tuple(each.address for each in operators), sweep_every_seconds=1.0)
    with pytest.MonkeyPatch.context() as patched:
        # an erased run is gone once its last tasks are noted as done: every 30 s, if nobody says otherwise
        for queue in ("transfer", "visibility"):
            patched.setitem(_DYNAMIC_CONFIG, f"history.{queue}ProcessorUpdateAckInterval", '"1s"')
        await stack.start(worker=False)
    try:
        temporal = await Client.connect(stack.temporal.address, data_converter=pydantic_data_converter)
        async with Market.on(folder) as market:
            service = Service(stack, temporal, market)
            await asyncio.gather(*(service.start_worker(role) for role in Role))
            yield service
    finally:
        await stack.stop()


async def until(
    holds: Callable[[], Awaitable[bool]], *, every_seconds: float = 0.02, patience_seconds: float = 90.0
) -> None:
    """Until a condition holds, looking every so often; fails when patience is at its end."""
    async with asyncio.timeout(patience_seconds):
        while not await holds():  # noqa: ASYNC110 - it is asked of other processes, which set no event here
            await asyncio.sleep(every_seconds)


async def reaches(handle: SettlementHandle, stage: Stage, **looking: float) -> None:
    """Until a settlement is that far, `looking` as `until` does."""

    async def reached() -> bool:
        return (await handle.status()).stage is stage

    await until(reached, **looking)


async def outcome(handle: SettlementHandle) -> str | None:
    """How a settlement ends; fails after two minutes."""
    return (await asyncio.wait_for(handle.outcome(), 120)).outcome

"""A stack of its own with its workers, the market on it, and what operators of both ledgers order there."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from interlock.attestors.collector import Collector
from interlock.client import SettlementClient
from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol import (
    AccountOrder,
    LedgerOrder,
    Mint,
    OpenAccount,
    Receipt,
    SignedLedgerOrder,
    SignedTerms,
    Terms,
)
from interlock.protocol.names import Role
from interlock.stack.embedded import EmbeddedStack
from tests.chaos.fleet import Fleet
from tests.chaos.patience import insist
from tests.chaos.plan import Plan
from tests.chaos.register import Register
from tests.chaos.trading import DOLLAR, UNIT, WEALTH, Market, Party
from tests.world import ATTEMPT, OPERATORS, OUSG, USD

ORDER_VALID_FOR = timedelta(minutes=10)


@dataclass(frozen=True)
class Floor:
    """Where everything happens.

    `other` is a second client, as another institution has; the steps of what it starts are taken by the worker that
    runs the workflow, as far as that has the roles.
    """

    plan: Plan
    stack: EmbeddedStack
    fleet: Fleet
    temporal: Client
    market: Market
    other: SettlementClient
    collector: Collector
    register: Register = field(default_factory=Register)

    @property
    def network(self) -> str:
        """What everything is signed for."""
        return self.market.client.network

    async def order(self, ledger: PostgresLedger, kind: type[LedgerOrder], **fields: Any) -> None:
        """Have a ledger carry out, once, what two of its operators sign, however often it has to be asked."""
        order = kind(
            ledger=ledger.name,
            reason="chaos",
            nonce=f"0x{secrets.token_hex(32)}",
            valid_until=datetime.now(UTC) + ORDER_VALID_FOR,
            **fields,
        )
        signed = SignedLedgerOrder(order=order, signatures=tuple(by.sign(order, self.network) for by in OPERATORS[:2]))
        answer = await insist(lambda: ledger.order(signed, ATTEMPT))
        assert isinstance(answer, Receipt), answer

    async def open(self, party: Party, *, units: int = 0, dollars: int = 0, admitted: bool = True) -> None:
        """Open a party's accounts on both ledgers with so many whole OUSG and USD; `admitted` on the asset ledger."""
        market = self.market
        owner = party.key.address
        await asyncio.gather(
            self.order(market.asset, OpenAccount, account=party.account, owner=owner, admitted=admitted),
            self.order(market.payment, OpenAccount, account=party.account, owner=owner, admitted=True),
        )
        if units:
            await self.issue_units(party, units)
        if dollars:
            await self.issue_dollars(party, dollars)

    async def issue_units(self, party: Party, units: int) -> None:
        """Give a party whole OUSG."""
        await self._mint(self.market.asset, party, OUSG.code, units * UNIT)

    async def issue_dollars(self, party: Party, dollars: int) -> None:
        """Give a party whole USD."""
        await self._mint(self.market.payment, party, USD.code, dollars * DOLLAR)

    async def _mint(self, ledger: PostgresLedger, party: Party, asset: str, quantity: int) -> None:
        self.register.give(ledger.name, party.account, quantity)
        await self.order(ledger, Mint, account=party.account, asset=asset, quantity=quantity)

    async def act(
        self, ledger: PostgresLedger, act: Literal["admit", "expel", "freeze", "unfreeze"], party: Party
    ) -> None:
        """Admit, expel, freeze or unfreeze a party's account on a ledger."""
        await self.order(ledger, AccountOrder, act=act, account=party.account)

    def signed(self, terms: Terms, *parties: Party) -> SignedTerms:
        """The terms with these parties' signatures."""
        return SignedTerms(
            network=self.network,
            terms=terms,
            signatures=tuple(party.key.sign(terms, self.network) for party in parties),
        )


@asynccontextmanager
async def opened(plan: Plan, folder: Path) -> AsyncIterator[Floor]:
    """Start everything in an empty folder; stop it all at the end."""
    stack = EmbeddedStack(folder, tuple(each.address for each in OPERATORS[:2]), sweep_every_seconds=plan.sweep_every)
    async with AsyncExitStack() as held:
        held.push_async_callback(stack.stop)
        await stack.start(worker=False)
        fleet = Fleet(stack, plan.workers)
        await fleet.start_workers()
        market = await held.enter_async_context(Market.on(folder, plan.parties))
        temporal = await Client.connect(stack.temporal.address, data_converter=pydantic_data_converter)
        other = SettlementClient(
            temporal,
            network=market.client.network,
            coordinator=market.client.coordinator,
            local_roles=(Role.ASSET, Role.PAYMENT, Role.COORDINATOR),
        )
        floor = Floor(
            plan=plan,
            stack=stack,
            fleet=fleet,
            temporal=temporal,
            market=market,
            other=other,
            collector=await held.enter_async_context(
                Collector(stack.attestor_urls, stack.identity.attestors, market.client.network)
            ),
        )
        for party in market.parties:
            floor.register.give("asset", party.account, WEALTH * UNIT)
            floor.register.give("payment", party.account, WEALTH * DOLLAR)
        await market.open()
        yield floor

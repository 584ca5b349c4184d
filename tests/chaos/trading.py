"""The parties of a large market on one embedded stack, and what two of them agree on. Breaks and judges nothing."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from interlock.client import SettlementClient
from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol import LedgerOrder, Leg, LocalSigner, Mint, OpenAccount, Receipt, SignedLedgerOrder, Terms
from tests.world import ATTEMPT, OPERATORS, OUSG, USD, key

UNIT = 10**18
"""One OUSG, in smallest units."""
DOLLAR = 100
"""One USD, in smallest units."""
WEALTH = 10**9
"""How many OUSG and how many USD each party begins with: more than it can ever trade away."""


@dataclass(frozen=True)
class Party:
    """A party with an account of its name on each ledger."""

    account: str
    key: LocalSigner


@dataclass(frozen=True)
class Market:
    """The parties, the client that they instruct through, and both ledgers as their writers see them."""

    client: SettlementClient
    asset: PostgresLedger
    payment: PostgresLedger
    parties: Sequence[Party]

    @classmethod
    @asynccontextmanager
    async def on(cls, folder: Path, parties: int, *, prefix: str = "party") -> "AsyncIterator[Market]":
        """A market on the running stack of this data folder; its parties' accounts must be opened once."""
        dsns = json.loads((folder / "ledgers.json").read_text())
        async with (
            await SettlementClient.connect(data_dir=folder) as client,
            await PostgresLedger.connect(dsns["asset"]["writer"]) as asset,
            await PostgresLedger.connect(dsns["payment"]["writer"]) as payment,
        ):
            names = [f"{prefix}-{number:02d}" for number in range(1, parties + 1)]
            yield cls(client, asset, payment, [Party(name, key(name)) for name in names])

    async def open(self) -> None:
        """Open every party's accounts, and give each units and cash."""
        async with asyncio.TaskGroup() as group:
            for party in self.parties:
                group.create_task(self._open(party))

    async def _open(self, party: Party) -> None:
        for ledger, asset, unit in ((self.asset, OUSG, UNIT), (self.payment, USD, DOLLAR)):
            await self.order(ledger, OpenAccount, account=party.account, owner=party.key.address, admitted=True)
            await self.order(ledger, Mint, account=party.account, asset=asset.code, quantity=WEALTH * unit)

    async def order(self, ledger: PostgresLedger, kind: type[LedgerOrder], **fields: Any) -> None:
        """Have a ledger carry out what two of its operators sign. Raises AssertionError if it refuses."""
        until = datetime.now(UTC) + timedelta(minutes=10)
        nonce = f"0x{secrets.token_hex(32)}"
        order = kind(ledger=ledger.name, reason="the market needs it", nonce=nonce, valid_until=until, **fields)
        signatures = tuple(each.sign(order, self.client.network) for each in OPERATORS[:2])
        answer = await ledger.order(SignedLedgerOrder(order=order, signatures=signatures), ATTEMPT)
        assert isinstance(answer, Receipt), answer

    def terms(
        self, settlement_id: str, seller: Party, buyer: Party, *, units: int, dollars: int, settle_by: datetime
    ) -> Terms:
        """The seller's units (whole OUSG) for the buyer's dollars (whole USD)."""
        return Terms(
            settlement_id=settlement_id,
            seller=seller.key.address,
            buyer=buyer.key.address,
            delivery=Leg(
                ledger="asset",
                asset=OUSG,
                quantity=units * UNIT,
                deliverer=seller.account,
                receiver=buyer.account,
            ),
            payment=Leg(
                ledger="payment",
                asset=USD,
                quantity=dollars * DOLLAR,
                deliverer=buyer.account,
                receiver=seller.account,
            ),
            settle_by=settle_by,
            coordinator=self.client.coordinator,
        )

"""The demo's world: a stack of its own in a folder of its own, keys, institutions, and orders to the ledgers.

The orders are what two operators of each ledger sign: to open accounts, issue units, admit and expel. Nothing here
settles anything.
"""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from interlock.client import SettlementClient
from interlock.client.keystore import Keystore
from interlock.demo.institution import Institution
from interlock.demo.processes import Processes
from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol import (
    AccountOrder,
    Attempt,
    LedgerOrder,
    LocalSigner,
    Mint,
    OpenAccount,
    OperatorOrder,
    Receipt,
    SignedLedgerOrder,
    SignedOperatorOrder,
    Terms,
)
from interlock.stack.embedded import EmbeddedStack
from interlock.stack.temporal import NAMESPACE

SWEEP_EVERY_SECONDS = 2.0
USUAL_START_SECONDS = 8.0
"""How long a small machine takes to start the stack; where it takes longer, everything is given longer."""
ORDER_VALID_FOR = timedelta(minutes=10)
SELLER, BUYER = "alpine", "northbank"


@dataclass
class World:
    """Everything that scenarios share. `folder` holds it all, and outlives it if nobody removes it."""

    folder: Path
    stack: EmbeddedStack
    processes: Processes
    operators: tuple[LocalSigner, LocalSigner]
    asset: PostgresLedger
    payment: PostgresLedger
    temporal: Client
    seller: Institution
    buyer: Institution
    pace: float
    """How much slower this machine is than a small one of two cores; 1 for all that are quicker."""
    _attempt: Attempt = field(
        default_factory=lambda: Attempt(actor="demo", trace_id=secrets.token_hex(16), span_id=secrets.token_hex(8))
    )

    @property
    def network(self) -> str:
        """What everything is signed for."""
        return self.stack.identity.network

    @property
    def attempt(self) -> Attempt:
        """Who asks a ledger when the demo does so itself."""
        return self._attempt

    async def stranger(self) -> Institution:
        """Somebody with a key and a client, and no account anywhere."""
        return await _institution("stranger", LocalSigner.generate(), self.folder)

    async def open(self, ledger: PostgresLedger, account: str, owner: str, *, admitted: bool = True) -> None:
        """Open an account for a party."""
        await self.order(ledger, OpenAccount, account=account, owner=owner, admitted=admitted)

    async def mint(self, ledger: PostgresLedger, account: str, asset: str, quantity: int) -> None:
        """Issue smallest units into an account."""
        await self.order(ledger, Mint, account=account, asset=asset, quantity=quantity)

    async def account_order(self, ledger: PostgresLedger, act: Literal["admit", "expel"], account: str) -> None:
        """Let an account receive, or receive no more."""
        await self.order(ledger, AccountOrder, act=act, account=account)

    async def order(self, ledger: PostgresLedger, kind: type[LedgerOrder], **fields: Any) -> None:
        """Have a ledger carry out what its two operators sign. Raises RuntimeError if it refuses."""
        order = kind(
            ledger=ledger.name,
            reason="the demo's story",
            nonce="0x" + secrets.token_hex(32),
            valid_until=await ledger.now() + ORDER_VALID_FOR,
            **fields,
        )
        signatures = tuple(operator.sign(order, self.network) for operator in self.operators)
        answer = await ledger.order(SignedLedgerOrder(order=order, signatures=signatures), self.attempt)
        if not isinstance(answer, Receipt):
            raise RuntimeError(f"the {ledger.name} ledger refuses to {order.kind}: {answer.text}")

    async def resume_order(self, terms: Terms, reason: str) -> SignedOperatorOrder:
        """Two operators' order to look again now."""
        order = OperatorOrder(
            terms_hash=terms.hash(self.network),
            act="resume",
            reason=reason,
            valid_until=await self.asset.now() + ORDER_VALID_FOR,
        )
        return SignedOperatorOrder(
            order=order, signatures=tuple(operator.sign(order, self.network) for operator in self.operators)
        )


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[World]:
    """Start the demo's stack in an empty folder, and everything that scenarios need; stop it all at the end."""
    keys = Keystore(folder / "keys")
    operators = (keys.create("operator-1"), keys.create("operator-2"))
    stack = EmbeddedStack(
        folder, tuple(operator.address for operator in operators), sweep_every_seconds=SWEEP_EVERY_SECONDS
    )
    async with AsyncExitStack() as held:
        held.push_async_callback(stack.stop)
        begun = time.monotonic()
        await stack.start(worker=False)
        processes = Processes(stack)
        await processes.start_workers()
        ledgers = [
            await held.enter_async_context(await PostgresLedger.connect(stack.dsn(name, f"{name}_writer")))
            for name in ("asset", "payment")
        ]
        yield World(
            folder=folder,
            stack=stack,
            processes=processes,
            operators=operators,
            asset=ledgers[0],
            payment=ledgers[1],
            temporal=await Client.connect(
                stack.temporal.address, namespace=NAMESPACE, data_converter=pydantic_data_converter
            ),
            seller=await _institution(SELLER, keys.create(SELLER), folder),
            buyer=await _institution(BUYER, keys.create(BUYER), folder),
            pace=max(1.0, (time.monotonic() - begun) / USUAL_START_SECONDS),
        )


async def _institution(name: str, signer: LocalSigner, folder: Path) -> Institution:
    return Institution(name, signer, await SettlementClient.connect(data_dir=folder))

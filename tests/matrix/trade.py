"""One settlement of the matrix: what its parties say, what anybody may do by hand, and what the ledgers show of it.

The parties have accounts of their own on both ledgers. Whether what the ledgers show is an end is said here as well,
from nothing else.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from interlock.client import SettlementClient
from interlock.client.errors import AlreadyEnded, InstructionRefused, ServiceFault, UnknownSettlement
from interlock.ledgers.faults import LedgerFault
from interlock.protocol import (
    Answer,
    Attested,
    ByOperators,
    Certificate,
    Fact,
    LocalSigner,
    Lock,
    LockState,
    OperatorOrder,
    SignedOperatorOrder,
    SignedTerms,
    Statement,
    Verdict,
    VerdictKind,
)
from tests.e2e.conftest import Parties
from tests.matrix.room import Room
from tests.world import ATTEMPT, BUYER, CASH, OPERATORS, SELLER, UNITS, in_seconds

T = TypeVar("T")
LOOK_EVERY_SECONDS = 0.05
Effects = tuple[tuple[str, int], ...]


async def persisting(say: Callable[[], Awaitable[T]]) -> T:
    """Say it until somebody answers, as an institution's software does."""
    while True:
        try:
            return await say()
        except (ServiceFault, UnknownSettlement, LedgerFault):
            await asyncio.sleep(LOOK_EVERY_SECONDS)


@dataclass(frozen=True)
class Books:
    """What the two ledgers show of one settlement: both rows, and each of the four accounts' effects in order."""

    lock: Lock | None
    verdict: Verdict | None
    sellers_units: Effects
    buyers_units: Effects
    buyers_cash: Effects
    sellers_cash: Effects


class Trade:
    """2,500 OUSG against cash; the parties have plenty of both, so that whatever moved twice would show."""

    def __init__(
        self,
        room: Room,
        client: SettlementClient,
        parties: Parties,
        settle_within: float,
        not_before_ago: float | None,
    ) -> None:
        self.room = room
        self.client = client
        self.parties = parties
        self.network = client.network
        self.terms = parties.terms(
            f"MX-{secrets.token_hex(8).upper()}",
            not_before=None if not_before_ago is None else in_seconds(-not_before_ago),
            settle_by=in_seconds(settle_within),
        )
        self.terms_hash = self.terms.hash(self.network)
        signatures = tuple(each.sign(self.terms, self.network) for each in (SELLER, BUYER))
        self.signed = SignedTerms(network=self.network, terms=self.terms, signatures=signatures)
        self.handle = client.handle(self.terms)
        self._asset, self._payment = parties.market.asset, parties.market.payment

    # what parties say

    async def instruct(self, party: LocalSigner) -> None:
        """One party sends its signature."""
        await persisting(lambda: self.client.instruct(self.terms, party.sign(self.terms, self.network)))

    async def settle(self) -> None:
        """Both signatures are sent at once; harmless to repeat."""
        await persisting(lambda: self.client.settle(self.terms, self.signed.signatures, known=True))

    async def consent(self, party: LocalSigner) -> None:
        """A party consents to cancel."""
        word = party.sign_cancellation(self.terms, self.network)
        try:
            await persisting(lambda: self.handle.cancel(word))
        except (AlreadyEnded, InstructionRefused):
            return  # it had come to its end when the words were repeated

    async def fund_buyer(self) -> None:
        """Cash comes in."""
        await self.parties.fund(10 * CASH)

    # what anybody who holds the evidence may do, with no workflow

    async def certificate(self, fact: Fact) -> Certificate:
        """The attestors' word, asked for directly."""
        ledger = "asset" if fact is Fact.LOCKED else "payment"
        while True:
            answer = await self.room.lane.collector.collect(fact, self.terms_hash, ledger)
            if isinstance(answer, Attested):
                return answer.certificate
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def certificate_kept(self) -> Certificate:
        """The LOCKED certificate that somebody kept from before the verdict: after it, nobody certifies a lock anew."""
        lock = await self._asset.lock_of(self.terms_hash)
        if lock is None or lock.locked is None:
            raise ValueError("nothing was locked")
        identity = self.room.lane.stack.identity
        statement = Statement(
            fact=Fact.LOCKED,
            coordinator=identity.attestors.identity,
            terms_hash=self.terms_hash,
            ledger="asset",
            reference=lock.locked.reference,
            position=lock.locked.position,
        )
        signatures = tuple(each.sign(statement, self.network) for each in identity.signers[: identity.attestors.quorum])
        return Certificate(statement=statement, signatures=signatures)

    async def void(self) -> Answer:
        """Void by the order of two operators."""
        order = OperatorOrder(
            terms_hash=self.terms_hash, act="void", reason="the matrix says so", valid_until=in_seconds(600)
        )
        signatures = tuple(each.sign(order, self.network) for each in OPERATORS[:2])
        authority = ByOperators(order=SignedOperatorOrder(order=order, signatures=signatures))
        return await self._payment.void(self.signed, authority, ATTEMPT)

    async def pay(self, certificate: Certificate) -> Answer:
        """Pay on a certificate."""
        return await self._payment.pay(self.signed, certificate, ATTEMPT)

    async def refund(self, certificate: Certificate) -> Answer:
        """Refund on a certificate."""
        return await self._asset.refund(self.terms, certificate, ATTEMPT)

    async def release(self, certificate: Certificate) -> Answer:
        """Release on a certificate."""
        return await self._asset.release(self.terms, certificate, ATTEMPT)

    # what the ledgers show

    async def has_ended(self) -> bool:
        """Whether the lock's row shows its end, or a tombstone; nothing is ended if no ledger answers."""
        try:
            lock = await self._asset.lock_of(self.terms_hash)
        except LedgerFault:
            return False
        return lock is not None and lock.state is not LockState.LOCKED

    async def books(self) -> Books:
        """Everything that the ledgers show, whoever brought it about."""
        return await persisting(self._read)

    async def _read(self) -> Books:
        seller, buyer = self.parties.seller, self.parties.buyer
        return Books(
            lock=await self._asset.lock_of(self.terms_hash),
            verdict=await self._payment.verdict_of(self.terms_hash),
            sellers_units=await self._effects(self._asset, seller),
            buyers_units=await self._effects(self._asset, buyer),
            buyers_cash=await self._effects(self._payment, buyer),
            sellers_cash=await self._effects(self._payment, seller),
        )

    async def _effects(self, ledger: Any, account: str) -> Effects:
        """What was done to an account, but for what it was given to start with."""
        lines = await ledger.journal(account)
        return tuple((line.operation, line.quantity) for line in lines if not line.operation.startswith("mint"))


RELEASED = Books(None, None, (("lock", -UNITS),), (("release", UNITS),), (("pay", -CASH),), (("pay", CASH),))
REFUNDED = Books(None, None, (("lock", -UNITS), ("refund", UNITS)), (), (), ())
UNTOUCHED = Books(None, None, (), (), (), ())


def outcome_of(books: Books) -> str:
    """How it ended, from the ledgers alone; raises ValueError, with what is wrong, if that is no end.

    Both legs or neither, each exactly once: every effect on every account is compared, not only what is left.
    """
    state = books.lock.state if books.lock else None
    kind = books.verdict.verdict if books.verdict else None
    if (state, kind) == (LockState.RELEASED, VerdictKind.PAID):
        outcome, effects = "SETTLED", RELEASED
    elif (state, kind) == (LockState.REFUNDED, VerdictKind.VOIDED):
        assert books.lock is not None and books.verdict is not None  # noqa: PT018 - the types say so
        outcome = "EXPIRED" if books.verdict.authority == "time" else "CANCELLED"
        effects = UNTOUCHED if books.lock.locked is None else REFUNDED
    elif (state, kind) == (None, None):
        outcome, effects = "REJECTED", UNTOUCHED
    else:
        raise ValueError(f"the lock is {state}, the verdict is {kind}: that is no end")
    for account in ("sellers_units", "buyers_units", "buyers_cash", "sellers_cash"):
        done, due = getattr(books, account), getattr(effects, account)
        if done != due:
            raise ValueError(f"{outcome}, and {account} show {done} where {due} is due")
    return outcome

"""What tests let attestors read: a ledger's rows, written here by hand so that any of them can be wrong."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.protocol import (
    Lock,
    LockState,
    Operation,
    Receipt,
    SignedTerms,
    Terms,
    Verdict,
    VerdictKind,
)
from tests.world import BUYER, COORDINATOR, NETWORK, OUSG, SELLER, USD

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def terms(**changes: Any) -> Terms:
    """A trade under a fresh settlement id."""
    said: dict[str, Any] = {
        "settlement_id": f"ATTEST-{next(_numbers):04d}",
        "seller": SELLER.address,
        "buyer": BUYER.address,
        "delivery": {
            "ledger": "asset",
            "asset": OUSG,
            "quantity": 5,
            "deliverer": "alpine",
            "receiver": "northbank",
        },
        "payment": {
            "ledger": "payment",
            "asset": USD,
            "quantity": 7,
            "deliverer": "northbank",
            "receiver": "alpine",
        },
        "settle_by": AT + timedelta(hours=1),
        "coordinator": COORDINATOR.identity,
    }
    return Terms.model_validate(said | changes)


def signed(agreed: Terms, network: str = NETWORK) -> SignedTerms:
    """The terms with both parties' signatures."""
    return SignedTerms(
        network=network, terms=agreed, signatures=tuple(party.sign(agreed, network) for party in (SELLER, BUYER))
    )


def receipt(operation: Operation, signed_terms: SignedTerms, ledger: str, position: int = 7) -> Receipt:
    """The journal entry of an effect."""
    return Receipt(
        ledger=ledger,
        operation=operation,
        terms_hash=signed_terms.terms_hash,
        reference=f"{ledger}:{position}",
        position=position,
        at=AT,
    )


def lock(signed_terms: SignedTerms, state: LockState = LockState.LOCKED, *, tombstone: bool = False) -> Lock:
    """The asset ledger's row."""
    ended = None if state is LockState.LOCKED else receipt(Operation.REFUND, signed_terms, "asset", 8)
    return Lock(
        terms_hash=signed_terms.terms_hash,
        state=state,
        signed=signed_terms,
        locked=None if tombstone else receipt(Operation.LOCK, signed_terms, "asset"),
        ended=ended,
    )


def verdict(signed_terms: SignedTerms, kind: VerdictKind, position: int = 9) -> Verdict:
    """The payment ledger's row."""
    operation = Operation.PAY if kind is VerdictKind.PAID else Operation.VOID
    return Verdict(
        terms_hash=signed_terms.terms_hash,
        verdict=kind,
        signed=signed_terms,
        authority="certificate" if kind is VerdictKind.PAID else "time",
        receipt=receipt(operation, signed_terms, "payment", position),
    )


@dataclass
class Books:
    """A ledger's rows in memory, readable like a ledger's.

    `broken` makes every look at them a fault, and the rows of `unreadable` terms cannot be understood.
    """

    locks: dict[str, Lock] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    broken: bool = False
    unreadable: set[str] = field(default_factory=set)
    misbehaved: set[str] = field(default_factory=set)
    looks: int = 0

    async def lock_of(self, terms_hash: str) -> Lock | None:
        """The row, if there is one."""
        return (await self.locks_of([terms_hash])).get(terms_hash)

    async def verdict_of(self, terms_hash: str) -> Verdict | None:
        """The row, if there is one."""
        return (await self.verdicts_of([terms_hash])).get(terms_hash)

    async def locks_of(self, terms_hashes: Sequence[str]) -> Mapping[str, Lock]:
        """The rows that there are."""
        self._look(terms_hashes)
        return {each: self.locks[each] for each in terms_hashes if each in self.locks}

    async def verdicts_of(self, terms_hashes: Sequence[str]) -> Mapping[str, Verdict]:
        """The rows that there are."""
        self._look(terms_hashes)
        return {each: self.verdicts[each] for each in terms_hashes if each in self.verdicts}

    async def left_out(self) -> frozenset[str]:
        """Whose signatures do not count; no look at rows."""
        if self.broken:
            raise ConnectionError("the ledger is away")
        return frozenset(self.misbehaved)

    def put(self, *rows: Lock | Verdict) -> None:
        """Write rows under the hash that they say."""
        for row in rows:
            if isinstance(row, Lock):
                self.locks[row.terms_hash] = row
            else:
                self.verdicts[row.terms_hash] = row

    def _look(self, terms_hashes: Sequence[str]) -> None:
        self.looks += 1
        if self.broken:
            raise ConnectionError("the ledger is away")
        if not self.unreadable.isdisjoint(terms_hashes):
            raise ValueError("a row is no row of ours")

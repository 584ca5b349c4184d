"""Deals made into settled trades: signed by both parties, certified twice, and given their places in the journals."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.evidence import Deal, Ground, Seen
from interlock.protocol import Fact

TAG = "BULK"
"""What the ids of trades begin with that were never settled here."""


@dataclass(frozen=True)
class Settled:
    """A trade with all that its three entries relied on, as JSON; `locked` and `paid` are the certificates."""

    deal: Deal
    terms_hash: str
    signed: str
    locked: str
    paid: str


@dataclass(frozen=True)
class Origin:
    """From where on a load numbers its entries and accounts, and what number its first trade has."""

    first: int
    asset_entry: int
    payment_entry: int
    escrow: int
    at: datetime

    def lock(self, number: int) -> int:
        """The position of a trade's lock; that of its release is the next."""
        return self.asset_entry + 2 * (number - self.first)

    def pay(self, number: int) -> int:
        """The position of a trade's payment."""
        return self.payment_entry + number - self.first

    def moment(self, number: int) -> datetime:
        """When it happened, one trade a microsecond."""
        return self.at + timedelta(microseconds=number - self.first)


@dataclass(frozen=True)
class Settler:
    """Makes a deal a settled trade; can be sent to another process."""

    ground: Ground
    origin: Origin

    def __call__(self, deal: Deal) -> Settled:
        """Signed by both, and certified twice."""
        terms_hash, signed = self.ground.signed(deal)
        lock, pay = self.origin.lock(deal.number), self.origin.pay(deal.number)
        locked = self.ground.certificate(Fact.LOCKED, Seen(terms_hash, "asset", str(reference("asset", lock)), lock))
        paid = self.ground.certificate(Fact.PAID, Seen(terms_hash, "payment", str(reference("payment", pay)), pay))
        return Settled(deal, terms_hash, signed, locked, paid)


def reference(ledger: str, position: int) -> uuid.UUID:
    """An entry's reference: a UUID of version 7 whose time is its position, so that the index grows at its end."""
    rest = int.from_bytes(hashlib.blake2b(f"{ledger} {position}".encode(), digest_size=10).digest(), "big")
    bits = position << 80 | rest
    return uuid.UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)

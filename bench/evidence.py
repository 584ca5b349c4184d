"""Signs trades and certificates by the thousand, in processes of its own: each digest is computed once.

What comes out is JSON as the ledgers store it, with real signatures of the parties and of a quorum of the attestors.
"""

import asyncio
import itertools
import json
import multiprocessing
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import coincurve

from interlock.protocol import AttestorSet, Fact, Leg, LocalSigner, Statement, Terms
from interlock.protocol.eip712 import digest_of
from interlock.stack.identity import Identity
from tests.chaos.trading import DOLLAR, UNIT
from tests.world import OUSG, USD, key

CHUNK = 250
Json = dict[str, Any]
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Deal:
    """A trade before it is signed: its number makes its id; one whole OUSG for 100 USD."""

    number: int
    seller: str
    buyer: str


@dataclass(frozen=True)
class Seen:
    """An entry of a ledger's journal that is to be certified."""

    terms_hash: str
    ledger: str
    reference: str
    position: int


@dataclass(frozen=True)
class Ground:
    """What every trade and certificate of one environment has in common. The accounts' owners are their names' keys."""

    network: str
    coordinator: AttestorSet
    attestors: tuple[bytes, ...]
    """The private keys of a quorum."""
    tag: str
    settle_by: datetime

    @classmethod
    def of(cls, identity: Identity, tag: str, settle_by: datetime) -> "Ground":
        """An embedded stack's."""
        quorum = sorted(identity.signers, key=lambda signer: signer.address.lower())[: identity.attestors.quorum]
        keys = tuple(signer.private_key for signer in quorum)
        return cls(identity.network, identity.attestors.identity, keys, tag, settle_by)

    def signed(self, deal: Deal) -> tuple[str, str]:
        """The terms hash, and the terms with both signatures as JSON."""
        seller, buyer = _hand(deal.seller), _hand(deal.buyer)
        terms = Terms(
            settlement_id=f"{self.tag}-{deal.number}",
            seller=seller.address,
            buyer=buyer.address,
            delivery=Leg(ledger="asset", asset=OUSG, quantity=UNIT, deliverer=deal.seller, receiver=deal.buyer),
            payment=Leg(ledger="payment", asset=USD, quantity=100 * DOLLAR, deliverer=deal.buyer, receiver=deal.seller),
            settle_by=self.settle_by,
            coordinator=self.coordinator,
        )
        digest = terms.hash(self.network)
        signed = {
            "network": self.network,
            "terms": terms.model_dump(mode="json"),
            "signatures": [hand.sign(digest) for hand in (seller, buyer)],
        }
        return digest, json.dumps(signed)

    def certificate(self, fact: Fact, seen: Seen) -> str:
        """A quorum's, as JSON."""
        statement = Statement(fact=fact, coordinator=self.coordinator, **vars(seen))
        digest = digest_of(statement, self.network)
        hands = (_hand_of(private) for private in self.attestors)
        return json.dumps(
            {"statement": statement.model_dump(mode="json"), "signatures": [hand.sign(digest) for hand in hands]}
        )


class _Hand:
    """A key that signs digests which are known already."""

    def __init__(self, private_key: bytes) -> None:
        self._key = coincurve.PrivateKey(private_key)
        self.address = LocalSigner(private_key).address

    def sign(self, digest: str) -> Json:
        raw = self._key.sign_recoverable(bytes.fromhex(digest[2:]), hasher=None)
        return {"signer": self.address, "bytes": f"0x{raw[:64].hex()}{raw[64] + 27:02x}"}


@cache
def _hand_of(private_key: bytes) -> _Hand:
    return _Hand(private_key)


@cache
def _hand(account: str) -> _Hand:
    return _Hand(key(account).private_key)


def deal(number: int, names: Sequence[str]) -> Deal:
    """A trade between two of these, another pair for each number."""
    seller = number * 7919 % len(names)
    buyer = (seller + 1 + number // len(names) % (len(names) - 1)) % len(names)
    return Deal(number, names[seller], names[buyer])


def attempt_fields(terms_hash: str) -> tuple[str, str, str]:
    """Who asked, in which trace and span: of the terms' own."""
    digits = terms_hash[2:]
    return "bench", digits[:32], digits[32:48]


def attempt_of(terms_hash: str) -> str:
    """The same, as an operation is told it."""
    return json.dumps(dict(zip(("actor", "trace_id", "span_id"), attempt_fields(terms_hash), strict=True)))


class Signers:
    """As many processes as there are cores; use `signers`."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    async def map(self, make: Callable[[T], R], subjects: Iterable[T]) -> AsyncIterator[list[R]]:
        """What `make` makes of each, in order, some hundred at a time; no more is made ahead than is soon needed."""
        loop, chunks = asyncio.get_running_loop(), _chunks(subjects)
        under_way = [loop.run_in_executor(self._pool, _each, make, chunk) for chunk in itertools.islice(chunks, 4)]
        while under_way:
            yield await under_way.pop(0)
            under_way += [loop.run_in_executor(self._pool, _each, make, chunk) for chunk in itertools.islice(chunks, 1)]

    async def all(self, make: Callable[[T], R], subjects: Iterable[T]) -> list[R]:
        """The same, at once."""
        return [each async for chunk in self.map(make, subjects) for each in chunk]


@contextmanager
def signers() -> Iterator[Signers]:
    """Started fresh, for a fork of this process would share its connections."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        yield Signers(pool)


def _each(make: Callable[[T], R], subjects: Sequence[T]) -> list[R]:
    return [make(subject) for subject in subjects]


def _chunks(subjects: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(subjects)
    while chunk := list(itertools.islice(rest, CHUNK)):
        yield chunk

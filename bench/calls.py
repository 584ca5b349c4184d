"""One settlement's calls on the ledgers and the attestors, with nothing that would carry it on if it were cut off."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from interlock.attestors.collector import Collector
from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol import Answer, Attempt, Attested, Certificate, Fact, Receipt, SignedTerms, trace_id_of
from interlock.protocol.names import Role
from interlock.worker.settings import WorkerSettings


@dataclass(frozen=True)
class Calls:
    """The steps of the happy path, in their order. Each raises RuntimeError for a refusal."""

    asset: PostgresLedger
    payment: PostgresLedger
    collector: Collector

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: WorkerSettings) -> "AsyncIterator[Calls]":
        """With pools as large as a worker's."""
        urls, attestors, network = settings.coordinator
        size = settings.activity_slots
        async with (
            await PostgresLedger.connect(settings.dsn_of(Role.ASSET), pool_size=size) as asset,
            await PostgresLedger.connect(settings.dsn_of(Role.PAYMENT), pool_size=size) as payment,
            Collector(urls, attestors, network) as collector,
        ):
            yield cls(asset, payment, collector)

    async def check(self, signed: SignedTerms) -> None:
        """Both ledgers, at once."""
        for answer in await asyncio.gather(self.asset.check(signed), self.payment.check(signed)):
            if answer.lock or answer.verdict or answer.refusal:
                raise RuntimeError(f"the check of {signed.terms.settlement_id} answers {answer}")

    async def lock(self, signed: SignedTerms) -> Receipt:
        """The units into escrow."""
        return _receipt(await self.asset.lock(signed, _attempt(signed)))

    async def attest(self, fact: Fact, signed: SignedTerms) -> Certificate:
        """A certificate of the lock or of the payment."""
        ledger = self.asset if fact is Fact.LOCKED else self.payment
        answer = await self.collector.collect(fact, signed.terms_hash, ledger.name)
        if not isinstance(answer, Attested):
            raise RuntimeError(answer.refusal.text)
        return answer.certificate

    async def pay(self, signed: SignedTerms, certificate: Certificate) -> Receipt:
        """The cash to the seller, and the verdict."""
        return _receipt(await self.payment.pay(signed, certificate, _attempt(signed)))

    async def release(self, signed: SignedTerms, certificate: Certificate) -> Receipt:
        """The units to the buyer."""
        return _receipt(await self.asset.release(signed.terms, certificate, _attempt(signed)))

    async def settle(self, signed: SignedTerms) -> None:
        """All of them, with no engine."""
        await self.check(signed)
        await self.lock(signed)
        locked = await self.attest(Fact.LOCKED, signed)
        await self.pay(signed, locked)
        paid = await self.attest(Fact.PAID, signed)
        await self.release(signed, paid)


def _attempt(signed: SignedTerms) -> Attempt:
    return Attempt(actor="bench", trace_id=trace_id_of(signed.terms_hash), span_id=secrets.token_hex(8))


def _receipt(answer: Answer) -> Receipt:
    if not isinstance(answer, Receipt):
        raise RuntimeError(answer.text)
    return answer

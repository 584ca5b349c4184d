"""The asset ledger's steps: check, lock, release, refund, and what the sweeper asks of it."""

from collections.abc import Callable, Mapping
from typing import Any

from temporalio import activity

from interlock.activities.attempts import faults_are_retried, this_attempt
from interlock.ledgers.ledger import Ledger
from interlock.protocol import Answer, Check, Lock, SignedOperatorOrder, SignedTerms
from interlock.protocol.instructions import Sighting
from interlock.protocol.steps import (
    ACCUSE_DELIVERY,
    CHECK_DELIVERY,
    ENDED_OF,
    LOCK,
    LOCK_OF,
    OPEN_LOCKS,
    REFUND,
    RELEASE,
    RESUME_DELIVERY,
    AccuseRequest,
    HashesRequest,
    OpenLocksRequest,
    RefundRequest,
    ReleaseRequest,
    TermsHash,
)


class AssetActivities:
    """One verb per method, each calling one verb of the asset ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._where = f"ledger {ledger.name}"

    @property
    def steps(self) -> Mapping[str, Callable[..., Any]]:
        """What a worker of role `asset` carries out, by the steps' names."""
        return {
            CHECK_DELIVERY.name: self.check,
            LOCK.name: self.lock,
            RELEASE.name: self.release,
            REFUND.name: self.refund,
            LOCK_OF.name: self.lock_of,
            RESUME_DELIVERY.name: self.resume,
            ACCUSE_DELIVERY.name: self.accuse,
            OPEN_LOCKS.name: self.open_locks,
            ENDED_OF.name: self.ended_of,
        }

    @activity.defn(name=CHECK_DELIVERY.name)
    async def check(self, signed: SignedTerms) -> Check:
        """What stands, else whether the ledger would lock."""
        with faults_are_retried(self._where):
            return await self._ledger.check(signed)

    @activity.defn(name=LOCK.name)
    async def lock(self, signed: SignedTerms) -> Answer:
        """The deliverer's units into escrow."""
        with faults_are_retried(self._where):
            return await self._ledger.lock(signed, this_attempt(signed.terms_hash))

    @activity.defn(name=RELEASE.name)
    async def release(self, request: ReleaseRequest) -> Answer:
        """Escrow to the receiver."""
        attempt = this_attempt(request.certificate.statement.terms_hash)
        with faults_are_retried(self._where):
            return await self._ledger.release(request.terms, request.certificate, attempt, request.redirection)

    @activity.defn(name=REFUND.name)
    async def refund(self, request: RefundRequest) -> Answer:
        """Escrow back to the deliverer, or a tombstone."""
        attempt = this_attempt(request.certificate.statement.terms_hash)
        with faults_are_retried(self._where):
            return await self._ledger.refund(request.terms, request.certificate, attempt)

    @activity.defn(name=LOCK_OF.name)
    async def lock_of(self, request: TermsHash) -> Lock | None:
        """The row for terms, if there is one."""
        with faults_are_retried(self._where):
            return await self._ledger.lock_of(request.terms_hash)

    @activity.defn(name=RESUME_DELIVERY.name)
    async def resume(self, order: SignedOperatorOrder) -> Answer:
        """Journal two operators' order to look again."""
        with faults_are_retried(self._where):
            return await self._ledger.resume(order, this_attempt(order.order.terms_hash))

    @activity.defn(name=ACCUSE_DELIVERY.name)
    async def accuse(self, request: AccuseRequest) -> Answer:
        """An attestor out of every quorum here, on the proof of its misconduct."""
        with faults_are_retried(self._where):
            return await self._ledger.accuse(request.misconduct, this_attempt(request.found_in))

    @activity.defn(name=OPEN_LOCKS.name)
    async def open_locks(self, request: OpenLocksRequest) -> list[Sighting]:
        """Locks that have stood for a while, oldest first."""
        with faults_are_retried(self._where):
            locks = await self._ledger.open_locks(request.older_than_seconds, request.limit, request.after)
        return [Sighting.of(lock.signed, lock.locked) for lock in locks if lock.locked is not None]

    @activity.defn(name=ENDED_OF.name)
    async def ended_of(self, request: HashesRequest) -> list[str]:
        """Which of these terms' locks are released or refunded."""
        with faults_are_retried(self._where):
            return sorted(await self._ledger.ended_of(request.terms_hashes))

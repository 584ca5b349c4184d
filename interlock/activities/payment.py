"""The payment ledger's steps: check, pay, void, and what the sweeper asks of it."""

from collections.abc import Callable, Mapping
from typing import Any

from temporalio import activity

from interlock.activities.attempts import faults_are_retried, this_attempt
from interlock.ledgers.ledger import Ledger
from interlock.protocol import Answer, Check, SignedOperatorOrder, SignedTerms, Verdict
from interlock.protocol.instructions import Sighting
from interlock.protocol.steps import (
    ACCUSE_PAYMENT,
    CHECK_PAYMENT,
    PAY,
    RESUME_PAYMENT,
    VERDICT_OF,
    VERDICTS_AFTER,
    VOID,
    AccuseRequest,
    PayRequest,
    TermsHash,
    VerdictsRequest,
    VoidRequest,
)


class PaymentActivities:
    """One verb per method, each calling one verb of the payment ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._where = f"ledger {ledger.name}"

    @property
    def steps(self) -> Mapping[str, Callable[..., Any]]:
        """What a worker of role `payment` carries out, by the steps' names."""
        return {
            CHECK_PAYMENT.name: self.check,
            PAY.name: self.pay,
            VOID.name: self.void,
            VERDICT_OF.name: self.verdict_of,
            RESUME_PAYMENT.name: self.resume,
            ACCUSE_PAYMENT.name: self.accuse,
            VERDICTS_AFTER.name: self.verdicts_after,
        }

    @activity.defn(name=CHECK_PAYMENT.name)
    async def check(self, signed: SignedTerms) -> Check:
        """What stands, else whether the ledger would pay."""
        with faults_are_retried(self._where):
            return await self._ledger.check(signed)

    @activity.defn(name=PAY.name)
    async def pay(self, request: PayRequest) -> Answer:
        """Payer to payee, and the verdict PAID."""
        with faults_are_retried(self._where):
            return await self._ledger.pay(request.signed, request.certificate, this_attempt(request.signed.terms_hash))

    @activity.defn(name=VOID.name)
    async def void(self, request: VoidRequest) -> Answer:
        """The verdict VOIDED."""
        with faults_are_retried(self._where):
            return await self._ledger.void(request.signed, request.authority, this_attempt(request.signed.terms_hash))

    @activity.defn(name=VERDICT_OF.name)
    async def verdict_of(self, request: TermsHash) -> Verdict | None:
        """The verdict on terms, if there is one."""
        with faults_are_retried(self._where):
            return await self._ledger.verdict_of(request.terms_hash)

    @activity.defn(name=RESUME_PAYMENT.name)
    async def resume(self, order: SignedOperatorOrder) -> Answer:
        """Journal two operators' order to look again."""
        with faults_are_retried(self._where):
            return await self._ledger.resume(order, this_attempt(order.order.terms_hash))

    @activity.defn(name=ACCUSE_PAYMENT.name)
    async def accuse(self, request: AccuseRequest) -> Answer:
        """An attestor out of every quorum here, on the proof of its misconduct."""
        with faults_are_retried(self._where):
            return await self._ledger.accuse(request.misconduct, this_attempt(request.found_in))

    @activity.defn(name=VERDICTS_AFTER.name)
    async def verdicts_after(self, request: VerdictsRequest) -> list[Sighting]:
        """Verdicts after a position of the journal, in its order."""
        with faults_are_retried(self._where):
            verdicts = await self._ledger.verdicts_after(request.position, request.limit)
        return [Sighting.of(verdict.signed, verdict.receipt) for verdict in verdicts]

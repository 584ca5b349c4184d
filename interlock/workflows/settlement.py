"""One settlement, as the protocol has it: match, check, lock, attest, pay or void, attest, release or refund.

This file owns the order of the steps, and which step follows which answer. It verifies nothing and decides nothing
that a ledger decides: whether the settlement happens is the verdict row, and no timer here moves units back.
"""

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from interlock.protocol import (
        Attested,
        AttestRequest,
        Blocker,
        ByConsent,
        ByOperators,
        ByTime,
        Certificate,
        Check,
        Fact,
        LockState,
        Misconduct,
        NotAttested,
        Outcome,
        Receipt,
        Refusal,
        RefusalCode,
        SettlementReport,
        SignedRedirection,
        Stage,
        Verdict,
        VerdictKind,
        VoidAuthority,
    )
    from interlock.protocol.steps import (
        ACCUSE_DELIVERY,
        ACCUSE_PAYMENT,
        ATTEST,
        CHECK_DELIVERY,
        CHECK_PAYMENT,
        LOCK,
        PAY,
        REFUND,
        RELEASE,
        VERDICT_OF,
        VOID,
        AccuseRequest,
        PayRequest,
        RefundRequest,
        ReleaseRequest,
        TermsHash,
        VoidRequest,
    )
    from interlock.workflows.matching import Matching
    from interlock.workflows.metrics import count_end
    from interlock.workflows.progress import Run
    from interlock.workflows.steps import STRAIGHT_THROUGH, Fault

DECIDED = frozenset({RefusalCode.ALREADY_PAID, RefusalCode.ALREADY_VOIDED, RefusalCode.TERMS_CLOSED})
"""Refusals that mean: the verdict stands already; read it."""


CHECKS = (CHECK_DELIVERY, CHECK_PAYMENT)
ACCUSATIONS = (ACCUSE_DELIVERY, ACCUSE_PAYMENT)


class Settlement(Matching):
    """A settlement from its first proposal to its only possible ends."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._accused: set[str] = set()

    async def settle_and_report(self) -> SettlementReport:
        """Settle, and answer everybody who is still waiting for an answer, before the run is closed."""
        self._end(await self.settle())
        self.record()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.report()

    def record(self) -> None:
        """The root span of the settlement's trace, and of each proposal's that ends with it."""
        if (subject := self.progress.subject) is None:
            return
        self.records.write(subject, self.report(), self.progress.events)
        if self.progress.matched is None:
            self.leave_behind(subject, instead=None)

    async def settle(self) -> Outcome:
        """The protocol."""
        if (unmatched := await self.match()) is not None:
            return unmatched
        if not await self.check():
            return Outcome.REJECTED
        verdict = await self.decide()
        if verdict is VerdictKind.PAID:
            await self.serve(LockState.RELEASED)
            return Outcome.SETTLED
        await self.serve(LockState.REFUNDED)
        return Outcome.EXPIRED if self.progress.voided_by == "time" else Outcome.CANCELLED

    async def check(self) -> bool:
        """Ask both ledgers what stands and, if nothing does, whether they would do their part; False is a no.

        The answer is in history before the first lock is sent.
        """
        progress, signed = self.progress, self.signed
        while not progress.checked:
            await self.steps.take_ahead(signed, CHECKS, nudge=True)
            delivery, payment = await asyncio.gather(
                self.steps.take(CHECK_DELIVERY, signed), self.steps.take(CHECK_PAYMENT, signed)
            )
            if isinstance(delivery, Fault) or isinstance(payment, Fault):
                await self.wait(next(answer for answer in (delivery, payment) if isinstance(answer, Fault)))
                continue
            await self.steps.recorded()
            self.nudged = False
            if delivery.lock is not None or payment.verdict is not None:
                await self._go_on_from(delivery, payment)
            elif refusal := delivery.refusal or payment.refusal:
                self.block(Blocker(code=refusal.code, text=refusal.text, who=refusal.who))
                return False
            progress.checked = True
        return True

    async def decide(self) -> VerdictKind:
        """Lock, attest, pay; or void. Ends only when the payment ledger has a verdict, whoever brought it about."""
        progress = self.progress
        if progress.lock is None and progress.verdict is None and self.may_void() is None:
            await self.steps.take_ahead(self.signed, STRAIGHT_THROUGH)
        while progress.verdict is None:
            if (authority := self.may_void()) is not None:
                answer = await self.void(authority)
            elif progress.lock is None:
                answer = await self.lock()
            elif progress.lock_certificate is None:
                answer = await self.attest(Fact.LOCKED)
            else:
                answer = await self.pay(progress.lock_certificate)
            await self.heed(answer)
        return progress.verdict

    async def serve(self, end: LockState) -> None:
        """Attest the verdict, then release or refund on it. Only forward: a refusal is waited out."""
        progress = self.progress
        while progress.lock is not end:
            if progress.verdict_certificate is None:
                answer = await self.attest(Fact.PAID if end is LockState.RELEASED else Fact.VOIDED)
            elif end is LockState.RELEASED:
                answer = await self.release(progress.verdict_certificate)
            else:
                answer = await self.refund(progress.verdict_certificate)
            await self.heed(answer)

    async def lock(self) -> Refusal | Fault | None:
        """The deliverer's units into escrow."""
        answer = await self.steps.take(LOCK, self.signed)
        if not isinstance(answer, Receipt):
            return answer
        self.progress.lock = LockState.LOCKED
        self.progress.keep(answer)
        self.reach(Stage.LOCKED, f"units are in escrow: entry {answer.position} of ledger {answer.ledger}")
        return None

    async def attest(self, fact: Fact) -> Refusal | Fault | None:
        """A certificate of a fact: of the lock from the asset ledger, of the verdict from the payment ledger."""
        progress = self.progress
        answer = await self.steps.take(ATTEST, AttestRequest.about(self.signed, fact, self.start))
        if isinstance(answer, Fault):
            return answer
        for dissent in progress.note_dissents(answer.dissents):
            self.tell("dissent", f"attestor {dissent.attestor} on {fact}: {dissent.kind}, {dissent.text}")
        for misconduct in answer.misconduct:
            await self._accuse(misconduct)
        if isinstance(answer, NotAttested):
            return answer.refusal
        self._keep(fact, answer)
        return None

    async def pay(self, certificate: Certificate) -> Refusal | Fault | None:
        """Payer to payee and the verdict PAID, in one transaction of the payment ledger."""
        answer = await self.steps.take(PAY, PayRequest(signed=self.signed, certificate=certificate))
        if not isinstance(answer, Receipt):
            return answer
        self.progress.verdict = VerdictKind.PAID
        self.progress.keep(answer)
        self.reach(Stage.PAID, f"the payment is made: entry {answer.position} of ledger {answer.ledger}")
        return None

    async def void(self, authority: VoidAuthority) -> Refusal | Fault | None:
        """The verdict VOIDED. Which authority decided, the row says: it may not be this one."""
        answer = await self.steps.take(VOID, VoidRequest(signed=self.signed, authority=authority))
        if isinstance(answer, Receipt):
            return await self.read_verdict()
        if isinstance(answer, Refusal) and self._drops(authority, answer):
            return None
        return answer

    async def release(self, certificate: Certificate) -> Refusal | Fault | None:
        """Escrow to the receiver."""
        terms = self.signed.terms
        request = ReleaseRequest(terms=terms, certificate=certificate, redirection=self.progress.redirection)
        answer = await self.steps.take(RELEASE, request)
        if isinstance(answer, Receipt):
            self.progress.lock = LockState.RELEASED
            self.progress.keep(answer)
            return None
        if isinstance(answer, Refusal) and self._drops_redirection(request.redirection, answer):
            return None
        return answer

    async def refund(self, certificate: Certificate) -> Refusal | Fault | None:
        """Escrow back to the deliverer; where nothing was locked, a tombstone against a lock that comes late."""
        answer = await self.steps.take(REFUND, RefundRequest(terms=self.signed.terms, certificate=certificate))
        if isinstance(answer, Receipt):
            self.progress.lock = LockState.REFUNDED
            self.progress.keep(answer)
            return None
        return answer

    async def read_verdict(self) -> Fault | None:
        """Learn what the payment ledger has decided; a Fault if it cannot be learned now."""
        answer = await self.steps.take(VERDICT_OF, TermsHash(terms_hash=self.signed.terms_hash, settlement=self.start))
        if isinstance(answer, Fault):
            return answer
        if answer is None:
            return Fault(VERDICT_OF.name, VERDICT_OF.role, "the ledger shows no verdict yet")
        self._learn(answer)
        return None

    def may_void(self) -> VoidAuthority | None:
        """What entitles to void now, as far as is known here; the payment ledger judges it."""
        progress, now, terms_hash = self.progress, workflow.now(), self.signed.terms_hash
        given = [known for known in progress.cancellations if known.cancellation.terms_hash == terms_hash]
        match [known for known in given if known.cancellation.valid_until > now]:
            case [first, second]:
                return ByConsent(cancellations=(first, second))
        if progress.void_order is not None:
            return ByOperators(order=progress.void_order)
        if progress.deadline_seen or now >= self.signed.terms.settle_by:
            return ByTime()
        return None

    async def heed(self, answer: Refusal | Fault | None) -> None:
        """What a "no" means: the verdict stands already, the evidence is stale, or it is to be waited for."""
        match answer:
            case None:
                return
            case Refusal(code=code) if code in DECIDED and self.progress.verdict is None:
                if (fault := await self.read_verdict()) is None:
                    return
                answer = fault
            case Refusal(code=RefusalCode.NO_QUORUM) if self.progress.verdict is None:
                # nobody certifies a lock once somebody else, with no workflow, has brought about the verdict
                if await self.read_verdict() is None:
                    return
            case Refusal(code=RefusalCode.CERTIFICATE_INVALID):
                # the attestor set may have a successor by now: what it certified counts no more
                self.progress.lock_certificate = self.progress.verdict_certificate = None
            case Refusal(code=RefusalCode.DEADLINE_PASSED):
                self.progress.deadline_seen = True
        await self.wait(answer)

    async def _go_on_from(self, delivery: Check, payment: Check) -> None:
        """An earlier run of these terms came this far; take what the ledgers show, not what was planned."""
        if payment.verdict is not None:
            self._learn(payment.verdict)
        if delivery.lock is None:
            return
        for receipt in filter(None, (delivery.lock.locked, delivery.lock.ended)):
            self.progress.keep(receipt)
        if delivery.lock.state is LockState.LOCKED:
            self.progress.lock = LockState.LOCKED
            if payment.verdict is None:
                self.reach(Stage.LOCKED, "units are in escrow already")
            return
        while self.progress.verdict is None:
            # the lock ended between the two reads, so there is a verdict by now: without one nothing ends a lock
            if (fault := await self.read_verdict()) is not None:
                await self.wait(fault)
        self.progress.lock = delivery.lock.state

    def _learn(self, verdict: Verdict) -> None:
        self.progress.verdict = verdict.verdict
        self.progress.keep(verdict.receipt)
        if verdict.verdict is VerdictKind.PAID:
            self.reach(Stage.PAID, f"the payment is made: entry {verdict.receipt.position}")
        else:
            self.progress.voided_by = None if verdict.authority == "certificate" else verdict.authority
            self.reach(Stage.VOIDED, f"voided by {verdict.authority}: entry {verdict.receipt.position}")

    async def _accuse(self, misconduct: Misconduct) -> None:
        """Bring both ledgers the proof that an attestor contradicted itself; each judges it, and nothing waits for it.

        Once in a run: whoever brings it again, after this run or beside it, gets the first receipt.
        """
        if misconduct.digest in self._accused:
            return
        self._accused.add(misconduct.digest)
        who = f"attestor {misconduct.attestor}"
        one, other = misconduct.first.statement, misconduct.second.statement
        self.tell("dissent", f"{who} contradicted itself: it signed {one.said} and {other.said}")
        request = AccuseRequest(misconduct=misconduct, found_in=self.signed.terms_hash, settlement=self.start)
        for answer in await asyncio.gather(*(self.steps.aside(step, request) for step in ACCUSATIONS)):
            if isinstance(answer, Receipt):
                self.tell("dissent", f"{who} is left out on ledger {answer.ledger}: entry {answer.position}")
            else:
                self.tell("dissent", f"{who} could not be accused: {answer.text}")

    def _keep(self, fact: Fact, answer: Attested) -> None:
        signers = len(answer.certificate.signatures)
        if fact is Fact.LOCKED:
            self.progress.lock_certificate = answer.certificate
            self.reach(Stage.ATTESTED, f"{signers} attestors certify the lock")
        else:
            self.progress.verdict_certificate = answer.certificate
            self.reach(self.progress.stage, f"{signers} attestors certify the verdict {fact}")

    def _drops_redirection(self, asked: SignedRedirection | None, refusal: Refusal) -> bool:
        """Forget the redirection that was refused, and go on without; one that came meanwhile has still to be tried."""
        if asked is None or asked != self.progress.redirection or refusal.code is RefusalCode.CERTIFICATE_INVALID:
            return False
        self.tell("order", f"the redirection is refused: {refusal.text}")
        self.progress.redirection = None
        return True

    def _drops(self, authority: VoidAuthority, refusal: Refusal) -> bool:
        """Forget an authority that the payment ledger does not accept; the settlement goes on without it."""
        if refusal.code not in (RefusalCode.AUTHORITY_INVALID, RefusalCode.AUTHORITY_EXPIRED):
            return False
        if isinstance(authority, ByConsent):
            # the ledger's clock may be a little ahead of ours: what expires later may still stand
            by_end = sorted(authority.cancellations, key=lambda known: known.cancellation.valid_until)
            self.progress.cancellations = by_end[1:] if refusal.code is RefusalCode.AUTHORITY_EXPIRED else []
        elif isinstance(authority, ByOperators):
            self.progress.void_order, self.refused_orders[authority.order] = None, refusal
        self.tell("order", f"not voided: {refusal.text}")
        return True

    def _end(self, outcome: Outcome) -> None:
        blocker = self.progress.blocker if outcome is Outcome.REJECTED else None
        self.progress.outcome = outcome
        self.reach(Stage(outcome.value), f"ended {outcome}")
        self.progress.blocker = blocker
        self.publish()
        count_end(outcome.value)

    def note_cancel_request(self) -> None:
        """Record and show a raw cancel request to the engine, which is otherwise ignored."""
        self.tell("cancel_request", "a cancel request to the engine was ignored: both parties must consent to cancel")

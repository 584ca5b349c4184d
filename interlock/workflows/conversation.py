"""What parties, operators and onlookers may say to and ask of a settlement while it runs.

Everything signed is verified in the validators, which are pure and write nothing: rubbish leaves no trace in history.
What is heard here is only recorded; what follows from it, `settlement.py` decides.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import NoReturn

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from interlock.protocol import (
        EventKind,
        Message,
        Receipt,
        Refusal,
        SettlementEvent,
        SettlementReport,
        Signature,
        SignatureInvalid,
        SignedCancellation,
        SignedOperatorOrder,
        SignedRedirection,
        SignedTerms,
        SignedWithdrawal,
        VerdictKind,
        verify,
    )
    from interlock.protocol.instructions import Instructed, SettlementStart
    from interlock.protocol.steps import RESUME_DELIVERY, RESUME_PAYMENT
    from interlock.workflows import proposals
    from interlock.workflows.progress import Progress, Run
    from interlock.workflows.recording import Records
    from interlock.workflows.shown import details_of
    from interlock.workflows.steps import Fault, Steps

ORDER_ANSWER_WITHIN = timedelta(seconds=20)
OPERATORS_NEEDED = 2


def refuse(code: str, text: str) -> NoReturn:
    """Reject what was said, with a stable code as the error's type."""
    raise ApplicationError(text, type=code, non_retryable=True)


class Conversation:
    """The messages of a settlement's workflow, over its progress."""

    def __init__(self, run: Run) -> None:
        self.start = run.start
        self.steps = Steps(self.start, run.local_roles)
        self._run = run
        self.progress = run.progress or Progress()
        self.nudged = False
        self.records = Records()
        self.refused_orders: dict[SignedOperatorOrder, Refusal] = {}
        if run.progress is None and run.proposed is not None:
            # whoever may start a run may write anything there: only what a party could have said counts
            with suppress(ApplicationError):
                self._judge(run.proposed)
                self._hear(run.proposed)
        self.show()

    def instruct(self, signed: SignedTerms) -> Instructed:
        """Record signed terms; the first that both have signed are the match."""
        progress = self.progress
        if progress.matched is None:
            differences = proposals.differences(progress.proposals, signed)
            self._hear(signed)
        else:
            differences = ()
        both = proposals.matched(progress.proposals) or progress.matched
        return Instructed(
            terms_hash=signed.terms_hash,
            matched=both is not None and both.terms_hash == signed.terms_hash,
            differences=differences,
        )

    def may_instruct(self, signed: SignedTerms) -> None:
        """Raise unless a party can have proposed these terms here."""
        self._judge(signed)

    def _judge(self, signed: SignedTerms) -> None:
        """Refuse terms that no party can have proposed here."""
        terms = signed.terms
        if SettlementStart.of(terms, signed.network) != self.start:
            refuse("wrong_settlement", "the terms are of another settlement, other parties or another network")
        if not signed.signatures:
            refuse("signature_invalid", "the terms are not signed")
        try:
            signed.verify()
        except SignatureInvalid as error:
            refuse("signature_invalid", str(error))
        matched = self.progress.matched
        if matched is not None and matched.terms_hash != signed.terms_hash:
            refuse("id_used", f"{terms.settlement_id} is matched with other terms, {matched.terms_hash}")
        if matched is None and self.progress.outcome is not None:
            refuse("already_ended", f"{terms.settlement_id} has ended {self.progress.outcome}")
        if matched is None and proposals.crowded(self.progress.proposals, self.progress.withdrawn, signed):
            refuse("too_many_proposals", "this party holds too many proposals; withdraw one first")

    def _hear(self, signed: SignedTerms) -> None:
        """Keep signed terms, with whatever signatures on the same terms are known already."""
        progress = self.progress
        known = {proposal.terms_hash: proposal.signers for proposal in progress.proposals}
        progress.proposals = proposals.merged(progress.proposals, signed)
        for signer in sorted(signed.signers - known.get(signed.terms_hash, frozenset())):
            self.tell("signed", f"{self._side(signer)} {signer} signed terms {signed.terms_hash[:10]}")
        self.nudged = progress.blocker is not None

    def withdraw(self, signed: SignedWithdrawal) -> SettlementReport:
        """Take a proposal back; with none left the settlement ends CANCELLED."""
        party = signed.signature.signer
        proposal = self._known(signed.withdrawal.terms_hash)
        self.progress.proposals.remove(proposal)
        self.progress.withdrawn.append(proposal)
        self.nudged = self.progress.blocker is not None
        self.tell("withdrawn", f"{self._side(party)} withdrew terms {signed.withdrawal.terms_hash[:10]}")
        return self.report()

    def may_withdraw(self, signed: SignedWithdrawal) -> None:
        """Raise unless the proposal is the party's own, and unmatched."""
        terms_hash, party = signed.withdrawal.terms_hash, signed.signature.signer
        if self.progress.matched is not None or proposals.matched(self.progress.proposals) is not None:
            refuse("already_matched", "both parties have signed: to end it, both must cancel")
        proposal = self._known(terms_hash)
        if proposal.signers != {party}:
            refuse("not_a_proposal", f"{party} has no proposal {terms_hash[:10]} to withdraw")
        self._verify(signed.withdrawal, proposal, signed.signature)

    def cancel(self, signed: SignedCancellation) -> SettlementReport:
        """Record one party's consent to cancel; it takes effect when both have given it."""
        others = [known for known in self.progress.cancellations if known.signature.signer != signed.signature.signer]
        self.progress.cancellations = [*others, signed]
        until = signed.cancellation.valid_until
        self.tell(
            "consent", f"{self._side(signed.signature.signer)} consents to cancel until {until:%Y-%m-%d %H:%M:%S}Z"
        )
        if len(self.progress.cancellations) == len({self.start.seller, self.start.buyer}):
            self.nudged = True
        return self.report()

    def may_cancel(self, signed: SignedCancellation) -> None:
        """Raise unless it is a party's consent to cancel undecided terms."""
        self._undecided()
        if signed.signature.signer not in (self.start.seller, self.start.buyer):
            refuse("wrong_signer", f"{signed.signature.signer} is not a party of this settlement")
        proposal = self._known(signed.cancellation.terms_hash)
        self._verify(signed.cancellation, proposal, signed.signature)
        if signed.cancellation.valid_until <= workflow.now():
            refuse("authority_expired", "the consent was valid until a time that has passed")

    async def order(self, signed: SignedOperatorOrder) -> SettlementReport:
        """Carry out two operators' order: `resume` looks again now, `void` voids unless it is paid."""
        if signed.order.act == "resume":
            await self._journal_resume(signed)
        else:
            await self._have_voided(signed)
        return self.report()

    def may_order(self, signed: SignedOperatorOrder) -> None:
        """Raise unless two operators ordered it, about the terms matched here."""
        if self.progress.matched is None:
            refuse("not_matched", "only one party has signed: there is nothing to order yet")
        if signed.order.act == "void":
            self._undecided()
        self._operators_signed(signed.order, signed.signatures)

    def redirect(self, signed: SignedRedirection) -> SettlementReport:
        """After PAID: release to another account of the buyer's; the asset ledger judges it."""
        self.progress.redirection = signed
        self.tell("order", f"buyer and operators redirect the release to account {signed.redirection.receiver}")
        self.nudged = True
        return self.report()

    def may_redirect(self, signed: SignedRedirection) -> None:
        """Raise unless it is paid, and the buyer and two operators signed it."""
        if self.progress.verdict is not VerdictKind.PAID:
            refuse("not_paid", "only a paid settlement's release can be redirected")
        self._operators_signed(signed.redirection, signed.signatures)
        if self.start.buyer not in {signature.signer for signature in signed.signatures}:
            refuse("wrong_signer", "a redirection needs the buyer's own signature")

    def look_again(self) -> None:
        """A ledger's worker says that something changed: ask the blocked step again now."""
        self.nudged = True

    def report(self) -> SettlementReport:
        """Where the settlement stands."""
        if (report := self.progress.report()) is None:
            refuse("no_proposal", "nobody has proposed terms for this settlement yet")
        return report

    def events(self) -> list[SettlementEvent]:
        """What has happened, from the start."""
        return self.progress.events

    def tell(self, kind: EventKind, text: str) -> None:
        """Add to the story."""
        self.progress.record(SettlementEvent(at=workflow.now(), stage=self.progress.stage, kind=kind, text=text))
        self.show()

    def show(self) -> None:
        """What people see of this run in Temporal's Web UI; costs no history."""
        workflow.set_current_details(details_of(self.start, self.progress))

    def _side(self, signer: str) -> str:
        return {self.start.seller: "seller", self.start.buyer: "buyer"}.get(signer, "stranger")

    def _known(self, terms_hash: str) -> SignedTerms:
        matched = self.progress.matched
        for proposal in [matched] if matched else self.progress.proposals:
            if proposal.terms_hash == terms_hash:
                return proposal
        refuse("unknown_terms", f"no terms {terms_hash} are proposed or matched here")

    def _decided(self) -> bool:
        return self.progress.verdict is not None or self.progress.outcome is not None

    def _undecided(self) -> None:
        if self.progress.outcome is not None:
            refuse("already_ended", f"{self.start.settlement_id} has ended {self.progress.outcome}")
        if self.progress.verdict is not None:
            refuse(f"already_{self.progress.verdict.lower()}", f"the verdict is {self.progress.verdict}")

    def _verify(self, message: Message, about: SignedTerms, signature: Signature) -> None:
        try:
            verify(message, about.network, signature)
        except SignatureInvalid as error:
            refuse("signature_invalid", str(error))

    def _operators_signed(self, message: Message, signatures: tuple[Signature, ...]) -> None:
        matched = self.progress.matched
        if matched is None or getattr(message, "terms_hash", None) != matched.terms_hash:
            refuse("unknown_terms", "the order is about other terms")
        if len({signature.signer for signature in signatures}) < OPERATORS_NEEDED:
            refuse("authority_invalid", "an order needs two distinct operators' signatures")
        for signature in signatures:
            self._verify(message, matched, signature)

    async def _journal_resume(self, signed: SignedOperatorOrder) -> None:
        paid = self.progress.verdict is not None
        step = RESUME_DELIVERY if paid or self.progress.lock is None else RESUME_PAYMENT
        answer = await self.steps.take(step, signed)
        match answer:
            case Receipt():
                self.tell("order", f"operators order to look again: {signed.order.reason}")
                self.nudged = True
            case Refusal():
                refuse(answer.code, answer.text)
            case Fault():
                refuse(answer.blocker.code, answer.blocker.text)

    async def _have_voided(self, signed: SignedOperatorOrder) -> None:
        """One order after the other: the payment ledger's answer is to this one."""
        await self._until(lambda: self.progress.void_order in (None, signed))
        self._undecided()
        if self.progress.void_order not in (None, signed):
            refuse("order_pending", "another order to void is still to be carried out; send this one again")
        self.refused_orders.pop(signed, None)
        self.progress.void_order = signed
        self.tell("order", f"operators order to void: {signed.order.reason}")
        self.nudged = True
        await self._until(lambda: signed in self.refused_orders)  # else recorded, and carried out when it can be
        if (refusal := self.refused_orders.get(signed)) is not None:
            refuse(refusal.code, refusal.text)
        if self.progress.verdict is VerdictKind.PAID:
            refuse("already_paid", "the payment was made before the order could be carried out")

    async def _until(self, answered: Callable[[], bool]) -> None:
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: answered() or self._decided(), timeout=ORDER_ANSWER_WITHIN)

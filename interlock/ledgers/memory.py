"""A ledger in this process's memory, for unit tests of whoever asks ledgers. It answers as the Postgres one does, and
passes the same tests; it keeps nothing when the process ends, and is no ledger to hold value on.

No operation awaits anything between its first look and its last write, so each is one transaction.
"""

from dataclasses import replace
from datetime import datetime

from interlock.ledgers.books import Account, Movement, escrow_of, issuance_of
from interlock.ledgers.memory_reader import MemoryReader
from interlock.ledgers.rules import Role, moment_text, past
from interlock.protocol import (
    AccountOrder,
    Answer,
    Attempt,
    Attestors,
    Certificate,
    Check,
    CloseAttestors,
    Fact,
    LedgerOrder,
    Lock,
    LockState,
    Message,
    Mint,
    Misconduct,
    OpenAccount,
    Operation,
    Readmit,
    Receipt,
    Refusal,
    RefusalCode,
    RegisterAsset,
    RegisterAttestors,
    SignedLedgerOrder,
    SignedOperatorOrder,
    SignedRedirection,
    SignedTerms,
    Terms,
    Verdict,
    VerdictKind,
    VoidAuthority,
)
from interlock.protocol.eip712 import digest_of
from interlock.protocol.evidence import (
    RegisteredSet,
    attestors_in,
    unauthorised,
    uncertified,
    unmatched,
    unordered,
    unordered_here,
    unproven,
    unredirected,
    valid_until,
)


class MemoryLedger(MemoryReader):
    """One ledger of one network, with every operation of the protocol. Raises nothing but for defects."""

    async def check(self, signed: SignedTerms) -> Check:
        """What already stands here for the terms, else whether this ledger would do its part; writes nothing."""
        terms, terms_hash = signed.terms, signed.terms.hash(self.network)
        role: Role = "payment" if terms.payment.ledger == self.name else "delivery"
        if refusal := self._elsewhere(terms, role):
            return Check(refusal=refusal)
        lock, verdict = self._locks.get(terms_hash), self._verdicts.get(terms_hash)
        if lock is not None or verdict is not None:
            return Check(lock=lock, verdict=verdict)
        leg, deliverer, receiver = terms.delivery, terms.seller, terms.buyer
        if role == "payment":
            leg, deliverer, receiver = terms.payment, terms.buyer, terms.seller
        refusal = (
            unmatched(signed, self._here)
            or self._rules.refuse_late(terms, self._clock())
            or self._rules.refuse_closed_coordinator(terms)
            or self._rules.refuse_asset(leg, role)
            or self._rules.refuse_account(leg.deliverer, deliverer, f"{role}.deliverer", admitted=True)
            or self._rules.refuse_account(leg.receiver, receiver, f"{role}.receiver", admitted=True)
            or (self._rules.refuse_used_id(terms, terms_hash) if role == "delivery" else None)
        )
        return Check(refusal=refusal)

    async def lock(self, signed: SignedTerms, attempt: Attempt) -> Answer:
        """Move the deliverer's units into the lock's own escrow account."""
        terms, leg, terms_hash = signed.terms, signed.terms.delivery, signed.terms_hash
        if refusal := self._elsewhere(terms, "delivery") or unmatched(signed, self._here):
            return refusal
        if stands := self._locks.get(terms_hash):
            return stands.locked or self._rules.no(RefusalCode.TERMS_CLOSED)
        now = self._clock()
        refusal = (
            self._rules.refuse_late(terms, now)
            or self._rules.refuse_closed_coordinator(terms)
            or self._rules.refuse_asset(leg, "delivery")
            or self._rules.refuse_account(leg.deliverer, terms.seller, "delivery.deliverer", admitted=True)
            or self._rules.refuse_account(leg.receiver, terms.buyer, "delivery.receiver", admitted=False)
            or self._rules.refuse_used_id(terms, terms_hash)
            or self._rules.refuse_early(terms, now)
            or self._rules.refuse_debit(leg, "delivery")
        )
        if refusal:
            return refusal
        self._books.own_accounts.add(escrow_of(terms_hash))
        movement = Movement(leg.asset.code, leg.quantity, leg.deliverer, escrow_of(terms_hash))
        receipt = self._write(
            Operation.LOCK, terms, attempt, now, signed, reason="both parties' terms", movement=movement
        )
        self._locks[terms_hash] = Lock(
            terms_hash=terms_hash, state=LockState.LOCKED, signed=signed, locked=receipt, ended=None
        )
        return receipt

    async def release(
        self,
        terms: Terms,
        certificate: Certificate,
        attempt: Attempt,
        redirection: SignedRedirection | None = None,
    ) -> Answer:
        """Escrow to the receiver, on a PAID certificate; to another account of the buyer's with a redirection."""
        terms_hash, leg = terms.hash(self.network), terms.delivery
        refusal = self._elsewhere(terms, "delivery") or self._uncertified(certificate, terms, Fact.PAID)
        if redirection is not None:
            refusal = refusal or unredirected(redirection, terms, self._here)
        if refusal:
            return refusal
        lock = self._locks.get(terms_hash)
        if lock is None:
            return self._rules.no(RefusalCode.NO_LOCK)
        if lock.state is not LockState.LOCKED:
            released = lock.ended if lock.state is LockState.RELEASED else None
            return released or self._rules.no(RefusalCode.ALREADY_VOIDED)
        now, word = self._clock(), redirection.redirection if redirection else None
        receiver = word.receiver if word else leg.receiver
        refusal = (
            self._rules.refuse_superseded(terms, certificate)
            or self._rules.refuse_left_out(certificate)
            or self._rules.refuse_expired(word.valid_until if word else None, now)
            or self._rules.refuse_account(receiver, terms.buyer, "delivery.receiver", admitted=True, suspended=True)
        )
        if refusal:
            return refusal
        reason = word.reason if word else "certificate PAID"
        evidence: tuple[Message, ...] = (certificate, redirection) if redirection else (certificate,)
        movement = Movement(leg.asset.code, leg.quantity, escrow_of(terms_hash), receiver)
        receipt = self._write(Operation.RELEASE, terms, attempt, now, *evidence, reason=reason, movement=movement)
        self._locks[terms_hash] = lock.model_copy(update={"state": LockState.RELEASED, "ended": receipt})
        return receipt

    async def refund(self, terms: Terms, certificate: Certificate, attempt: Attempt) -> Answer:
        """Escrow back to the deliverer, on a VOIDED certificate; with no lock there, a tombstone."""
        terms_hash, leg = terms.hash(self.network), terms.delivery
        if refusal := self._elsewhere(terms, "delivery") or self._uncertified(certificate, terms, Fact.VOIDED):
            return refusal
        lock = self._locks.get(terms_hash)
        if lock is not None and lock.state is not LockState.LOCKED:
            refunded = lock.ended if lock.state is LockState.REFUNDED else None
            return refunded or self._rules.no(RefusalCode.ALREADY_PAID)
        rules = self._rules
        if refusal := rules.refuse_superseded(terms, certificate) or rules.refuse_left_out(certificate):
            return refusal
        movement = Movement(leg.asset.code, leg.quantity, escrow_of(terms_hash), leg.deliverer) if lock else None
        receipt = self._write(
            Operation.REFUND, terms, attempt, self._clock(), certificate, reason="certificate VOIDED", movement=movement
        )
        self._locks[terms_hash] = Lock(
            terms_hash=terms_hash,
            state=LockState.REFUNDED,
            signed=lock.signed if lock else SignedTerms(network=self.network, terms=terms, signatures=()),
            locked=lock.locked if lock else None,
            ended=receipt,
        )
        return receipt

    async def pay(self, signed: SignedTerms, certificate: Certificate, attempt: Attempt) -> Answer:
        """Payer to payee and the verdict PAID, on a LOCKED certificate."""
        terms, leg = signed.terms, signed.terms.payment
        refusal = (
            self._elsewhere(terms, "payment")
            or unmatched(signed, self._here)
            or self._uncertified(certificate, terms, Fact.LOCKED)
        )
        if refusal:
            return refusal
        if stands := self._verdicts.get(signed.terms_hash):
            is_paid = stands.verdict is VerdictKind.PAID
            return stands.receipt if is_paid else self._rules.no(RefusalCode.ALREADY_VOIDED)
        now = self._clock()
        refusal = (
            self._rules.refuse_late(terms, now)
            or self._rules.refuse_superseded(terms, certificate)
            or self._rules.refuse_left_out(certificate)
            or self._rules.refuse_asset(leg, "payment")
            or self._rules.refuse_account(leg.deliverer, terms.buyer, "payment.deliverer", admitted=False)
            or self._rules.refuse_account(leg.receiver, terms.seller, "payment.receiver", admitted=True)
            or self._rules.refuse_debit(leg, "payment")
        )
        if refusal:
            return refusal
        movement = Movement(leg.asset.code, leg.quantity, leg.deliverer, leg.receiver)
        receipt = self._write(
            Operation.PAY, terms, attempt, now, signed, certificate, reason="certificate LOCKED", movement=movement
        )
        self._verdicts[signed.terms_hash] = Verdict(
            terms_hash=signed.terms_hash,
            verdict=VerdictKind.PAID,
            signed=signed,
            authority="certificate",
            receipt=receipt,
        )
        return receipt

    async def void(self, signed: SignedTerms, authority: VoidAuthority, attempt: Attempt) -> Answer:
        """The verdict VOIDED, on one of the three authorities."""
        terms = signed.terms
        refusal = (
            self._elsewhere(terms, "payment")
            or unmatched(signed, self._here)
            or unauthorised(authority, terms, self._here)
        )
        if refusal:
            return refusal
        if stands := self._verdicts.get(signed.terms_hash):
            is_voided = stands.verdict is VerdictKind.VOIDED
            return stands.receipt if is_voided else self._rules.no(RefusalCode.ALREADY_PAID)
        now = self._clock()
        if authority.kind == "time" and not past(terms.settle_by, now):
            return self._rules.no(RefusalCode.NOT_PAST_DEADLINE, moment=moment_text(terms.settle_by))
        if refusal := self._rules.refuse_expired(valid_until(authority), now):
            return refusal
        reasons = {"consent": "both parties' consent", "time": "past settle_by"}
        reason = authority.order.order.reason if authority.kind == "operators" else reasons[authority.kind]
        receipt = self._write(Operation.VOID, terms, attempt, now, signed, authority, reason=reason)
        self._verdicts[signed.terms_hash] = Verdict(
            terms_hash=signed.terms_hash,
            verdict=VerdictKind.VOIDED,
            signed=signed,
            authority=authority.kind,
            receipt=receipt,
        )
        return receipt

    async def resume(self, order: SignedOperatorOrder, attempt: Attempt) -> Answer:
        """Journal two operators' order to look again now (act `resume`); moves nothing."""
        if refusal := unordered(order, "resume", self._here):
            return refusal
        said = order.order
        digest = digest_of(said, self.network)
        if stands := self._orders.get(digest):
            return stands
        now = self._clock()
        if refusal := self._rules.refuse_expired(said.valid_until, now):
            return refusal
        self._orders[digest] = self._books.write("resume", said.terms_hash, now, attempt, (order,), reason=said.reason)
        return self._orders[digest]

    async def order(self, order: SignedLedgerOrder, attempt: Attempt) -> Answer:
        """Carry out two operators' order about accounts, assets or attestors."""
        if refusal := unordered_here(order, self._here):
            return refusal
        said = order.order
        digest = digest_of(said, self.network)
        attestors = attestors_in(said) if isinstance(said, RegisterAttestors) else None
        if isinstance(attestors, Refusal):
            return attestors
        if stands := self._orders.get(digest):
            return stands
        now = self._clock()
        if refusal := self._rules.refuse_expired(said.valid_until, now) or self._rules.refuse_order(said):
            return refusal
        movement = None
        if isinstance(said, Mint):
            movement = Movement(said.asset, said.quantity, issuance_of(said.asset), said.account)
        self._carry_out(said, attestors)
        operation = said.act if isinstance(said, AccountOrder) else said.kind
        self._orders[digest] = self._books.write(
            operation, digest, now, attempt, (order,), movement=movement, reason=said.reason
        )
        return self._orders[digest]

    async def accuse(self, misconduct: Misconduct, attempt: Attempt) -> Answer:
        """Leave an attestor out of every quorum from now on, on the proof of its misconduct."""
        if refusal := unproven(misconduct, self._here):
            return refusal
        attestor, digest = misconduct.attestor, misconduct.digest
        if stands := self._orders.get(digest):
            return stands
        if refusal := self._rules.refuse_unknown_attestor(attestor):
            return refusal
        self._rules.left_out.add(attestor)
        self._orders[digest] = self._books.write(
            "accuse", digest, self._clock(), attempt, (misconduct,), reason=f"misconduct of {attestor}"
        )
        return self._orders[digest]

    def _elsewhere(self, terms: Terms, role: Role) -> Refusal | None:
        """Why this ledger has nothing to do with that leg of the terms."""
        leg = terms.delivery if role == "delivery" else terms.payment
        if leg.ledger == self.name:
            return None
        return self._rules.no(RefusalCode.UNKNOWN_LEDGER, role=role, said=leg.ledger, field=f"{role}.ledger")

    def _uncertified(self, certificate: Certificate, terms: Terms, fact: Fact) -> Refusal | None:
        said = certificate.statement.coordinator
        registered = self._rules.sets.get((said.name, said.epoch))
        return uncertified(certificate, terms, fact, self._here, registered.attestors if registered else None)

    def _write(
        self,
        operation: Operation,
        terms: Terms,
        attempt: Attempt,
        at: datetime,
        *evidence: Message,
        reason: str,
        movement: Movement | None = None,
    ) -> Receipt:
        return self._books.write(
            operation.value,
            terms.hash(self.network),
            at,
            attempt,
            evidence,
            movement=movement,
            settlement_id=terms.settlement_id,
            reason=reason,
        )

    def _carry_out(self, order: LedgerOrder, attestors: Attestors | None) -> None:
        """What an order changes beside the journal. A succeeded set is closed to new terms."""
        accounts, sets = self._books.accounts, self._rules.sets
        match order:
            case OpenAccount(account=name):
                accounts[name] = Account(name, order.owner, order.admitted)
            case AccountOrder(act="admit" | "expel", account=name):
                accounts[name].admitted = order.act == "admit"
            case AccountOrder(account=name):
                accounts[name].frozen = order.act == "freeze"
            case RegisterAsset(asset=asset):
                self._keep_asset(asset)
            case Readmit(attestor=attestor):
                self._rules.left_out.discard(attestor)
            case CloseAttestors(name=name, epoch=epoch):
                sets[name, epoch] = replace(sets[name, epoch], closed=True)
            case RegisterAttestors(name=name, epoch=epoch) if attestors is not None:
                sets[name, epoch] = RegisteredSet(attestors)
                if order.succeeds is not None:
                    old = sets[name, order.succeeds]
                    sets[name, order.succeeds] = replace(old, closed=True, succeeded_by=epoch)

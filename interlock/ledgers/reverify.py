"""Judges a journal again, entry by entry, by what stood before each: trusts nothing that the ledger concluded. Pure."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from interlock.ledgers import evidence
from interlock.ledgers.ledger import Genesis
from interlock.ledgers.replay import Replay
from interlock.protocol import (
    Certificate,
    Fact,
    Leg,
    Message,
    Refusal,
    SignedLedgerOrder,
    SignedOperatorOrder,
    SignedRedirection,
    SignedTerms,
    VoidAuthority,
)
from interlock.protocol.eip712 import digest_of


@dataclass(frozen=True)
class Entry:
    """A journal entry as stored: JSON texts of what it relied on, and of the terms that its row holds."""

    position: int
    operation: str
    terms_hash: str | None
    order_digest: str | None
    at: datetime
    authority: str
    signed: str | None


class _Lock(Message):
    signed: SignedTerms


class _Ending(Message):
    certificate: Certificate
    redirection: SignedRedirection | None = None


class _Payment(Message):
    signed: SignedTerms
    certificate: Certificate


class _Void(Message):
    signed: SignedTerms
    authority: VoidAuthority


_ORDER: TypeAdapter[SignedLedgerOrder] = TypeAdapter(SignedLedgerOrder)


class Reverifier:
    """Reads a ledger's journal in order of position. The genesis is believed; everything after it needs evidence."""

    def __init__(self, ledger: str, network: str) -> None:
        self.replay = Replay(ledger, network)

    def objection(self, entry: Entry) -> str:
        """Why the entry's evidence does not carry it; empty if it does."""
        try:
            found = self._objection(entry)
        except ValueError as error:  # pydantic's too: what is stored is not what the protocol says
            found = f"its evidence cannot be read: {error}"
        return f"entry {entry.position} ({entry.operation}): {found}" if found else ""

    def _objection(self, entry: Entry) -> str:
        if entry.operation == "genesis":
            return self._genesis(entry)
        if entry.operation == "resume":
            return self._resume(entry)
        if entry.order_digest is not None:
            return self._order(entry)
        if entry.signed is None:
            return "there is no row that holds its terms"
        row = SignedTerms.model_validate_json(entry.signed)
        if row.terms.hash(self.replay.here.network) != entry.terms_hash:
            return "the terms in its row have another hash"
        match entry.operation:
            case "lock":
                return self._lock(entry, row)
            case "pay":
                return self._pay(entry, row)
            case "void":
                return self._void(entry, row)
            case _:
                return self._end(entry, row)

    def _genesis(self, entry: Entry) -> str:
        genesis = Genesis.model_validate_json(entry.authority)
        here = self.replay.here
        if (genesis.ledger, genesis.network) != (here.ledger, here.network):
            return "the ledger was born as another"
        self.replay.begin(genesis)
        return ""

    def _lock(self, entry: Entry, row: SignedTerms) -> str:
        said = _Lock.model_validate_json(entry.authority)
        terms = row.terms
        if said.signed != row:
            return "the journal and the lock row hold different terms"
        if terms.not_before is not None and entry.at < terms.not_before:
            return "it was locked before not_before"
        return (
            _late(entry, row)
            or _text(evidence.unmatched(row, self.replay.here))
            or self._debited(terms.delivery, terms.seller)
            or self._unfit(terms.delivery.deliverer, terms.seller, admitted=True)
        )

    def _pay(self, entry: Entry, row: SignedTerms) -> str:
        said = _Payment.model_validate_json(entry.authority)
        terms = row.terms
        if said.signed != row:
            return "the journal and the verdict row hold different terms"
        return (
            _late(entry, row)
            or _text(evidence.unmatched(row, self.replay.here))
            or self._uncertified(said.certificate, row, Fact.LOCKED)
            or self._debited(terms.payment, terms.buyer)
            or self._unfit(terms.payment.receiver, terms.seller, admitted=True)
        )

    def _void(self, entry: Entry, row: SignedTerms) -> str:
        said = _Void.model_validate_json(entry.authority)
        if said.signed != row:
            return "the journal and the verdict row hold different terms"
        if said.authority.kind == "time" and not _late(entry, row):
            return "it was voided by time before settle_by"
        return (
            _text(evidence.unmatched(row, self.replay.here))
            or _text(evidence.unauthorised(said.authority, row.terms, self.replay.here))
            or _expired(evidence.valid_until(said.authority), entry)
        )

    def _end(self, entry: Entry, row: SignedTerms) -> str:
        said = _Ending.model_validate_json(entry.authority)
        if entry.operation == "refund":
            return self._uncertified(said.certificate, row, Fact.VOIDED)
        receiver = row.terms.delivery.receiver
        if said.redirection is not None:
            receiver = said.redirection.redirection.receiver
            if found := _text(evidence.unredirected(said.redirection, row.terms, self.replay.here)) or _expired(
                said.redirection.redirection.valid_until, entry
            ):
                return found
        return self._uncertified(said.certificate, row, Fact.PAID) or self._unfit(
            receiver, row.terms.buyer, admitted=True
        )

    def _resume(self, entry: Entry) -> str:
        signed = SignedOperatorOrder.model_validate_json(entry.authority)
        if digest_of(signed.order, self.replay.here.network) != entry.order_digest:
            return "the order has another digest"
        return _text(evidence.unordered(signed, "resume", self.replay.here, entry.terms_hash)) or _expired(
            signed.order.valid_until, entry
        )

    def _order(self, entry: Entry) -> str:
        signed = _ORDER.validate_json(entry.authority)
        if digest_of(signed.order, self.replay.here.network) != entry.order_digest:
            return "the order has another digest"
        found = _text(evidence.unordered_here(signed, self.replay.here)) or _expired(signed.order.valid_until, entry)
        if not found:
            self.replay.carry_out(signed.order)
        return found

    def _uncertified(self, certificate: Certificate, row: SignedTerms, fact: Fact) -> str:
        counting = evidence.effective(row.terms.coordinator, self.replay.sets)
        if counting is None or certificate.statement.coordinator != counting.identity:
            return "its certificate is not of the attestor set that counted for the terms"
        return _text(evidence.uncertified(certificate, row.terms, fact, self.replay.here, counting))

    def _debited(self, leg: Leg, owner: str) -> str:
        """Why the leg's deliverer could not be debited, its balance apart: that is in the books."""
        account = self.replay.accounts.get(leg.deliverer)
        if account is not None and account.frozen:
            return f"account {leg.deliverer} was frozen"
        return self._unfit(leg.deliverer, owner, admitted=False)

    def _unfit(self, name: str, owner: str, *, admitted: bool) -> str:
        account = self.replay.accounts.get(name)
        if account is None or account.owner != owner:
            return f"account {name} was not owned by {owner}"
        return f"account {name} was not admitted" if admitted and not account.admitted else ""


def _late(entry: Entry, row: SignedTerms) -> str:
    return "it happened past settle_by" if entry.at >= row.terms.settle_by else ""


def _text(refusal: Refusal | None) -> str:
    return refusal.text if refusal else ""


def _expired(valid_until: datetime | None, entry: Entry) -> str:
    return "its authority had expired" if valid_until is not None and entry.at >= valid_until else ""

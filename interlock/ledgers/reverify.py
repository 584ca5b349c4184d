"""Verifies a journal entry's evidence again, trusting nothing that the ledger concluded from it. Pure; reads no row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from interlock.ledgers import evidence
from interlock.ledgers.evidence import Identity, RegisteredSet, SetKey
from interlock.protocol import (
    Attestors,
    AttestorSet,
    Certificate,
    Fact,
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
    """Judges entries of one ledger, by its operators and by the attestor sets that it has registered."""

    def __init__(self, here: Identity, sets: Mapping[SetKey, RegisteredSet]) -> None:
        self._here = here
        self._sets = sets

    def objection(self, entry: Entry) -> str:
        """Why the entry's evidence does not carry it; empty if it does."""
        try:
            found = self._objection(entry)
        except ValueError as error:  # pydantic's too: what is stored is not what the protocol says
            found = f"its evidence cannot be read: {error}"
        return f"entry {entry.position} ({entry.operation}): {found}" if found else ""

    def _objection(self, entry: Entry) -> str:
        if entry.operation == "genesis":
            return ""
        if entry.operation == "resume":
            return self._resume(entry)
        if entry.order_digest is not None:
            return self._order(entry)
        if entry.signed is None:
            return "there is no row that holds its terms"
        row = SignedTerms.model_validate_json(entry.signed)
        if row.terms.hash(self._here.network) != entry.terms_hash:
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

    def _lock(self, entry: Entry, row: SignedTerms) -> str:
        said = _Lock.model_validate_json(entry.authority)
        if said.signed != row:
            return "the journal and the lock row hold different terms"
        if row.terms.not_before is not None and entry.at < row.terms.not_before:
            return "it was locked before not_before"
        return self._in_time(entry, row) or _text(evidence.unmatched(row, self._here))

    def _pay(self, entry: Entry, row: SignedTerms) -> str:
        said = _Payment.model_validate_json(entry.authority)
        if said.signed != row:
            return "the journal and the verdict row hold different terms"
        return (
            self._in_time(entry, row)
            or _text(evidence.unmatched(row, self._here))
            or self._certified(said.certificate, row, Fact.LOCKED)
        )

    def _void(self, entry: Entry, row: SignedTerms) -> str:
        said = _Void.model_validate_json(entry.authority)
        if said.signed != row:
            return "the journal and the verdict row hold different terms"
        if said.authority.kind == "time" and entry.at < row.terms.settle_by:
            return "it was voided by time before settle_by"
        return (
            _text(evidence.unmatched(row, self._here))
            or _text(evidence.unauthorised(said.authority, row.terms, self._here))
            or _expired(evidence.valid_until(said.authority), entry)
        )

    def _end(self, entry: Entry, row: SignedTerms) -> str:
        said = _Ending.model_validate_json(entry.authority)
        fact = Fact.PAID if entry.operation == "release" else Fact.VOIDED
        if found := self._certified(said.certificate, row, fact):
            return found
        if said.redirection is None:
            return ""
        return _text(evidence.unredirected(said.redirection, row.terms, self._here)) or _expired(
            said.redirection.redirection.valid_until, entry
        )

    def _resume(self, entry: Entry) -> str:
        signed = SignedOperatorOrder.model_validate_json(entry.authority)
        if digest_of(signed.order, self._here.network) != entry.order_digest:
            return "the order has another digest"
        return _text(evidence.unordered(signed, "resume", self._here, entry.terms_hash)) or _expired(
            signed.order.valid_until, entry
        )

    def _order(self, entry: Entry) -> str:
        signed = _ORDER.validate_json(entry.authority)
        if digest_of(signed.order, self._here.network) != entry.order_digest:
            return "the order has another digest"
        return _text(evidence.unordered_here(signed, self._here)) or _expired(signed.order.valid_until, entry)

    def _certified(self, certificate: Certificate, row: SignedTerms, fact: Fact) -> str:
        named, used = row.terms.coordinator, certificate.statement.coordinator
        if not self._is_in_line(named, used):
            return f"its certificate is not of the set that the terms name, {named.name} epoch {named.epoch}"
        return _text(evidence.uncertified(certificate, row.terms, fact, self._here, self._attestors(used)))

    def _attestors(self, named: AttestorSet) -> Attestors | None:
        found = self._sets.get((named.name, named.epoch))
        return found.attestors if found else None

    def _is_in_line(self, named: AttestorSet, used: AttestorSet) -> bool:
        """Whether `used` is the named set or one of its successors: which of them counted depends on the moment."""
        found = self._sets.get((named.name, named.epoch))
        if found is None or found.attestors.identity != named:
            return False
        while found.attestors.identity != used and found.succeeded_by is not None:
            found = self._sets[named.name, found.succeeded_by]
        return found.attestors.identity == used

    @staticmethod
    def _in_time(entry: Entry, row: SignedTerms) -> str:
        return "it happened past settle_by" if entry.at >= row.terms.settle_by else ""


def _text(refusal: Refusal | None) -> str:
    return refusal.text if refusal else ""


def _expired(valid_until: datetime | None, entry: Entry) -> str:
    return "its authority had expired" if valid_until is not None and entry.at >= valid_until else ""

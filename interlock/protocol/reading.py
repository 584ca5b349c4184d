"""What each entry of a journal proves by itself, read anew from the stored bytes. Pure: any process may be asked.

What depends on the moment (whose an account was, which attestors counted) is left as claims; `reverify` judges them in
the journal's order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from pydantic import TypeAdapter

from interlock.protocol import (
    AttestorSet,
    Certificate,
    CertificateInvalid,
    Fact,
    LedgerOrder,
    Message,
    Misconduct,
    Refusal,
    RegisterAttestors,
    SignedLedgerOrder,
    SignedOperatorOrder,
    SignedRedirection,
    SignedTerms,
    VoidAuthority,
    evidence,
)
from interlock.protocol.eip712 import digest_of
from interlock.protocol.evidence import Identity, attestors_in
from interlock.protocol.genesis import Genesis

_REMEMBERED = 1024
"""How many rows are remembered: a lock's row is read again by the entry that ended it, mostly soon after."""


@dataclass(frozen=True)
class Entry:
    """A journal entry as stored: JSON texts of what it relied on, and of the terms that its row holds.

    `to_finish`: the row is an open lock's or a verdict's, from which somebody may have to go on.
    """

    position: int
    operation: str
    terms_hash: str | None
    order_digest: str | None
    at: datetime
    authority: str
    signed: str | None
    to_finish: bool


@dataclass(frozen=True)
class Debited:
    """The account had to be the owner's and not frozen. Its balance is in the books."""

    account: str
    owner: str


@dataclass(frozen=True)
class Credited:
    """The account had to be the owner's and admitted."""

    account: str
    owner: str


@dataclass(frozen=True)
class Counted:
    """Who signed a statement of `coordinator` had to be a quorum of the set that counted for terms naming `named`."""

    named: AttestorSet
    coordinator: AttestorSet
    signers: tuple[str, ...]


@dataclass(frozen=True)
class Registered:
    """The attestor's key had to be in some set."""

    attestor: str


Claim = str | Debited | Credited | Counted | Registered
"""Something that had to be so when the entry was written; or, in words, what is wrong with it whatever the moment."""


@dataclass(frozen=True)
class Kept:
    """What is wrong with a row that somebody may have to go on from; who has to certify it, if anybody must."""

    terms_hash: str
    faults: tuple[str, ...]
    certifiers: AttestorSet | None = None


@dataclass(frozen=True)
class Reading:
    """An entry's claims, in the order in which they are judged, and what it changes if all of them are so."""

    position: int
    operation: str
    claims: tuple[Claim, ...]
    effect: Genesis | LedgerOrder | Misconduct | None = None
    kept: Kept | None = None


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


ORDER: TypeAdapter[SignedLedgerOrder] = TypeAdapter(SignedLedgerOrder)
"""Reads an order from the JSON that the journal keeps."""


@dataclass(frozen=True)
class _Row:
    """The terms that a row holds, their hash, and why they are not terms that both parties signed."""

    signed: SignedTerms
    terms_hash: str
    unmatched: str


def read_entries(here: Identity, entries: Sequence[Entry]) -> list[Reading]:
    """What each of these proves."""
    return [_read(here, entry) for entry in entries]


def read_kept(here: Identity, rows: Sequence[tuple[str, str]]) -> list[Kept]:
    """The same of rows that no entry speaks of: terms hash, and the signed terms as JSON."""
    return [_kept(here, terms_hash, signed) for terms_hash, signed in rows]


def _read(here: Identity, entry: Entry) -> Reading:
    kept = _kept(here, entry.terms_hash or "", entry.signed or "") if entry.to_finish else None
    effect: Genesis | LedgerOrder | Misconduct | None = None
    claims: list[Claim]
    try:
        if entry.operation == "genesis":
            effect, claims = _genesis(here, entry)
        elif entry.operation == "accuse":
            effect, claims = _accusation(here, entry)
        elif entry.operation != "resume" and entry.order_digest is not None:
            effect, claims = _order(here, entry)
        else:
            claims = [*(_resumption(here, entry) if entry.operation == "resume" else _movement(here, entry))]
    except ValueError as error:  # pydantic's too: what is stored is not what the protocol says
        claims = [f"its evidence cannot be read: {error}"]
    return Reading(entry.position, entry.operation, tuple(claim for claim in claims if claim), effect, kept)


def _genesis(here: Identity, entry: Entry) -> tuple[Genesis, list[Claim]]:
    genesis = Genesis.model_validate_json(entry.authority)
    is_ours = (genesis.ledger, genesis.network) == (here.ledger, here.network)
    return genesis, ["" if is_ours else "the ledger was born as another"]


def _order(here: Identity, entry: Entry) -> tuple[LedgerOrder, list[Claim]]:
    signed = ORDER.validate_json(entry.authority)
    order = signed.order
    found = attestors_in(order) if isinstance(order, RegisterAttestors) else None
    return order, [
        "the order has another digest" if digest_of(order, here.network) != entry.order_digest else "",
        _text(evidence.unordered_here(signed, here)),
        _expired(order.valid_until, entry),
        found.text if isinstance(found, Refusal) else "",
    ]


def _accusation(here: Identity, entry: Entry) -> tuple[Misconduct, list[Claim]]:
    misconduct = Misconduct.model_validate_json(entry.authority)
    return misconduct, [
        "the misconduct has another digest" if misconduct.digest != entry.order_digest else "",
        _text(evidence.unproven(misconduct, here)),
        Registered(misconduct.attestor),
    ]


def _resumption(here: Identity, entry: Entry) -> Iterator[Claim]:
    signed = SignedOperatorOrder.model_validate_json(entry.authority)
    if digest_of(signed.order, here.network) != entry.order_digest:
        yield "the order has another digest"
    yield _text(evidence.unordered(signed, "resume", here, entry.terms_hash))
    yield _expired(signed.order.valid_until, entry)


def _movement(here: Identity, entry: Entry) -> Iterator[Claim]:
    if entry.signed is None:
        yield "there is no row that holds its terms"
        return
    row = _row(here, entry.signed)
    if row.terms_hash != entry.terms_hash:
        yield "the terms in its row have another hash"
    match entry.operation:
        case "lock":
            yield from _lock(entry, row)
        case "pay":
            yield from _payment(here, entry, row)
        case "void":
            yield from _void(here, entry, row)
        case _:
            yield from _ending(here, entry, row)


def _lock(entry: Entry, row: _Row) -> Iterator[Claim]:
    said, terms = _Lock.model_validate_json(entry.authority), row.signed.terms
    if said.signed != row.signed:
        yield "the journal and the lock row hold different terms"
    if terms.not_before is not None and entry.at < terms.not_before:
        yield "it was locked before not_before"
    yield _late(entry, row)
    yield row.unmatched
    yield Debited(terms.delivery.deliverer, terms.seller)
    yield Credited(terms.delivery.deliverer, terms.seller)


def _payment(here: Identity, entry: Entry, row: _Row) -> Iterator[Claim]:
    said, terms = _Payment.model_validate_json(entry.authority), row.signed.terms
    if said.signed != row.signed:
        yield "the journal and the verdict row hold different terms"
    yield _late(entry, row)
    yield row.unmatched
    yield from _certified(here, said.certificate, row, Fact.LOCKED)
    yield Debited(terms.payment.deliverer, terms.buyer)
    yield Credited(terms.payment.receiver, terms.seller)


def _void(here: Identity, entry: Entry, row: _Row) -> Iterator[Claim]:
    said = _Void.model_validate_json(entry.authority)
    if said.signed != row.signed:
        yield "the journal and the verdict row hold different terms"
    if said.authority.kind == "time" and not _late(entry, row):
        yield "it was voided by time before settle_by"
    yield row.unmatched
    yield _text(evidence.unauthorised(said.authority, row.signed.terms, here))
    yield _expired(evidence.valid_until(said.authority), entry)


def _ending(here: Identity, entry: Entry, row: _Row) -> Iterator[Claim]:
    said, terms = _Ending.model_validate_json(entry.authority), row.signed.terms
    if entry.operation == "refund":
        yield from _certified(here, said.certificate, row, Fact.VOIDED)
        return
    receiver = terms.delivery.receiver
    if said.redirection is not None:
        receiver = said.redirection.redirection.receiver
        yield _text(evidence.unredirected(said.redirection, terms, here))
        yield _expired(said.redirection.redirection.valid_until, entry)
    yield from _certified(here, said.certificate, row, Fact.PAID)
    yield Credited(receiver, terms.buyer)


def _certified(here: Identity, certificate: Certificate, row: _Row, fact: Fact) -> Iterator[Claim]:
    terms = row.signed.terms
    yield Counted(_same(terms.coordinator), _same(certificate.statement.coordinator), certificate.signers)
    yield _text(evidence.misstated(certificate, terms, fact, here))
    try:
        certificate.verify_signatures(here.network)
    except CertificateInvalid as error:
        yield evidence.not_proven(str(error)).text


def _kept(here: Identity, terms_hash: str, signed: str) -> Kept:
    try:
        row = _row(here, signed)
    except ValueError as error:
        return Kept(terms_hash, (f"its terms cannot be read: {error}",))
    faults = {
        "its terms have another hash": row.terms_hash != terms_hash,
        "its terms are not signed by both parties": bool(row.unmatched),
    }
    terms = row.signed.terms
    # Terms may be voided whatever their coordinator: a refund of no lock needs no certificate to go on.
    certifiers = _same(terms.coordinator) if here.ledger == terms.delivery.ledger else None
    return Kept(terms_hash, tuple(why for why, so in faults.items() if so), certifiers)


@lru_cache(maxsize=_REMEMBERED)
def _row(here: Identity, signed: str) -> _Row:
    """The same bytes prove the same. Raises ValueError for what are no terms."""
    found = SignedTerms.model_validate_json(signed)
    return _Row(found, found.terms.hash(here.network), _text(evidence.unmatched(found, here)))


@lru_cache(maxsize=_REMEMBERED)
def _same(named: AttestorSet) -> AttestorSet:
    """One object for equal sets: a chunk's answers then name it once on their way to another process."""
    return named


def _late(entry: Entry, row: _Row) -> str:
    return "it happened past settle_by" if entry.at >= row.signed.terms.settle_by else ""


def _text(refusal: Refusal | None) -> str:
    return refusal.text if refusal else ""


def _expired(valid_until: datetime | None, entry: Entry) -> str:
    return "its authority had expired" if valid_until is not None and entry.at >= valid_until else ""

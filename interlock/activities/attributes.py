"""What a step's span says of its request and its answer: `interlock.*` attributes, as docs/tracing.md lists them.

Knows no span and no activity. Quantities are decimal strings of smallest units: a span's integers have 64 bits.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from interlock.protocol import (
    Attested,
    AttestRequest,
    Certificate,
    Check,
    Dissent,
    Fact,
    Leg,
    Lock,
    Misconduct,
    NotAttested,
    Receipt,
    Refusal,
    SignedOperatorOrder,
    SignedTerms,
    Terms,
    Verdict,
)
from interlock.protocol.instructions import SettlementStart
from interlock.protocol.names import Role
from interlock.protocol.steps import AccuseRequest, PayRequest, RefundRequest, ReleaseRequest, TermsHash, VoidRequest

Attributes = dict[str, str | int | bool | list[str]]


@dataclass(frozen=True)
class Subject:
    """What a request is about: always some terms; what else of the settlement is known depends on the request."""

    terms_hash: str
    settlement: SettlementStart | Terms | None = None
    terms: Terms | None = None
    certificate: Certificate | None = None
    authority: str | None = None
    fact: Fact | None = None
    ledger: str | None = None
    misconduct: tuple[Misconduct, ...] = ()


def subject_of(request: object) -> Subject | None:
    """None for a request about no terms in particular: the sweep's questions."""
    match request:
        case SignedTerms():
            return _of_terms(request.terms_hash, request.terms)
        case PayRequest():
            return _of_terms(request.signed.terms_hash, request.signed.terms, request.certificate)
        case VoidRequest():
            return _of_terms(request.signed.terms_hash, request.signed.terms, authority=request.authority.kind)
        case ReleaseRequest() | RefundRequest():
            return _of_terms(request.certificate.statement.terms_hash, request.terms, request.certificate)
        case AttestRequest():
            return Subject(request.terms_hash, request.settlement, fact=request.fact, ledger=request.ledger)
        case TermsHash():
            return Subject(request.terms_hash, request.settlement)
        case AccuseRequest():
            return Subject(request.found_in, request.settlement, misconduct=(request.misconduct,))
        case SignedOperatorOrder():
            return Subject(request.order.terms_hash)
        case _:
            return None


def _of_terms(
    terms_hash: str, terms: Terms, certificate: Certificate | None = None, authority: str | None = None
) -> Subject:
    return Subject(terms_hash, terms, terms, certificate, authority)


def asked(subject: Subject, role: Role) -> Attributes:
    """The request's attributes, of a step that this role carries out."""
    said: Attributes = {"interlock.terms.hash": subject.terms_hash, "interlock.role": role.value}
    if subject.settlement is not None:
        said |= parties(subject.settlement)
    if subject.terms is not None and role in (Role.ASSET, Role.PAYMENT):
        said |= leg("interlock", subject.terms.delivery if role is Role.ASSET else subject.terms.payment)
    if role in (Role.ASSET, Role.PAYMENT):
        said["interlock.leg"] = "delivery" if role is Role.ASSET else "payment"
    if subject.fact is not None:
        said["interlock.fact"] = subject.fact.value
        said["interlock.leg"] = "delivery" if subject.fact is Fact.LOCKED else "payment"
    if subject.ledger is not None:
        said["interlock.ledger"] = subject.ledger
    if subject.authority is not None:
        said["interlock.authority"] = subject.authority
    if subject.certificate is not None:
        said |= _signers(subject.certificate)
    return said | misconduct(subject.misconduct)


def parties(settlement: SettlementStart | Terms) -> Attributes:
    """Which settlement, and whose."""
    return {
        "interlock.settlement.id": settlement.settlement_id,
        "interlock.seller": settlement.seller,
        "interlock.buyer": settlement.buyer,
    }


def leg(prefix: str, moved: Leg) -> Attributes:
    """What moves where."""
    return {
        f"{prefix}.ledger": moved.ledger,
        f"{prefix}.asset": moved.asset.code,
        f"{prefix}.quantity": str(moved.quantity),
    }


def answered(answer: Any) -> Attributes:
    """The answer's attributes; `interlock.answer` is its kind."""
    match answer:
        case Receipt():
            return _kind("receipt") | _receipt(answer)
        case Refusal():
            return refusal(answer.code.value, answer.text, answer.who)
        case Check() | Lock() | Verdict():
            return _stands(answer)
        case Attested():
            noted = dissents(answer.dissents) | misconduct(answer.misconduct)
            return _kind("certificate") | _signers(answer.certificate) | noted
        case NotAttested(refusal=no):
            return refusal(no.code.value, no.text, no.who) | dissents(answer.dissents) | misconduct(answer.misconduct)
        case None:
            return _kind("nothing")
        case True:
            return _kind("started")
        case _:
            return _kind("other")


def _stands(answer: Check | Lock | Verdict) -> Attributes:
    match answer:
        case Lock():
            return _kind("stands") | _lock(answer)
        case Verdict():
            return _kind("stands") | _verdict(answer)
        case Check(refusal=Refusal() as no):
            return refusal(no.code.value, no.text, no.who)
        case Check(lock=None, verdict=None):
            return _kind("agreed")
    return _kind("stands") | _lock(answer.lock) | _verdict(answer.verdict)


def refusal(code: str, text: str, who: str) -> Attributes:
    """A "no", and who can change it."""
    said = _kind("refusal") | {"interlock.refusal.code": code, "interlock.refusal.text": text}
    return said | {"interlock.refusal.who": who} if who else said


def dissents(known: Iterable[Dissent]) -> Attributes:
    """Which attestors did not sign with the others, and how."""
    said = [f"{each.attestor} {each.fact} {each.kind}: {each.text}" for each in known]
    return {"interlock.dissents": said} if said else {}


def misconduct(found: Iterable[Misconduct]) -> Attributes:
    """Which attestors have contradicted themselves, and in what."""
    said = [each.text for each in found]
    return {"interlock.misconduct": said} if said else {}


def _kind(name: str) -> Attributes:
    return {"interlock.answer": name}


def _receipt(receipt: Receipt) -> Attributes:
    return {"interlock.receipt.reference": receipt.reference, "interlock.receipt.position": receipt.position}


def _lock(lock: Lock | None) -> Attributes:
    return {} if lock is None else {"interlock.lock": lock.state.value}


def _verdict(verdict: Verdict | None) -> Attributes:
    return {} if verdict is None else {"interlock.verdict": verdict.verdict.value} | _receipt(verdict.receipt)


def _signers(certificate: Certificate) -> Attributes:
    return {"interlock.certificate.signers": [signature.signer for signature in certificate.signatures]}

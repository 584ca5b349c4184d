"""What signatures and certificates prove to a ledger or a checker: pure functions from evidence to a refusal, or None.

Only timeless questions are answered here. Whether an authority has expired, a set has a successor or terms are closed
depends on the moment, and each ledger judges that inside its own transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from interlock.protocol import (
    Attestors,
    AttestorSet,
    ByConsent,
    ByOperators,
    Certificate,
    CertificateInvalid,
    Fact,
    Message,
    Misconduct,
    MisconductUnproven,
    Refusal,
    RefusalCode,
    RegisterAttestors,
    Signature,
    SignatureInvalid,
    SignedLedgerOrder,
    SignedOperatorOrder,
    SignedRedirection,
    SignedTerms,
    Terms,
    VoidAuthority,
    verify,
)

_OPERATORS_NEEDED = 2


@dataclass(frozen=True)
class Identity:
    """Who judges: a ledger's name, its network, and its registered operators. None of them ever changes."""

    ledger: str
    network: str
    operators: frozenset[str]


@dataclass(frozen=True)
class RegisteredSet:
    """An attestor set as a ledger keeps it. `succeeded_by` is the epoch whose certificates count in its place."""

    attestors: Attestors
    closed: bool = False
    succeeded_by: int | None = None


SetKey = tuple[str, int]
"""An attestor set's name and epoch."""


def effective(named: AttestorSet, registered: Mapping[SetKey, RegisteredSet]) -> Attestors | None:
    """The set whose certificates count where `named` is named: itself, or its last successor; None if unknown."""
    found = registered.get((named.name, named.epoch))
    if found is None or found.attestors.identity != named:
        return None
    while found.succeeded_by is not None:
        found = registered[named.name, found.succeeded_by]
    return found.attestors


def unmatched(signed: SignedTerms, here: Identity) -> Refusal | None:
    """Why these are not terms that both of their parties signed for this network."""
    if signed.network != here.network:
        return _refusal(RefusalCode.SIGNATURE_INVALID, "The terms are signed for another network.", "parties")
    terms = signed.terms
    if strangers := sorted(signed.signers - {terms.seller, terms.buyer}):
        text = f"{strangers[0]} signed, and is neither the terms' seller nor their buyer."
        return _refusal(RefusalCode.WRONG_SIGNER, text, "parties")
    try:
        signed.verify()
    except SignatureInvalid as error:
        return _refusal(RefusalCode.SIGNATURE_INVALID, f"A signature on the terms is invalid: {error}.", "parties")
    for role, party in (("seller", terms.seller), ("buyer", terms.buyer)):
        if party not in signed.signers:
            text = f"The {role} {party} has not signed the terms."
            return _refusal(RefusalCode.SIGNATURE_INVALID, text, role, role)
    return None


def uncertified(
    certificate: Certificate, terms: Terms, fact: Fact, here: Identity, attestors: Attestors | None
) -> Refusal | None:
    """Why the certificate does not prove `fact` of these terms.

    `attestors` is the set that the ledger has registered under the name and epoch in the certificate's statement.
    Whether that set counts for the terms now, `effective` says: a certificate of a set that was succeeded since may
    still ask what stands, but has no new effect.
    """
    if attestors is None:
        name, epoch = certificate.statement.coordinator.name, certificate.statement.coordinator.epoch
        text = f"Coordinator {name}, epoch {epoch}, is not registered on ledger {here.ledger}."
        return _refusal(RefusalCode.UNKNOWN_COORDINATOR, text, f"operators of ledger {here.ledger}", "coordinator")
    if refusal := misstated(certificate, terms, fact, here):
        return refusal
    try:
        certificate.verify(here.network, attestors)
    except CertificateInvalid as error:
        return not_proven(str(error))
    return None


def misstated(certificate: Certificate, terms: Terms, fact: Fact, here: Identity) -> Refusal | None:
    """Why the certificate's statement is not `fact` of these terms, whoever signed it."""
    statement = certificate.statement
    ledger = terms.delivery.ledger if fact is Fact.LOCKED else terms.payment.ledger
    wrong = {
        f"it says {statement.fact}, and {fact} is needed": statement.fact is not fact,
        "it is about other terms": statement.terms_hash != terms.hash(here.network),
        f"it is about ledger {statement.ledger}, and ledger {ledger} counts": statement.ledger != ledger,
        f"it is of coordinator {statement.coordinator.name}": statement.coordinator.name != terms.coordinator.name,
    }
    for reason, is_so in wrong.items():
        if is_so:
            return not_proven(reason)
    return None


def not_proven(reason: str) -> Refusal:
    """The refusal of a certificate that proves nothing here."""
    return _refusal(RefusalCode.CERTIFICATE_INVALID, f"The certificate proves nothing here: {reason}.", "coordinator")


def unauthorised(authority: VoidAuthority, terms: Terms, here: Identity) -> Refusal | None:
    """Why this is no authority to void these terms, whatever the time."""
    match authority:
        case ByConsent():
            return _not_consented(authority, terms, here)
        case ByOperators(order=order):
            return unordered(order, "void", here, terms.hash(here.network))
        case _:
            return None


def valid_until(authority: VoidAuthority) -> datetime | None:
    """Until when an authority counts (UTC); None for the clock, which expires never."""
    match authority:
        case ByConsent(cancellations=cancellations):
            return min(each.cancellation.valid_until for each in cancellations)
        case ByOperators(order=signed):
            return signed.order.valid_until
        case _:
            return None


def _not_consented(authority: ByConsent, terms: Terms, here: Identity) -> Refusal | None:
    given = authority.cancellations
    if {each.signature.signer for each in given} != {terms.seller, terms.buyer}:
        return _no_authority("consent to cancel needs the seller's and the buyer's signature", "parties")
    for each in given:
        if each.cancellation.terms_hash != terms.hash(here.network):
            return _no_authority("a consent to cancel is about other terms", "parties")
        if reason := _unsigned(each.cancellation, each.signature, here):
            return _no_authority(reason, "parties")
    return None


def unordered(signed: SignedOperatorOrder, act: str, here: Identity, terms_hash: str | None = None) -> Refusal | None:
    """Why this is no order of two operators to `act`, about the terms of that hash if one is given."""
    if signed.order.act != act:
        return _no_authority(f"the order says {signed.order.act}, not {act}", "operators")
    if terms_hash is not None and signed.order.terms_hash != terms_hash:
        return _no_authority("the order is about other terms", "operators")
    return _too_few_operators(signed.order, signed.signatures, here)


def unordered_here(signed: SignedLedgerOrder, here: Identity) -> Refusal | None:
    """Why this is no order of two operators to this ledger."""
    if signed.order.ledger != here.ledger:
        text = f"The order is for ledger {signed.order.ledger}, this is ledger {here.ledger}."
        return _refusal(RefusalCode.UNKNOWN_LEDGER, text, "operators", "ledger")
    return _too_few_operators(signed.order, signed.signatures, here)


def unproven(misconduct: Misconduct, here: Identity) -> Refusal | None:
    """Why this proves no misconduct of its attestor; whether anybody here has that key, the ledger judges."""
    try:
        misconduct.verify(here.network)
    except MisconductUnproven as error:
        return _refusal(RefusalCode.MISCONDUCT_UNPROVEN, f"This proves no misconduct: {error}.", "accuser")
    return None


def unredirected(signed: SignedRedirection, terms: Terms, here: Identity) -> Refusal | None:
    """Why this does not redirect the release of these terms: the buyer and two operators must sign it."""
    if signed.redirection.terms_hash != terms.hash(here.network):
        return _no_authority("the redirection is about other terms", "buyer")
    own = [signature for signature in signed.signatures if signature.signer == terms.buyer]
    if not own:
        return _no_authority("the buyer has not signed the redirection", "buyer")
    if reason := _unsigned(signed.redirection, own[0], here):
        return _no_authority(reason, "buyer")
    others = tuple(signature for signature in signed.signatures if signature is not own[0])
    return _too_few_operators(signed.redirection, others, here)


def _too_few_operators(message: Message, signatures: tuple[Signature, ...], here: Identity) -> Refusal | None:
    who = f"operators of ledger {here.ledger}"
    signers = {signature.signer for signature in signatures}
    if strangers := sorted(signers - here.operators):
        return _no_authority(f"{strangers[0]} is no operator of ledger {here.ledger}", who)
    if len(signers) != len(signatures):
        return _no_authority("one operator's signature stands twice", who)
    for signature in signatures:
        if reason := _unsigned(message, signature, here):
            return _no_authority(reason, who)
    if len(signers) < _OPERATORS_NEEDED:
        return _no_authority(f"it has {len(signers)} operators' signatures and needs {_OPERATORS_NEEDED}", who)
    return None


def _unsigned(message: Message, signature: Signature, here: Identity) -> str:
    try:
        verify(message, here.network, signature)
    except SignatureInvalid as error:
        return str(error)
    return ""


def _no_authority(reason: str, who: str) -> Refusal:
    return _refusal(RefusalCode.AUTHORITY_INVALID, f"This is no authority to do so: {reason}.", who)


def _refusal(code: RefusalCode, text: str, who: str, field: str = "") -> Refusal:
    return Refusal(code=code, text=text, who=who, field=field)


def attestors_in(order: RegisterAttestors) -> Attestors | Refusal:
    """The set that an order registers, or why it is none: doubled keys, or a quorum that its faulty could outvote."""
    try:
        return Attestors.of(order.name, order.epoch, order.attestors, order.quorum)
    except ValidationError as error:
        return _no_authority(error.errors()[0]["msg"], "operators")

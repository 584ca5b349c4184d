"""What people read beside a step's name when they look at a run: "2,500.00 OUSG of alpine". Carries out nothing.

The Web UI shows the step's own name first, so it is not repeated here.
"""

from interlock.protocol import AttestRequest, Message, SignedOperatorOrder, SignedTerms, Terms
from interlock.protocol.steps import (
    CHECK_DELIVERY,
    CHECK_PAYMENT,
    LOCK,
    RECOVER,
    AccuseRequest,
    InTurn,
    PayRequest,
    RefundRequest,
    ReleaseRequest,
    TermsHash,
    VoidRequest,
)
from interlock.protocol.summary import amount_of
from interlock.workflows.plain import label

_HASH_SHOWN = 10
_AUTHORITY = {"consent": "both parties' consent", "time": "settle_by, which has passed", "operators": "two operators"}


def called(step: str, request: Message) -> str:
    """A step's summary; at most 160 ASCII characters."""
    return label(_words(step, request))


def _words(step: str, request: Message) -> str:
    match request:
        case SignedTerms(terms=terms):
            return _of_terms(step, terms)
        case AttestRequest(fact=fact, ledger=ledger):
            return f"{fact} on {ledger}"
        case PayRequest(signed=SignedTerms(terms=terms)):
            return _payment(terms)
        case VoidRequest(authority=authority):
            return f"by {_AUTHORITY[authority.kind]}"
        case ReleaseRequest(terms=terms, redirection=redirection):
            receiver = redirection.redirection.receiver if redirection else terms.delivery.receiver
            return f"{_units(terms)} to {receiver}"
        case RefundRequest(terms=terms):
            return f"{_units(terms)} to {terms.delivery.deliverer}"
        case InTurn(steps=steps):
            return ", ".join(steps)
        case _:
            return _beside(request)


def _beside(request: Message) -> str:
    """What is on no settlement's straight way."""
    match request:
        case SignedOperatorOrder(order=order):
            return f"two operators' order: {order.reason}"
        case AccuseRequest(misconduct=misconduct):
            return f"attestor {misconduct.attestor}"
        case TermsHash(terms_hash=terms_hash):
            return f"terms {terms_hash[:_HASH_SHOWN]}"
    return ""


def _of_terms(step: str, terms: Terms) -> str:
    delivery = terms.delivery
    words = {
        CHECK_DELIVERY.name: f"{_units(terms)}, {delivery.deliverer} to {delivery.receiver}",
        CHECK_PAYMENT.name: _payment(terms),
        LOCK.name: f"{_units(terms)} of {delivery.deliverer}",
        RECOVER.name: terms.settlement_id,
    }
    return words.get(step, "")


def _units(terms: Terms) -> str:
    return f"{amount_of(terms.delivery)} {terms.delivery.asset.code}"


def _payment(terms: Terms) -> str:
    leg = terms.payment
    return f"{amount_of(leg)} {leg.asset.code}, {leg.deliverer} to {leg.receiver}"

"""Makes the messages that a request sends: real signatures by real keys, right or wrong as the request says.

Attestors here are honest but for one of each set; so a certificate that a quorum signed tells the truth, unless its set
was stolen and has a successor where it is sent, or it is flawed so that it cannot count there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from interlock.protocol import (
    AccountOrder,
    Asset,
    ByConsent,
    ByOperators,
    ByTime,
    Cancellation,
    Certificate,
    CloseAttestors,
    Fact,
    LedgerOrder,
    Message,
    Misconduct,
    OpenAccount,
    OperatorOrder,
    Readmit,
    Receipt,
    Redirection,
    RegisterAsset,
    RegisterAttestors,
    Signature,
    SignedCancellation,
    SignedLedgerOrder,
    SignedOperatorOrder,
    SignedRedirection,
    SignedStatement,
    SignedTerms,
    Statement,
    VoidAuthority,
)
from interlock.protocol import Mint as MintOrder
from tests.ledgers.machine import requests as asked
from tests.ledgers.machine.trades import INSTANTS, OTHER_NETWORK, PEOPLE, SetId, Trade, moment
from tests.world import NETWORK

MALLORY = PEOPLE["mallory"]
OPERATORS = tuple(PEOPLE[f"operator-{number}"] for number in (1, 2, 3))


@dataclass(frozen=True)
class Shown:
    """What a certificate shows: a fact about terms on a ledger, said by so many of a set; `genuine` if a quorum's."""

    fact: Fact
    about: Trade
    ledger: str
    of: SetId
    genuine: bool
    by: int

    @property
    def signers(self) -> frozenset[str]:
        """The addresses of those who signed it."""
        return frozenset(each.address for each in self.of.signers[::-1][: self.by])


def _until(seconds: int) -> dict[str, object]:
    return {"valid_until": moment(seconds * INSTANTS)}


def _forged(message: Message, name: str) -> Signature:
    return Signature(signer=PEOPLE[name].address, bytes=MALLORY.sign(message, NETWORK).bytes)


@cache
def signed_terms(trade: Trade, flaw: str) -> SignedTerms:
    """The terms with both parties' signatures, or as flawed."""
    seller, buyer, terms = PEOPLE[trade.seller], PEOPLE[trade.buyer], trade.terms
    network = OTHER_NETWORK if "another network" in flaw else NETWORK
    first, second = seller.sign(terms, network), buyer.sign(terms, network)
    signatures = {
        "the seller's only": (first,),
        "the buyer's only": (second,),
        "the seller's twice": (first, first),
        "the buyer's forged": (first, _forged(terms, trade.buyer)),
        "a stranger's for the buyer's": (first, MALLORY.sign(terms, NETWORK)),
        "of other terms": (first, buyer.sign(trade.like_it.terms, NETWORK)),
    }.get(flaw, (first, second))
    stated = OTHER_NETWORK if flaw == "for another network" else NETWORK
    return SignedTerms(network=stated, terms=terms, signatures=signatures)


@cache
def certificate(shown: Shown, flaw: str, receipt: Receipt | None) -> Certificate:
    """What so many attestors of the set say; the reference and position of the fact are its receipt's."""
    one, two, three, four = shown.of.signers
    statement = Statement(
        fact=shown.fact,
        coordinator=shown.of.attestors.identity,
        terms_hash=shown.about.hash,
        ledger=shown.ledger,
        reference=receipt.reference if receipt else "00000000-0000-7000-8000-000000000000",
        position=receipt.position if receipt else 1,
    )
    signers = {
        "two signatures": (one, two),
        "no signature": (),
        "one twice": (one, two, two),
        "a stranger's": (one, two, MALLORY),
        "one forged": (one, two),
    }.get(flaw, (four, three, two, one)[: shown.by])
    network = OTHER_NETWORK if flaw == "on another network" else NETWORK
    signatures = tuple(each.sign(statement, network) for each in signers)
    if flaw == "one forged":
        signatures += (Signature(signer=three.address, bytes=MALLORY.sign(statement, NETWORK).bytes),)
    return Certificate(statement=statement, signatures=signatures)


@cache
def authority(trade: Trade, given: asked.Consent | asked.ByClock | asked.ByOrder) -> VoidAuthority:
    """What entitles to void, or fails to."""
    match given:
        case asked.Consent():
            return _consent(trade, given)
        case asked.ByOrder():
            return ByOperators(order=operators_order(trade, "void", given.flaw, given.valid_until))
        case _:
            return ByTime()


def _consent(trade: Trade, given: asked.Consent) -> ByConsent:
    about = trade.like_it if given.flaw == "of other terms" else trade
    network = OTHER_NETWORK if given.flaw == "on another network" else NETWORK
    seller = PEOPLE[trade.seller].sign_cancellation(trade.terms, NETWORK, **_until(given.sellers_until))  # type: ignore[arg-type]
    word = Cancellation(terms_hash=about.hash, **_until(given.buyers_until))  # type: ignore[arg-type]
    buyer = SignedCancellation(cancellation=word, signature=PEOPLE[trade.buyer].sign(word, network))
    match given.flaw:
        case "one side's twice":
            buyer = seller
        case "a stranger's":
            buyer = SignedCancellation(cancellation=word, signature=MALLORY.sign(word, NETWORK))
        case "one forged":
            buyer = SignedCancellation(cancellation=word, signature=_forged(word, trade.buyer))
    return ByConsent(cancellations=(seller, buyer))


@cache
def operators_order(trade: Trade, act: str, flaw: str, valid_until: int) -> SignedOperatorOrder:
    """Two operators' order about these terms, or as flawed."""
    said = {"terms_hash": trade.hash, "act": act, "reason": "the machine says so", **_until(valid_until)}
    order = OperatorOrder(**said)  # type: ignore[arg-type]
    other = OperatorOrder(**(said | {"act": "resume" if act == "void" else "void"}))  # type: ignore[arg-type]
    return SignedOperatorOrder(order=order, signatures=operators_sign(order, other, flaw))


@cache
def redirection(trade: Trade, given: asked.Redirect) -> SignedRedirection:
    """The buyer's and two operators' word, or as flawed."""
    said = {"terms_hash": trade.hash, "reason": "the machine says so", **_until(given.valid_until)}
    word = Redirection(**said, receiver=given.to)  # type: ignore[arg-type]
    other = Redirection(**said, receiver="mallory")  # type: ignore[arg-type]
    by_buyer = () if given.flaw == "no buyer" else (PEOPLE[trade.buyer].sign(word, NETWORK),)
    return SignedRedirection(redirection=word, signatures=by_buyer + operators_sign(word, other, given.flaw))


@cache
def accusation(accuse: asked.Accuse) -> Misconduct:
    """Both verdicts signed by one attestor, or what is no proof of that."""
    signers = accuse.of.signers
    who, network = signers[accuse.who], OTHER_NETWORK if accuse.flaw == "on another network" else NETWORK
    paid, voided = (
        Statement(
            fact=fact,
            coordinator=accuse.of.attestors.identity,
            terms_hash=f"0x{accuse.number:064x}",
            ledger="payment",
            reference="an entry",
            position=accuse.number,
        )
        for fact in (Fact.PAID, Fact.VOIDED)
    )
    first = SignedStatement(statement=paid, signature=who.sign(paid, network))
    second = {
        "the same twice": first,
        "one forged": SignedStatement(
            statement=voided,
            signature=Signature(signer=who.address, bytes=MALLORY.sign(voided, NETWORK).bytes),
        ),
        "another's second": SignedStatement(
            statement=voided, signature=signers[(accuse.who + 1) % 4].sign(voided, NETWORK)
        ),
    }.get(accuse.flaw, SignedStatement(statement=voided, signature=who.sign(voided, network)))
    return Misconduct.of(NETWORK, second, first)


@cache
def ledger_order(order: asked.Order) -> SignedLedgerOrder:
    """The order as operators sign it, or as flawed."""
    other = {"asset": "payment", "payment": "asset"}[order.ledger]
    said = {
        "ledger": other if order.misdirected else order.ledger,
        "reason": "the machine says so",
        "nonce": f"0x{order.nonce:064x}",
        **_until(order.valid_until),
    }
    signed = _as_order(order.what, said)
    return SignedLedgerOrder(
        order=signed,
        signatures=operators_sign(signed, _as_order(order.what, said | {"nonce": "0x" + "f" * 64}), order.flaw),
    )


def _as_order(what: object, said: dict[str, object]) -> LedgerOrder:
    fields: dict[str, object]
    match what:
        case asked.Open():
            fields = {"account": what.account, "owner": PEOPLE[what.owner].address, "admitted": what.admitted}
            return OpenAccount(**said, **fields)  # type: ignore[arg-type]
        case asked.Mint():
            fields = {"account": what.account, "asset": what.asset, "quantity": what.quantity}
            return MintOrder(**said, **fields)  # type: ignore[arg-type]
        case asked.Act():
            return AccountOrder(**said, act=what.act, account=what.account)  # type: ignore[arg-type]
        case asked.Keep(asset=(code, decimals)):
            return RegisterAsset(**said, asset=Asset(code=code, decimals=decimals))  # type: ignore[arg-type]
        case asked.Register():
            of = what.what.attestors
            fields = {"name": of.name, "epoch": of.epoch, "attestors": of.keys, "quorum": of.quorum}
            return RegisterAttestors(**said, **fields, succeeds=what.succeeds)  # type: ignore[arg-type]
        case asked.Readmit():
            return Readmit(**said, attestor=what.of.signers[what.who].address)  # type: ignore[arg-type]
        case asked.Close():
            return CloseAttestors(**said, name=what.name, epoch=what.epoch)  # type: ignore[arg-type]
    raise AssertionError(what)


def operators_sign(message: Message, other: Message, flaw: str) -> tuple[Signature, ...]:
    """Two operators' signatures, or what stands for them if it is flawed; `other` is what was really signed then."""
    one, two, three = OPERATORS
    signers: Sequence[object] = {
        "one operator": (two,),
        "one twice": (one, one),
        "a stranger's": (one, MALLORY),
    }.get(flaw, (one, three))
    network = OTHER_NETWORK if flaw == "on another network" else NETWORK
    signed = other if flaw == "of other words" else message
    return tuple(each.sign(signed, network) for each in signers)  # type: ignore[attr-defined]


def misled(shown: Shown, flaw: str) -> Shown:
    """What the certificate shows when it is flawed in what it says, not in who signed it."""
    match flaw:
        case "of another ledger":
            return replace(shown, ledger={"asset": "payment", "payment": "asset"}.get(shown.ledger, "asset"))
        case "of another fact":
            wrong = {Fact.PAID: Fact.VOIDED, Fact.VOIDED: Fact.PAID, Fact.LOCKED: Fact.PAID}
            return replace(shown, fact=wrong[shown.fact])
        case "of other terms":
            return replace(shown, about=shown.about.like_it)
        case "of other keys":
            return replace(shown, of=replace(shown.of, keys="second" if shown.of.keys == "first" else "first"))
        case "of an unregistered epoch":
            return replace(shown, of=replace(shown.of, epoch=9))
    return shown

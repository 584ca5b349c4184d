"""Turns a request into the real call on a real ledger. Judges nothing; the answer goes back as it came."""

from dataclasses import dataclass, replace
from typing import Any, cast

from interlock.ledgers.ledger import Ledger
from interlock.protocol import (
    Answer,
    Attempt,
    Attestors,
    Fact,
    Message,
    Receipt,
    SignedRedirection,
    SignedTerms,
)
from interlock.protocol import Check as CheckAnswer
from interlock.protocol import Lock as LockAnswer
from interlock.protocol import Verdict as VerdictAnswer
from tests.ledgers.machine import requests as asked
from tests.ledgers.machine.evidence import (
    Shown,
    accusation,
    authority,
    certificate,
    ledger_order,
    misled,
    operators_order,
    redirection,
    signed_terms,
)
from tests.ledgers.machine.model import World
from tests.ledgers.machine.trades import SetId, Trade

Accounts = tuple[tuple[str, str, bool, bool, tuple[tuple[str, int], ...]], ...]
"""Of every account: name, owner's address, admitted, frozen, what it holds."""
Told = Answer | CheckAnswer | LockAnswer | VerdictAnswer | Attestors | Accounts | None


@dataclass(frozen=True)
class Sent:
    """A request with the messages that carry it: made before it is sent, from what was true then."""

    request: asked.Request
    signed: SignedTerms | None = None
    shown: Shown | None = None
    content: tuple[Message, ...] = ()

    def __repr__(self) -> str:
        return repr(self.request)


def prepared(request: asked.Request, world: World) -> Sent:
    """The request with its evidence, certificates as attestors would sign them now."""
    signed = (
        signed_terms(request.trade, getattr(request, "flaw", "")) if isinstance(request, asked.AboutTrade) else None
    )
    match request:
        case asked.Release() | asked.Refund() | asked.Pay():
            shown, receipt = _shown(request, world)
            content: tuple[Message, ...] = (certificate(shown, request.proof.flaw, receipt),)
            if isinstance(request, asked.Release) and request.redirect:
                content += (redirection(request.trade, request.redirect),)
            return Sent(request, signed, shown, content)
        case asked.Void():
            return Sent(request, signed, content=(authority(request.trade, request.authority),))
        case asked.Resume():
            order = operators_order(request.trade, "resume", request.flaw, request.valid_until)
            return Sent(request, signed, content=(order,))
        case asked.Order():
            return Sent(request, content=(ledger_order(request),))
        case asked.Accuse():
            return Sent(request, content=(accusation(request),))
    return Sent(request, signed)


def _shown(request: asked.Release | asked.Refund | asked.Pay, world: World) -> tuple[Shown, Receipt | None]:
    """What the certificate shows, and the fact's receipt. A falsehood is signed by one liar only, or by thieves."""
    trade, proof, fact = request.trade, request.proof, asked.NEEDED[type(request)]
    named = trade.coordinator
    of = named if proof.by == "named" else world[request.ledger].counts(named) or named
    if isinstance(proof.by, SetId):
        of = proof.by
    ledger = trade.delivers_on if fact is Fact.LOCKED else trade.pays_on
    receipt = _fact(fact, trade, ledger, world)
    here = world[request.ledger].sets.get((of.name, of.epoch))
    stolen = here is not None and here.what == of and here.succeeded_by is not None
    harmless = proof.flaw in ("on another network", "of another ledger", "of another fact", "of other terms")
    by = 1 if receipt is None and not stolen and not harmless else 4 if proof.everybody else 3
    right = Shown(fact, trade, ledger, of, genuine=by >= 3, by=by)
    shown = misled(right, proof.flaw)
    well_signed = shown != right or not proof.flaw
    return replace(shown, genuine=right.genuine and well_signed), receipt


def _fact(fact: Fact, trade: Trade, ledger: str, world: World) -> Receipt | None:
    """The receipt of the effect that makes the fact true; None if it is not."""
    if ledger not in world:
        return None
    if fact is Fact.LOCKED:
        lock = world[ledger].locks.get(trade)
        return lock.locked if lock else None
    verdict = world[ledger].verdicts.get(trade)
    return verdict.receipt if verdict and verdict.kind.value == fact.value else None


async def send(ledger: Ledger, sent: Sent, attempt: Attempt) -> Told:
    """Ask the ledger; faults are exceptions, and in this machine none is expected."""
    request = sent.request
    if isinstance(request, asked.Accounts):
        return await accounts(ledger)
    if sent.content:
        return await _show(ledger, sent, attempt)
    assert sent.signed is not None
    match request:
        case asked.Check():
            return await ledger.check(sent.signed)
        case asked.Lock():
            return await ledger.lock(sent.signed, attempt)
        case asked.LockOf():
            return await ledger.lock_of(request.trade.hash)
        case asked.VerdictOf():
            return await ledger.verdict_of(request.trade.hash)
        case asked.AttestorsOf():
            return await ledger.attestors_of(request.trade.terms)
    raise AssertionError(request)


async def _show(ledger: Ledger, sent: Sent, attempt: Attempt) -> Answer:
    """Ask for what needs more evidence than signed terms."""
    request, signed, shown = sent.request, cast("SignedTerms", sent.signed), cast("Any", sent.content[0])
    match request:
        case asked.Order():
            return await ledger.order(shown, attempt)
        case asked.Accuse():
            return await ledger.accuse(shown, attempt)
        case asked.Resume():
            return await ledger.resume(shown, attempt)
        case asked.Pay():
            return await ledger.pay(signed, shown, attempt)
        case asked.Void():
            return await ledger.void(signed, shown, attempt)
        case asked.Refund():
            return await ledger.refund(signed.terms, shown, attempt)
        case asked.Release():
            redirect = cast("SignedRedirection", sent.content[1]) if request.redirect else None
            return await ledger.release(signed.terms, shown, attempt, redirect)
    raise AssertionError(request)


async def accounts(ledger: Ledger) -> Accounts:
    """Every account, without balances of nothing."""
    return tuple(
        (
            each.account,
            each.owner,
            each.admitted,
            each.frozen,
            tuple(sorted((asset, held) for asset, held in each.balances.items() if held)),
        )
        for each in await ledger.accounts()
    )

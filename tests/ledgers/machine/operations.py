"""The model's part about settlements: the design's table of operations, row by row.

Three questions decide every answer, in this order: is the evidence good at all, does a row stand already, is everything
else that the operation needs as it should be? Within each, any refusal that applies is right.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from interlock.protocol import Fact, LockState, Receipt, VerdictKind
from tests.ledgers.machine import requests as asked
from tests.ledgers.machine.evidence import Shown
from tests.ledgers.machine.model import NOTHING, Codes, LedgerModel, LockRow, VerdictRow, refuse_if
from tests.ledgers.machine.trades import Trade

Effect = Callable[[LedgerModel, Receipt], None]


@dataclass(frozen=True)
class Expected:
    """Right answers to an operation: a refusal with one of `codes`; the receipt `first`; or a new one, by `effect`."""

    codes: Codes = NOTHING
    first: Receipt | None = None
    effect: Effect | None = None


def decided(flawed: Codes, needs: Codes, effect: Effect, stands: Expected | None) -> Expected:
    """What is expected, from what is wrong with the evidence, what stands already, and what is not as it should be."""
    if flawed:
        return Expected(flawed | needs)
    if stands is not None:
        return stands
    return Expected(needs) if needs else Expected(effect=effect)


def unmatched(flaw: str) -> Codes:
    """Why these are not terms that both their parties signed for this network."""
    if flaw == "a stranger's for the buyer's":
        return frozenset({"wrong_signer", "signature_invalid"})
    return refuse_if(flaw != "", "signature_invalid")


def check(ledger: LedgerModel, request: asked.Check) -> Codes:
    """Why it would not do its part, if no row stands."""
    trade = request.trade
    if trade.pays_on == ledger.name:
        (deliverer, receiver), owner, other = trade.payment, trade.buyer, trade.seller
        leg = ledger.no_asset(trade.paid)
    elif trade.delivers_on == ledger.name:
        (deliverer, receiver), owner, other = trade.delivery, trade.seller, trade.buyer
        leg = ledger.no_asset(trade.delivered) | ledger.id_used(trade)
    else:
        return unmatched(request.flaw) | ledger.late(trade) | ledger.no_new_terms(trade) | {"unknown_ledger"}
    accounts = ledger.no_account(deliverer, owner, admitted=True) | ledger.no_account(receiver, other, admitted=True)
    return unmatched(request.flaw) | leg | accounts | ledger.late(trade) | ledger.no_new_terms(trade)


def lock(ledger: LedgerModel, request: asked.Lock, signed: object) -> Expected:
    """Deliverer to escrow."""
    trade, row = request.trade, ledger.locks.get(request.trade)
    deliverer, receiver = trade.delivery
    early = trade.not_before is not None and not ledger.past(trade.not_before)
    needs = (
        ledger.late(trade)
        | ledger.no_new_terms(trade)
        | ledger.no_asset(trade.delivered)
        | ledger.no_account(deliverer, trade.seller, admitted=True)
        | ledger.no_account(receiver, trade.buyer, admitted=False)
        | ledger.id_used(trade)
        | ledger.no_debit(deliverer, trade.delivered[0], trade.units)
        | refuse_if(early, "too_early")
    )

    def effect(changed: LedgerModel, receipt: Receipt) -> None:
        changed.move(trade.delivered[0], trade.units, deliverer, _escrow(trade))
        changed.locks[trade] = LockRow(LockState.LOCKED, signed, receipt)

    stands = None
    if row is not None:
        stands = Expected(first=row.locked) if row.locked else Expected(frozenset({"terms_closed"}))
    return decided(unmatched(request.flaw) | ledger.not_here(trade.delivers_on), needs, effect, stands)


def release(ledger: LedgerModel, request: asked.Release, shown: Shown, content: object) -> Expected:
    """Escrow to the receiver, or to where the buyer and two operators say."""
    trade, redirect = request.trade, request.redirect
    flawed = ledger.unproven(shown, trade, Fact.PAID) | ledger.not_here(trade.delivers_on)
    flawed |= refuse_if(redirect is not None and redirect.flaw != "", "authority_invalid")
    receiver = redirect.to if redirect else trade.delivery[1]
    outdated = ledger.outdated(shown, trade)
    needs = outdated | ledger.no_account(receiver, trade.buyer, admitted=True)
    needs |= refuse_if(redirect is not None and ledger.past(redirect.valid_until), "authority_expired")

    def effect(changed: LedgerModel, receipt: Receipt) -> None:
        changed.move(trade.delivered[0], trade.units, _escrow(trade), receiver)
        row = changed.locks[trade]
        changed.locks[trade] = replace(row, state=LockState.RELEASED, ended=receipt, ended_on=content)

    stands = _ended(ledger.locks.get(trade), LockState.RELEASED, outdated, content)
    if trade not in ledger.locks:
        stands = Expected(needs | {"no_lock"})
    return decided(flawed, needs, effect, stands)


def refund(ledger: LedgerModel, request: asked.Refund, shown: Shown, content: object) -> Expected:
    """Escrow to the deliverer, frozen or not; with no lock there, a tombstone."""
    trade = request.trade
    flawed = ledger.unproven(shown, trade, Fact.VOIDED) | ledger.not_here(trade.delivers_on)
    outdated = ledger.outdated(shown, trade)

    def effect(changed: LedgerModel, receipt: Receipt) -> None:
        row = changed.locks.get(trade, LockRow(LockState.REFUNDED, None, None))
        if row.locked:
            changed.move(trade.delivered[0], trade.units, _escrow(trade), trade.delivery[0])
        changed.locks[trade] = replace(row, state=LockState.REFUNDED, ended=receipt, ended_on=content)

    stands = _ended(ledger.locks.get(trade), LockState.REFUNDED, outdated, content)
    return decided(flawed, outdated, effect, stands)


def _ended(row: LockRow | None, state: LockState, outdated: Codes, content: object) -> Expected | None:
    """What an end that stands answers: the same end its first receipt, always to the same content, the other its name.

    What a set that counts no more would prove may be refused as well, if it is not what the effect relied on.
    """
    if row is None or row.state is LockState.LOCKED:
        return None
    if row.state is state:
        return Expected(NOTHING if row.ended_on == content else outdated, first=row.ended)
    return Expected(outdated | {"already_voided" if row.state is LockState.REFUNDED else "already_paid"})


def pay(ledger: LedgerModel, request: asked.Pay, shown: Shown, signed: object, content: object) -> Expected:
    """Payer to payee, and PAID."""
    trade, row = request.trade, ledger.verdicts.get(request.trade)
    payer, payee = trade.payment
    outdated = ledger.outdated(shown, trade)
    needs = (
        ledger.late(trade)
        | outdated
        | ledger.no_asset(trade.paid)
        | ledger.no_account(payer, trade.buyer, admitted=False)
        | ledger.no_account(payee, trade.seller, admitted=True)
        | ledger.no_debit(payer, trade.paid[0], trade.cash)
    )

    def effect(changed: LedgerModel, receipt: Receipt) -> None:
        changed.move(trade.paid[0], trade.cash, payer, payee)
        changed.verdicts[trade] = VerdictRow(VerdictKind.PAID, "certificate", signed, receipt, content)

    stands = None
    if row is not None and row.kind is VerdictKind.PAID:
        stands = Expected(NOTHING if row.content == content else outdated, first=row.receipt)
    elif row is not None:
        stands = Expected(outdated | {"already_voided"})
    flawed = unmatched(request.flaw) | ledger.unproven(shown, trade, Fact.LOCKED) | ledger.not_here(trade.pays_on)
    return decided(flawed, needs, effect, stands)


def void(ledger: LedgerModel, request: asked.Void, signed: object, content: object) -> Expected:
    """VOIDED, on one of the three authorities."""
    trade, given, row = request.trade, request.authority, ledger.verdicts.get(request.trade)
    flawed = unmatched(request.flaw) | ledger.not_here(trade.pays_on)
    if isinstance(given, asked.ByClock):
        kind, needs = "time", refuse_if(not ledger.past(trade.settle_by), "not_past_deadline")
    else:
        by_consent = isinstance(given, asked.Consent)
        until = min(given.sellers_until, given.buyers_until) if isinstance(given, asked.Consent) else given.valid_until
        kind, needs = "consent" if by_consent else "operators", refuse_if(ledger.past(until), "authority_expired")
        flawed |= refuse_if(given.flaw != "", "authority_invalid")

    def effect(changed: LedgerModel, receipt: Receipt) -> None:
        changed.verdicts[trade] = VerdictRow(VerdictKind.VOIDED, kind, signed, receipt, content)

    stands = None
    if row is not None:
        voided = row.kind is VerdictKind.VOIDED
        stands = Expected(first=row.receipt) if voided else Expected(frozenset({"already_paid"}))
    return decided(flawed, needs, effect, stands)


def _escrow(trade: Trade) -> str:
    return f"escrow:{trade.hash}"

"""Trades on which somebody who holds the evidence asks the ledgers itself: with no workflow, or beside one."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from interlock.protocol import (
    Answer,
    Attested,
    ByConsent,
    Certificate,
    Fact,
    Receipt,
    Refusal,
    RefusalCode,
    VerdictKind,
)
from tests.chaos.patience import insist
from tests.chaos.register import CANNOT_SETTLE, COULD_SETTLE, Claim, Ending
from tests.chaos.trade import LOOK_EVERY_SECONDS, Trade
from tests.world import ATTEMPT


async def without_workflow(trade: Trade) -> None:
    """A third party asks for every operation; the client hears nothing of it."""
    claim = trade.terms()
    claim.matched_at = datetime.now(UTC)
    await _carry_out(trade, claim)
    await trade.ended_on_ledgers(claim)


async def left_half_way(trade: Trade) -> None:
    """A third party locks, sometimes pays, and leaves: the sweeper finds it."""
    claim = trade.terms()
    claim.matched_at = datetime.now(UTC)
    await _carry_out(trade, claim, release=False, pay=trade.rng.random() < 0.5)
    await trade.ended_on_ledgers(claim)


async def beside_workflow(trade: Trade) -> None:
    """A third party asks for every operation while the workflow does the same."""
    claim = trade.terms(waits_for_nobody=True)
    await trade.match(claim)
    await asyncio.gather(_carry_out(trade, claim), trade.ended(claim))
    await trade.ended_on_ledgers(claim)


async def both_of_two(trade: Trade) -> None:
    """Two terms of one id are signed by both: one goes to the service, the other straight to the ledgers, at once."""
    first, second = trade.two()
    second.matched_at = datetime.now(UTC)
    await asyncio.gather(trade.match(first), _carry_out(trade, second))
    await trade.ended(first)
    await trade.ended_on_ledgers(second)


async def voided(trade: Trade) -> None:
    """Both parties' consent is taken straight to the payment ledger, before anybody instructs or while it settles."""
    before = trade.rng.random() < 0.5
    claim = trade.terms(CANNOT_SETTLE | {Ending.CONSENTED} | (frozenset() if before else COULD_SETTLE))
    if not before:
        await trade.match(claim)
    await _void(trade, claim)
    if before:
        await trade.match(claim)
        if trade.rng.random() < 0.5:  # the tombstone, with no workflow's help; and a lock that comes too late
            await _end(trade, claim)
            signed = trade.floor.signed(claim.terms, trade.seller, trade.buyer)
            late = await insist(lambda: trade.floor.market.asset.lock(signed, ATTEMPT))
            assert not isinstance(late, Receipt), f"a lock came after its refund: {late}"
    await trade.ended(claim)


async def _carry_out(trade: Trade, claim: Claim, *, pay: bool = True, release: bool = True) -> None:
    """Lock, attest, pay, attest, and release or refund; leaves off where a ledger says no."""
    market = trade.floor.market
    signed = trade.floor.signed(claim.terms, trade.seller, trade.buyer)
    if not await _done(claim, lambda: market.asset.lock(signed, ATTEMPT)) or not pay:
        return
    certificate = await _certificate(trade, claim, Fact.LOCKED)
    if certificate is not None:
        await _done(claim, lambda: market.payment.pay(signed, certificate, ATTEMPT))
    if release:
        await _end(trade, claim)


async def _void(trade: Trade, claim: Claim) -> None:
    signed = trade.floor.signed(claim.terms, trade.seller, trade.buyer)
    first, second = (
        party.key.sign_cancellation(claim.terms, trade.floor.network) for party in (trade.seller, trade.buyer)
    )
    authority = ByConsent(cancellations=(first, second))
    await insist(lambda: trade.floor.market.payment.void(signed, authority, ATTEMPT))


async def _end(trade: Trade, claim: Claim) -> None:
    """Release or refund, as the verdict says; nothing where there is none."""
    asset = trade.floor.market.asset
    verdict = await insist(lambda: trade.floor.market.payment.verdict_of(claim.terms_hash))
    if verdict is None:
        return
    paid = verdict.verdict is VerdictKind.PAID
    certificate = await _certificate(trade, claim, Fact.PAID if paid else Fact.VOIDED)
    assert certificate is not None, "attestors certify what stands"
    end = asset.release if paid else asset.refund
    await _done(claim, lambda: end(claim.terms, certificate, ATTEMPT))


async def _done(claim: Claim, ask: Callable[[], Awaitable[Answer]]) -> bool:
    """Ask until it is done, and once more, which must change nothing; False once waiting does not help any more."""
    while True:
        answer = await insist(ask)
        if isinstance(answer, Receipt):
            again = await insist(ask)
            assert again == answer, f"{claim.terms.settlement_id}: asked twice, answered {answer} and {again}"
            return True
        if not _may_change(answer) or datetime.now(UTC) >= claim.terms.settle_by:
            return False
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def _may_change(refusal: Refusal) -> bool:
    return refusal.code in (RefusalCode.ACCOUNT_FROZEN, RefusalCode.INSUFFICIENT_BALANCE)


async def _certificate(trade: Trade, claim: Claim, fact: Fact) -> Certificate | None:
    """The certificate, however long attestors are away; None of a lock that is no lock any more."""
    leg = claim.terms.delivery if fact is Fact.LOCKED else claim.terms.payment
    while True:
        answer = await trade.floor.collector.collect(fact, claim.terms_hash, leg.ledger)
        if isinstance(answer, Attested):
            return answer.certificate
        if fact is Fact.LOCKED and datetime.now(UTC) >= claim.terms.settle_by:
            return None
        verdict = await insist(lambda: trade.floor.market.payment.verdict_of(claim.terms_hash))
        if fact is Fact.LOCKED and verdict is not None:
            return None
        await asyncio.sleep(LOOK_EVERY_SECONDS)

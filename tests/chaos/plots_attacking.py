"""Trades that settle among people who mean ill: rubbish sent in their name, and strangers' terms under their id."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from temporalio.client import RPCTimeoutOrCancelledError, WorkflowUpdateFailedError
from temporalio.service import RPCError

from interlock.ledgers.faults import LedgerFault
from interlock.protocol import (
    Answer,
    ByTime,
    Certificate,
    Fact,
    LocalSigner,
    Receipt,
    SignedTerms,
    Statement,
)
from interlock.protocol.names import CANCEL, INSTRUCT, ORDER
from tests.chaos.register import NOTHING_MOVES, Claim
from tests.chaos.trade import Trade
from tests.chaos.trading import Party
from tests.world import ATTEMPT

UPDATE_WITHIN = timedelta(seconds=10)
DOLLARS, UNITS = 1_000, 10


async def rubbish(trade: Trade) -> None:
    """While units or cash are missing, its workflow is sent what is no update, and both ledgers what is no evidence."""
    if trade.rng.random() < 0.5:
        trade.buyer = await trade.own_account(trade.buyer)
        claim = trade.terms(dollars=DOLLARS)
        await asyncio.gather(trade.match(claim), _to_workflow(trade, claim))
        if await trade.locked(claim):  # a release or refund would now find units
            await _to_ledgers(trade, claim)
        await trade.floor.issue_dollars(trade.buyer, DOLLARS)
    else:
        trade.seller = await trade.own_account(trade.seller)
        claim = trade.terms(units=UNITS)
        await asyncio.gather(trade.match(claim), _to_workflow(trade, claim))
        await _to_ledgers(trade, claim)  # a payment would now find cash, and no lock
        await trade.floor.issue_units(trade.seller, UNITS)
    await trade.ended(claim)


async def squatted(trade: Trade) -> None:
    """A stranger takes the id first, with terms of its own that name the real parties; then they settle."""
    stranger = Party(trade.buyer.account, LocalSigner(trade.rng.randbytes(32)))
    claim = trade.terms(waits_for_nobody=True)
    false = claim.terms.model_copy(update={"buyer": stranger.key.address})
    squat = trade.take_down(false, NOTHING_MOVES)
    taken = claim.terms.model_copy(update={"seller": stranger.key.address})
    forged = trade.take_down(taken, NOTHING_MOVES)
    await trade.instruct(squat, stranger)
    # signed by both sides it names, for the stranger is one of them: the ledgers know whose the accounts are
    await trade.instruct(forged, stranger)
    await trade.match(claim)
    await trade.instruct(forged, trade.buyer)
    await trade.withdraw(squat, stranger)
    await trade.ended(claim)
    await trade.ended(forged)
    await trade.ended(squat)


async def _to_workflow(trade: Trade, claim: Claim) -> None:
    handle = trade.floor.temporal.get_workflow_handle(claim.workflow_id)
    forged = _forged(trade, claim)
    junk: list[tuple[str, object]] = [
        (INSTRUCT, forged),
        (INSTRUCT, trade.rng.randbytes(64).hex()),
        (CANCEL, {"cancellation": 1}),
        (ORDER, claim.terms),
        ("no such update", claim.terms),
    ]
    for update, message in junk:
        with suppress(WorkflowUpdateFailedError, RPCTimeoutOrCancelledError, RPCError, TimeoutError):
            async with asyncio.timeout(UPDATE_WITHIN.total_seconds()):
                answer = await handle.execute_update(update, message, rpc_timeout=UPDATE_WITHIN)
            raise AssertionError(f"{claim.terms.settlement_id} took rubbish: {update}, {answer}")


async def _to_ledgers(trade: Trade, claim: Claim) -> None:
    market, forged = trade.floor.market, _forged(trade, claim)
    signed = trade.floor.signed(claim.terms, trade.seller, trade.buyer)
    asked: list[Callable[[], Awaitable[Answer]]] = [
        lambda: market.asset.lock(forged, ATTEMPT),
        lambda: market.payment.pay(forged, _certificate(trade, claim, Fact.LOCKED), ATTEMPT),
        lambda: market.payment.pay(signed, _certificate(trade, claim, Fact.LOCKED), ATTEMPT),
        lambda: market.payment.void(signed, ByTime(), ATTEMPT),
        lambda: market.asset.release(claim.terms, _certificate(trade, claim, Fact.PAID), ATTEMPT),
        lambda: market.asset.refund(claim.terms, _certificate(trade, claim, Fact.VOIDED), ATTEMPT),
    ]
    late = datetime.now(UTC) >= claim.terms.settle_by
    for ask in asked:
        with suppress(LedgerFault):
            answer = await ask()
            late = late or datetime.now(UTC) >= claim.terms.settle_by  # then time voids it, and that is no rubbish
            assert late or not isinstance(answer, Receipt), f"{claim.terms.settlement_id}: taken by a ledger: {answer}"


def _certificate(trade: Trade, claim: Claim, fact: Fact) -> Certificate:
    """A certificate signed by three keys that are no attestors'."""
    leg = claim.terms.delivery if fact is Fact.LOCKED else claim.terms.payment
    statement = Statement(
        fact=fact,
        coordinator=claim.terms.coordinator,
        terms_hash=claim.terms_hash,
        ledger=leg.ledger,
        reference="made up",
        position=1,
    )
    signers = [LocalSigner(trade.rng.randbytes(32)) for _ in range(3)]
    return Certificate(
        statement=statement, signatures=tuple(each.sign(statement, trade.floor.network) for each in signers)
    )


def _forged(trade: Trade, claim: Claim) -> SignedTerms:
    """The terms with the seller's signature, and the buyer's made by somebody else's key."""
    real = trade.seller.key.sign(claim.terms, trade.floor.network)
    false = LocalSigner(trade.rng.randbytes(32)).sign(claim.terms, trade.floor.network)
    return SignedTerms(
        network=trade.floor.network,
        terms=claim.terms,
        signatures=(real, false.model_copy(update={"signer": claim.terms.buyer})),
    )

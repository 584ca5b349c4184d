"""Trades that wait for somebody: for cash, units, a frozen or expelled account; or are ended while they wait."""

import asyncio

from tests.chaos.register import CANNOT_SETTLE, COULD_SETTLE, NOTHING_MOVES, Claim, Ending
from tests.chaos.trade import Trade

DOLLARS, UNITS = 1_000, 10


async def cash_later(trade: Trade) -> None:
    """The buyer has the cash only after a while."""
    trade.buyer = await trade.own_account(trade.buyer)
    claim = trade.terms(dollars=DOLLARS)
    await trade.match(claim)
    await trade.pause()
    await trade.floor.issue_dollars(trade.buyer, DOLLARS)
    await trade.ended(claim)


async def units_later(trade: Trade) -> None:
    """The seller has the units only after a while."""
    trade.seller = await trade.own_account(trade.seller)
    claim = trade.terms(units=UNITS)
    await trade.match(claim)
    await trade.pause()
    await trade.floor.issue_units(trade.seller, UNITS)
    await trade.ended(claim)


async def never_cash(trade: Trade) -> None:
    """The buyer never has enough."""
    trade.buyer = await trade.own_account(trade.buyer, dollars=DOLLARS - 1)
    claim = trade.terms(CANNOT_SETTLE, dollars=DOLLARS, within=trade.rng.uniform(8, 20))
    await trade.match(claim)
    await trade.ended(claim)


async def frozen(trade: Trade) -> None:
    """The buyer's or the seller's account is frozen for a while."""
    ledger = trade.floor.market.payment if (buyers := trade.rng.random() < 0.5) else trade.floor.market.asset
    if buyers:
        party = trade.buyer = await trade.own_account(trade.buyer, dollars=DOLLARS)
    else:
        party = trade.seller = await trade.own_account(trade.seller, units=UNITS)
    claim = trade.terms(units=UNITS, dollars=DOLLARS)
    await trade.floor.act(ledger, "freeze", party)
    await trade.match(claim)
    await trade.pause()
    await trade.floor.act(ledger, "unfreeze", party)
    await trade.ended(claim)


async def frozen_for_good(trade: Trade) -> None:
    """The buyer's account is frozen, and the seller's as soon as its units are locked: they come back all the same."""
    trade.buyer = await trade.own_account(trade.buyer, dollars=DOLLARS)
    trade.seller = await trade.own_account(trade.seller, units=UNITS)
    claim = trade.terms(CANNOT_SETTLE, units=UNITS, dollars=DOLLARS, within=trade.rng.uniform(8, 20))
    await trade.floor.act(trade.floor.market.payment, "freeze", trade.buyer)
    await trade.match(claim)
    if await trade.locked(claim):
        await trade.floor.act(trade.floor.market.asset, "freeze", trade.seller)
    await trade.ended(claim)


async def expelled(trade: Trade) -> None:
    """The buyer's account may not receive: the check says no."""
    trade.buyer = await trade.own_account(trade.buyer, dollars=DOLLARS, admitted=False)
    claim = trade.terms(NOTHING_MOVES, dollars=DOLLARS, within=trade.rng.uniform(15, 30))
    await trade.match(claim)
    await trade.ended(claim)


async def suspended(trade: Trade) -> None:
    """The buyer is expelled once the units are locked: paid all the same, suspended, and admitted again."""
    claim = await _expelled_when_locked(trade)
    await trade.pause()
    await trade.floor.act(trade.floor.market.asset, "admit", trade.buyer)
    await trade.ended(claim)


async def suspended_and_terminated(trade: Trade) -> None:
    """The same, and its run is terminated meanwhile: the next one must not take the check's "no" for the end."""
    claim = await _expelled_when_locked(trade)
    await trade.pause()
    await trade.terminate(claim)
    await trade.settle(claim)
    await trade.seen_decided(claim)
    await trade.floor.act(trade.floor.market.asset, "admit", trade.buyer)
    await trade.ended(claim)


async def _expelled_when_locked(trade: Trade) -> Claim:
    trade.buyer = await trade.own_account(trade.buyer)
    claim = trade.terms(COULD_SETTLE, dollars=DOLLARS)
    await trade.match(claim)
    await trade.locked(claim)
    await trade.floor.act(trade.floor.market.asset, "expel", trade.buyer)
    await trade.floor.issue_dollars(trade.buyer, DOLLARS)
    return claim


async def cancelled_by_both(trade: Trade) -> None:
    """Both consent to cancel while the cash is missing, or just as it comes."""
    trade.buyer = await trade.own_account(trade.buyer)
    comes = trade.rng.random() < 0.5
    allowed = CANNOT_SETTLE | {Ending.CONSENTED}
    claim = trade.terms(allowed | COULD_SETTLE if comes else allowed, dollars=DOLLARS)
    await trade.match(claim)
    await trade.pause()
    parties = trade.rng.sample((trade.seller, trade.buyer), 2)
    money = [trade.floor.issue_dollars(trade.buyer, DOLLARS)] if comes else []
    await asyncio.gather(trade.cancel(claim, *parties), *money)
    await trade.ended(claim, again=lambda: trade.cancel(claim, *parties))


async def cancelled_by_one(trade: Trade) -> None:
    """One party alone consents to cancel: that has no effect."""
    claim = trade.terms(waits_for_nobody=True)
    await trade.match(claim)
    await trade.cancel(claim, trade.rng.choice((trade.seller, trade.buyer)))
    await trade.ended(claim)


async def voided_by_operators(trade: Trade) -> None:
    """Two operators void it while the cash is missing, or just as it comes."""
    trade.buyer = await trade.own_account(trade.buyer)
    comes = trade.rng.random() < 0.5
    allowed = CANNOT_SETTLE | {Ending.ORDERED}
    claim = trade.terms(allowed | COULD_SETTLE if comes else allowed, dollars=DOLLARS)
    await trade.match(claim)
    await trade.pause()
    money = [trade.floor.issue_dollars(trade.buyer, DOLLARS)] if comes else []
    await asyncio.gather(trade.order_void(claim), *money)
    await trade.ended(claim, again=lambda: trade.order_void(claim))

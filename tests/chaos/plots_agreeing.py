"""Trades on which parties agree, or do not: nothing keeps what they agree on from settling but faults."""

import asyncio

from tests.chaos.register import COULD_SETTLE, NOTHING_MOVES
from tests.chaos.trade import Trade


async def ordinary(trade: Trade) -> None:
    """Both instruct."""
    claim = trade.terms(waits_for_nobody=True)
    await trade.match(claim)
    await trade.ended(claim)


async def sent_again(trade: Trade) -> None:
    """Both send the same several times at once, and once more when it has ended."""
    claim = trade.terms(waits_for_nobody=True)
    await asyncio.gather(*(trade.instruct(claim, party) for party in (trade.seller, trade.buyer) * 3))
    await asyncio.gather(trade.match(claim), trade.settle(claim))
    await trade.ended(claim)
    await trade.settle(claim)
    await trade.ended(claim)


async def withdrawn(trade: Trade) -> None:
    """One party proposes and withdraws."""
    claim = trade.terms(NOTHING_MOVES, within=trade.rng.uniform(15, 30))
    await trade.instruct(claim, trade.seller)
    await trade.pause()
    await trade.withdraw(claim, trade.seller)
    await trade.ended(claim)


async def withdrawn_too_late(trade: Trade) -> None:
    """One party withdraws while the other signs: it is a match or it is not."""
    claim = trade.terms(COULD_SETTLE, within=trade.rng.uniform(20, 40))
    await trade.instruct(claim, trade.buyer)
    await asyncio.gather(trade.withdraw(claim, trade.buyer), trade.instruct(claim, trade.seller))
    await trade.ended(claim)


async def never_matched(trade: Trade) -> None:
    """One party proposes, and the other never signs."""
    claim = trade.terms(NOTHING_MOVES, within=trade.rng.uniform(5, 15))
    await trade.instruct(claim, trade.rng.choice((trade.seller, trade.buyer)))
    await trade.ended(claim)


async def differing(trade: Trade) -> None:
    """The two propose different terms; then one gives in."""
    sellers, buyers = trade.two()
    sellers.allowed = NOTHING_MOVES
    await asyncio.gather(trade.instruct(sellers, trade.seller), trade.instruct(buyers, trade.buyer))
    await trade.pause()
    await trade.settle(buyers)
    await trade.ended(buyers)
    await trade.ended(sellers)


async def both_of_two(trade: Trade) -> None:
    """Both sign two terms of one id, at once: at most one of them may move anything."""
    first, second = trade.two()
    both = [(claim, party) for claim in (first, second) for party in (trade.seller, trade.buyer)]
    trade.rng.shuffle(both)
    await asyncio.gather(*(trade.instruct(claim, party) for claim, party in both))
    await trade.ended(first)
    await trade.ended(second)

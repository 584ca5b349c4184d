"""The four trades whose pictures the documentation shows, each brought to where it is shown. Takes no picture."""

from interlock.demo.trade import CASH, Start, Trade, expect
from interlock.demo.world import World
from interlock.protocol import Outcome

SHORT_SECONDS = 8.0


class NamedTrade(Trade):
    """A trade between accounts with names as a desk would have them."""

    def __init__(self, world: World, number: int, accounts: tuple[str, str], start: Start) -> None:
        super().__init__(world, f"{number:04d}", start)
        self.seller_account, self.buyer_account = accounts


async def settled(world: World) -> Trade:
    """Everything goes well."""
    trade = NamedTrade(world, 1, ("alpine", "northbank"), Start())
    await trade.open()
    await trade.both_instruct()
    await _ends(trade, Outcome.SETTLED)
    return trade


async def expired(world: World) -> Trade:
    """The cash never comes."""
    trade = NamedTrade(world, 2, ("alpine-bonds", "summit"), Start(cash=False, settle_within=SHORT_SECONDS))
    await trade.open()
    await trade.both_instruct()
    await _ends(trade, Outcome.EXPIRED)
    return trade


async def waiting(world: World) -> Trade:
    """The buyer is 5,000 short, and the seller would rather cancel."""
    trade = NamedTrade(world, 3, ("alpine-income", "harbour"), Start(cash=False))
    await trade.open()
    await trade.fund_cash(CASH - 5_000_00)
    await trade.both_instruct()
    await trade.blocked("insufficient_balance")
    await world.seller.cancel(trade.terms)
    return trade


async def suspended(world: World) -> Trade:
    """The receiver is expelled between the payment and the release."""
    trade = NamedTrade(world, 4, ("alpine-growth", "meridian"), Start(cash=False))
    await trade.open()
    await trade.both_instruct()
    await trade.waits_for_cash()
    async with world.processes.asset_role_away():
        await trade.fund_cash()
        await trade.release_asked_for()
        await world.account_order(world.asset, "expel", trade.buyer_account)
    await trade.blocked("not_admitted")
    return trade


async def audited(world: World) -> Trade:
    """The cash comes late, and one of the attestors is away throughout."""
    trade = NamedTrade(world, 5, ("alpine-credit", "lakeside"), Start(cash=False))
    await trade.open()
    attestor = world.stack.processes["attestor-4"]
    await attestor.stop()
    await trade.both_instruct()
    await trade.waits_for_cash()
    await trade.fund_cash()
    await _ends(trade, Outcome.SETTLED)
    return trade


async def _ends(trade: Trade, outcome: Outcome) -> None:
    report = await trade.handle.outcome()
    expect(report.outcome is outcome, f"the trade has ended {report.outcome}")

"""How two sides come to the same terms: at once, one after the other, after a mistake, or not at all."""

from interlock.demo.trade import CASH, Trade, expect
from interlock.protocol import Outcome


async def story(trade: Trade) -> None:
    """Both parties' signatures arrive together."""
    seller, buyer = trade.world.seller, trade.world.buyer
    await seller.client.settle(trade.terms, [seller.sign(trade.terms), buyer.sign(trade.terms)])


async def two_sided(trade: Trade) -> None:
    """The seller instructs; the buyer does so when it is ready."""
    first = (await trade.world.seller.instruct(trade.terms)).instructed
    expect(first is not None and not first.matched, "one side alone matched")
    expect(await trade.lock() is None, "units were locked on one signature")
    second = (await trade.world.buyer.instruct(trade.terms)).instructed
    expect(second is not None and second.matched, "both signed the same terms, and they do not match")


async def terms_differ(trade: Trade) -> None:
    """The buyer has another price in its books, is told so, and sends the right one."""
    await trade.world.seller.instruct(trade.terms)
    mistaken = trade.terms.model_copy(
        update={"payment": trade.terms.payment.model_copy(update={"quantity": CASH - 7_500})}
    )
    told = (await trade.world.buyer.instruct(mistaken)).instructed
    expect(told is not None and not told.matched, "different terms matched")
    fields = [difference.field for difference in told.differences] if told else []
    expect(fields == ["payment.quantity"], f"the buyer was told that these fields differ: {fields}")
    corrected = (await trade.world.buyer.instruct(trade.terms)).instructed
    expect(corrected is not None and corrected.matched, "the right terms do not match")


async def never_matched(trade: Trade) -> None:
    """The buyer never signs."""
    await trade.world.seller.instruct(trade.terms)


async def withdrawn(trade: Trade) -> None:
    """The seller thinks better of it while it is the only one that has signed."""
    await trade.world.seller.instruct(trade.terms)
    await trade.world.seller.withdraw(trade.terms)


async def not_admitted(trade: Trade) -> None:
    """The fund's ledger does not know the buyer's account as an investor's."""
    await trade.both_instruct()
    report = await trade.handle.outcome()
    code = report.blocker.code if report.blocker else None
    expect(report.outcome is Outcome.REJECTED and code == "not_admitted", f"the reason shown is {code}")

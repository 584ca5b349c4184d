"""What a settlement does while units, cash or an admission are missing: it waits, and says what for."""

from interlock.demo.trade import Trade, expect
from interlock.protocol import LockState


async def cash_arrives_late(trade: Trade) -> None:
    """The buyer is short; the reason is shown; then the cash is there."""
    await trade.both_instruct()
    await trade.waits_for_cash()
    await trade.fund_cash()


async def units_never_arrive(trade: Trade) -> None:
    """The seller has nothing to deliver."""
    await trade.both_instruct()
    await trade.blocked("insufficient_balance")
    expect(await trade.lock() is None, "something is locked, and the seller has nothing")


async def cash_never_arrives(trade: Trade) -> None:
    """The units are locked, and the cash does not come before settle_by."""
    await trade.both_instruct()
    await trade.waits_for_cash()


async def expelled_after_payment(trade: Trade) -> None:
    """The fund's ledger expels the buyer's account after the payment: suspended, until it is admitted again.

    The worker of the asset ledger is away meanwhile, so that the release cannot be quicker.
    """
    world = trade.world
    await trade.both_instruct()
    await trade.waits_for_cash()
    async with world.processes.asset_role_away():
        await trade.fund_cash()
        await trade.release_asked_for()
        await world.account_order(world.asset, "expel", trade.buyer_account)
    report = await trade.blocked("not_admitted")
    lock = await trade.lock()
    expect(lock is not None and lock.state is LockState.LOCKED, "a release to an expelled account was not refused")
    expect(report.blocker is not None and report.blocker.text.startswith("suspended"), "it is not shown as suspended")
    expect("resume" in report.allowed, "the report does not say that operators may resume it")
    await world.account_order(world.asset, "admit", trade.buyer_account)
    await trade.handle.order(await world.resume_order(trade.terms, "the account is admitted again"))

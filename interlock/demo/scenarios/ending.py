"""How parties end a settlement that waits for cash: both together, not one alone; and how an operator cannot."""

from datetime import timedelta

from temporalio.client import WorkflowExecutionStatus

from interlock.demo.trade import Trade, expect, until


async def cancelled_by_both(trade: Trade) -> None:
    """Both consent."""
    await trade.both_instruct()
    await trade.waits_for_cash()
    await trade.world.seller.cancel(trade.terms)
    await trade.world.buyer.cancel(trade.terms)


async def one_side_cancels(trade: Trade) -> None:
    """The seller would like to cancel, the buyer would not: the trade stands, and settles when the cash is there."""
    await trade.both_instruct()
    await trade.waits_for_cash()
    report = await trade.world.seller.cancel(trade.terms)
    expect(report.verdict is None and report.outcome is None, "one side's consent had an effect")
    await trade.still_locked()
    await trade.fund_cash()


async def terminated(trade: Trade) -> None:
    """The workflow is terminated after the lock, as a click in the Web UI does; the sweeper finds the open lock."""
    await trade.both_instruct()
    await trade.waits_for_cash()
    first = trade.world.temporal.get_workflow_handle(trade.handle.workflow_id)
    run_id = (await first.describe()).run_id
    await first.terminate("the demo's operator clicked Terminate")
    await trade.fund_cash()

    async def another_run() -> str | None:
        now = await first.describe(rpc_timeout=timedelta(seconds=5))
        return now.run_id if now.run_id != run_id else None

    await until("the sweeper to start another run", another_run)
    ended = trade.world.temporal.get_workflow_handle(trade.handle.workflow_id, run_id=run_id)
    status = (await ended.describe()).status
    expect(status is WorkflowExecutionStatus.TERMINATED, f"the first run is {status.name if status else 'lost'}")

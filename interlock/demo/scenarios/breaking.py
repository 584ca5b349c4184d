"""What happens when attestors and workers are killed, or an answer is lost. Every fault comes from outside."""

from interlock.demo.processes import WORKER
from interlock.demo.proxy import AnswerThief
from interlock.demo.trade import Trade, expect, until
from interlock.protocol import DissentKind, LockState, SettlementReport, VerdictKind


async def attestor_down(trade: Trade) -> None:
    """One of four is killed; three are a quorum."""
    async with trade.world.processes.attestors_killed(4):
        await trade.both_instruct()
        report = await trade.handle.outcome()
    dead = trade.world.stack.identity.signers[3].address
    kinds = {dissent.kind for dissent in report.dissents if dissent.attestor == dead}
    expect(kinds == {DissentKind.UNREACHABLE}, f"the dead attestor is reported as {sorted(kinds) or 'nothing'}")


async def no_quorum(trade: Trade) -> None:
    """Two of four attestors are gone until settle_by: nothing is paid, and nothing given back until they return."""
    async with trade.world.processes.attestors_killed(3, 4):
        await trade.both_instruct()
        await trade.blocked("no_quorum")
        await trade.still_locked()

        async def voided_without_refund() -> SettlementReport | None:
            report = await trade.report()
            lock = await trade.lock()
            is_so = report and report.verdict and report.blocker and report.blocker.code == "no_quorum"
            return report if is_so and lock and lock.state is LockState.LOCKED else None

        await until("the void of what cannot be paid any more", voided_without_refund)


async def worker_killed(trade: Trade) -> None:
    """SIGKILL after the payment, before the release; another worker takes over, and nothing is paid again.

    The asset ledger's worker is away meanwhile, so that the release is asked for and cannot be quicker.
    """
    processes = trade.world.processes
    await trade.both_instruct()
    await trade.waits_for_cash()
    async with processes.asset_role_away():
        await trade.fund_cash()
        await trade.release_asked_for()
        await processes.kill(WORKER)
        lock = await trade.lock()
        expect(lock is not None and lock.state is LockState.LOCKED, "the worker was killed too late")
        await processes.start_worker(WORKER)


async def answer_lost(trade: Trade) -> None:
    """The payment commits, and its answer never reaches the worker: it asks again, and the ledger tells it."""
    world = trade.world
    async with AnswerThief(world.stack.postgres.port, b"ledger.pay(", trade.terms_hash.encode()) as thief:
        through = world.stack.dsn("payment", "payment_writer").replace(
            f":{world.stack.postgres.port}/", f":{thief.port}/"
        )
        async with world.processes.worker_told({"INTERLOCK_PAYMENT_DSN": through}):
            await trade.both_instruct()
            await trade.decided(VerdictKind.PAID)
            await until("the answer to be stolen", thief.stolen)
            thief.cut()
            await trade.handle.outcome()

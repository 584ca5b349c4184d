"""Settlements end once and right, whoever is taken away in the middle: a worker by SIGKILL, a run by an operator."""

import asyncio
import os
import signal

from interlock.protocol import Stage
from interlock.protocol.names import Role
from tests.e2e.conftest import Service, outcome, reaches, until
from tests.world import CASH


async def test_another_worker_takes_over_from_one_that_was_killed_and_it_is_paid_once(service: Service) -> None:
    """Killed while the payment is under way: the ledger commits it, and nobody hears the answer."""
    parties = await service.market.parties()
    holder = await service.stack.postgres._connect("payment")
    holding = holder.transaction()
    await holding.start()
    await holder.execute("LOCK TABLE ledger.verdicts IN EXCLUSIVE MODE")
    handle = await parties.instruct()

    async def pays() -> bool:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'ledger.verdicts'::regclass"
        return bool(await holder.fetchval(waiting))

    await until(pays)
    killed = [service.worker(role) for role in (Role.PAYMENT, Role.SETTLEMENT)]
    for worker in killed:
        os.kill(worker.pid, signal.SIGKILL)
        assert await worker.wait() == -signal.SIGKILL
    await holding.rollback()
    await holder.close()
    assert handle.terms_hash is not None

    async def paid() -> bool:
        return await service.market.payment.verdict_of(handle.terms_hash or "") is not None

    await until(paid)
    await asyncio.gather(*(service.start_worker(role) for role in (Role.PAYMENT, Role.SETTLEMENT)))
    assert await outcome(handle) == "SETTLED"
    assert await parties.moved() == (1, 1)


async def test_the_sweeper_finds_a_settlement_whose_run_was_terminated(service: Service) -> None:
    parties = await service.market.parties(cash=0)
    handle = await parties.instruct()
    await reaches(handle, Stage.ATTESTED)
    await service.temporal.get_workflow_handle(handle.workflow_id).terminate("in the Web UI's way")
    await parties.fund(CASH)
    assert await outcome(handle) == "SETTLED"
    assert await parties.moved() == (1, 1)

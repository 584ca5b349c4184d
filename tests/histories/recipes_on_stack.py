"""Paths on the embedded stack, whose one worker has all roles: settled there, and killed there and recovered."""

import os
import signal

from interlock.client import SettlementHandle
from interlock.protocol import Stage
from tests.e2e.conftest import Service, outcome, reaches, until
from tests.world import CASH


async def settled(service: Service) -> None:
    """From both signatures to the end, on Postgres."""
    handle = await (await service.market.parties()).instruct()
    assert await outcome(handle) == "SETTLED"


async def killed_at_the_payment(service: Service) -> None:
    """The whole worker dies with the payment under way: none of that workflow task is in history."""
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
    await _kill(service)
    await holding.rollback()
    await holder.close()
    await service.stack.start_worker()
    assert await outcome(handle) == "SETTLED"
    assert await parties.moved() == (1, 1)


async def killed_while_it_waits(service: Service) -> None:
    """The whole worker dies while the settlement waits for cash; another one takes it up from its history."""
    parties = await service.market.parties(cash=0)
    handle: SettlementHandle = await parties.instruct()
    await reaches(handle, Stage.ATTESTED)
    await _kill(service)
    await service.stack.start_worker()
    await parties.fund(CASH)
    assert await outcome(handle) == "SETTLED"


async def _kill(service: Service) -> None:
    worker = service.stack.processes["worker"]
    os.kill(worker.pid, signal.SIGKILL)
    assert await worker.wait() == -signal.SIGKILL

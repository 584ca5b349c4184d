"""A worker's log holds a line where something needs a person, and no traceback for what is retried."""

import asyncio

from interlock.client import SettlementClient
from tests.conftest import PostgresWorld
from tests.worker.conftest import StartWorker, new_terms, outcome, ready, settle, until

_LEVELS = ("INFO", "WARNING")


async def test_a_ledger_that_goes_away_and_comes_back_leaves_no_traceback(
    postgres_world: PostgresWorld, client: SettlementClient, start_worker: StartWorker
) -> None:
    """Postgres is stopped under settlements at every step, and started again: all of them settle."""
    server = postgres_world.servers.server
    worker = await start_worker(INTERLOCK_SWEEP_EVERY_SECONDS="1", INTERLOCK_SWEEP_OLDER_THAN_SECONDS="0")
    await ready(worker)
    first = await settle(client, new_terms(postgres_world))
    handles = [first, *await asyncio.gather(*(settle(client, new_terms(postgres_world)) for _ in range(8)))]
    await server.stop()

    async def is_missed() -> bool:
        blockers = [(await handle.status()).blocker for handle in handles]
        return any(blocker is not None and blocker.code == "unreachable" for blocker in blockers)

    await asyncio.sleep(0)
    await until(lambda: _is_missed(worker.log.read_text()))
    await server.start()
    assert {await outcome(handle) for handle in handles} == {"SETTLED"}
    await worker.stop()
    lines = [line for line in worker.log.read_text().splitlines() if not line.startswith("{")]
    assert [line for line in lines if line.split()[2] not in _LEVELS] == []
    assert len(lines) < 30

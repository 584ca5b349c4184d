"""A worker's log holds a line where something needs a person, and no traceback for what is retried."""

import asyncio

from interlock.client import SettlementClient
from tests.conftest import PostgresWorld
from tests.worker.conftest import StartWorker, new_terms, outcome, ready, says, settle


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

    await says(worker, "cannot be asked")
    await server.start()
    assert {await outcome(handle) for handle in handles} == {"SETTLED"}
    await worker.stop()
    lines = worker.log.read_text().splitlines()
    assert [line for line in lines if line[0] != "{" and line.split()[2] not in ("INFO", "WARNING")] == []
    warnings = [line for line in lines if " WARNING " in line]
    assert len(warnings) <= 4, warnings  # once for each ledger; the audit trail, once away and once back

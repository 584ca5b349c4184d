"""A worker's life: it waits for what cannot be reached, refuses what cannot be used, and lets steps end at the end."""

import asyncio
import signal

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from interlock.client import SettlementClient
from interlock.protocol.names import SWEEP_SCHEDULE, Role
from interlock.stack.processes import ManagedProcess
from interlock.stack.temporal import EmbeddedTemporal
from tests.conftest import PostgresWorld
from tests.worker.conftest import StartWorker, new_terms, outcome, ready, says, settle, until
from tests.world import CASH, NETWORK

NOBODY = "postgresql://asset_writer:hush@127.0.0.1:9/asset"


async def ended(process: ManagedProcess) -> int:
    """The exit code, of a process that ends by itself."""
    return await asyncio.wait_for(process.wait(), 30)


async def test_a_ledger_that_cannot_be_reached_is_waited_for_and_sigterm_ends_the_waiting(
    start_worker: StartWorker,
) -> None:
    worker = await start_worker(Role.ASSET, Role.SETTLEMENT, INTERLOCK_ASSET_DSN=NOBODY)
    said = await ready(worker)
    assert (said["roles"], said["closed"]) == (["settlement"], ["asset"])
    worker._started.send_signal(signal.SIGTERM)
    assert await ended(worker) == 0
    log = worker.log.read_text()
    assert log.count("its ledger cannot be reached; waiting for it") == 1
    assert "Traceback" not in log
    assert "hush" not in log


async def test_temporal_is_waited_for_and_sigterm_ends_the_waiting(start_worker: StartWorker) -> None:
    worker = await start_worker(TEMPORAL_ADDRESS="127.0.0.1:9")
    await says(worker, "Temporal at 127.0.0.1:9 does not answer; waiting for it")
    worker._started.send_signal(signal.SIGTERM)
    assert await ended(worker) == 0
    assert "Traceback" not in worker.log.read_text()


async def test_a_ledger_of_another_network_is_refused(start_worker: StartWorker) -> None:
    worker = await start_worker(Role.PAYMENT, INTERLOCK_NETWORK="0x" + "11" * 32)
    assert await ended(worker) == 1
    assert worker.log.read_text().splitlines() == [
        f"ledger payment is of network {NETWORK}, INTERLOCK_NETWORK is 0x{'11' * 32}"
    ]


@pytest.mark.parametrize(("database", "why"), [("postgres", "no ledger was ever installed"), ("nowhere", "nowhere")])
async def test_a_database_that_is_no_ledger_is_refused_in_one_line(
    postgres_world: PostgresWorld, start_worker: StartWorker, database: str, why: str
) -> None:
    dsn = postgres_world.servers.superuser_dsn(database)
    worker = await start_worker(Role.ASSET, INTERLOCK_ASSET_DSN=dsn)
    assert await ended(worker) == 1
    (line,) = worker.log.read_text().splitlines()
    assert why in line
    assert dsn not in line


async def test_sweeps_are_scheduled_again_where_temporal_has_lost_their_schedule(
    temporal: EmbeddedTemporal, start_worker: StartWorker
) -> None:
    await ready(await start_worker(Role.SETTLEMENT))
    schedule = (await Client.connect(temporal.address)).get_schedule_handle(SWEEP_SCHEDULE)
    await schedule.delete()

    async def stands() -> bool:
        try:
            await schedule.describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    await until(stands)


async def test_sigterm_lets_a_running_step_end(
    postgres_world: PostgresWorld, client: SettlementClient, start_worker: StartWorker
) -> None:
    """The payment waits for a row that somebody holds; told to stop, the worker still gives its answer."""
    rest = await start_worker(Role.SETTLEMENT, Role.ASSET, Role.COORDINATOR)
    payment = await start_worker(Role.PAYMENT)
    await asyncio.gather(ready(rest), ready(payment))
    holder = await postgres_world.servers.server._connect(postgres_world.payment_database)
    holding = holder.transaction()
    await holding.start()
    await holder.execute("LOCK TABLE ledger.verdicts IN EXCLUSIVE MODE")
    terms = new_terms(postgres_world)
    handle = await settle(client, terms)

    async def pays() -> bool:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'ledger.verdicts'::regclass"
        return bool(await holder.fetchval(waiting))

    await until(pays)
    payment._started.send_signal(signal.SIGTERM)
    await says(payment, "drains")
    assert payment.alive
    await holding.rollback()
    await holder.close()
    assert await ended(payment) == 0
    assert await postgres_world.payment.verdict_of(terms.hash(NETWORK)) is not None
    assert await postgres_world.balance(postgres_world.payment, "alpine", "USD") == CASH
    assert await outcome(handle) == "SETTLED"
    assert "Traceback" not in payment.log.read_text() + rest.log.read_text()

"""A settlement that waits for an account goes on when it has changed, whatever is lost on the way: long before the hour
in which it would ask by itself.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import asyncpg
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from interlock.client import SettlementClient, SettlementHandle
from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol import SettlementReport, Terms
from interlock.protocol.instructions import Sweep
from interlock.protocol.names import SWEEP_WORKFLOW, Role, recovery_workflow_id, workflow_id
from interlock.stack.temporal import EmbeddedTemporal
from tests.conftest import PostgresWorld
from tests.worker.conftest import StartWorker, new_terms, outcome, settle, until
from tests.world import CASH, NETWORK, SELLER, UNITS, in_seconds

PATIENT = timedelta(minutes=30)
OTHERS = (Role.SETTLEMENT, Role.ASSET, Role.COORDINATOR)
LISTENS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND (query LIKE 'LISTEN%' OR query = 'SELECT 1')"
)


async def until_waiting(handle: SettlementHandle, code: str) -> None:
    """Until it waits for that, and would not ask by itself for a long time."""

    async def waits() -> bool:
        report = await handle.status()
        if report.blocker is None or report.blocker.code != code or report.next_attempt is None:
            return False
        assert report.next_attempt > datetime.now(UTC) + PATIENT
        return True

    await until(waits)


async def without_cash(world: PostgresWorld, client: SettlementClient) -> SettlementHandle:
    """A settlement that waits for one CASH more than its buyer has."""
    handle = await settle(client, new_terms(world, payment={"quantity": 11 * CASH}))
    await until_waiting(handle, "insufficient_balance")
    return handle


async def fund(world: PostgresWorld) -> None:
    """The CASH that it lacks."""
    await world.mint(world.payment, "northbank", "USD", CASH)


async def waiters(ledger: PostgresLedger) -> int:
    """How many wait, as far as the ledger knows."""
    return int(await ledger.connections.value("SELECT count(*) FROM ledger.waiters"))


async def listeners(ledger: PostgresLedger) -> list[int]:
    """The server processes that serve those who listen."""
    return [row["pid"] for row in await ledger.connections.rows(LISTENS)]


async def is_listened_to(ledger: PostgresLedger) -> bool:
    """Whether anybody hears what the ledger announces."""
    return bool(await listeners(ledger))


async def test_a_credit_an_unfreezing_and_an_admission_each_wake_who_waits_for_it(
    postgres_world: PostgresWorld, client: SettlementClient, start_worker: StartWorker
) -> None:
    """One settlement that meets all three: frozen, then poor, then paid for with its buyer expelled."""
    world = postgres_world
    worker = await start_worker()
    await world.act(world.payment, "freeze", "northbank")
    handle = await settle(client, new_terms(world, payment={"quantity": 11 * CASH}))
    await until_waiting(handle, "account_frozen")
    await world.act(world.asset, "expel", "northbank")
    await world.act(world.payment, "unfreeze", "northbank")
    await until_waiting(handle, "insufficient_balance")
    await fund(world)
    await until_waiting(handle, "not_admitted")
    assert (await handle.status()).stage == "PAID"
    await world.act(world.asset, "admit", "northbank")
    assert await outcome(handle) == "SETTLED"
    assert (await waiters(world.asset), await waiters(world.payment)) == (0, 0)
    assert "Traceback" not in worker.log.read_text()


async def test_units_are_waited_for_as_cash_is_and_a_not_before_for_as_long_as_it_takes(
    postgres_world: PostgresWorld, client: SettlementClient, start_worker: StartWorker
) -> None:
    world = postgres_world
    await start_worker()
    early = await settle(client, new_terms(world, not_before=in_seconds(3000)))
    await until_waiting(early, "too_early")
    handle = await settle(client, new_terms(world, delivery={"quantity": 11 * UNITS}))
    await until_waiting(handle, "insufficient_balance")
    await world.mint(world.asset, "alpine", "OUSG", UNITS)
    assert await outcome(handle) == "SETTLED"


async def test_a_credit_that_nobody_heard_of_is_found_when_somebody_listens_again(
    postgres_world: PostgresWorld, client: SettlementClient, start_worker: StartWorker
) -> None:
    """The listening connection is killed, and cannot come back before the credit has committed."""
    world, database = postgres_world, postgres_world.payment_database
    await start_worker()
    handle = await without_cash(world, client)
    await until(lambda: is_listened_to(world.payment))
    await world.servers.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    admin = await asyncpg.connect(world.servers.superuser_dsn("postgres"))
    for pid in await listeners(world.payment):
        await admin.execute("SELECT pg_terminate_backend($1)", pid)
    await admin.close()

    async def unheard() -> bool:
        return not await is_listened_to(world.payment)

    await until(unheard)
    await fund(world)
    assert not await is_listened_to(world.payment)
    await world.servers.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
    assert await outcome(handle) == "SETTLED"


async def test_another_worker_wakes_whom_a_killed_one_did_not(
    postgres_world: PostgresWorld, client: SettlementClient, start_worker: StartWorker
) -> None:
    world = postgres_world
    killed = await start_worker(Role.PAYMENT)
    await start_worker(*OTHERS)
    handle = await without_cash(world, client)
    os.kill(killed.pid, signal.SIGKILL)
    assert await killed.wait() == -signal.SIGKILL
    await fund(world)
    assert await waiters(world.payment) == 1
    await start_worker(Role.PAYMENT)
    assert await outcome(handle) == "SETTLED"


async def test_of_two_workers_that_listen_either_may_be_killed(
    postgres_world: PostgresWorld, client: SettlementClient, start_worker: StartWorker
) -> None:
    world = postgres_world
    one, _ = await start_worker(), await start_worker()

    async def both_listen() -> bool:
        return len(await listeners(world.payment)) == 2

    await until(both_listen)
    for number in range(2):
        handle = await settle(client, new_terms(world, payment={"quantity": (11 - number) * CASH}))
        await until_waiting(handle, "insufficient_balance")
        await world.mint(world.payment, "northbank", "USD", (1 + 9 * number) * CASH)
        assert await outcome(handle) == "SETTLED"
        if number == 0:
            os.kill(one.pid, signal.SIGKILL)
            await one.wait()


async def test_terms_that_are_recovered_beside_their_own_workflow_are_woken_there(
    postgres_world: PostgresWorld, client: SettlementClient, temporal: EmbeddedTemporal, start_worker: StartWorker
) -> None:
    """The parties' workflow is busy with other terms of the same settlement id."""
    world = postgres_world
    await start_worker()
    proposed = new_terms(world)
    handle = await client.instruct(proposed, SELLER.sign(proposed, NETWORK))
    locked = world.terms(settlement_id=proposed.settlement_id, payment={"quantity": 11 * CASH})
    await world.locked(locked)
    own = workflow_id(locked, NETWORK)
    beside = recovery_workflow_id(own, locked.hash(NETWORK))
    engine = await Client.connect(temporal.address, data_converter=pydantic_data_converter)
    sweep = Sweep(older_than_seconds=0)
    queue = Role.SETTLEMENT.task_queue
    await engine.execute_workflow(SWEEP_WORKFLOW, sweep, id=f"sweep-{own}", task_queue=queue)

    async def waits() -> bool:
        return await waiters(world.payment) == 1

    await until(waits)
    await fund(world)
    recovered = engine.get_workflow_handle(beside, result_type=SettlementReport)
    assert (await asyncio.wait_for(recovered.result(), 90)).outcome == "SETTLED"
    assert (await handle.status()).stage == "PROPOSED"


async def test_who_waits_and_is_unknown_to_a_restored_ledger_is_reminded(
    postgres_world: PostgresWorld, client: SettlementClient, start_worker: StartWorker
) -> None:
    world = postgres_world
    stopped = await start_worker(Role.PAYMENT)
    await start_worker(*OTHERS)
    handle = await without_cash(world, client)
    await stopped.stop()
    await world.servers.execute("DELETE FROM ledger.waiters", database=world.payment_database)
    await start_worker(Role.PAYMENT)

    async def known_again() -> bool:
        return await waiters(world.payment) == 1

    await until(known_again)
    await fund(world)
    assert await outcome(handle) == "SETTLED"


async def test_who_has_no_workflow_any_more_is_forgotten(
    postgres_world: PostgresWorld, client: SettlementClient, temporal: EmbeddedTemporal, start_worker: StartWorker
) -> None:
    """Nothing was locked, so nobody recovers it; the ledger's row goes when the account changes."""
    world = postgres_world
    worker = await start_worker()
    terms: Terms = new_terms(world, delivery={"quantity": 11 * UNITS})
    handle = await settle(client, terms)
    await until_waiting(handle, "insufficient_balance")
    assert await waiters(world.asset) == 1
    await (await Client.connect(temporal.address)).get_workflow_handle(handle.workflow_id).terminate("tests say so")
    await world.mint(world.asset, "alpine", "OUSG", UNITS)

    async def forgotten() -> bool:
        return await waiters(world.asset) == 0

    await until(forgotten)
    assert await world.asset.lock_of(terms.hash(NETWORK)) is None
    assert "Traceback" not in worker.log.read_text()


async def test_many_that_wait_for_one_account_go_on_as_far_as_the_money_goes(
    postgres_world: PostgresWorld, client: SettlementClient, start_worker: StartWorker
) -> None:
    world = postgres_world
    await start_worker()
    await world.paid(world.terms(payment={"quantity": 10 * CASH}))
    trades = [new_terms(world, payment={"quantity": CASH}, delivery={"quantity": 1}) for _ in range(8)]
    handles = await asyncio.gather(*(settle(client, terms) for terms in trades))
    for handle in handles:
        await until_waiting(handle, "insufficient_balance")
    for money, rest in ((3, 5), (5, 0)):
        await world.mint(world.payment, "northbank", "USD", money * CASH)

        async def as_many_paid(left: int = rest) -> bool:
            return await waiters(world.payment) == left

        await until(as_many_paid)
    assert await asyncio.gather(*(outcome(handle) for handle in handles)) == ["SETTLED"] * 8


class Relay:
    """The way to Temporal, which may be cut."""

    def __init__(self, address: str) -> None:
        self._to = address.rsplit(":", 1)
        self._ends: set[asyncio.StreamWriter] = set()
        self.address = ""
        self.is_cut = False
        self.refused = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Relay"]:
        """Listen for as long as the block lasts."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            self.cut()

    def cut(self) -> None:
        """Break every connection, and let none through until mended."""
        self.is_cut = True
        for end in list(self._ends):
            end.transport.abort()

    def mend(self) -> None:
        """Let connections through again."""
        self.is_cut = False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            self.refused += 1
            writer.transport.abort()
            return
        onward, back = await asyncio.open_connection(self._to[0], int(self._to[1]))
        self._ends |= {writer, back}
        await asyncio.gather(self._pass(reader, back), self._pass(onward, writer))
        self._ends -= {writer, back}

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(65536):
                sink.write(chunk)
                await sink.drain()
        sink.close()


async def test_a_temporal_that_cannot_be_told_is_told_when_it_is_back(
    postgres_world: PostgresWorld, client: SettlementClient, temporal: EmbeddedTemporal, start_worker: StartWorker
) -> None:
    world = postgres_world
    async with Relay(temporal.address).running() as relay:
        worker = await start_worker(Role.PAYMENT, TEMPORAL_ADDRESS=relay.address)
        await start_worker(*OTHERS)
        handle = await without_cash(world, client)
        relay.cut()
        await fund(world)
        before = relay.refused

        async def is_away() -> bool:
            return relay.refused > before

        await until(is_away)
        assert await waiters(world.payment) == 1
        relay.mend()
        assert await outcome(handle) == "SETTLED"
        await worker.stop()
        assert "Traceback" not in worker.log.read_text()

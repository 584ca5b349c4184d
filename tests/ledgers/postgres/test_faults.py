"""What breaks on the way is one exception, after which asking again is harmless."""

import asyncio

import asyncpg
import pytest

from interlock.ledgers.faults import LedgerUnreachable
from interlock.ledgers.postgres import PostgresLedger
from tests.conftest import PostgresWorld
from tests.world import ATTEMPT, NETWORK, UNITS, receipt


async def held(world: PostgresWorld, terms_hash: str) -> asyncpg.Connection:
    """A connection that holds these terms, so that operations on them wait."""
    connection: asyncpg.Connection = await asyncpg.connect(world.servers.superuser_dsn(world.asset_database))
    await connection.execute("BEGIN")
    await connection.execute("SELECT ledger.hold($1)", terms_hash)
    return connection


async def eventually(connection: asyncpg.Connection, question: str) -> object:
    """Ask until the answer is not null; every question is a round trip, so nobody spins."""
    while (answer := await connection.fetchval(question)) is None:
        pass
    return answer


async def test_a_ledger_that_does_not_answer_in_time_is_unreachable(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    terms = world.terms()
    holder = await held(world, terms.hash(NETWORK))
    async with await PostgresLedger.connect(world.servers.dsn(world.asset_database), timeout_s=0.3) as hasty:
        with pytest.raises(LedgerUnreachable):
            await hasty.lock(world.signed(terms), ATTEMPT)
        await holder.close()
        receipt(await hasty.lock(world.signed(terms), ATTEMPT))
    assert await world.balance(world.asset, "alpine", "OUSG") == 9 * UNITS


async def test_an_exhausted_pool_is_unreachable(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    terms = world.terms()
    holder = await held(world, terms.hash(NETWORK))
    dsn = world.servers.dsn(world.asset_database)
    async with await PostgresLedger.connect(dsn, pool_size=1, timeout_s=0.5) as small:
        first = asyncio.create_task(small.lock(world.signed(terms), ATTEMPT))
        with pytest.raises(LedgerUnreachable):
            await asyncio.gather(first, small.now())
    await holder.close()
    await asyncio.gather(first, return_exceptions=True)


async def test_hazard_01_a_connection_cut_off_during_an_operation_is_unreachable_and_asking_again_answers(
    postgres_world: PostgresWorld,
) -> None:
    world = postgres_world
    terms = world.terms()
    holder = await held(world, terms.hash(NETWORK))
    asked = asyncio.create_task(world.asset.lock(world.signed(terms), ATTEMPT))
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    pid = await eventually(holder, waiting)
    await holder.execute("SELECT pg_terminate_backend($1)", pid)
    with pytest.raises(LedgerUnreachable):
        await asked
    await holder.close()
    first = receipt(await world.asset.lock(world.signed(terms), ATTEMPT))
    assert receipt(await world.asset.lock(world.signed(terms), ATTEMPT)) == first


async def test_transactions_that_met_are_said_again(postgres_world: PostgresWorld) -> None:
    """Postgres ends one of two transactions that wait for each other; the ledger asks again by itself."""
    world = postgres_world
    terms = world.terms()
    account = "SELECT ledger.hold_accounts(id) FROM ledger.accounts WHERE name = 'alpine'"
    other: asyncpg.Connection = await asyncpg.connect(world.servers.superuser_dsn(world.asset_database))
    await other.execute("BEGIN")
    await other.execute("SET LOCAL deadlock_timeout = '1min'")
    await other.execute(account)
    asked = asyncio.create_task(world.asset.lock(world.signed(terms), ATTEMPT))
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    await eventually(other, waiting)
    # The ledger holds the terms and waits for the account; we hold the account and now ask for the terms.
    await other.execute("SELECT ledger.hold($1)", terms.hash(NETWORK))
    await other.execute("ROLLBACK")
    await other.close()
    receipt(await asked)

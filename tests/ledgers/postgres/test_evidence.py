"""Hazard 13: the journal entry and what it is evidence of commit together or not at all, whatever stops either."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from interlock.protocol import Answer, Fact, Terms
from tests.conftest import PostgresWorld
from tests.ledgers.contract.asking import lock, pay, refund, release, void
from tests.world import ATTEMPT, NETWORK, receipt


async def prepared(world: PostgresWorld, operation: str) -> tuple[Terms, Callable[[], Awaitable[Answer]]]:
    """Terms for which this operation would have its effect, and the operation."""
    terms = world.terms()
    if operation in {"release", "refund"}:
        await lock(world, terms)
    ask = {"release": release, "refund": refund, "tombstone": refund, "pay": pay, "void": void}
    if operation == "lock":
        return terms, lambda: world.asset.lock(world.signed(terms), ATTEMPT)
    return terms, lambda: ask[operation](world, terms)


OPERATIONS = {
    # operation: the ledger, the table of its row, whether units move
    "lock": ("asset", "locks", True),
    "release": ("asset", "locks", True),
    "refund": ("asset", "locks", True),
    "tombstone": ("asset", "locks", False),
    "pay": ("payment", "verdicts", True),
    "void": ("payment", "verdicts", False),
}


REFUSES = "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$"


async def state(connection: asyncpg.Connection) -> dict[str, list[asyncpg.Record]]:
    """Everything that an effect writes."""
    return {
        table: await connection.fetch(f"SELECT t.* FROM ledger.{table} AS t ORDER BY t::text")
        for table in ("entries", "postings", "balances", "locks", "verdicts", "accounts")
    }


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
async def test_hazard_13_entry_postings_balances_and_row_are_one_transactions(
    postgres_world: PostgresWorld, operation: str
) -> None:
    world = postgres_world
    ledger, table, moves = OPERATIONS[operation]
    terms, ask = await prepared(world, operation)
    position = receipt(await ask()).position
    connection = await asyncpg.connect(world.servers.superuser_dsn(world.database(ledger)))
    try:
        postings = await connection.fetch("SELECT xmin::text, account FROM ledger.postings WHERE entry = $1", position)
        held = await connection.fetch(
            "SELECT xmin::text FROM ledger.balances WHERE account = ANY ($1)", [each["account"] for each in postings]
        )
        transactions = [
            await connection.fetchval("SELECT xmin::text FROM ledger.entries WHERE position = $1", position),
            await connection.fetchval(
                f"SELECT xmin::text FROM ledger.{table} WHERE terms_hash = $1", terms.hash(NETWORK)
            ),
            *(each["xmin"] for each in postings),
            *(each["xmin"] for each in held),
        ]
    finally:
        await connection.close()
    assert (len(postings), len(held)) == ((2, 2) if moves else (0, 0))
    assert len(set(transactions)) == 1


async def test_hazard_13_without_its_entry_there_is_no_effect_and_without_its_effect_no_entry(
    postgres_world: PostgresWorld,
) -> None:
    """Somebody whom no rule stops makes one table after the other refuse its row: nothing at all is written."""
    world = postgres_world
    await world.servers.execute(REFUSES, database=world.asset_database)
    await world.servers.execute(REFUSES, database=world.payment_database)
    for operation, (ledger, table, moves) in OPERATIONS.items():
        _, ask = await prepared(world, operation)
        connection = await asyncpg.connect(world.servers.superuser_dsn(world.database(ledger)))
        try:
            before = await state(connection)
            for refusing in ("entries", table, *(("postings", "balances") if moves else ())):
                await connection.execute(
                    f"CREATE TRIGGER no BEFORE INSERT OR UPDATE ON ledger.{refusing} "
                    "FOR EACH ROW EXECUTE FUNCTION public.no()"
                )
                with pytest.raises(asyncpg.RaiseError):
                    await ask()
                await connection.execute(f"DROP TRIGGER no ON ledger.{refusing}")
                assert await state(connection) == before, f"{operation}, when {refusing} refused its row"
            receipt(await ask())
        finally:
            await connection.close()


async def test_hazard_12_the_journal_itself_takes_no_second_effect_of_a_kind(postgres_world: PostgresWorld) -> None:
    """So that whatever is delivered again, and by whichever path, no delta is added a second time."""
    world = postgres_world
    terms = world.terms()
    await world.settled(terms)
    connection = await asyncpg.connect(world.servers.superuser_dsn(world.asset_database))
    try:
        for operation in ("lock", "release"):
            with pytest.raises(asyncpg.UniqueViolationError, match="one_effect_of_each"):
                await connection.execute(
                    "SELECT ledger.write_entry($1, $2, $3, NULL, now(), 'again', '{\"again\": true}', $4)",
                    operation,
                    terms.hash(NETWORK),
                    terms.settlement_id,
                    ATTEMPT.model_dump_json(),
                )
    finally:
        await connection.close()


async def test_hazard_12_statements_delivered_again_in_any_order_add_nothing(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    settles, cancels = world.terms(), world.terms()
    await world.settled(settles)
    await lock(world, cancels)
    receipt(await world.asset.refund(cancels, await world.voided(cancels), ATTEMPT))
    connections = [
        await asyncpg.connect(world.servers.superuser_dsn(database))
        for database in (world.asset_database, world.payment_database)
    ]
    try:
        before = [await state(each) for each in connections]
        for terms in (settles, cancels):
            for again in (release, refund, void, pay, refund, release, pay):
                await again(world, terms)
            await world.asset.lock(world.signed(terms), ATTEMPT)
            await world.asset.refund(terms, world.certificate(Fact.VOIDED, terms), ATTEMPT)
        assert [await state(each) for each in connections] == before
    finally:
        for each in connections:
            await each.close()

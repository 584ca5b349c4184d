"""Installing a ledger is repeatable, and never makes one ledger of another."""

import asyncpg
import pytest

from interlock.ledgers.faults import LedgerMismatch, LedgerUnreachable
from interlock.ledgers.install import install
from interlock.ledgers.postgres import PostgresLedger
from interlock.ledgers.queries import folder
from interlock.ledgers.reader import PostgresReader
from tests.conftest import LedgerServer, PostgresWorld
from tests.world import ATTEMPT, genesis, receipt


async def test_installing_again_changes_nothing(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    dsn = world.servers.dsn(world.asset_database, "owner")
    before = await world.asset.accounts()
    await install(dsn, genesis("asset"), writer="ledger_writer", readers=["ledger_attestor"])
    assert await world.asset.accounts() == before
    receipt(await world.asset.lock(world.signed(world.terms()), ATTEMPT))


@pytest.mark.parametrize("change", [{"ledger": "other"}, {"network": "0x" + "00" * 32}])
async def test_another_genesis_is_refused(postgres_world: PostgresWorld, change: dict[str, str]) -> None:
    dsn = postgres_world.servers.dsn(postgres_world.asset_database, "owner")
    other = genesis("asset").model_copy(update=change)
    with pytest.raises(LedgerMismatch):
        await install(dsn, other, writer="ledger_writer", readers=[])


async def test_the_owner_is_no_writer(postgres_world: PostgresWorld) -> None:
    dsn = postgres_world.servers.dsn(postgres_world.asset_database, "owner")
    with pytest.raises(ValueError, match="owner"):
        await install(dsn, genesis("asset"), writer="ledger_owner", readers=[])


async def test_a_migration_edited_after_it_was_applied_is_refused(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    step = next(iter(folder("migrations")))
    await world.servers.execute(
        f"UPDATE ledger.schema_version SET digest = 'other' WHERE step = '{step}'", database=world.asset_database
    )
    with pytest.raises(LedgerMismatch, match=step):
        await install(
            world.servers.dsn(world.asset_database, "owner"), genesis("asset"), writer="ledger_writer", readers=[]
        )


async def test_a_function_that_was_replaced_is_put_back_with_the_next_version(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    await world.servers.execute(
        "DROP FUNCTION ledger.void",
        "UPDATE ledger.schema_version SET digest = 'older' WHERE step = 'views and functions'",
        database=world.payment_database,
    )
    dsn = world.servers.dsn(world.payment_database, "owner")
    await install(dsn, genesis("payment"), writer="ledger_writer", readers=[])
    await world.voided(world.terms())
    connection = await asyncpg.connect(world.servers.dsn(world.payment_database, "attestor"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT ledger.void('', '{}', '{}', NULL, '{}')")
    finally:
        await connection.close()


async def test_a_ledger_of_before_misconduct_was_judged_learns_it_with_its_history_and_its_readers(
    postgres_world: PostgresWorld,
) -> None:
    """Its migration has a number below one that was applied long ago."""
    world, terms = postgres_world, postgres_world.terms()
    await world.settled(terms)
    await world.servers.execute(
        "DROP TABLE ledger.accused CASCADE",
        "DROP FUNCTION ledger.refuse_odd_accused, ledger.accuse, ledger.note_accused, ledger.refuse_left_out",
        "DELETE FROM ledger.schema_version WHERE step = '0006_misconduct'",
        "UPDATE ledger.schema_version SET digest = 'older' WHERE step = 'views and functions'",
        database=world.payment_database,
    )
    dsn = world.servers.dsn(world.payment_database, "owner")
    await install(dsn, genesis("payment"), writer="ledger_writer", readers=["ledger_attestor"])
    misconduct = world.misconduct(terms)
    receipt(await world.payment.accuse(misconduct, ATTEMPT))
    async with await PostgresReader.connect(world.servers.dsn(world.payment_database, "attestor")) as attestor:
        assert await attestor.left_out() == {misconduct.attestor}
    await world.settled(world.terms())


async def test_an_empty_database_is_no_ledger(ledger_server: LedgerServer) -> None:
    await ledger_server.execute("CREATE DATABASE nothing", "GRANT CONNECT ON DATABASE nothing TO ledger_writer")
    with pytest.raises(LedgerMismatch):
        await PostgresLedger.connect(ledger_server.dsn("nothing"))


async def test_a_server_that_is_not_there_is_unreachable(ledger_server: LedgerServer) -> None:
    dsn = ledger_server.dsn("nothing").replace(f":{ledger_server.server.port}/", ":1/")
    with pytest.raises(LedgerUnreachable):
        await PostgresLedger.connect(dsn, timeout_s=2)

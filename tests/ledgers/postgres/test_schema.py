"""The schema does the accounting: no code path gets round it, not the writer's, and not the owner's."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from interlock.ledgers.reader import PostgresReader
from tests.conftest import PostgresWorld
from tests.world import ATTEMPT, ATTESTORS, NETWORK, UNITS

TABLES = (
    "identity", "operators", "attestor_sets", "assets", "accounts", "balances", "entries", "postings", "locks",
    "verdicts", "waiters", "accused", "schema_version",
)  # fmt: skip
KEPT = tuple(table for table in TABLES if table not in ("waiters", "schema_version"))
APPEND_ONLY = ("identity", "operators", "assets", "entries", "postings", "verdicts")


@pytest.fixture
async def settled(postgres_world: PostgresWorld) -> PostgresWorld:
    """A world in which every table has rows: one settlement settled, one locked."""
    await postgres_world.settled(postgres_world.terms())
    await postgres_world.locked(postgres_world.terms())
    await postgres_world.asset.accuse(postgres_world.misconduct(postgres_world.terms()), ATTEMPT)
    return postgres_world


@pytest.fixture
async def owner(settled: PostgresWorld) -> AsyncIterator[asyncpg.Connection]:
    """The owner of the asset ledger's schema."""
    connection = await asyncpg.connect(settled.servers.dsn(settled.asset_database, "owner"))
    yield connection
    await connection.close()


@pytest.fixture
async def payment_owner(settled: PostgresWorld) -> AsyncIterator[asyncpg.Connection]:
    """The owner of the payment ledger's schema."""
    connection = await asyncpg.connect(settled.servers.dsn(settled.payment_database, "owner"))
    yield connection
    await connection.close()


@pytest.mark.parametrize("role", ["writer", "attestor", "auditor"])
async def test_no_role_writes_a_row_directly(settled: PostgresWorld, role: str) -> None:
    connection = await asyncpg.connect(settled.servers.dsn(settled.asset_database, role))
    try:
        for table in TABLES:
            for statement in (
                f"DELETE FROM ledger.{table}",
                f"TRUNCATE ledger.{table} CASCADE",
                f"INSERT INTO ledger.{table} DEFAULT VALUES",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        for table, column in (("balances", "balance"), ("locks", "state"), ("verdicts", "verdict")):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"UPDATE ledger.{table} SET {column} = {column}")
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "call",
    [
        "move(1, 'OUSG', 1, 1, 2)",
        "carry_out(1, '{}', '{}')",
        "be_born('{}', '{}')",
        "add_asset('{}')",
        "refuse_for_now('{}', '', '{}', NULL)",
        "note_accused('0x', true, 1)",
    ],
)
async def test_the_writer_calls_operations_only(settled: PostgresWorld, call: str) -> None:
    connection = await asyncpg.connect(settled.servers.dsn(settled.asset_database))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"SELECT ledger.{call}")
    finally:
        await connection.close()


async def test_an_attestor_sees_locks_and_verdicts_and_can_do_nothing(settled: PostgresWorld) -> None:
    terms = settled.terms()
    await settled.locked(terms)
    dsn = settled.servers.dsn(settled.asset_database, "attestor")
    async with await PostgresReader.connect(dsn) as attestor:
        assert await attestor.lock_of(terms.hash(NETWORK)) == await settled.asset.lock_of(terms.hash(NETWORK))
        assert await attestor.verdict_of(terms.hash(NETWORK)) is None
        assert await attestor.left_out() == {ATTESTORS[3].address}
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await attestor.accounts()
    connection = await asyncpg.connect(dsn)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT ledger.lock('', '{}', '{}')")
    finally:
        await connection.close()


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_what_was_written_is_not_changed_even_by_the_owner(
    owner: asyncpg.Connection, payment_owner: asyncpg.Connection, table: str
) -> None:
    connection = payment_owner if table == "verdicts" else owner
    assert await connection.fetchval(f"SELECT count(*) FROM ledger.{table}") > 0
    column = await connection.fetchval(
        "SELECT attname FROM pg_attribute WHERE attrelid = ('ledger.' || $1)::regclass AND attnum > 0 "
        "AND attidentity = '' AND attgenerated = '' LIMIT 1",
        table,
    )
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute(f"UPDATE ledger.{table} SET {column} = {column}")


@pytest.mark.parametrize("table", KEPT)
async def test_nothing_is_deleted_even_by_the_owner(
    owner: asyncpg.Connection, payment_owner: asyncpg.Connection, table: str
) -> None:
    connection = payment_owner if table == "verdicts" else owner
    for statement in (f"DELETE FROM ledger.{table}", f"TRUNCATE ledger.{table} CASCADE"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute(statement)


async def test_nobody_is_left_out_or_readmitted_without_an_entry_that_says_so(owner: asyncpg.Connection) -> None:
    accused = await owner.fetchval("SELECT entry FROM ledger.accused")
    for statement in (
        "UPDATE ledger.accused SET left_out = false",
        "UPDATE ledger.accused SET entry = entry - 1",
        f"INSERT INTO ledger.accused VALUES ('{ATTESTORS[0].address}', true, {accused - 1})",
        f"INSERT INTO ledger.accused VALUES ('{ATTESTORS[0].address}', true, {accused + 99})",
    ):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await owner.execute(statement)
    with pytest.raises(asyncpg.RestrictViolationError):
        await owner.execute("UPDATE ledger.accused SET attestor = $1", ATTESTORS[0].address)


async def test_hazard_02_no_verdict_changes_from_one_to_the_other(payment_owner: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.RestrictViolationError):
        await payment_owner.execute("UPDATE ledger.verdicts SET verdict = 'VOIDED', authority = 'time'")


async def test_a_lock_never_opens_again_and_ends_once(owner: asyncpg.Connection) -> None:
    for change in (
        "state = 'locked', ending_entry = NULL WHERE state = 'released'",
        "state = 'refunded' WHERE state = 'released'",
        "settlement_id = 'OTHER' WHERE state = 'locked'",
        "signed = '{}', state = 'refunded', ending_entry = 1 WHERE state = 'locked'",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await owner.execute(f"UPDATE ledger.locks SET {change}")


async def test_a_balance_changes_by_a_posting_only(owner: asyncpg.Connection) -> None:
    for statement in (
        "UPDATE ledger.balances SET balance = balance + 1",
        "INSERT INTO ledger.balances (account, asset, balance) SELECT id, 'USD', 5 FROM ledger.accounts LIMIT 1",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await owner.execute(statement)


async def test_hazard_11_no_balance_is_negative_but_the_issuance_accounts(owner: asyncpg.Connection) -> None:
    accounts = {row["name"]: row["id"] for row in await owner.fetch("SELECT name, id FROM ledger.accounts")}
    entry = await owner.fetchval("SELECT max(position) FROM ledger.entries")
    moves = (("alpine", "OUSG", 100 * UNITS), ("alpine", "USD", 1), ("issuance:OUSG", "USD", 1))
    for account, asset, quantity in moves:
        with pytest.raises(asyncpg.CheckViolationError, match="only_the_issuance_account_is_negative"):
            await owner.execute(
                "SELECT ledger.move($1, $2, $3, $4, $5)", entry, asset, quantity, accounts[account],
                accounts["northbank"],
            )  # fmt: skip


async def test_an_unbalanced_entry_does_not_commit(owner: asyncpg.Connection) -> None:
    post = (
        "INSERT INTO ledger.postings (entry, account, asset, quantity) "
        "SELECT $1, id, $2, $3 FROM ledger.accounts WHERE name = $4"
    )
    position = await owner.fetchval("SELECT position FROM ledger.entries WHERE operation = 'genesis'")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="out of nowhere"):
        await owner.execute(post, position, "OUSG", 5, "alpine")
    of_two_assets = (
        "INSERT INTO ledger.postings (entry, account, asset, quantity) "
        "SELECT $1, id, asset, quantity FROM ledger.accounts, (VALUES ('OUSG', 5), ('USD', -5)) AS p (asset, quantity) "
        "WHERE name = 'issuance:' || asset"
    )
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="out of nowhere"):
        await owner.execute(of_two_assets, position)


async def test_nothing_refers_to_what_is_not_there(owner: asyncpg.Connection) -> None:
    accounts = {row["name"]: row["id"] for row in await owner.fetch("SELECT name, id FROM ledger.accounts")}
    account, issuer = accounts["alpine"], accounts["issuance:OUSG"]
    entry = await owner.fetchval("SELECT max(position) FROM ledger.entries")
    both = "INSERT INTO ledger.postings (entry, account, asset, quantity) VALUES ($1, $2, $3, 5), ($1, $4, $3, -5)"
    for posting in ((entry + 99, account, "OUSG"), (entry, account + 99, "OUSG"), (entry, account, "EUR")):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await owner.execute(both, *posting, issuer)
    verdict = "VALUES ('0x' || repeat('ab', 32), 'ID', 'PAID', 'certificate', '{}', $1)"
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await owner.execute(f"INSERT INTO ledger.verdicts {verdict}", entry + 99)
    for lock in ((account + 99, account, entry, None), (account, account + 99, entry, None),
                 (account, account, entry + 99, None), (None, None, None, entry + 99)):  # fmt: skip
        state = "locked" if lock[-1] is None else "refunded"
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await owner.execute(
                "INSERT INTO ledger.locks VALUES ('0x' || repeat('ab', 32), 'ID', $1, '{}', $2, $3, $4, $5)",
                state,
                *lock,
            )


@pytest.mark.parametrize(
    "row",
    [
        (
            "entries (operation, at, reason, authority, actor, trace_id, span_id) "
            "SELECT 'pay', at, reason, authority, actor, trace_id, span_id FROM ledger.entries LIMIT 1"
        ),
        (
            "entries (operation, at, reason, authority, actor, trace_id, span_id) "
            "SELECT 'genesis', at, reason, authority, actor, repeat('g', 32), span_id FROM ledger.entries LIMIT 1"
        ),
        "verdicts VALUES ('0x' || repeat('ab', 32), 'ID', 'PAID', 'time', '{}', 1)",
        "verdicts VALUES ('0x' || repeat('AB', 32), 'ID', 'PAID', 'certificate', '{}', 1)",
        "locks VALUES ('0x' || repeat('ab', 32), 'ID', 'locked', '{}')",
        "accounts (name, kind, admitted) VALUES ('nobody', 'party', true)",
    ],
)
async def test_a_row_that_no_operation_writes_is_refused(owner: asyncpg.Connection, row: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute(f"INSERT INTO ledger.{row}")


async def test_an_effect_judged_by_an_old_snapshot_is_refused(settled: PostgresWorld) -> None:
    connection = await asyncpg.connect(settled.servers.dsn(settled.asset_database))
    terms = settled.terms()
    said = (terms.hash(NETWORK), settled.signed(terms).model_dump_json(), ATTEMPT.model_dump_json())
    try:
        with pytest.raises(asyncpg.InvalidTransactionStateError, match="READ COMMITTED"):
            async with connection.transaction(isolation="repeatable_read"):
                await connection.execute("SELECT ledger.lock($1, $2, $3)", *said)
    finally:
        await connection.close()


async def test_a_settlement_id_moves_units_of_an_account_once(owner: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.UniqueViolationError, match="one_id_moves_units_once"):
        await owner.execute(
            "INSERT INTO ledger.locks (terms_hash, settlement_id, state, signed, deliverer, escrow, lock_entry) "
            "SELECT '0x' || repeat('ab', 32), settlement_id, 'locked', signed, deliverer, deliverer, "
            "(SELECT min(position) FROM ledger.entries) FROM ledger.locks LIMIT 1"
        )


async def test_hazard_08_a_writer_that_asks_for_less_durability_gets_no_less(settled: PostgresWorld) -> None:
    connection = await asyncpg.connect(
        settled.servers.dsn(settled.asset_database), server_settings={"synchronous_commit": "off"}
    )
    try:
        terms = settled.terms()
        signed = settled.signed(terms).model_dump_json()
        attempt = ATTEMPT.model_dump_json()
        async with connection.transaction():
            await connection.execute("SELECT ledger.lock($1, $2, $3)", terms.hash(NETWORK), signed, attempt)
            assert await connection.fetchval("SHOW synchronous_commit") == "on"
    finally:
        await connection.close()

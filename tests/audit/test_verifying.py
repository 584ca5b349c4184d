"""`audit verify` while everything is in use: nothing that is being written is ever taken for something wrong."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from interlock.audit.install import ROOM
from interlock.audit.journals import Block, Journal
from interlock.audit.keeping import KeptJournal, Relay
from interlock.audit.verify import records_to_verify, verify_journals, verify_tables
from interlock.audit.verify_journal import JournalResult
from interlock.ledgers.connections import Connections
from interlock.ledgers.processes import HERE, Hands, pool
from interlock.ledgers.queries import query
from interlock.worker.sealing import Keeper
from tests.audit.synthetic import settlements
from tests.conftest import AuditServer, PostgresWorld
from tests.world import ATTEMPT, NETWORK, key, receipt

KEYS = {journal: key(f"keeper of {journal}") for journal in ("asset", "payment", "audit")}
KEEPERS = {journal: signer.address for journal, signer in KEYS.items()}
EMPTY = "SET session_replication_role = replica; DELETE FROM audit.seals; DELETE FROM audit.witnessed; "
LOOKS = 6


class Kept:
    """Three journals with a keeper each, and whoever verifies them."""

    def __init__(self, held: AsyncExitStack, world: PostgresWorld, audit: AuditServer) -> None:
        self._held, self.world, self.audit = held, world, audit
        self.keepers: dict[str, Keeper] = {}
        self.journals: dict[str, Journal] = {}

    async def open(self) -> None:
        """Keepers by the writers' logins, verifiers by the readers'."""
        servers = self.world.servers
        for name in ("asset", "payment"):
            kept = KeptJournal(name, await self._connections(servers.dsn(self.world.database(name))))
            relay = Relay(await self._connections(self.audit.dsn("writer")))
            self.keepers[name] = Keeper(kept, KEYS[name], NETWORK, KEEPERS, relay)
            self.journals[name] = Journal(
                name, await self._connections(servers.dsn(self.world.database(name), "auditor"))
            )
        kept = KeptJournal("audit", await self._connections(self.audit.dsn("keeper")))
        self.keepers["audit"] = Keeper(kept, KEYS["audit"], NETWORK, KEEPERS, None)
        self.journals["audit"] = Journal("audit", await self._connections(self.audit.dsn("reader")))

    async def _connections(self, dsn: str) -> Connections:
        opened = await Connections.open(dsn, size=2, timeout_s=30.0)
        self._held.push_async_callback(opened.close)
        return opened

    async def round(self) -> None:
        """Each keeper seals what is new and exchanges seals, once."""
        for keeper in self.keepers.values():
            await keeper.seal()
            await keeper.exchange()

    async def verified(self, hands: Hands = HERE) -> dict[str, JournalResult]:
        """Nothing is wrong with the tables, and this with the journals."""
        tables = await verify_tables(self.journals)
        assert {name: each.findings for name, each in tables.items() if not each.ok} == {}
        return await verify_journals(self.journals, NETWORK, KEEPERS, hands=hands)


@pytest.fixture
async def kept(postgres_world: PostgresWorld, audit_server: AuditServer) -> AsyncIterator[Kept]:
    """Nothing is sealed yet."""
    await postgres_world.servers.execute(EMPTY, database="audit")
    async with AsyncExitStack() as held:
        made = Kept(held, postgres_world, audit_server)
        await made.open()
        yield made
    await postgres_world.servers.execute(EMPTY, database="audit")


def wrong(results: dict[str, JournalResult]) -> dict[str, list[str]]:
    """What was found, in words."""
    return {name: [each.text for each in result.findings] for name, result in results.items() if not result.ok}


async def test_what_is_being_written_sealed_and_witnessed_is_never_taken_for_something_wrong(kept: Kept) -> None:
    over = asyncio.Event()
    numbers = itertools.count()

    async def settle() -> None:
        while not over.is_set():
            terms = kept.world.terms(
                settlement_id=f"BUSY-{next(numbers)}", delivery={"quantity": 1}, payment={"quantity": 1}
            )
            await kept.world.settled(terms)

    async def trace() -> None:
        writer = await asyncpg.connect(kept.audit.dsn("writer"))
        for number in itertools.count():
            if over.is_set():
                break
            (made,) = settlements(f"BUSY-{secrets.token_hex(4).upper()}-{number}", 1)
            columns = zip(*(span.row for span in made.spans), strict=True)
            await writer.execute(query("write_spans", ROOM), *(list(column) for column in columns))
        await writer.close()

    async def keep() -> None:
        while not over.is_set():
            await kept.round()

    working = [asyncio.create_task(each()) for each in (settle, settle, settle, trace, keep)]
    try:
        for _ in range(LOOKS):
            assert wrong(await kept.verified()) == {}
            assert [task.exception() for task in working if task.done()] == []
    finally:
        over.set()
        await asyncio.gather(*working)
    results = await kept.verified()
    assert wrong(results) == {}
    assert all(result.seals > 1 and result.witnessed > 0 for result in results.values())


async def test_what_is_younger_than_the_last_seal_is_counted_as_not_covered_yet(kept: Kept) -> None:
    none = (await kept.verified())["asset"]
    assert (none.ok, none.seals, none.not_covered.records) == (True, 0, none.not_covered.records)
    assert none.not_covered.since is not None
    await kept.round()
    results = await kept.verified()
    assert wrong(results) == {}
    assert {name: result.not_covered.records for name, result in results.items()} == dict.fromkeys(KEEPERS, 0)
    terms = kept.world.terms()
    entry = await kept.world.settled(terms)
    results = await kept.verified()
    assert wrong(results) == {}
    assert results["asset"].not_covered.records == 2
    assert results["payment"].not_covered.records == 1
    assert results["asset"].not_covered.since is not None
    assert results["asset"].not_covered.since <= f"{entry.at:%Y-%m-%dT%H:%M:%S.%fZ}"


async def test_a_seal_that_no_other_database_keeps_yet_is_counted_as_such(kept: Kept) -> None:
    await kept.keepers["asset"].seal()
    results = await kept.verified()
    assert wrong(results) == {}
    assert {place: each.seals for place, each in results["asset"].not_witnessed.items()} == {"payment": 1, "audit": 1}
    for _ in range(2):
        await kept.round()
    assert (await kept.verified())["asset"].not_witnessed == {}


async def test_an_entry_that_took_its_position_early_and_commits_late_is_no_finding(kept: Kept) -> None:
    slow = await asyncpg.connect(kept.world.servers.superuser_dsn(kept.world.asset_database))
    transaction = slow.transaction()
    await transaction.start()
    order = kept.world.operators_order(kept.world.terms(), "resume")
    await slow.execute(
        "SELECT ledger.resume($1, $2::jsonb, $3::jsonb)",
        "0x" + "ab" * 32,
        order.model_dump_json(),
        ATTEMPT.model_dump_json(),
    )
    await kept.world.mint(kept.world.asset, "alpine", "OUSG", 1)
    assert wrong(await kept.verified()) == {}
    await transaction.commit()
    await slow.close()
    await kept.round()
    results = await kept.verified()
    assert wrong(results) == {}
    assert results["asset"].not_covered.records == 0


async def test_processes_find_what_one_process_finds_and_every_row_is_looked_at(kept: Kept) -> None:
    for _ in range(3):
        await kept.world.settled(kept.world.terms())
        await kept.round()
    seen: list[int] = []
    alone = await verify_journals(kept.journals, NETWORK, KEEPERS, advance=seen.append)
    left = sum(result.not_covered.records + result.not_covered.witnessed for result in alone.values())
    assert sum(seen) <= await records_to_verify(kept.journals) <= sum(seen) + left
    with pool(2) as hands:
        assert await kept.verified(hands) == alone
    receipt(await kept.world.asset.resume(kept.world.operators_order(kept.world.terms(), "resume"), ATTEMPT))


async def test_a_keeper_that_nobody_named_vouches_for_nothing(kept: Kept) -> None:
    await kept.round()
    unnamed = {name: address for name, address in KEEPERS.items() if name != "asset"}
    results = await verify_journals(kept.journals, NETWORK, unnamed)
    assert [each.text for each in results["asset"].findings] == ["seal 1: nobody has said who keeps this journal"]
    elsewhere = await verify_journals(kept.journals, "0x" + "77" * 32, KEEPERS)
    assert all("its keeper did not sign it" in each.text for each in elsewhere["payment"].findings[:1])
    assert not elsewhere["payment"].ok


def test_a_block_that_has_lost_a_list_is_named_where_it_is_read() -> None:
    row = {"number": 7, "seal": "{}", "signature": "{}", "positions": [1], "witnessed": None, "leaves": b"\0" * 32}
    with pytest.raises(ValueError, match="seal 7 has no witnessed"):
        Block.from_row(row)

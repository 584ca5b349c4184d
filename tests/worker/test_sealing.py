"""Keepers at work on real databases: every record in one block, every seal in the other places, none after a journal
went back."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from interlock.audit.keeping import KeptJournal, Relay
from interlock.ledgers.connections import Connections
from interlock.protocol.seals import NO_SEAL
from interlock.worker.sealing import Keeper
from tests.conftest import AuditServer, PostgresWorld
from tests.world import NETWORK, STRANGER, key

KEYS = {journal: key(f"keeper of {journal}") for journal in ("asset", "payment", "audit")}
KEEPERS = {journal: signer.address for journal, signer in KEYS.items()}
EMPTY = "SET session_replication_role = replica; DELETE FROM audit.seals; DELETE FROM audit.witnessed; "


class Keeping:
    """The three journals of a test, and keepers of them on demand."""

    def __init__(self, held: AsyncExitStack, dsns: dict[str, str], relay: str) -> None:
        self._held, self._dsns, self._relay = held, dsns, relay

    async def connections(self, dsn: str) -> Connections:
        opened = await Connections.open(dsn, size=1, timeout_s=20.0)
        self._held.push_async_callback(opened.close)
        return opened

    async def journal(self, name: str) -> KeptJournal:
        return KeptJournal(name, await self.connections(self._dsns[name]))

    async def keeper(self, name: str, keepers: dict[str, str] = KEEPERS) -> Keeper:
        relay = None if name == "audit" else Relay(await self.connections(self._relay))
        return Keeper(await self.journal(name), KEYS[name], NETWORK, keepers, relay)


@pytest.fixture
async def keeping(postgres_world: PostgresWorld, audit_server: AuditServer) -> AsyncIterator[Keeping]:
    """Three journals that nobody has sealed anything of."""
    await postgres_world.servers.execute(EMPTY, database="audit")
    dsns = {name: postgres_world.servers.dsn(postgres_world.database(name)) for name in ("asset", "payment")}
    async with AsyncExitStack() as held:
        yield Keeping(held, dsns | {"audit": audit_server.dsn("keeper")}, audit_server.dsn("writer"))
    await postgres_world.servers.execute(EMPTY, database="audit")


async def test_a_settlements_entries_are_sealed_and_the_seals_stand_in_the_other_places(
    postgres_world: PostgresWorld, keeping: Keeping
) -> None:
    await postgres_world.settled(postgres_world.terms())
    asset, payment = await keeping.keeper("asset"), await keeping.keeper("payment")
    assert await asset.seal()
    assert await payment.seal()
    for _ in range(2):
        await asset.exchange()
        await payment.exchange()
    audit = await keeping.journal("audit")
    for name, other in (("asset", "payment"), ("payment", "asset")):
        journal = await keeping.journal(name)
        block = await journal.newest_block()
        assert block is not None
        block.signed.verify(NETWORK, KEEPERS[name])
        assert block.positions[-1] == (await journal.sight()).position
        digest = block.signed.digest(NETWORK)
        for place in (audit, await keeping.journal(other)):
            found = await place.newest_of(name)
            assert found is not None
            assert found.digest == digest
    # an idle system is quiet: seals of others wait for a record of one's own
    assert not await asset.seal()
    assert not await payment.seal()


async def test_an_entry_that_took_its_position_early_and_commits_late_is_in_its_block(
    postgres_world: PostgresWorld, keeping: Keeping
) -> None:
    slow = await asyncpg.connect(postgres_world.servers.superuser_dsn(postgres_world.asset_database))
    journal = await keeping.journal("asset")
    transaction = slow.transaction()
    await transaction.start()
    attempt = json.dumps({"actor": "tests", "trace_id": "5e" * 16, "span_id": "5f" * 8})
    order = "0x" + "ab" * 32
    await slow.execute(
        "SELECT ledger.write_entry('mint', NULL, NULL, $1, now(), 'tests say so', '{}'::jsonb, $2::jsonb)",
        order,
        attempt,
    )
    await postgres_world.mint(postgres_world.asset, "alpine", "OUSG", 1)
    sight = await journal.sight()
    assert sight.in_flight
    sealing = asyncio.create_task((await keeping.keeper("asset")).seal())
    settled = asyncio.create_task(journal.settled(sight))
    assert not (await asyncio.wait({sealing, settled}, timeout=0.5))[0]
    await transaction.commit()
    await slow.close()
    await settled
    assert await sealing
    block = await journal.newest_block()
    assert block is not None
    assert list(block.positions) == [record["position"] for record in await journal.records(0, sight.position)]
    assert order in {record["order_digest"] for record in await journal.records(0, sight.position)}


async def test_two_keepers_at_once_make_one_chain(postgres_world: PostgresWorld, keeping: Keeping) -> None:
    keepers = [await keeping.keeper("asset") for _ in range(2)]
    for _ in range(5):
        await postgres_world.mint(postgres_world.asset, "alpine", "OUSG", 1)
        await asyncio.gather(*(keeper.seal() for keeper in keepers))
    await keepers[0].seal()
    journal = await keeping.journal("asset")
    blocks = [block async for block in journal.blocks()]
    assert [block.signed.seal.number for block in blocks] == list(range(1, len(blocks) + 1))
    previous = NO_SEAL
    for block in blocks:
        assert block.signed.seal.previous == previous
        previous = block.signed.digest(NETWORK)
    positions = [position for block in blocks for position in block.positions]
    assert positions == [record["position"] for record in await journal.records(0, (await journal.sight()).position)]


async def test_a_journal_that_went_back_is_not_sealed_on_and_a_restarted_keeper_goes_on(
    postgres_world: PostgresWorld, keeping: Keeping, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):  # a new keeper each time
        keeper = await keeping.keeper("asset")
        await postgres_world.mint(postgres_world.asset, "alpine", "OUSG", 1)
        assert await keeper.seal()
        await keeper.exchange()
    journal = await keeping.journal("asset")
    assert (await journal.sight()).number == 2
    forget = "SET session_replication_role = replica; DELETE FROM ledger.seals WHERE number = 2"
    await postgres_world.servers.execute(forget, database=postgres_world.asset_database)
    with caplog.at_level(logging.WARNING, "interlock.worker"):
        assert not await (await keeping.keeper("asset")).seal()
    assert (await journal.sight()).number == 1
    assert "went back" in caplog.text


async def test_a_seal_by_another_than_the_keeper_is_not_witnessed(keeping: Keeping) -> None:
    asset = await keeping.keeper("asset")
    assert await asset.seal()
    await asset.exchange()
    replaced = await keeping.keeper("payment", KEEPERS | {"asset": STRANGER.address})
    await replaced.exchange()
    payment = await keeping.journal("payment")
    assert await payment.newest_of("asset") is None
    assert await (await keeping.journal("audit")).newest_of("asset") is not None

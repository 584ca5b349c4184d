"""An overview shows every settlement that stands, however many there are, and says how far it has read."""

from interlock.ledgers.overview import Standing, overview, registered, row_count
from interlock.protocol import Attestors, LockState, VerdictKind
from tests.conftest import PostgresWorld
from tests.world import ATTEMPT, ATTESTORS, COORDINATOR, NETWORK, receipt

MANY = 2500
"""More than two of the pages in which they are read."""


async def test_every_row_is_read_and_counted_once(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    locked, paid, voided = world.terms(), world.terms(), world.terms()
    await world.locked(locked)
    await world.settled(paid)
    receipt(await world.asset.refund(voided, await world.voided(voided), ATTEMPT))
    await world.servers.execute(
        # tombstones like the one that is there; nobody looks at what they were signed for
        f"""SET session_replication_role = replica;
        INSERT INTO ledger.locks (terms_hash, settlement_id, state, signed, ending_entry)
        SELECT '0x' || lpad(to_hex(number), 64, '0'), 'MANY-' || number, state, signed, -number
        FROM ledger.locks, generate_series(1, {MANY}) AS number
        WHERE terms_hash = '{voided.hash(NETWORK)}'""",
        database=world.asset_database,
    )
    read: list[int] = []
    found = await overview((world.asset, world.payment), read.append)
    assert sum(read) == await row_count((world.asset, world.payment)) == MANY + 5
    assert max(read) < MANY
    assert len(found) == MANY + 3
    assert found[locked.hash(NETWORK)] == Standing(locked.hash(NETWORK), locked.settlement_id, LockState.LOCKED)
    assert found[paid.hash(NETWORK)] == Standing(
        paid.hash(NETWORK), paid.settlement_id, LockState.RELEASED, VerdictKind.PAID
    )
    assert found[voided.hash(NETWORK)] == Standing(
        voided.hash(NETWORK), voided.settlement_id, LockState.REFUNDED, VerdictKind.VOIDED
    )


async def test_the_keys_behind_an_attestor_set_are_those_that_its_digest_stands_for(
    postgres_world: PostgresWorld,
) -> None:
    ledgers = (postgres_world.asset, postgres_world.payment)
    assert await registered(ledgers, COORDINATOR.identity) == COORDINATOR
    others = Attestors.of(COORDINATOR.name, 1, tuple(each.address for each in ATTESTORS[:3]), quorum=3)
    assert await registered(ledgers, others.identity) is None

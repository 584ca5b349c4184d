"""A settlement's ways through two ledgers on Postgres."""

from interlock.protocol import LockState, VerdictKind
from tests.conftest import PostgresWorld
from tests.world import ATTEMPT, CASH, NETWORK, UNITS, receipt


async def test_a_settlement_moves_both_legs(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    terms = world.terms()
    released = await world.settled(terms)
    assert await world.balance(world.asset, "northbank", "OUSG") == UNITS
    assert await world.balance(world.payment, "alpine", "USD") == CASH
    lock = await world.asset.lock_of(terms.hash(NETWORK))
    assert lock is not None
    assert (lock.state, lock.ended) == (LockState.RELEASED, released)
    verdict = await world.payment.verdict_of(terms.hash(NETWORK))
    assert verdict is not None
    assert (verdict.verdict, verdict.authority) == (VerdictKind.PAID, "certificate")
    assert verdict.signed == world.signed(terms)


async def test_a_voided_settlement_gives_the_units_back(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    terms = world.terms()
    await world.locked(terms)
    assert await world.balance(world.asset, "alpine", "OUSG") == 9 * UNITS
    receipt(await world.asset.refund(terms, await world.voided(terms), ATTEMPT))
    assert await world.balance(world.asset, "alpine", "OUSG") == 10 * UNITS
    journal = await world.asset.journal("alpine")
    assert journal is not None
    assert [(line.operation, line.quantity) for line in journal] == [
        ("mint", 10 * UNITS),
        ("lock", -UNITS),
        ("refund", UNITS),
    ]

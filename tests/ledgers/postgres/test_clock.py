"""One function is the ledger's clock, and it decides every deadline: `now >= moment` has passed it."""

from datetime import UTC, datetime, timedelta

import pytest

from interlock.protocol import Receipt
from tests.conftest import PostgresWorld
from tests.world import ATTEMPT, refused

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


async def set_clock(world: PostgresWorld, moment: datetime) -> None:
    """Replace both ledgers' clocks, as their owner."""
    for database in (world.asset_database, world.payment_database):
        await world.servers.stop_clock(database, moment)


async def test_the_ledgers_time_is_its_clock(postgres_world: PostgresWorld) -> None:
    await set_clock(postgres_world, NOON)
    assert await postgres_world.asset.now() == NOON


@pytest.mark.parametrize(("before", "passed"), [(INSTANT, False), (timedelta(0), True), (-INSTANT, True)])
async def test_settle_by_has_passed_at_exactly_settle_by(
    postgres_world: PostgresWorld, before: timedelta, passed: bool
) -> None:
    world = postgres_world
    await set_clock(world, NOON - timedelta(hours=1))
    paid, voided, late = (world.terms(settle_by=NOON) for _ in range(3))
    certificate = await world.locked(paid)
    await set_clock(world, NOON - before)
    pay = await world.payment.pay(world.signed(paid), certificate, ATTEMPT)
    void = await world.payment.void(world.signed(voided), world.by_time, ATTEMPT)
    lock = await world.asset.lock(world.signed(late), ATTEMPT)
    checks = [await ledger.check(world.signed(late)) for ledger in (world.asset, world.payment)]
    if passed:
        assert (refused(pay), refused(lock)) == ("deadline_passed", "deadline_passed")
        assert isinstance(void, Receipt)
        assert [check.refusal.code for check in checks if check.refusal] == ["deadline_passed"] * 2
    else:
        assert isinstance(pay, Receipt)
        assert isinstance(lock, Receipt)
        assert refused(void) == "not_past_deadline"
        assert [check.refusal for check in checks[1:]] == [None]


async def test_consent_expires_at_exactly_valid_until(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    terms = world.terms(settle_by=NOON + timedelta(hours=1))
    consent = world.consent(terms, valid_until=NOON)
    await set_clock(world, NOON)
    assert refused(await world.payment.void(world.signed(terms), consent, ATTEMPT)) == "authority_expired"
    await set_clock(world, NOON - INSTANT)
    first = await world.payment.void(world.signed(terms), consent, ATTEMPT)
    assert isinstance(first, Receipt)
    await set_clock(world, NOON + INSTANT)
    assert await world.payment.void(world.signed(terms), consent, ATTEMPT) == first


async def test_a_lock_may_be_made_at_exactly_not_before(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    terms = world.terms(not_before=NOON, settle_by=NOON + timedelta(hours=1))
    await set_clock(world, NOON - INSTANT)
    assert refused(await world.asset.lock(world.signed(terms), ATTEMPT)) == "too_early"
    await set_clock(world, NOON)
    assert isinstance(await world.asset.lock(world.signed(terms), ATTEMPT), Receipt)

"""One function is the ledger's clock, and it decides every deadline: `now >= moment` has passed it."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from interlock.ledgers.queries import folder
from interlock.protocol import Certificate, Receipt, Terms, VoidAuthority
from tests.conftest import PostgresWorld
from tests.ledgers.contract.asking import code
from tests.world import ATTEMPT, refused

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
KINDS = ("functions", "queries", "views")
MOMENT = r"(_now|settle_by|not_before|valid_until|_moment)"
COMPARED = rf"{MOMENT}[^,;\n]*[<>]|[<>][^,;\n]*{MOMENT}"
TIME = r"clock_timestamp|\bnow\(\)|(current|local|transaction|statement)_?(time|date)"


async def set_clock(world: PostgresWorld, moment: datetime) -> None:
    """Replace both ledgers' clocks, as their owner."""
    for database in (world.asset_database, world.payment_database):
        await world.servers.stop_clock(database, moment)


async def test_the_ledgers_time_is_its_clock(postgres_world: PostgresWorld) -> None:
    await set_clock(postgres_world, NOON)
    assert await postgres_world.asset.now() == NOON


@pytest.mark.parametrize(("before", "passed"), [(INSTANT, False), (timedelta(0), True), (-INSTANT, True)])
async def test_hazard_17_settle_by_has_passed_at_exactly_settle_by(
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


async def test_hazard_17_consent_expires_at_exactly_valid_until(postgres_world: PostgresWorld) -> None:
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


async def test_hazard_17_every_deadline_moves_with_the_one_function_that_decides_it(
    postgres_world: PostgresWorld,
) -> None:
    """Somebody whom no rule stops makes that function two days late: so is every operation, and all to the instant."""
    world = postgres_world
    late = timedelta(days=2)
    terms = [world.terms(settle_by=NOON, not_before=NOON - late) for _ in range(6)]
    paid, voided, agreed, ordered, locked, unpaid = terms
    consents = [world.consent(each, valid_until=NOON) for each in (agreed, voided)]
    orders = [world.by_operators(each, valid_until=NOON) for each in (ordered, voided)]
    await set_clock(world, NOON - INSTANT)
    certificates = [await world.locked(each) for each in (paid, unpaid)]
    for database in (world.asset_database, world.payment_database):
        await world.servers.execute(
            "CREATE OR REPLACE FUNCTION ledger.past(_moment timestamptz, _now timestamptz) RETURNS boolean "
            f"LANGUAGE sql IMMUTABLE AS $$ SELECT _now >= _moment + interval '{late.days} days' $$",
            database=database,
        )

    async def answers(due: tuple[Terms, Certificate], *authorities: VoidAuthority) -> list[str]:
        asked = [
            await world.payment.pay(world.signed(due[0]), due[1], ATTEMPT),
            *[await world.payment.void(world.signed(voided), each, ATTEMPT) for each in (world.by_time, *authorities)],
        ]
        return [code(each) for each in asked]

    assert code(await world.asset.lock(world.signed(locked), ATTEMPT)) == "too_early"
    await set_clock(world, NOON)
    assert code(await world.asset.lock(world.signed(locked), ATTEMPT)) == "receipt"
    await set_clock(world, NOON + late - INSTANT)
    assert (await world.asset.check(world.signed(voided))).refusal is None
    assert await answers((paid, certificates[0])) == ["receipt", "not_past_deadline"]
    for each, authority in ((agreed, consents[0]), (ordered, orders[0])):
        assert code(await world.payment.void(world.signed(each), authority, ATTEMPT)) == "receipt"
    await set_clock(world, NOON + late)
    assert code(await world.asset.lock(world.signed(voided), ATTEMPT)) == "deadline_passed"
    expired = [await world.payment.void(world.signed(voided), each, ATTEMPT) for each in (consents[1], orders[1])]
    assert [code(each) for each in expired] == ["authority_expired"] * 2
    assert await answers((unpaid, certificates[1])) == ["deadline_passed", "receipt"]


def test_hazard_17_no_other_statement_reads_time_or_compares_a_moment() -> None:
    texts = {f"{kind}/{name}": text for kind in KINDS for name, text in folder(kind).items()}
    assert len(texts) > 50
    code_of = {name: re.sub(r"--[^\n]*|#?->>?", " ", text) for name, text in texts.items()}
    reads_time = {name for name, text in code_of.items() if re.search(TIME, text, re.IGNORECASE)}
    compares = {name for name, text in code_of.items() if re.search(COMPARED, text)}
    assert (reads_time, compares) == ({"functions/clock"}, {"functions/past"})

"""Many at once: one winner, one effect, no more units than there are."""

import asyncio

import asyncpg

from interlock.ledgers.postgres import PostgresLedger
from interlock.ledgers.queries import query
from interlock.ledgers.verify import verify
from interlock.protocol import Answer, Fact, Receipt, RefusalCode, Terms
from tests.conftest import PostgresWorld
from tests.world import ATTEMPT, ATTESTORS, CASH, NETWORK, UNITS, receipt, refused

_WAITS_FOR_ATTESTORS = "SELECT true FROM pg_locks WHERE locktype = 'advisory' AND classid = 3 AND NOT granted LIMIT 1"


async def test_hazard_02_pay_and_void_race_and_one_wins(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    paid = 0
    for _ in range(8):
        terms = world.terms()
        certificate = await world.locked(terms)
        pays = [world.payment.pay(world.signed(terms), certificate, ATTEMPT) for _ in range(4)]
        voids = [world.payment.void(world.signed(terms), world.consent(terms), ATTEMPT) for _ in range(4)]
        answers = await asyncio.gather(*(each for pair in zip(pays, voids, strict=True) for each in pair))
        verdict = await world.payment.verdict_of(terms.hash(NETWORK))
        assert verdict is not None
        won = [answer for answer in answers if isinstance(answer, Receipt)]
        lost = {refused(answer) for answer in answers if not isinstance(answer, Receipt)}
        assert set(won) == {verdict.receipt}
        assert len(won) == 4
        assert lost == {f"already_{verdict.verdict.lower()}"}
        paid += verdict.verdict == "PAID"
    assert await world.balance(world.payment, "alpine", "USD") == paid * CASH


async def test_hazard_11_fifty_locks_at_once_reserve_no_more_than_there_is(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    answers = await asyncio.gather(
        *(world.asset.lock(world.signed(world.terms()), ATTEMPT) for _ in range(50)),
    )
    assert sum(isinstance(answer, Receipt) for answer in answers) == 10
    assert {refused(each) for each in answers if not isinstance(each, Receipt)} == {RefusalCode.INSUFFICIENT_BALANCE}
    assert await world.balance(world.asset, "alpine", "OUSG") == 0


async def test_hazard_01_twenty_equal_pays_at_once_pay_once(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    terms = world.terms()
    certificate = await world.locked(terms)
    signed = world.signed(terms)
    answers = await asyncio.gather(*(world.payment.pay(signed, certificate, ATTEMPT) for _ in range(20)))
    assert len({receipt(answer) for answer in answers}) == 1
    assert await world.balance(world.payment, "alpine", "USD") == CASH


async def test_one_settlement_id_locked_by_many_terms_at_once_moves_units_once(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    many = [world.terms(settlement_id="SAME", payment={"quantity": CASH + more}) for more in range(10)]
    answers = await asyncio.gather(*(world.asset.lock(world.signed(terms), ATTEMPT) for terms in many))
    assert sum(isinstance(answer, Receipt) for answer in answers) == 1
    assert {refused(each) for each in answers if not isinstance(each, Receipt)} == {RefusalCode.ID_USED}
    assert await world.balance(world.asset, "alpine", "OUSG") == 9 * UNITS


async def test_money_going_both_ways_at_once_deadlocks_nobody(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    await world.mint(world.payment, "alpine", "USD", 10 * CASH)
    await world.mint(world.asset, "northbank", "OUSG", 10 * UNITS)
    there = [world.terms() for _ in range(8)]
    back = [
        world.terms(
            seller=terms.buyer,
            buyer=terms.seller,
            delivery={"deliverer": "northbank", "receiver": "alpine"},
            payment={"deliverer": "alpine", "receiver": "northbank"},
        )
        for terms in there
    ]
    await asyncio.gather(*(world.settled(terms) for terms in there + back))
    assert await world.balance(world.asset, "alpine", "OUSG") == 10 * UNITS
    assert await world.balance(world.payment, "alpine", "USD") == 10 * CASH
    results = await verify(world.asset, world.payment)
    assert {name: result.violations for name, result in results.items() if not result.ok} == {}


async def test_a_reader_of_verdicts_misses_none_that_commits_late(postgres_world: PostgresWorld) -> None:
    """The first verdict took its position first and commits last: until then the second is not told either."""
    world = postgres_world
    early, later = world.terms(), world.terms()
    consent = world.consent(early)
    writer: asyncpg.Connection = await asyncpg.connect(world.servers.dsn(world.payment_database))
    transaction = writer.transaction()
    await transaction.start()
    await writer.execute(
        query("void"),
        early.hash(NETWORK),
        world.signed(early).model_dump_json(),
        consent.model_dump_json(),
        None,
        ATTEMPT.model_dump_json(),
    )
    await world.voided(later)
    told = asyncio.create_task(world.payment.verdicts_after(0, 10))
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    while not told.done() and not await writer.fetchval(waiting):
        pass
    await transaction.commit()
    await writer.close()
    assert [verdict.terms_hash for verdict in await told] == [early.hash(NETWORK), later.hash(NETWORK)]


async def test_pays_and_releases_that_race_an_accusation_count_as_the_journal_shows(
    postgres_world: PostgresWorld,
) -> None:
    world, attempts = postgres_world, 6
    by = ATTESTORS[1:]  # no quorum without the last, who is accused meanwhile
    to_pay, to_release = [world.terms() for _ in range(attempts)], [world.terms() for _ in range(3)]
    locked = [world.certificate(Fact.LOCKED, terms, await _lock(world, terms), by=by) for terms in to_pay]
    for terms in to_release:
        await world.paid(terms)
    paid = [world.certificate(Fact.PAID, terms, by=by) for terms in to_release]
    misconduct = world.misconduct(world.terms())

    async def later(number: int, ledger: PostgresLedger) -> Answer:
        for _ in range(number):
            await ledger.now()
        return await ledger.accuse(misconduct, ATTEMPT)

    *answers, on_payment, on_asset = await asyncio.gather(
        *(world.payment.pay(world.signed(terms), each, ATTEMPT) for terms, each in zip(to_pay, locked, strict=True)),
        *(world.asset.release(terms, each, ATTEMPT) for terms, each in zip(to_release, paid, strict=True)),
        later(2, world.payment),
        later(1, world.asset),
    )
    for answer, accused in zip(answers, [on_payment] * attempts + [on_asset] * 3, strict=True):
        if isinstance(answer, Receipt):
            assert answer.position < receipt(accused).position
        else:
            assert refused(answer) == "certificate_invalid"
    assert all(result.ok for result in (await verify(world.asset, world.payment)).values())


async def _lock(world: PostgresWorld, terms: Terms) -> Receipt:
    return receipt(await world.asset.lock(world.signed(terms), ATTEMPT))


async def test_a_pay_under_way_is_judged_before_the_accusation_that_waits_for_it(postgres_world: PostgresWorld) -> None:
    world, terms = postgres_world, postgres_world.terms()
    certificate = world.certificate(Fact.LOCKED, terms, await _lock(world, terms), by=ATTESTORS[1:])
    writer: asyncpg.Connection = await asyncpg.connect(world.servers.dsn(world.payment_database))
    try:
        under_way = writer.transaction()
        await under_way.start()
        said = (terms.hash(NETWORK), world.signed(terms).model_dump_json(), certificate.model_dump_json())
        assert '"kind": "receipt"' in await writer.fetchval(query("pay"), *said, ATTEMPT.model_dump_json())
        accusing = asyncio.create_task(world.payment.accuse(world.misconduct(world.terms()), ATTEMPT))
        async with asyncio.timeout(10):
            while not await writer.fetchval(_WAITS_FOR_ATTESTORS):
                pass
        await under_way.commit()
    finally:
        await writer.close()
    verdict = await world.payment.verdict_of(terms.hash(NETWORK))
    assert verdict is not None
    assert verdict.receipt.position < receipt(await accusing).position
    assert all(result.ok for result in (await verify(world.asset, world.payment)).values())

"""Every state a ledger can be in for terms, against every operation: the answer, and the state after it."""

import asyncio

import pytest

from interlock.protocol import Answer, Fact, LockState, Operation, Terms, VerdictKind, VoidAuthority
from tests.ledgers.contract.asking import Clock, code, lock, lock_state, pay, refund, release, verdict, void
from tests.world import ATTEMPT, CASH, COORDINATOR, UNITS, World, in_seconds, receipt

ASSET_LEDGER = [
    # state       operation   answer             state after
    ("none",      "lock",     "receipt",         "locked"),
    ("none",      "release",  "no_lock",         "none"),
    ("none",      "refund",   "receipt",         "tombstone"),
    ("locked",    "lock",     "first",           "locked"),
    ("locked",    "release",  "receipt",         "released"),
    ("locked",    "refund",   "receipt",         "refunded"),
    ("released",  "lock",     "first",           "released"),
    ("released",  "release",  "first",           "released"),
    ("released",  "refund",   "already_paid",    "released"),
    ("refunded",  "lock",     "first",           "refunded"),
    ("refunded",  "release",  "already_voided",  "refunded"),
    ("refunded",  "refund",   "first",           "refunded"),
    ("tombstone", "lock",     "terms_closed",    "tombstone"),
    ("tombstone", "release",  "already_voided",  "tombstone"),
    ("tombstone", "refund",   "first",           "tombstone"),
]  # fmt: skip

PAYMENT_LEDGER = [
    # state     operation    when      answer               state after
    ("none",    "pay",       "before", "receipt",           "PAID"),
    ("none",    "consent",   "before", "receipt",           "VOIDED"),
    ("none",    "time",      "before", "not_past_deadline", "none"),
    ("none",    "operators", "before", "receipt",           "VOIDED"),
    ("none",    "pay",       "past",   "deadline_passed",   "none"),
    ("none",    "consent",   "past",   "receipt",           "VOIDED"),
    ("none",    "time",      "past",   "receipt",           "VOIDED"),
    ("none",    "operators", "past",   "receipt",           "VOIDED"),
    ("PAID",    "pay",       "before", "first",             "PAID"),
    ("PAID",    "consent",   "before", "already_paid",      "PAID"),
    ("PAID",    "time",      "before", "already_paid",      "PAID"),
    ("PAID",    "operators", "before", "already_paid",      "PAID"),
    ("PAID",    "pay",       "past",   "first",             "PAID"),
    ("PAID",    "consent",   "past",   "already_paid",      "PAID"),
    ("PAID",    "time",      "past",   "already_paid",      "PAID"),
    ("PAID",    "operators", "past",   "already_paid",      "PAID"),
    ("VOIDED",  "pay",       "before", "already_voided",    "VOIDED"),
    ("VOIDED",  "consent",   "before", "first",             "VOIDED"),
    ("VOIDED",  "time",      "before", "first",             "VOIDED"),
    ("VOIDED",  "operators", "before", "first",             "VOIDED"),
    ("VOIDED",  "pay",       "past",   "already_voided",    "VOIDED"),
    ("VOIDED",  "consent",   "past",   "first",             "VOIDED"),
    ("VOIDED",  "time",      "past",   "first",             "VOIDED"),
    ("VOIDED",  "operators", "past",   "first",             "VOIDED"),
]  # fmt: skip

TO_STATE = {
    "none": (),
    "locked": ("lock",),
    "released": ("lock", "release"),
    "refunded": ("lock", "refund"),
    "tombstone": ("refund",),
    "PAID": ("pay",),
    "VOIDED": ("consent",),
}

EFFECTS = {
    # state after: the seller's units, the buyer's units, the buyer's cash, the seller's cash
    "none":      (0, 0, 0, 0),
    "locked":    (-UNITS, 0, 0, 0),
    "released":  (-UNITS, UNITS, 0, 0),
    "refunded":  (0, 0, 0, 0),
    "tombstone": (0, 0, 0, 0),
    "PAID":      (0, 0, -CASH, CASH),
    "VOIDED":    (0, 0, 0, 0),
}  # fmt: skip


async def ask(world: World, operation: str, terms: Terms) -> Answer:
    match operation:
        case "lock":
            return await world.asset.lock(world.signed(terms), ATTEMPT)
        case "release":
            return await release(world, terms)
        case "refund":
            return await refund(world, terms)
        case "pay":
            return await pay(world, terms)
    until = in_seconds(10**6)
    authority: VoidAuthority = world.by_time
    if operation == "consent":
        authority = world.consent(terms, valid_until=until)
    elif operation == "operators":
        authority = world.by_operators(terms, valid_until=until)
    return await world.payment.void(world.signed(terms), authority, ATTEMPT)


async def holdings(world: World) -> tuple[int, int, int, int]:
    return (
        await world.balance(world.asset, "alpine", "OUSG"),
        await world.balance(world.asset, "northbank", "OUSG"),
        await world.balance(world.payment, "northbank", "USD"),
        await world.balance(world.payment, "alpine", "USD"),
    )


def moved(before: tuple[int, ...], after: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(b - a for a, b in zip(before, after, strict=True))


async def test_every_operation_in_every_state_of_the_asset_ledger(world: World) -> None:
    for state, operation, answer, after in ASSET_LEDGER:
        terms, before = world.terms(), await holdings(world)
        first = {name: await ask(world, name, terms) for name in TO_STATE[state]}
        got = await ask(world, operation, terms)
        told = "first" if got == first.get(operation) else code(got)
        row = (state, operation, told, await lock_state(world, terms))
        assert row == (state, operation, answer, after)
        assert moved(before, await holdings(world)) == EFFECTS[after], row


async def test_every_operation_in_every_state_of_the_payment_ledger(world: World, clock: Clock) -> None:
    prepared = [world.terms() for _ in PAYMENT_LEDGER]
    first = [
        [await ask(world, name, terms) for name in TO_STATE[row[0]]]
        for row, terms in zip(PAYMENT_LEDGER, prepared, strict=True)
    ]
    for when in ("before", "past"):
        if when == "past":
            await clock.stop(prepared[-1].settle_by)
        for (state, operation, at, answer, after), terms, made in zip(PAYMENT_LEDGER, prepared, first, strict=True):
            if at != when:
                continue
            before = await holdings(world)
            got = await ask(world, operation, terms)
            told = "first" if [got] == made else code(got)
            row = (state, operation, when, told, await verdict(world, terms))
            assert row == (state, operation, when, answer, after)
            effect = EFFECTS[after] if state == "none" else EFFECTS["none"]
            assert moved(before, await holdings(world)) == effect, row


@pytest.mark.parametrize("state", ["locked", "released", "refunded", "tombstone"])
async def test_hazard_01_what_stands_answers_before_anything_that_depends_on_time_or_accounts(
    world: World, clock: Clock, state: str
) -> None:
    """The deadline past, both accounts frozen and expelled, the coordinator closed: the first receipts all the same."""
    terms = world.terms()
    first = {name: receipt(await ask(world, name, terms)) for name in TO_STATE[state]}
    for account in ("alpine", "northbank"):
        await world.act(world.asset, "freeze", account)
        await world.act(world.asset, "expel", account)
    await clock.stop(terms.settle_by)
    for name, made in first.items():
        assert await ask(world, name, terms) == made
    check = await world.asset.check(world.signed(terms))
    assert check.refusal is None
    assert check.lock == await world.asset.lock_of(world.signed(terms).terms_hash)


@pytest.mark.parametrize("operation", ["pay", "consent"])
async def test_hazard_01_a_verdict_answers_before_anything_that_depends_on_time_or_accounts(
    world: World, clock: Clock, operation: str
) -> None:
    terms = world.terms()
    first = receipt(await ask(world, operation, terms))
    for account in ("alpine", "northbank"):
        await world.act(world.payment, "freeze", account)
        await world.act(world.payment, "expel", account)
    await clock.stop(terms.settle_by)
    assert await ask(world, operation, terms) == first
    check = await world.payment.check(world.signed(terms))
    assert (check.refusal, check.verdict) == (None, await world.payment.verdict_of(world.signed(terms).terms_hash))


async def test_hazard_16_the_first_receipt_is_returned_ten_years_later(world: World, clock: Clock) -> None:
    terms = world.terms()
    made = [await ask(world, name, terms) for name in ("lock", "pay", "release")]
    await clock.stop(in_seconds(10 * 365 * 86400))
    assert [await ask(world, name, terms) for name in ("lock", "pay", "release")] == made


@pytest.mark.parametrize("operation", ["lock", "pay", "consent", "refund"])
async def test_hazard_01_asked_ten_times_at_once_there_is_one_effect(world: World, operation: str) -> None:
    terms = world.terms()
    answers = await asyncio.gather(*(ask(world, operation, terms) for _ in range(10)))
    assert len({receipt(answer).position for answer in answers}) == 1


async def test_hazard_02_pay_and_void_at_once_leave_one_verdict(world: World) -> None:
    for _ in range(5):
        terms = world.terms()
        answers = await asyncio.gather(*(ask(world, name, terms) for name in ("pay", "consent", "pay", "operators")))
        decided = await verdict(world, terms)
        wins, loses = ({0, 2}, "already_paid") if decided == "PAID" else ({1, 3}, "already_voided")
        assert {code(answers[number]) for number in wins} == {"receipt"}
        assert {code(answers[number]) for number in {0, 1, 2, 3} - wins} == {loses}


async def test_hazard_02_a_payment_after_the_refund_is_refused(world: World) -> None:
    terms = world.terms()
    await lock(world, terms)
    receipt(await void(world, terms))
    receipt(await refund(world, terms))
    assert code(await pay(world, terms)) == "already_voided"


async def test_a_receipt_says_what_was_done_where_and_when(world: World) -> None:
    terms = world.terms()
    made = await lock(world, terms)
    assert (made.ledger, made.operation, made.terms_hash) == ("asset", Operation.LOCK, world.signed(terms).terms_hash)
    paid = receipt(await pay(world, terms))
    assert (paid.ledger, paid.operation) == ("payment", Operation.PAY)
    released = receipt(await release(world, terms))
    assert (released.operation, released.position > made.position) == (Operation.RELEASE, True)
    assert made.reference != released.reference
    assert abs((made.at - await world.asset.now()).total_seconds()) < 60


async def test_rows_hold_what_was_signed_and_both_receipts(world: World) -> None:
    terms = world.terms()
    signed = world.signed(terms)
    locked = await lock(world, terms)
    paid = receipt(await pay(world, terms))
    released = receipt(await release(world, terms))
    row, decided = await world.asset.lock_of(signed.terms_hash), await world.payment.verdict_of(signed.terms_hash)
    assert row is not None
    assert decided is not None
    assert (row.signed, row.state, row.locked, row.ended) == (signed, LockState.RELEASED, locked, released)
    assert (decided.signed, decided.verdict, decided.receipt) == (signed, VerdictKind.PAID, paid)
    assert decided.authority == "certificate"


async def test_a_tombstone_holds_the_terms_without_signatures(world: World) -> None:
    terms = world.terms()
    made = receipt(await refund(world, terms))
    row = await world.asset.lock_of(world.signed(terms).terms_hash)
    assert row is not None
    assert (row.signed.terms, row.signed.signatures, row.locked, row.ended) == (terms, (), None, made)


async def test_hazard_19_a_tombstone_refuses_a_lock_that_arrives_late(world: World) -> None:
    terms = world.terms()
    certificate = await world.voided(terms)
    receipt(await world.asset.refund(terms, certificate, ATTEMPT))
    assert code(await world.asset.lock(world.signed(terms), ATTEMPT)) == "terms_closed"
    assert await world.balance(world.asset, "alpine", "OUSG") == 10 * UNITS


async def test_a_settlement_from_lock_to_release_moves_both_legs(world: World) -> None:
    terms = world.terms()
    await world.settled(terms)
    assert await holdings(world) == (9 * UNITS, UNITS, 9 * CASH, CASH)
    assert (await world.asset.attestors_of(terms)) == COORDINATOR


async def test_a_certificate_names_its_fact_and_no_other(world: World) -> None:
    terms = world.terms()
    await lock(world, terms)
    answer = await world.asset.release(terms, world.certificate(Fact.VOIDED, terms), ATTEMPT)
    assert code(answer) == "certificate_invalid"

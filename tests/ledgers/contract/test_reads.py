"""What a ledger tells whoever asks: rows, lists, journals and accounts, exactly and in order."""

from datetime import timedelta

from interlock.protocol import OpenAccount, Terms
from tests.ledgers.contract.asking import Clock, lock, pay, refund, release, void
from tests.world import BUYER, CASH, NETWORK, OUSG, SELLER, UNITS, World, in_seconds, receipt


def hashes(*terms: Terms) -> list[str]:
    return [each.hash(NETWORK) for each in terms]


async def test_of_unknown_terms_accounts_and_assets_a_ledger_says_nothing(world: World) -> None:
    (unknown,) = hashes(world.terms())
    assert await world.asset.lock_of(unknown) is None
    assert await world.payment.verdict_of(unknown) is None
    assert await world.asset.journal("nobody") is None
    assert await world.asset.asset("GOLD") is None
    assert await world.asset.asset("OUSG") == OUSG
    assert list(await world.asset.locks_by_settlement("NOTHING")) == []
    assert list(await world.payment.verdicts_by_settlement("NOTHING")) == []
    assert await world.asset.ended_of([unknown]) == frozenset()
    assert await world.asset.ended_of([]) == frozenset()


async def test_many_rows_are_read_at_once_each_under_its_own_terms(world: World) -> None:
    settled, open_one, unknown = world.terms(), world.terms(), world.terms()
    await world.settled(settled)
    receipt(await lock(world, open_one))
    asked = hashes(settled, unknown, open_one)
    locks, verdicts = await world.asset.locks_of(asked), await world.payment.verdicts_of(asked)
    assert dict(locks) == {each: await world.asset.lock_of(each) for each in hashes(settled, open_one)}
    assert dict(verdicts) == {each: await world.payment.verdict_of(each) for each in hashes(settled)}
    assert dict(await world.asset.locks_of([])) == {}
    assert dict(await world.payment.verdicts_of([])) == {}


async def test_accounts_are_listed_by_name_with_owner_and_state(world: World) -> None:
    receipt(await world.order(world.asset, OpenAccount, account="Zed", owner=BUYER.address, admitted=False))
    listed = [
        (each.ledger, each.account, each.owner, each.admitted, each.frozen) for each in await world.asset.accounts()
    ]
    assert sorted(listed) == [
        ("asset", "Zed", BUYER.address, False, False),
        ("asset", "alpine", SELLER.address, True, False),
        ("asset", "northbank", BUYER.address, True, False),
    ]


async def test_a_journal_tells_every_movement_and_the_balance_after_it(world: World) -> None:
    terms = world.terms()
    await world.settled(terms)
    (terms_hash,) = hashes(terms)
    rows = [
        ("asset", "alpine", "mint", "", 10 * UNITS, 10 * UNITS),
        ("asset", "alpine", "lock", terms.settlement_id, -UNITS, 9 * UNITS),
        ("asset", "northbank", "release", terms.settlement_id, UNITS, UNITS),
        ("payment", "northbank", "mint", "", 10 * CASH, 10 * CASH),
        ("payment", "northbank", "pay", terms.settlement_id, -CASH, 9 * CASH),
        ("payment", "alpine", "pay", terms.settlement_id, CASH, CASH),
    ]
    told = []
    for name, account in dict.fromkeys((row[0], row[1]) for row in rows):
        ledger = world.asset if name == "asset" else world.payment
        for line in await ledger.journal(account) or ():
            told.append((name, account, line.operation, line.settlement_id, line.quantity, line.balance))
            assert line.operation == "mint" or line.terms_hash == terms_hash
            assert line.reason != ""
    assert told == rows


async def test_open_locks_are_the_oldest_first_and_those_that_ended_are_ended(world: World, clock: Clock) -> None:
    first, second, released, refunded, tombstone = (world.terms() for _ in range(5))
    start = in_seconds(0)
    for number, terms in enumerate((first, second, released, refunded)):
        await clock.stop(start + timedelta(seconds=number))
        await lock(world, terms)
    receipt(await release(world, released))
    receipt(await refund(world, refunded))
    receipt(await refund(world, tombstone))
    await clock.stop(start + timedelta(seconds=10))
    assert [row.terms_hash for row in await world.asset.open_locks(0, 10)] == hashes(first, second)
    assert [row.terms_hash for row in await world.asset.open_locks(0, 1)] == hashes(first)
    assert [row.terms_hash for row in await world.asset.open_locks(10, 10)] == hashes(first)
    assert list(await world.asset.open_locks(10.5, 10)) == []
    everything = hashes(first, second, released, refunded, tombstone)
    assert await world.asset.ended_of(everything) == frozenset(everything[2:])


async def test_verdicts_are_read_on_from_a_position(world: World) -> None:
    terms = [world.terms() for _ in range(4)]
    for number, each in enumerate(terms):
        receipt(await (pay(world, each) if number % 2 else void(world, each)))
    told = await world.payment.verdicts_after(0, 10)
    assert [each.terms_hash for each in told] == hashes(*terms)
    assert [each.verdict.value for each in told] == ["VOIDED", "PAID", "VOIDED", "PAID"]
    assert [each.terms_hash for each in await world.payment.verdicts_after(told[0].receipt.position, 2)] == hashes(
        *terms[1:3]
    )
    assert list(await world.payment.verdicts_after(told[-1].receipt.position, 10)) == []


async def test_rows_are_found_by_settlement_id_of_all_terms_that_use_it(world: World) -> None:
    locked = world.terms()
    tombstone = world.terms(settlement_id=locked.settlement_id, payment={"quantity": 1})
    await world.voided(tombstone)
    receipt(await refund(world, tombstone))
    await world.paid(locked)
    found = await world.asset.locks_by_settlement(locked.settlement_id)
    assert [row.terms_hash for row in found] == hashes(locked, tombstone)
    verdicts = await world.payment.verdicts_by_settlement(locked.settlement_id)
    assert [row.terms_hash for row in verdicts] == hashes(tombstone, locked)


async def test_the_check_writes_nothing_and_says_what_stands(world: World) -> None:
    terms = world.terms()
    nothing = await world.asset.check(world.signed(terms))
    assert (nothing.lock, nothing.verdict, nothing.refusal) == (None, None, None)
    assert await world.asset.lock_of(hashes(terms)[0]) is None
    await world.paid(terms)
    assert (await world.asset.check(world.signed(terms))).lock == await world.asset.lock_of(hashes(terms)[0])
    assert (await world.payment.check(world.signed(terms))).verdict == await world.payment.verdict_of(hashes(terms)[0])


async def test_a_ledgers_clock_is_utc_and_its_own(world: World, clock: Clock) -> None:
    moment = in_seconds(12345)
    await clock.stop(moment)
    assert await world.asset.now() == moment
    assert (await lock(world, world.terms(settle_by=in_seconds(99999)))).at == moment
    assert [world.asset.name, world.payment.name] == ["asset", "payment"]

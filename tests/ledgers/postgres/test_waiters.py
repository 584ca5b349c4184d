"""Who waits for an account is remembered when they are refused, announced when it changes, and forgotten at the end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from interlock.ledgers.connections import Listener
from interlock.ledgers.faults import LedgerUnreachable
from interlock.ledgers.postgres import PostgresLedger
from interlock.ledgers.verify import verify
from interlock.ledgers.waiters import Waiters
from interlock.protocol import Terms
from tests.conftest import PostgresWorld
from tests.world import ATTEMPT, BUYER, CASH, NETWORK, SELLER, STRANGER, UNITS, in_seconds, refused

PATIENCE_S = 60.0
QUIET_S = 0.0
"""What was announced by commits that are over has arrived once a round trip on the listening connection is done."""


def waiters_of(world: PostgresWorld, ledger: PostgresLedger) -> Waiters:
    """What the ledger's worker holds."""
    return Waiters(ledger.connections, world.servers.dsn(world.database(ledger.name)))


async def due(waiters: Waiters, *, on_their_way: int = 100) -> list[str]:
    """The terms that would be woken now, in order."""
    return [each.terms_hash for each in await waiters.due(None, limit=1000, on_their_way=on_their_way)]


async def woken(waiters: Waiters, **bounds: int) -> list[str]:
    """Wake whoever is due, as the worker does; who that was."""
    found = await waiters.due(None, **({"limit": 1000, "on_their_way": 100} | bounds))
    await waiters.note_woken(found)
    return [each.terms_hash for each in found]


async def rows(ledger: PostgresLedger) -> dict[str, str]:
    """Who waits, and for what."""
    found = await ledger.connections.rows("SELECT terms_hash, cause FROM ledger.waiters")
    return {row["terms_hash"]: row["cause"] for row in found}


async def pays(world: PostgresWorld, quantity: int, **fields: Any) -> Terms:
    """Terms whose units are locked, and whose payment was just refused; or made, if there is cash enough."""
    terms = world.terms(payment={"quantity": quantity}, delivery={"quantity": 1}, **fields)
    await pay(world, terms)
    return terms


async def pay(world: PostgresWorld, terms: Terms) -> str:
    """Ask for the payment, with the units locked: PAID, or the refusal's code."""
    answer = await world.payment.pay(world.signed(terms), await world.locked(terms), ATTEMPT)
    return "PAID" if answer.kind == "receipt" else refused(answer)


@pytest.fixture
async def world(postgres_world: PostgresWorld) -> AsyncIterator[PostgresWorld]:
    """A world whose buyer has spent all cash; when a test is over, all invariants hold."""
    everything = postgres_world.terms(payment={"quantity": 10 * CASH}, delivery={"quantity": 1})
    await postgres_world.paid(everything)
    yield postgres_world
    results = await verify(postgres_world.asset, postgres_world.payment)
    assert {name: result.violations for name, result in results.items() if not result.ok} == {}


@pytest.fixture
async def listener(world: PostgresWorld) -> AsyncIterator[Listener]:
    """Hears what the payment ledger announces."""
    async with waiters_of(world, world.payment).listening() as listening:
        yield listening


async def test_a_payment_refused_for_want_of_cash_waits_and_is_due_once_funded(
    world: PostgresWorld, listener: Listener
) -> None:
    waiters = waiters_of(world, world.payment)
    terms = await pays(world, 5 * CASH)
    assert await rows(world.payment) == {terms.hash(NETWORK): "insufficient_balance"}
    assert await due(waiters) == []
    await world.mint(world.payment, "northbank", "USD", 4 * CASH)
    assert (await due(waiters), await listener.heard(QUIET_S)) == ([], frozenset())  # still not enough
    await world.mint(world.payment, "northbank", "USD", CASH)
    announced = await listener.heard(PATIENCE_S)
    (waiter,) = await waiters.due(announced, limit=10, on_their_way=10)
    assert (waiter.terms_hash, waiter.settlement_id) == (terms.hash(NETWORK), terms.settlement_id)
    assert (waiter.seller, waiter.buyer) == (terms.seller, terms.buyer)
    assert await pay(world, terms) == "PAID"
    assert await rows(world.payment) == {}


async def test_units_that_come_by_a_release_or_a_refund_are_announced_too(world: PostgresWorld) -> None:
    """Who delivers waits for units: those that it receives itself, and those that it gets back."""
    waiters = waiters_of(world, world.asset)
    async with waiters.listening() as listener:
        held = world.terms(delivery={"quantity": 9 * UNITS}, payment={"quantity": 1})
        await world.locked(held)
        waiting = world.terms(delivery={"quantity": 2 * UNITS})
        assert refused(await world.asset.lock(world.signed(waiting), ATTEMPT)) == "insufficient_balance"
        back = await world.voided(held)
        assert await due(waiters) == []
        await world.asset.refund(held, back, ATTEMPT)
        assert await listener.heard(PATIENCE_S)
        assert await woken(waiters) == [waiting.hash(NETWORK)]
        await world.locked(waiting)
        onward = world.terms(
            seller=BUYER.address,
            buyer=SELLER.address,
            delivery={"deliverer": "northbank", "receiver": "alpine", "quantity": 1},
            payment={"deliverer": "alpine", "receiver": "northbank"},
        )
        assert refused(await world.asset.lock(world.signed(onward), ATTEMPT)) == "insufficient_balance"
        await world.mint(world.payment, "northbank", "USD", CASH)
        certificate = await world.paid(waiting)
        await world.asset.release(waiting, certificate, ATTEMPT)
        assert await listener.heard(PATIENCE_S)
        assert await due(waiters) == [onward.hash(NETWORK)]


async def test_a_frozen_payer_is_announced_when_unfrozen_and_not_before(
    world: PostgresWorld, listener: Listener
) -> None:
    waiters = waiters_of(world, world.payment)
    await world.act(world.payment, "freeze", "northbank")
    terms = await pays(world, CASH)
    assert await rows(world.payment) == {terms.hash(NETWORK): "account_frozen"}
    await world.mint(world.payment, "northbank", "USD", CASH)
    assert (await due(waiters), await listener.heard(QUIET_S)) == ([], frozenset())
    await world.act(world.payment, "unfreeze", "northbank")
    assert await listener.heard(PATIENCE_S)
    assert await due(waiters) == [terms.hash(NETWORK)]


async def test_who_lacks_cash_in_a_frozen_account_waits_for_both(world: PostgresWorld, listener: Listener) -> None:
    waiters = waiters_of(world, world.payment)
    terms = await pays(world, CASH)
    await world.act(world.payment, "freeze", "northbank")
    await world.mint(world.payment, "northbank", "USD", CASH)
    assert (await due(waiters), await listener.heard(QUIET_S)) == ([], frozenset())
    await world.act(world.payment, "unfreeze", "northbank")
    assert await listener.heard(PATIENCE_S)
    assert await due(waiters) == [terms.hash(NETWORK)]


async def test_an_expelled_receiver_is_announced_when_admitted_again(world: PostgresWorld) -> None:
    waiters = waiters_of(world, world.asset)
    await world.mint(world.payment, "northbank", "USD", CASH)
    terms = world.terms()
    certificate = await world.paid(terms)
    await world.act(world.asset, "expel", "northbank")
    assert refused(await world.asset.release(terms, certificate, ATTEMPT)) == "not_admitted"
    assert await rows(world.asset) == {terms.hash(NETWORK): "not_admitted"}
    async with waiters.listening() as listener:
        await world.act(world.asset, "admit", "northbank")
        assert await listener.heard(PATIENCE_S)
        assert await due(waiters) == [terms.hash(NETWORK)]
    await world.asset.release(terms, certificate, ATTEMPT)
    assert await rows(world.asset) == {}


async def test_a_redirection_that_is_refused_takes_nobody_off_the_receivers_list(world: PostgresWorld) -> None:
    await world.mint(world.payment, "northbank", "USD", CASH)
    terms = world.terms()
    certificate = await world.paid(terms)
    await world.open(world.asset, "elsewhere", BUYER, admitted=False)
    await world.act(world.asset, "expel", "northbank")
    for redirection in (None, world.redirection(terms, "elsewhere")):
        assert refused(await world.asset.release(terms, certificate, ATTEMPT, redirection)) == "not_admitted"
    await world.act(world.asset, "admit", "elsewhere")
    assert await due(waiters_of(world, world.asset)) == []
    await world.act(world.asset, "admit", "northbank")
    assert await due(waiters_of(world, world.asset)) == [terms.hash(NETWORK)]


async def test_a_credit_that_meets_the_refusal_is_seen_by_the_one_or_finds_the_other(
    world: PostgresWorld, listener: Listener
) -> None:
    """The payment is refused and does not commit yet; the credit waits for it, and then announces it."""
    waiters = waiters_of(world, world.payment)
    terms = world.terms(payment={"quantity": CASH})
    said = (
        terms.hash(NETWORK),
        world.signed(terms).model_dump_json(),
        (await world.locked(terms)).model_dump_json(),
        ATTEMPT.model_dump_json(),
    )
    payer: asyncpg.Connection = await asyncpg.connect(world.servers.dsn(world.payment_database))
    refusing = payer.transaction()
    await refusing.start()
    assert "insufficient_balance" in await payer.fetchval("SELECT ledger.pay($1, $2, $3, $4)", *said)
    credited = asyncio.create_task(world.mint(world.payment, "northbank", "USD", CASH))
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    while not await payer.fetchval(blocked):
        assert not credited.done()
    await refusing.commit()
    await payer.close()
    await credited
    assert await listener.heard(PATIENCE_S)
    assert await due(waiters) == [terms.hash(NETWORK)]


async def test_credits_and_refusals_at_once_leave_nobody_behind(world: PostgresWorld) -> None:
    """Whoever ends up refused although the cash is there by now is due."""
    waiters = waiters_of(world, world.payment)
    trades = [world.terms(payment={"quantity": CASH}, delivery={"quantity": 1}) for _ in range(16)]
    for terms in trades:
        await world.locked(terms)
    asked = [pay(world, terms) for terms in trades]
    given = [world.mint(world.payment, "northbank", "USD", CASH) for _ in trades]
    answers = await asyncio.gather(*(each for pair in zip(asked, given, strict=True) for each in pair))
    left = [terms.hash(NETWORK) for terms, answer in zip(trades, answers[::2], strict=True) if answer != "PAID"]
    assert sorted(await due(waiters)) == sorted(left) == sorted(await rows(world.payment))


async def test_an_operation_without_waiters_announces_nothing(world: PostgresWorld, listener: Listener) -> None:
    await world.mint(world.payment, "northbank", "USD", CASH)
    await world.settled(world.terms())
    await world.act(world.payment, "freeze", "alpine")
    await world.act(world.payment, "unfreeze", "alpine")
    assert await listener.heard(QUIET_S) == frozenset()


async def test_a_connection_that_was_cut_off_hears_no_more_and_the_table_still_tells(world: PostgresWorld) -> None:
    waiters = waiters_of(world, world.payment)
    terms = await pays(world, CASH)
    async with waiters.listening() as listener:
        await listener.heard(QUIET_S)
        killed = await world.payment.connections.value(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert killed > 0
        await world.mint(world.payment, "northbank", "USD", CASH)
        with pytest.raises(LedgerUnreachable):
            await listener.heard(PATIENCE_S)
    async with waiters.listening() as listener:
        assert await listener.heard(QUIET_S) == frozenset()
        assert await due(waiters) == [terms.hash(NETWORK)]


async def test_a_little_money_for_many_wakes_as_many_as_it_serves_the_oldest_first(world: PostgresWorld) -> None:
    waiters = waiters_of(world, world.payment)
    trades = [await pays(world, CASH) for _ in range(6)]
    hashes = [terms.hash(NETWORK) for terms in trades]
    await world.mint(world.payment, "northbank", "USD", 2 * CASH)
    assert await woken(waiters) == hashes[:2]
    assert await woken(waiters) == []  # the money is spoken for
    await world.mint(world.payment, "northbank", "USD", CASH)
    assert await woken(waiters) == hashes[2:3]
    assert [await pay(world, terms) for terms in trades[:3]] == ["PAID"] * 3
    assert await woken(waiters) == []
    assert sorted(await rows(world.payment)) == sorted(hashes[3:])


async def test_who_is_refused_again_keeps_its_place_and_lets_others_have_what_it_cannot_use(
    world: PostgresWorld, listener: Listener
) -> None:
    waiters = waiters_of(world, world.payment)
    first, second, small = [await pays(world, quantity) for quantity in (6, 6, 4)]
    await world.mint(world.payment, "northbank", "USD", 10)
    assert await listener.heard(PATIENCE_S)
    assert await woken(waiters) == [first.hash(NETWORK), second.hash(NETWORK)]  # 4 are left for the second to ask for
    assert await pay(world, first) == "PAID"
    assert await pay(world, second) == "insufficient_balance"
    assert await listener.heard(PATIENCE_S)
    assert await woken(waiters) == [small.hash(NETWORK)]
    await world.mint(world.payment, "northbank", "USD", 20)
    assert await woken(waiters) == [second.hash(NETWORK)]  # the small one is on its way


async def test_only_so_many_of_one_account_are_on_their_way_at_once(world: PostgresWorld, listener: Listener) -> None:
    waiters = waiters_of(world, world.payment)
    await world.act(world.payment, "freeze", "northbank")
    trades = [await pays(world, CASH) for _ in range(5)]
    hashes = [terms.hash(NETWORK) for terms in trades]
    await world.act(world.payment, "unfreeze", "northbank")
    assert await listener.heard(PATIENCE_S)
    assert await woken(waiters, on_their_way=3, limit=2) == hashes[:2]
    assert await woken(waiters, on_their_way=3) == hashes[2:3]
    assert await woken(waiters, on_their_way=3) == []
    assert await pay(world, trades[0]) == "insufficient_balance"
    assert await listener.heard(PATIENCE_S)  # there is room for the next
    assert await woken(waiters, on_their_way=3) == hashes[3:4]


async def test_a_note_that_comes_after_the_next_refusal_is_about_the_last_one(world: PostgresWorld) -> None:
    """Woken, refused again, and only then noted: the new waiting is not taken for one that was woken."""
    waiters = waiters_of(world, world.payment)
    terms = await pays(world, CASH)
    await world.mint(world.payment, "northbank", "USD", CASH)
    found = await waiters.due(None, limit=10, on_their_way=10)
    await world.act(world.payment, "freeze", "northbank")
    assert await pay(world, terms) == "account_frozen"
    await waiters.note_woken(found)
    await waiters.drop(found)
    await world.act(world.payment, "unfreeze", "northbank")
    assert await due(waiters) == [terms.hash(NETWORK)]


async def test_who_was_woken_and_never_asked_is_due_again_in_the_end(world: PostgresWorld) -> None:
    waiters = waiters_of(world, world.payment)
    terms = await pays(world, CASH)
    await world.mint(world.payment, "northbank", "USD", CASH)
    assert await woken(waiters) == [terms.hash(NETWORK)]
    assert await due(waiters) == []
    await world.servers.stop_clock(world.payment_database, await world.payment.now() + timedelta(minutes=11))
    assert await due(waiters) == [terms.hash(NETWORK)]


@pytest.mark.parametrize("end", ["paid", "voided"])
async def test_many_refusals_leave_one_row_and_its_end_none(world: PostgresWorld, end: str) -> None:
    terms = await pays(world, CASH)
    for _ in range(5):
        assert await pay(world, terms) == "insufficient_balance"
    assert list(await rows(world.payment)) == [terms.hash(NETWORK)]
    if end == "paid":
        await world.mint(world.payment, "northbank", "USD", CASH)
        await world.paid(terms)
    else:
        await world.voided(terms)
    assert await rows(world.payment) == {}


async def test_a_lock_that_waits_no_more_because_it_was_voided_leaves_no_row(world: PostgresWorld) -> None:
    terms = world.terms(delivery={"quantity": 11 * UNITS})
    assert refused(await world.asset.lock(world.signed(terms), ATTEMPT)) == "insufficient_balance"
    assert list(await rows(world.asset)) == [terms.hash(NETWORK)]
    await world.asset.refund(terms, await world.voided(terms), ATTEMPT)
    assert await rows(world.asset) == {}


async def test_who_was_never_carried_on_is_forgotten_after_settle_by(world: PostgresWorld) -> None:
    waiters = waiters_of(world, world.payment)
    terms = await pays(world, CASH, settle_by=in_seconds(3600))
    later = await pays(world, CASH, settle_by=in_seconds(3 * 3600))
    for hours, left in ((1.5, {terms, later}), (2.5, {later})):
        await world.servers.stop_clock(world.payment_database, in_seconds(hours * 3600))
        await waiters.drop([])
        assert set(await rows(world.payment)) == {each.hash(NETWORK) for each in left}


async def test_what_no_two_parties_signed_waits_nowhere(world: PostgresWorld) -> None:
    """Nor does what was only checked, nor what is refused for a reason that no account's change ends."""
    poor = world.terms(delivery={"quantity": 11 * UNITS}, payment={"quantity": CASH})
    for signers in ((SELLER,), (SELLER, STRANGER)):
        signed = world.signed(poor, *signers)
        assert refused(await world.asset.lock(signed, ATTEMPT)) in ("signature_invalid", "wrong_signer")
    await world.asset.check(world.signed(poor))
    await world.payment.check(world.signed(poor))
    certificate = await world.locked(world.terms(delivery={"quantity": 1}))
    assert refused(await world.payment.pay(world.signed(poor), certificate, ATTEMPT)) == "certificate_invalid"
    early = world.terms(not_before=in_seconds(600))
    assert refused(await world.asset.lock(world.signed(early), ATTEMPT)) == "too_early"
    assert (await rows(world.asset), await rows(world.payment)) == ({}, {})


@pytest.mark.parametrize("role", ["attestor", "auditor"])
@pytest.mark.parametrize("call", ["note_woken", "drop_waiters"])
async def test_only_the_writer_wakes(world: PostgresWorld, role: str, call: str) -> None:
    connection = await asyncpg.connect(world.servers.dsn(world.asset_database, role))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"SELECT ledger.{call}('{{}}')")
    finally:
        await connection.close()


async def test_an_announcement_that_means_nothing_finds_nobody(world: PostgresWorld) -> None:
    """Postgres lets everybody who may connect announce anything."""
    waiters = waiters_of(world, world.payment)
    assert await waiters.due(["x", "-1", "9" * 40, "12"], limit=10, on_their_way=10) == []

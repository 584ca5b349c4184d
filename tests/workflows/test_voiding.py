"""Every way to a void: time, both parties' consent, two operators; and what is not enough for one."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import EventType

from interlock.protocol import LockState, Refusal, RefusalCode
from tests.workflows.service import Service, Settlement, refusal_of, until
from tests.world import ATTEMPT, BUYER, CASH, OPERATORS, SELLER, STRANGER, UNITS, World, in_seconds, receipt


async def holdings(world: World) -> tuple[int, int]:
    """The seller's units and the buyer's cash."""
    return await world.balance(world.asset, "alpine", "OUSG"), await world.balance(world.payment, "northbank", "USD")


@pytest.mark.anywhere
async def test_hazard_19_short_of_units_until_settle_by_expires_with_a_tombstone_and_nothing_moved(
    service: Service,
) -> None:
    before = await holdings(service.world)
    trade = service.settlement(delivery={"quantity": 11 * UNITS}, settle_by=in_seconds(5))
    await trade.instruct()
    report = await trade.end()
    assert (report.outcome, report.verdict, report.lock) == ("EXPIRED", "VOIDED", "refunded")
    row = await service.world.asset.lock_of(trade.terms_hash)
    assert row is not None
    assert (row.state, row.locked) == (LockState.REFUNDED, None)
    assert await holdings(service.world) == before


@pytest.mark.anywhere
async def test_a_refusal_heard_past_settle_by_is_waited_for_no_more(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The payment ledger refuses in time, its answer takes longer, and what it waits for is asked for once an hour."""
    monkeypatch.undo()  # the real hour
    frozen = Refusal(code=RefusalCode.ACCOUNT_FROZEN, text="Account northbank is frozen.", who="operators")
    service.payment.instead["pay"] = [frozen]
    service.payment.hold("pay")
    trade = service.settlement(settle_by=in_seconds(4))
    await trade.instruct()
    await service.payment.until_holding("pay")

    async def time_is_up() -> bool:
        return datetime.now(UTC) >= trade.terms.settle_by

    await until(time_is_up)
    service.payment.let_go("pay")
    report = await trade.end()
    assert (report.outcome, report.verdict, report.lock) == ("EXPIRED", "VOIDED", "refunded")


@pytest.mark.anywhere
async def test_short_of_cash_until_settle_by_expires_and_the_units_are_back(service: Service) -> None:
    before = await holdings(service.world)
    trade = service.settlement(payment={"quantity": 11 * CASH}, settle_by=in_seconds(5))
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    assert await holdings(service.world) == (before[0] - UNITS, before[1])
    report = await trade.end()
    assert (report.outcome, report.verdict, report.lock) == ("EXPIRED", "VOIDED", "refunded")
    assert await holdings(service.world) == before


@pytest.mark.anywhere
async def test_no_quorum_until_settle_by_expires_and_the_units_are_back(service: Service) -> None:
    before = await holdings(service.world)
    service.quorum.asset.broken = True
    trade = service.settlement(settle_by=in_seconds(5))
    await trade.instruct()
    assert (await trade.end()).outcome == "EXPIRED"
    assert await holdings(service.world) == before


async def test_hazard_23_one_sides_consent_has_no_effect(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    await trade.cancel(SELLER)
    await trade.cancel(SELLER)
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    assert (await trade.end()).outcome == "SETTLED"
    assert service.payment.asked["void"] == 0


@pytest.mark.anywhere
async def test_both_sides_consent_cancels_and_the_units_are_back(service: Service) -> None:
    before = await holdings(service.world)
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    await trade.cancel(BUYER)
    await trade.cancel(SELLER)
    report = await trade.end()
    assert (report.outcome, report.verdict, report.lock) == ("CANCELLED", "VOIDED", "refunded")
    assert await holdings(service.world) == before


async def test_hazard_23_an_expired_consent_is_nothing(service: Service) -> None:
    """An early consent is no option that the other side keeps."""
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    assert await refusal_of(trade.cancel(SELLER, valid_until=in_seconds(-1))) == "authority_expired"
    soon = in_seconds(0.4)
    await trade.cancel(SELLER, valid_until=soon)
    await until(lambda: has_passed(soon))
    await trade.cancel(BUYER)
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    await trade.look_again()
    assert (await trade.end()).outcome == "SETTLED"
    assert service.payment.asked["void"] == 0


async def test_only_the_consent_that_the_ledgers_clock_finds_expired_is_dropped(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    service.payment_clock.ahead = timedelta(seconds=60)
    await trade.cancel(SELLER, valid_until=in_seconds(30))  # still good for the engine's clock, not for the ledger's
    await trade.cancel(BUYER)
    await until(lambda: told(trade, "not voided"))
    await trade.cancel(SELLER)
    assert (await trade.end()).outcome == "CANCELLED"


async def test_hazard_17_each_ledgers_own_clock_says_when_settle_by_has_passed(service: Service) -> None:
    """Refused as late by the one, it is voided only when the other finds it late too."""
    trade = service.settlement(settle_by=in_seconds(6))
    service.asset.hold("lock")
    await trade.instruct()
    await service.asset.until_holding("lock")
    service.asset_clock.ahead = timedelta(seconds=60)
    service.asset.let_go("lock")
    await trade.until_blocked("not_past_deadline")
    report = await trade.end()
    assert (report.outcome, report.verdict, report.lock) == ("EXPIRED", "VOIDED", "refunded")


async def test_consent_to_cancel_other_terms_is_none_to_cancel_these(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    other = trade.variant(payment={"quantity": 12 * CASH})
    await other.instruct(SELLER)
    await other.cancel(SELLER)
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    await trade.cancel(BUYER)
    await trade.look_again()
    await until(lambda: asked_to_pay(service, 2))
    assert service.payment.asked["void"] == 0
    await trade.cancel(SELLER)
    assert (await trade.end()).outcome == "CANCELLED"


async def test_a_strangers_consent_is_refused(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    assert await refusal_of(trade.cancel(STRANGER)) == "wrong_signer"
    assert await refusal_of(trade.variant(payment={"quantity": 1}).cancel(SELLER)) == "unknown_terms"
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    assert (await trade.end()).outcome == "CANCELLED"


@pytest.mark.anywhere
async def test_operators_void_before_the_payment_cancels_and_the_units_are_back(service: Service) -> None:
    before = await holdings(service.world)
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    assert (await trade.order("void")).verdict == "VOIDED"
    assert (await trade.end()).outcome == "CANCELLED"
    assert await holdings(service.world) == before


async def test_operators_cannot_void_what_only_one_party_has_signed(service: Service) -> None:
    trade = service.settlement()
    await trade.instruct(SELLER)
    assert await refusal_of(trade.order("void")) == "not_matched"
    await trade.withdraw(SELLER)
    await trade.end()


async def test_hazard_18_a_void_order_of_strangers_is_refused_and_the_settlement_goes_on(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    for strangers in ((SELLER, BUYER), (STRANGER, OPERATORS[0]), (OPERATORS[0],), (OPERATORS[0], OPERATORS[0])):
        assert await refusal_of(trade.order("void", by=strangers)) == "authority_invalid"
    assert await refusal_of(trade.order("void", valid_until=in_seconds(-1))) == "authority_expired"
    report = await trade.report()
    assert report.blocker is not None
    assert report.blocker.code == "insufficient_balance"
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    assert (await trade.end()).outcome == "SETTLED"


async def test_a_strangers_order_does_not_displace_the_operators_own(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    service.payment.hold("void")
    own = asyncio.create_task(trade.order("void"))
    await service.payment.until_holding("void")
    strangers = asyncio.create_task(refusal_of(trade.order("void", by=(SELLER, BUYER))))
    await until(lambda: accepted(trade, 3))
    service.payment.let_go("void")
    assert (await own).verdict == "VOIDED"
    assert await strangers == "already_voided"
    assert (await trade.end()).outcome == "CANCELLED"


async def test_a_verdict_that_others_bring_about_is_found_while_there_is_no_quorum(service: Service) -> None:
    """Anybody who holds the evidence may void or pay with no workflow; nobody certifies a lock after that."""
    service.quorum.asset.broken = True
    voided, paid = service.settlement(), service.settlement()
    for trade in (voided, paid):
        await trade.instruct()
        await trade.until_blocked("no_quorum")
    world = service.world
    authority = world.by_operators(voided.terms)
    receipt(await world.payment.void(world.signed(voided.terms), authority, ATTEMPT))
    certificate = await world.locked(paid.terms)
    receipt(await world.payment.pay(world.signed(paid.terms), certificate, ATTEMPT))
    assert (await voided.end()).outcome == "CANCELLED"
    assert (await paid.end()).outcome == "SETTLED"


async def has_passed(moment: datetime) -> bool:
    """Whether a moment has passed, on the clock that this machine's servers share."""
    return datetime.now(UTC) > moment


async def told(trade: Settlement, words: str) -> bool:
    """Whether an event of the settlement begins with these words."""
    return any(event.text.startswith(words) for event in await trade.events())


async def asked_to_pay(service: Service, times: int) -> bool:
    """Whether the payment was asked for so often."""
    return service.payment.asked["pay"] >= times


async def accepted(trade: Settlement, updates: int) -> bool:
    """Whether the run has accepted so many updates."""
    return await trade.counted(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED) >= updates

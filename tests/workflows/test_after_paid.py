"""After PAID there is only forward: suspended where the receiver is expelled, visible, resumable, never refunded."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from interlock.workflows import waiting
from tests.workflows.service import Service, Settlement, refusal_of, until
from tests.world import BUYER, CASH, SELLER, STRANGER, UNITS, in_seconds


async def suspended(service: Service) -> Settlement:
    """A settlement whose buyer is expelled from the fund's ledger between lock and payment, then pays."""
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    await service.world.act(service.world.asset, "expel", "northbank")
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    await trade.look_again()
    report = await trade.until_blocked("not_admitted")
    assert report.blocker is not None
    assert report.blocker.text.startswith("suspended")
    assert (report.stage, report.verdict, report.lock) == ("PAID", "PAID", "locked")
    return trade


@pytest.mark.anywhere
async def test_hazard_09_15_an_expelled_receiver_suspends_it_and_it_goes_on_by_itself_when_admitted_again(
    service: Service,
) -> None:
    """Neither refunded nor ended while the units are in escrow."""
    trade = await suspended(service)
    assert await trade.status() is WorkflowExecutionStatus.RUNNING
    await service.world.act(service.world.asset, "admit", "northbank")
    assert (await trade.end()).outcome == "SETTLED"
    assert service.asset.asked["refund"] == 0


async def test_hazard_09_operators_order_to_resume_wakes_it_and_is_journalled(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "ANNOUNCED_WAIT", timedelta(minutes=10))
    trade = await suspended(service)
    assert await refusal_of(trade.order("resume", by=(SELLER, BUYER))) == "authority_invalid"
    await service.world.act(service.world.asset, "admit", "northbank")
    await trade.order("resume")
    assert (await trade.end()).outcome == "SETTLED"
    assert "operators order to look again: tests say so" in [event.text for event in await trade.events()]
    assert service.asset.asked["resume"] == 2


@pytest.mark.anywhere
async def test_hazard_04_what_is_paid_can_be_neither_cancelled_nor_voided(service: Service) -> None:
    """No compensation after the point of no return."""
    trade = await suspended(service)
    for attempt in (trade.cancel(SELLER), trade.cancel(BUYER), trade.order("void")):
        assert await refusal_of(attempt) == "already_paid"
    assert await refusal_of(trade.withdraw(SELLER)) == "already_matched"
    await service.world.act(service.world.asset, "admit", "northbank")
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.usefixtures("short_steps")
@pytest.mark.anywhere
async def test_hazard_03_04_settle_by_that_passes_while_the_payment_is_unknown_refunds_nothing(
    service: Service,
) -> None:
    """Nobody answers whether it is paid, and time is up: the units stay in escrow until the verdict is known."""
    trade = service.settlement(settle_by=in_seconds(4))
    service.asset_clock.ahead = service.payment_clock.ahead = timedelta(hours=-1)
    service.asset.hold("lock")
    await trade.instruct()
    await service.asset.until_holding("lock")
    await service.world.paid(trade.terms)
    service.payment.is_cut = True
    service.asset.let_go("lock")

    async def time_is_up() -> bool:
        return service.payment.asked["void"] > 0

    await until(time_is_up)
    assert (service.asset.asked["refund"], await trade.rows()) == (0, ("locked", "PAID"))
    service.payment.is_cut = False
    assert (await trade.end()).outcome == "SETTLED"
    assert service.asset.asked["refund"] == 0


@pytest.mark.parametrize(("verb", "outcome"), [("refund", "CANCELLED"), ("release", "SETTLED")])
async def test_hazard_15_it_completes_only_when_the_units_have_left_escrow(
    service: Service, verb: str, outcome: str
) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    service.asset.hold(verb)
    if verb == "refund":
        await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    else:
        await service.world.mint(service.world.payment, "northbank", "USD", CASH)
        await trade.look_again()
    await service.asset.until_holding(verb)
    assert (await trade.rows())[0] == "locked"
    assert (await trade.status(), (await trade.report()).outcome) == (WorkflowExecutionStatus.RUNNING, None)
    service.asset.let_go(verb)
    assert (await trade.end()).outcome == outcome


async def test_a_payment_that_overtakes_the_order_to_void_wins(service: Service) -> None:
    trade = service.settlement()
    service.payment.hold("pay")
    await trade.instruct()
    await service.payment.until_holding("pay")
    ordered = asyncio.create_task(refusal_of(trade.order("void")))
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    service.payment.let_go("pay")
    assert (await trade.end()).outcome == "SETTLED"
    assert await ordered == "already_paid"


@pytest.mark.anywhere
async def test_buyer_and_operators_redirect_it_to_another_account_of_the_buyers(service: Service) -> None:
    trade = await suspended(service)
    await service.world.open(service.world.asset, "northbank-2", BUYER)
    await trade.redirect("northbank-2")
    assert (await trade.end()).outcome == "SETTLED"
    assert await service.world.balance(service.world.asset, "northbank-2", "OUSG") == UNITS


async def test_a_redirection_elsewhere_is_refused_and_it_stays_suspended(service: Service) -> None:
    trade = await suspended(service)
    await service.world.open(service.world.asset, "elsewhere", STRANGER)
    await trade.redirect("elsewhere")

    async def told() -> bool:
        return any(event.text.startswith("the redirection is refused") for event in await trade.events())

    await until(told)
    await trade.until_blocked("not_admitted")
    await service.world.act(service.world.asset, "admit", "northbank")
    assert (await trade.end()).outcome == "SETTLED"
    assert await service.world.balance(service.world.asset, "northbank", "OUSG") == UNITS


async def test_a_redirection_that_comes_while_the_release_is_refused_is_still_tried(service: Service) -> None:
    trade = await suspended(service)
    await service.world.open(service.world.asset, "northbank-2", BUYER)
    service.asset.hold("release")
    await trade.look_again()
    await service.asset.until_holding("release")
    await trade.redirect("northbank-2")
    service.asset.let_go("release")
    assert (await trade.end()).outcome == "SETTLED"


async def test_a_redirection_needs_a_payment_the_buyer_and_two_operators(service: Service) -> None:
    early = service.settlement(payment={"quantity": 12 * CASH})
    await early.instruct()
    assert await refusal_of(early.redirect("northbank-2")) == "not_paid"
    trade = await suspended(service)
    assert await refusal_of(trade.redirect("northbank-2", by=(SELLER, STRANGER))) == "wrong_signer"
    assert await refusal_of(trade.redirect("northbank-2", by=(BUYER,))) == "authority_invalid"
    await service.world.act(service.world.asset, "admit", "northbank")
    assert (await trade.end()).outcome == "SETTLED"
    await asyncio.gather(early.cancel(SELLER), early.cancel(BUYER))
    await early.end()

"""What is waited for, how it shows, and how it goes on: cash, units, freezes, time, a quorum, a ledger that is away."""

import pytest

from interlock.workflows import waiting
from tests.workflows.service import Service
from tests.world import CASH, SELLER, UNITS, in_seconds


def test_the_wait_doubles_up_to_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the real first wait
    assert [waiting.back_off(waits).total_seconds() for waits in (0, 1, 2, 6, 1000)] == [0.5, 1, 2, 30, 30]


@pytest.mark.anywhere
async def test_waiting_for_cash_shows_who_must_act_and_goes_on_when_funded(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    report = await trade.until(lambda report: report.next_attempt)
    assert report.blocker is not None
    assert (report.stage, report.blocker.code) == ("ATTESTED", "insufficient_balance")
    assert "northbank" in report.blocker.who
    assert set(report.allowed) == {"cancel", "void", "resume"}
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    report = await trade.end()
    assert (report.outcome, report.blocker, report.next_attempt) == ("SETTLED", None, None)


@pytest.mark.anywhere
async def test_waiting_for_units_shows_who_must_act_and_goes_on_when_funded(service: Service) -> None:
    trade = service.settlement(delivery={"quantity": 11 * UNITS})
    await trade.instruct()
    report = await trade.until_blocked("insufficient_balance")
    assert report.blocker is not None
    assert (report.stage, report.lock) == ("MATCHED", None)
    assert "alpine" in report.blocker.who
    await service.world.mint(service.world.asset, "alpine", "OUSG", UNITS)
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.anywhere
async def test_a_frozen_payer_is_waited_for(service: Service) -> None:
    await service.world.act(service.world.payment, "freeze", "northbank")
    trade = service.settlement()
    await trade.instruct()
    await trade.until_blocked("account_frozen")
    await service.world.act(service.world.payment, "unfreeze", "northbank")
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.anywhere
async def test_nothing_is_locked_before_not_before(service: Service) -> None:
    trade = service.settlement(not_before=in_seconds(0.8))
    await trade.instruct()
    await trade.until_blocked("too_early")
    assert await trade.rows() == (None, None)
    assert (await trade.end()).outcome == "SETTLED"


async def test_look_again_wakes_it_at_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the real hour
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    report = await trade.until(lambda report: report.next_attempt)
    assert report.next_attempt is not None
    assert report.next_attempt > in_seconds(3000)
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    await trade.look_again()
    assert (await trade.end()).outcome == "SETTLED"


async def test_a_missing_quorum_is_waited_for_and_the_dissents_stay_visible(service: Service) -> None:
    service.quorum.asset.broken = True
    trade = service.settlement()
    await trade.instruct()
    report = await trade.until_blocked("no_quorum")
    assert (report.stage, len(report.dissents)) == ("LOCKED", 4)
    service.quorum.asset.broken = False
    report = await trade.end()
    assert report.outcome == "SETTLED"
    assert {dissent.fact for dissent in report.dissents} == {"LOCKED"}


@pytest.mark.usefixtures("short_steps")
async def test_a_ledger_out_of_reach_is_shown_while_queries_answer_and_then_it_settles(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    service.payment.is_cut = True
    await trade.instruct()
    report = await trade.until_blocked("unreachable")
    assert report.blocker is not None
    assert (report.stage, report.blocker.who) == ("MATCHED", "operator of the payment worker")
    assert [event.kind for event in await trade.events()][-1] == "wait"
    service.payment.is_cut = False
    await trade.until_blocked("insufficient_balance")
    service.payment.is_cut = True
    await trade.until_blocked("unreachable")
    await trade.cancel(SELLER)  # one side's, heard while the ledger is away
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    service.payment.is_cut = False
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.usefixtures("short_steps")
async def test_a_ledger_out_of_reach_is_shown_before_the_match_too(service: Service) -> None:
    trade = service.settlement()
    service.asset.is_cut = True
    await trade.instruct(SELLER)
    report = await trade.until_blocked("unreachable")
    assert report.stage == "PROPOSED"
    await trade.withdraw(SELLER)
    service.asset.is_cut = False
    assert (await trade.end()).outcome == "CANCELLED"

"""What breaks from outside: lost answers, raw cancel requests, evicted runs. None of it changes how anything ends."""

import asyncio
from collections import Counter

import pytest
from temporalio.client import Client

from interlock.protocol.instructions import SettlementStart
from interlock.protocol.names import SETTLEMENT_WORKFLOW, Role
from tests.attestors.quorum import Quorum
from tests.workflows.service import Service, running_service
from tests.world import BUYER, CASH, NETWORK, SELLER


async def operations(service: Service, ledger: str, account: str) -> Counter[str]:
    """How often each operation has moved something in this account."""
    side = service.world.asset if ledger == "asset" else service.world.payment
    return Counter(line.operation for line in await side.journal(account) or ())


@pytest.mark.anywhere
async def test_hazard_01_a_payment_whose_answer_is_lost_is_asked_for_again_and_paid_once(service: Service) -> None:
    service.payment.loses["pay"] = 1
    trade = service.settlement()
    await trade.instruct()
    assert (await trade.end()).outcome == "SETTLED"
    assert service.payment.asked["pay"] == 2
    assert (await operations(service, "payment", "northbank"))["pay"] == 1


@pytest.mark.usefixtures("short_steps")
@pytest.mark.anywhere
async def test_hazard_01_a_payment_whose_answers_are_lost_for_longer_than_a_step_is_paid_once(service: Service) -> None:
    service.payment.loses["pay"] = 4
    trade = service.settlement()
    await trade.instruct()
    await trade.until_blocked("unreachable")
    assert (await trade.end()).outcome == "SETTLED"
    assert (await operations(service, "payment", "northbank"))["pay"] == 1


@pytest.mark.anywhere
async def test_hazard_12_every_operation_whose_answer_is_lost_has_its_effect_once(service: Service) -> None:
    for verb in ("lock", "release", "refund"):
        service.asset.loses[verb] = 1
    for verb in ("pay", "void"):
        service.payment.loses[verb] = 1
    settles, cancels = service.settlement(), service.settlement(payment={"quantity": 11 * CASH})
    await asyncio.gather(settles.instruct(), cancels.instruct())
    await cancels.until_blocked("insufficient_balance")
    await asyncio.gather(cancels.cancel(SELLER), cancels.cancel(BUYER))
    assert (await settles.end()).outcome == "SETTLED"
    assert (await cancels.end()).outcome == "CANCELLED"
    moved = await operations(service, "asset", "alpine") + await operations(service, "asset", "northbank")
    assert (moved["lock"], moved["release"], moved["refund"]) == (2, 1, 1)


@pytest.mark.anywhere
async def test_a_raw_cancel_request_is_recorded_and_otherwise_ignored(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    await trade.handle.cancel()
    await trade.handle.cancel()
    await trade.look_again()
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    assert (await trade.end()).outcome == "SETTLED"
    assert "cancel_request" in [event.kind for event in await trade.events()]
    assert service.payment.asked["void"] == 0


async def test_a_cancel_request_that_comes_with_the_start_is_ignored(service: Service) -> None:
    trade = service.settlement()
    await service.stop(Role.SETTLEMENT)
    handle = await service.client.start_workflow(
        SETTLEMENT_WORKFLOW,
        SettlementStart.of(trade.terms, NETWORK),
        id=trade.name,
        task_queue=Role.SETTLEMENT.task_queue,
    )
    await handle.cancel()
    await service.start_settling()
    assert (await trade.instruct()).matched
    assert (await trade.end()).outcome == "SETTLED"


async def test_a_cancel_request_at_the_very_end_does_not_take_the_report_away(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    service.payment.hold("resume")
    order = asyncio.create_task(trade.order("resume"))
    await service.payment.until_holding("resume")
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    await trade.look_again()
    await trade.until(lambda report: report.outcome)  # all is done but the answer to the operators
    await trade.handle.cancel()
    service.payment.let_go("resume")
    assert (await trade.end()).outcome == "SETTLED"
    assert (await order).outcome == "SETTLED"


async def test_hazard_14_runs_evicted_again_and_again_come_to_the_same_end(temporal: Client, attestors: Quorum) -> None:
    """Nothing in a run depends on what is not in its history."""
    async with running_service(temporal, attestors, cached=1) as service:
        trades = [service.settlement(payment={"quantity": 4 * CASH}) for _ in range(3)]
        await asyncio.gather(*(trade.instruct(party) for trade in trades for party in (BUYER, SELLER)))
        await service.world.mint(service.world.payment, "northbank", "USD", 2 * CASH)
        for trade in trades:
            assert (await trade.end()).outcome == "SETTLED"
            assert "cancel_request" not in [event.kind for event in await trade.events()]

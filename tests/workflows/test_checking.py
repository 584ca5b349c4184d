"""The check: a "no" that somebody must act on ends the settlement before anything is written; then comes the lock."""

from decimal import Decimal
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from interlock.protocol import Terms
from interlock.protocol.steps import CHECK_DELIVERY, CHECK_PAYMENT, LOCK, PAY, REFUND, RELEASE, VOID, Step
from tests.workflows.service import Service
from tests.world import BUYER, SELLER, in_seconds


@pytest.mark.parametrize(
    ("ledger", "account", "code"),
    [("asset", "northbank", "not_admitted"), ("payment", "alpine", "not_admitted")],
)
@pytest.mark.anywhere
async def test_a_no_of_either_ledger_rejects_and_nothing_is_written(
    service: Service, ledger: str, account: str, code: str
) -> None:
    side = service.world.asset if ledger == "asset" else service.world.payment
    await service.world.act(side, "expel", account)
    trade = service.settlement()
    await trade.instruct()
    report = await trade.end()
    assert (report.outcome, report.verdict, report.lock) == ("REJECTED", None, None)
    assert report.blocker is not None
    assert report.blocker.code == code
    assert (service.asset.asked["lock"], service.payment.asked["void"]) == (0, 0)


@pytest.mark.anywhere
async def test_terms_past_their_settle_by_are_rejected_and_nothing_is_written(service: Service) -> None:
    trade = service.settlement(settle_by=in_seconds(-1))
    await trade.instruct()
    report = await trade.end()
    assert report.outcome == "REJECTED"
    assert report.blocker is not None
    assert report.blocker.code == "deadline_passed"


@pytest.mark.anywhere
async def test_one_settlement_id_moves_units_once_whatever_the_terms(service: Service) -> None:
    trade = service.settlement()
    await service.world.settled(trade.variant(delivery={"quantity": 1}).terms)
    await trade.instruct()
    report = await trade.end()
    assert report.outcome == "REJECTED"
    assert report.blocker is not None
    assert report.blocker.code == "id_used"


@pytest.mark.usefixtures("short_steps")
@pytest.mark.parametrize("ledger", ["asset", "payment"])
@pytest.mark.anywhere
async def test_hazard_10_while_a_ledger_cannot_be_asked_nothing_is_locked(service: Service, ledger: str) -> None:
    """The check fails closed: no answer is no yes, and nothing is settled on what was known before."""
    line = service.asset if ledger == "asset" else service.payment
    line.is_cut = True
    trade = service.settlement(delivery={"quantity": 1234567}, payment={"quantity": 89})
    await trade.instruct()
    report = await trade.until_blocked("unreachable")
    assert (report.stage, await trade.rows()) == ("MATCHED", (None, None))
    assert service.asset.asked["lock"] == 0
    line.is_cut = False
    assert (await trade.end()).outcome == "SETTLED"
    world = service.world
    assert await world.balance(world.asset, "northbank", "OUSG") == 1234567
    assert await world.balance(world.payment, "alpine", "USD") == 89


@pytest.mark.parametrize("step", [LOCK, PAY, VOID, RELEASE, REFUND], ids=lambda step: step.name)
def test_hazard_10_no_step_carries_a_number_of_units_but_inside_the_signed_terms(step: Step[Any, Any]) -> None:
    """So no price, rate or amount can come from anywhere else, fresh or stale."""
    assert numbers_in(step.request, until=Terms) <= {"position", "epoch"}


async def test_hazard_21_check_and_lock_never_share_a_workflow_task(service: Service) -> None:
    """If the worker died between them, the next one must know the check's answer from history."""
    trade = service.settlement()
    await trade.instruct(SELLER)
    await trade.instruct(BUYER)
    await trade.end()
    history = await trade.history()
    lock = scheduled(history, LOCK.name)
    by_task = decided_from(history)[lock]
    for check in (CHECK_DELIVERY, CHECK_PAYMENT):
        assert completed(history, scheduled(history, check.name)) < by_task


async def test_steps_come_in_the_protocols_order(service: Service) -> None:
    trade = service.settlement()
    await trade.instruct()
    await trade.end()
    names = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in (await trade.history()).events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]
    assert names == ["check delivery", "check payment", "lock", "attest", "pay", "attest", "release"]


def numbers_in(model: type[BaseModel], until: type[BaseModel]) -> set[str]:
    """The names of all fields that hold numbers, in this model and in those inside it, but none inside `until`."""
    found = set[str]()
    for name, field in model.model_fields.items():
        for kind in kinds_in(field.annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found |= numbers_in(kind, until) if kind is not until else set()
            elif kind in (int, float, Decimal, Any):
                found.add(name)
    return found


def kinds_in(annotation: object) -> set[Any]:
    """The types that an annotation is made of."""
    parts = get_args(annotation)
    return {annotation} if not parts else set[Any]().union(*(kinds_in(part) for part in parts))


def scheduled(history: WorkflowHistory, name: str) -> int:
    """The id of the event that schedules this step, which occurs once."""
    [found] = [
        event.event_id
        for event in history.events
        if event.activity_task_scheduled_event_attributes.activity_type.name == name
    ]
    return found


def completed(history: WorkflowHistory, scheduled_id: int) -> int:
    """The id of the event that a scheduled step is completed with."""
    [found] = [
        event.event_id
        for event in history.events
        if event.activity_task_completed_event_attributes.scheduled_event_id == scheduled_id
    ]
    return found


def decided_from(history: WorkflowHistory) -> dict[int, int]:
    """For each scheduled step, the event with which the workflow task that decided on it was started."""
    started = {
        event.event_id: event.workflow_task_completed_event_attributes.started_event_id for event in history.events
    }
    return {
        event.event_id: started[event.activity_task_scheduled_event_attributes.workflow_task_completed_event_id]
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    }

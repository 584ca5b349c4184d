"""Steps taken in the settlement worker's own process, as far as its roles are there: shorter histories, same protocol.

The tests marked `anywhere` show that what holds with the roles apart holds here too.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.trace import NoOpTracer
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from interlock.activities import here
from interlock.activities.here import Here
from interlock.activities.tracing import StepTracing
from interlock.protocol.instructions import SettlementStart
from interlock.protocol.names import NOT_SERVED, Role
from interlock.protocol.steps import ATTEST, CHECK_DELIVERY, LOCK, PAY, STEPS, InTurn, Step
from interlock.workflows import matching
from tests.attestors.quorum import Quorum
from tests.workflows.service import Service, running_service
from tests.world import BUYER, CASH, NETWORK, SELLER

TOGETHER = (Role.ASSET, Role.PAYMENT, Role.COORDINATOR)
CHECKS, STRAIGHT_THROUGH = "check delivery, check payment", "lock, attest, pay, attest, release"


@pytest.fixture
async def together(temporal: Client, attestors: Quorum) -> AsyncIterator[Service]:
    """A service all of whose roles are in one process."""
    async with running_service(temporal, attestors, local_roles=TOGETHER) as service:
        yield service


async def test_a_settlement_that_waits_for_nobody_takes_12_events(together: Service) -> None:
    trade = together.settlement()
    await trade.start()
    assert (await trade.end()).outcome == "SETTLED"
    history = await trade.history()
    assert [summary for _, summary in markers(history)] == [CHECKS, STRAIGHT_THROUGH]
    assert (len(history.events), elsewhere(history)) == (12, [])


async def test_one_of_two_instructions_takes_20(together: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "OTHER_SIDE_WITHIN", timedelta(minutes=1))  # however slow this machine is
    trade = together.settlement()
    await trade.instruct(SELLER)
    await trade.instruct(BUYER)
    assert (await trade.end()).outcome == "SETTLED"
    history = await trade.history()
    assert (len(history.events), elsewhere(history)) == (20, [])


async def test_hazard_21_check_and_lock_never_share_a_workflow_task_here_either(together: Service) -> None:
    trade = together.settlement()
    await trade.instruct()
    await trade.end()
    (checked, checks), (locked, steps) = markers(await trade.history())
    assert (checks, steps) == (CHECKS, STRAIGHT_THROUGH)
    assert checked < locked


@pytest.mark.parametrize("missing", TOGETHER)
async def test_a_role_that_is_not_here_after_all_is_asked_on_its_task_queue(
    temporal: Client, attestors: Quorum, missing: Role
) -> None:
    """Its process has closed it, or another worker has taken the run over: the hint was wrong, nothing else."""
    async with running_service(temporal, attestors, local_roles=TOGETHER) as service:
        service.leave(missing)
        trade = service.settlement()
        await trade.instruct()
        assert (await trade.end()).outcome == "SETTLED"
        assert {STEPS[name].role for name in elsewhere(await trade.history())} == {missing}


async def test_what_is_broken_is_waited_out_and_can_be_talked_to_meanwhile(together: Service) -> None:
    together.payment.is_cut = True
    trade = together.settlement()
    await trade.instruct()
    await trade.until_blocked("unreachable")
    assert (await trade.report()).stage == "MATCHED"
    together.payment.is_cut = False
    assert (await trade.end()).outcome == "SETTLED"


async def test_a_settlement_that_has_gone_straight_to_a_wait_goes_on_step_by_step(together: Service) -> None:
    trade = together.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    assert (await trade.until_blocked("insufficient_balance")).stage == "ATTESTED"
    await together.world.mint(together.world.payment, "northbank", "USD", CASH)
    assert (await trade.end()).outcome == "SETTLED"
    assert (together.asset.asked["lock"], together.asset.asked["release"]) == (1, 1)
    assert elsewhere(await trade.history()) == []


async def test_no_step_is_begun_once_time_is_up(together: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps that were not begun are taken one by one."""
    monkeypatch.setattr(here, "BEGUN_WITHIN_SECONDS", -1.0)
    trade = together.settlement()
    await trade.instruct()
    assert (await trade.end()).outcome == "SETTLED"
    taken = [summary for _, summary in markers(await trade.history())]
    assert len(taken) == len((CHECKS, STRAIGHT_THROUGH)) + len((CHECKS + ", " + STRAIGHT_THROUGH).split(", "))


async def test_without_a_nudge_a_timer_keeps_check_and_lock_apart(
    together: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unheard(_: Here) -> bool:
        return False

    monkeypatch.setattr(Here, "_nudge", unheard)
    trade = together.settlement()
    await trade.instruct()
    assert (await trade.end()).outcome == "SETTLED"
    (checked, _), (locked, _) = markers(await trade.history())
    assert checked < locked
    assert await trade.counted(EventType.EVENT_TYPE_TIMER_FIRED) == 1


@pytest.mark.parametrize("steps", [(PAY,), (CHECK_DELIVERY, LOCK, PAY)], ids=["nothing certified", "not attested"])
async def test_steps_that_cannot_follow_one_another_are_not_taken(
    together: Service, steps: Sequence[Step[Any, Any]]
) -> None:
    trade = together.settlement()
    signed = together.world.signed(trade.terms)
    names = tuple(step.name for step in steps)
    asked = InTurn(settlement=SettlementStart.of(trade.terms, NETWORK), signed=signed, steps=names)
    answer = await ActivityEnvironment().run(together.here.in_turn, asked)
    assert [taken.step for taken in answer.taken] == [*names[:-1]]
    assert together.payment.asked["pay"] == 0


async def test_a_process_says_of_a_role_that_it_does_not_serve_it(temporal: Client) -> None:
    nobody, environment = Here(temporal, StepTracing(NoOpTracer())), ActivityEnvironment()
    environment.info = replace(environment.info, activity_type=ATTEST.name)
    with pytest.raises(ApplicationError) as refused:
        await environment.run(nobody.alone, [])
    assert (refused.value.type, refused.value.non_retryable) == (NOT_SERVED, True)


def markers(history: WorkflowHistory) -> list[tuple[int, str]]:
    """Of what was taken here: the workflow task that brought it into history, and what it was."""
    return [
        (
            event.marker_recorded_event_attributes.workflow_task_completed_event_id,
            pydantic_data_converter.payload_converter.from_payload(event.user_metadata.summary),
        )
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED
    ]


def elsewhere(history: WorkflowHistory) -> list[str]:
    """The steps that were taken on a role's task queue."""
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]

"""The one place from which steps are called: where a step runs, for how long, and what a fault becomes.

A step's answer is a value. A step that could not be carried out in the time given is a `Fault`, a value too: it is not
known what happened, so the settlement asks again, or voids; it never assumes.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception
from temporalio.exceptions import TimeoutError as StepTimeout

with workflow.unsafe.imports_passed_through():
    from interlock.protocol import Blocker, Message
    from interlock.protocol.names import Role
    from interlock.protocol.steps import Step
    from interlock.workflows.called import called

RequestT = TypeVar("RequestT", bound=Message)
AnswerT = TypeVar("AnswerT")

ATTEMPT_LIMIT = timedelta(seconds=15)
STEP_LIMIT = timedelta(seconds=45)
HERE_LIMIT = timedelta(seconds=1.5)
"""Below the 2 s that a workflow task may take: while a step runs here, nothing else of its settlement does."""

RETRIES = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=5)
)


@dataclass(frozen=True)
class Fault:
    """A step that could not be carried out; asked again after a while."""

    step: str
    role: Role
    text: str

    @property
    def blocker(self) -> Blocker:
        """How the fault is shown."""
        return Blocker(code="unreachable", text=f"{self.step}: {self.text}", who=f"operator of the {self.role} worker")


def _said(error: ActivityError) -> str:
    cause = error.cause
    if isinstance(cause, StepTimeout):
        if cause.cause is None:
            return "no worker answered in time"
        cause = cause.cause  # what the last attempt met before time was up
    if isinstance(cause, ApplicationError):
        return cause.message[:300]
    return str(cause or error)[:300]


async def call(step: Step[RequestT, AnswerT], request: RequestT) -> AnswerT | Fault:
    """Carry out a step on its role's task queue; retried for a while, then a Fault."""
    try:
        answer = await workflow.execute_activity(
            step.name,
            request,
            result_type=step.answer,
            task_queue=step.role.task_queue,
            start_to_close_timeout=ATTEMPT_LIMIT,
            schedule_to_close_timeout=STEP_LIMIT,
            retry_policy=RETRIES,
            summary=called(step.name, request) or None,
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return Fault(step.name, step.role, _said(error))
    return cast(AnswerT, answer)


async def call_here(step: Step[RequestT, AnswerT], request: RequestT) -> AnswerT | Fault:
    """Carry out a step of the settlement role in this very process: one that asks nobody and has no effect to lose."""
    try:
        answer = await workflow.execute_local_activity(
            step.name,
            request,
            result_type=step.answer,
            schedule_to_close_timeout=HERE_LIMIT,
            retry_policy=RETRIES,
            summary=called(step.name, request) or None,
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return Fault(step.name, step.role, _said(error))
    return cast(AnswerT, answer)

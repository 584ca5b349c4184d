"""The one place from which steps are taken: where a step runs, for how long, and what a fault becomes.

A step's answer is a value. A step that could not be carried out in the time given is a `Fault`, a value too: it is not
known what happened, so the settlement asks again, or voids; it never assumes.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception
from temporalio.exceptions import TimeoutError as StepTimeout

with workflow.unsafe.imports_passed_through():
    from interlock.protocol import Blocker, Message, SignedTerms
    from interlock.protocol.instructions import SettlementStart
    from interlock.protocol.names import NOT_SERVED, Role
    from interlock.protocol.steps import ATTEST, IN_TURN, LOCK, PAY, RELEASE, InTurn, Step, Taken, TakenInTurn
    from interlock.workflows.called import called

RequestT = TypeVar("RequestT", bound=Message)
AnswerT = TypeVar("AnswerT")

ATTEMPT_LIMIT = timedelta(seconds=15)
STEP_LIMIT = timedelta(seconds=45)
HERE_LIMIT, HERE_IN_ALL = timedelta(seconds=1.8), timedelta(seconds=5)
"""How long an attempt here may take, and all with their wait for a turn. While a step is taken here, nothing else
of its settlement happens: no update or query is answered."""

SHORTEST_WAIT = timedelta(milliseconds=1)

RETRIES = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=5)
)
RETRIES_HERE = RetryPolicy(
    initial_interval=timedelta(milliseconds=100),
    backoff_coefficient=2.0,
    maximum_attempts=3,
    non_retryable_error_types=[NOT_SERVED],
)
"""Few: a fault that lasts is waited out by the workflow, which can be talked to meanwhile."""

STRAIGHT_THROUGH = (LOCK, ATTEST, PAY, ATTEST, RELEASE)
"""The way that a settlement goes where nobody has to be waited for."""

NOT_HERE = object()


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


def _said(error: FailureError) -> str:
    cause = error.cause if isinstance(error, ActivityError) else error
    if isinstance(cause, StepTimeout):
        if cause.cause is None:
            return "no worker answered in time"
        cause = cause.cause  # what the last attempt met before time was up
    if isinstance(cause, ApplicationError):
        return cause.message[:300]
    return str(cause or error)[:300]


class Steps:
    """The steps of one settlement, each taken where its role is: in this process as far as `local_roles` says, else by
    whoever serves the role's task queue.

    What is taken here is known at once, but is in history only with the workflow task's end; see `recorded`.
    """

    def __init__(self, settlement: SettlementStart, local_roles: Iterable[Role]) -> None:
        self._settlement = settlement
        self._local = frozenset(local_roles)
        self._ahead: deque[Taken] = deque()
        self._unrecorded: int | None = None
        self._nudged = False

    async def take(self, step: Step[RequestT, AnswerT], request: RequestT) -> AnswerT | Fault:
        """Take a step; a Fault if it could not be carried out."""
        if self._ahead and self._ahead[0].step == step.name:
            return cast(AnswerT, self._ahead.popleft().answer)
        self._ahead.clear()
        return await self.aside(step, request)

    async def aside(self, step: Step[RequestT, AnswerT], request: RequestT) -> AnswerT | Fault:
        """Take a step that is none of the plan's: what was taken ahead stays as it is."""
        if step.role not in self._local:
            return await call(step, request)
        answer = await _here(step, request)
        self._unrecorded, self._nudged = _history_length(), False
        return await call(step, request) if answer is NOT_HERE else cast("AnswerT | Fault", answer)

    def are_here(self, steps: Iterable[Step[Any, Any]]) -> bool:
        """Whether all of these are said to be in this process."""
        return all(step.role in self._local for step in steps)

    async def take_ahead(self, signed: SignedTerms, steps: Sequence[Step[Any, Any]], *, nudge: bool = False) -> None:
        """Have these steps taken one after the other, in one go, if all are here; `take` then gives their answers.

        Ends early at the first answer that changes the plan, and takes nothing if the process cannot: `take` asks then.
        """
        if not self.are_here(steps):
            return
        names = tuple(step.name for step in steps)
        request = InTurn(settlement=self._settlement, signed=signed, steps=names, nudge=nudge)
        asked_at = _history_length()
        answer = await _here(IN_TURN, request)
        self._unrecorded, self._nudged = _history_length(), False
        if isinstance(answer, TakenInTurn):
            self._ahead = deque(answer.taken)
            self._nudged = answer.nudged and asked_at == self._unrecorded  # else the nudge may have come already

    async def recorded(self) -> None:
        """Go on in a later workflow task than any answer so far: each is in history then, whatever dies after."""
        known_at, nudged, self._unrecorded, self._nudged = self._unrecorded, self._nudged, None, False
        if known_at is None or _history_length() > known_at:
            return
        if nudged:
            await workflow.wait_condition(lambda: _history_length() > known_at)
        else:
            await workflow.sleep(SHORTEST_WAIT, summary="so that what was asked is in history")


def _history_length() -> int:
    return workflow.info().get_current_history_length()


async def call(step: Step[RequestT, AnswerT], request: RequestT) -> AnswerT | Fault:
    """Have a step carried out on its role's task queue; retried for a while, then a Fault."""
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
        return _fault(step, error)
    return cast(AnswerT, answer)


async def _here(step: Step[Any, Any], request: Message) -> Any:
    """Carry a step out in this very process; NOT_HERE if its role is not served here, or not now."""
    try:
        return await workflow.execute_local_activity(
            step.name,
            request,
            result_type=step.answer,
            start_to_close_timeout=HERE_LIMIT,
            schedule_to_close_timeout=HERE_IN_ALL,
            retry_policy=RETRIES_HERE,
            summary=called(step.name, request) or None,
        )
    except FailureError as error:  # of a local activity some failures come as they are, others within an ActivityError
        cause = error.cause if isinstance(error, ActivityError) else error
        if isinstance(cause, ApplicationError) and cause.type in (NOT_SERVED, "NotFoundError"):
            return NOT_HERE
        return _fault(step, error)


def _fault(step: Step[Any, Any], error: FailureError) -> Fault:
    if is_cancelled_exception(error):
        raise error
    return Fault(step.name, step.role, _said(error))

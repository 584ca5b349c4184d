"""Steps taken in the settlement worker's own process, as local activities, where their roles are served there too.

What a step is and does is its role's: this only finds it by its name, as the role's own task queue would.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.service import RPCError

from interlock.activities.tracing import StepTracing
from interlock.protocol import Attested, AttestRequest, Certificate, Check, Fact, Message, Receipt
from interlock.protocol.names import LOOK_AGAIN, NOT_SERVED, Role
from interlock.protocol.steps import (
    ATTEST,
    CHECK_DELIVERY,
    CHECK_PAYMENT,
    IN_TURN,
    LOCK,
    PAY,
    RELEASE,
    STEPS,
    InTurn,
    PayRequest,
    ReleaseRequest,
    Taken,
    TakenInTurn,
)

BEGUN_WITHIN_SECONDS = 1.0
"""How long steps go on being begun: they must end within the workflow's limit for what is taken here."""

StepActivities = Mapping[str, Callable[[Any], Awaitable[Any]]]


class Here:
    """The steps of the roles that this process serves, now."""

    def __init__(self, client: Client, tracing: StepTracing) -> None:
        self._client = client
        self._tracing = tracing
        self._served: dict[Role, StepActivities] = {}

    @property
    def all(self) -> Sequence[Callable[..., Any]]:
        """What a worker of role `settlement` registers beside its own."""
        return [self.in_turn, self.alone]

    @contextmanager
    def serving(self, role: Role, steps: StepActivities) -> Iterator[None]:
        """While the block lasts, this process serves that role."""
        self._served[role] = steps
        try:
            yield
        finally:
            del self._served[role]

    @activity.defn(dynamic=True)
    async def alone(self, args: Sequence[RawValue]) -> Any:
        """Any one step, by its own name. Raises ApplicationError `not_served` for one whose role is not served here."""
        name = activity.info().activity_type
        self._carried_out_by(name)
        request = activity.payload_converter().from_payload(args[0].payload, STEPS[name].request)
        return await self._take(name, request)

    @activity.defn(name=IN_TURN.name)
    async def in_turn(self, request: InTurn) -> TakenInTurn:
        """Several steps of one settlement, for as long as their answers are what the next ones need."""
        taken, nudged = await asyncio.gather(self._take_all(request), self._nudge() if request.nudge else _nothing())
        return TakenInTurn(taken=taken, nudged=nudged)

    async def _take_all(self, request: InTurn) -> tuple[Taken, ...]:
        begun, taken, certificate = time.monotonic(), list[Taken](), None
        for name in request.steps:
            if time.monotonic() - begun > BEGUN_WITHIN_SECONDS:
                break
            try:
                answer = await self._take(name, _request(name, request, taken, certificate))
            except ApplicationError:
                break  # the workflow asks for this one by itself, and sees what becomes of it
            taken.append(Taken(step=name, answer=answer))
            if isinstance(answer, Attested):
                certificate = answer.certificate
            elif not isinstance(answer, Receipt | Check):
                break
        return tuple(taken)

    async def _take(self, name: str, request: Message) -> Any:
        carry_out = self._carried_out_by(name)
        return await self._tracing.traced(STEPS[name], request, lambda: carry_out(request))

    def _carried_out_by(self, name: str) -> Callable[[Any], Awaitable[Any]]:
        step = STEPS.get(name)
        if step is None or (served := self._served.get(step.role)) is None or name not in served:
            raise ApplicationError(
                f"{name} is not served here",
                type=NOT_SERVED,
                non_retryable=True,
                category=ApplicationErrorCategory.BENIGN,
            )
        return served[name]

    async def _nudge(self) -> bool:
        info = activity.info()
        if info.workflow_id is None:
            return False
        handle = self._client.get_workflow_handle(info.workflow_id, run_id=info.workflow_run_id)
        try:
            await handle.signal(LOOK_AGAIN)
        except RPCError:
            return False
        return True


async def _nothing() -> bool:
    return False


def _request(name: str, about: InTurn, taken: Sequence[Taken], certificate: Certificate | None) -> Message:
    """What a step is asked, given what the steps before it answered. Raises ApplicationError if it cannot follow."""
    signed = about.signed
    if name in (CHECK_DELIVERY.name, CHECK_PAYMENT.name, LOCK.name):
        return signed
    if name == ATTEST.name:
        paid = any(before.step == PAY.name for before in taken)
        return AttestRequest.about(signed, Fact.PAID if paid else Fact.LOCKED, about.settlement)
    if certificate is not None and name == PAY.name:
        return PayRequest(signed=signed, certificate=certificate)
    if certificate is not None and name == RELEASE.name:
        return ReleaseRequest(terms=signed.terms, certificate=certificate)
    raise ApplicationError(f"{name} cannot be taken in turn here", type="wrong_order", non_retryable=True)

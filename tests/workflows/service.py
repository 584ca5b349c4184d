"""A whole service for one test: fresh ledgers in memory, real attestors over HTTP, a worker for each role, and the
settlements that the test has going on it. Uses the workers' own sandbox; knows nothing of what a test expects.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Literal, TypeVar

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import NoOpTracer
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowHistory,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.worker import Replayer, Worker

from interlock.activities.asset import AssetActivities
from interlock.activities.coordinator import CoordinatorActivities
from interlock.activities.here import Here, StepActivities
from interlock.activities.payment import PaymentActivities
from interlock.activities.record import Recording
from interlock.activities.recovery import RecoveryActivities
from interlock.activities.tracing import StepTracing
from interlock.ledgers.ledger import LedgerReader
from interlock.ledgers.memory import MemoryLedger
from interlock.protocol import (
    LocalSigner,
    Lock,
    Message,
    SettlementEvent,
    SettlementReport,
    SignedTerms,
    Terms,
    Verdict,
)
from interlock.protocol.instructions import Instructed, RunStart, SettlementStart, Sweep, SweepResult
from interlock.protocol.names import (
    CANCEL,
    EVENTS,
    INSTRUCT,
    LOOK_AGAIN,
    ORDER,
    REDIRECT,
    REPORT,
    SETTLEMENT_WORKFLOW,
    SWEEP_WORKFLOW,
    WITHDRAW,
    Role,
    recovery_workflow_id,
    workflow_id,
)
from interlock.worker.connection import sweeps
from interlock.worker.sandbox import sandbox
from interlock.workflows.found import initial_attributes
from interlock.workflows.settlement_workflow import SettlementWorkflow
from interlock.workflows.sweep import SweepWorkflow
from tests.attestors.books import Books
from tests.attestors.quorum import Quorum
from tests.ledgers.contract.asking import assert_books_balance
from tests.workflows.line import Line
from tests.world import NETWORK, World, genesis

T = TypeVar("T")
CACHED = 100
"""How many runs a worker keeps in memory, unless a test says otherwise; `--cached-workflows` sets it."""

PATIENCE_SECONDS = 60.0
"""Met only by what has gone wrong: a loaded machine may be slow, and no test is about time."""
ENDS = {
    ("SETTLED", "PAID", "released"),
    ("CANCELLED", "VOIDED", "refunded"),
    ("EXPIRED", "VOIDED", "refunded"),
    ("CANCELLED", None, None),
    ("EXPIRED", None, None),
    ("REJECTED", None, None),
}
"""Every way to end: outcome, verdict, lock."""

_numbers = itertools.count(1)


class Window(Books):
    """What the attestors read: the ledgers of the test that is running. `broken` makes every look a fault."""

    ledger: LedgerReader | None = None

    async def locks_of(self, terms_hashes: Sequence[str]) -> Mapping[str, Lock]:
        """The ledger's rows."""
        self._look(terms_hashes)
        return await self.ledger.locks_of(terms_hashes) if self.ledger else {}

    async def verdicts_of(self, terms_hashes: Sequence[str]) -> Mapping[str, Verdict]:
        """The ledger's rows."""
        self._look(terms_hashes)
        return await self.ledger.verdicts_of(terms_hashes) if self.ledger else {}

    async def left_out(self) -> frozenset[str]:
        """Whom the ledger leaves out."""
        return await self.ledger.left_out() if self.ledger else frozenset()


async def until(condition: Callable[[], Awaitable[T | None]]) -> T:
    """Look until the condition gives something true, and return that."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if found := await condition():
                return found
            await asyncio.sleep(0.03)


async def refusal_of(update: Awaitable[object]) -> str:
    """The code with which an update is refused."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await update
    cause = caught.value.cause
    assert isinstance(cause, ApplicationError)
    return str(cause.type)


@dataclass
class Settlement:
    """One settlement as parties, operators and onlookers reach it, by its workflow's id."""

    service: "Service"
    terms: Terms
    name: str

    @property
    def terms_hash(self) -> str:
        """The key of everything."""
        return self.terms.hash(NETWORK)

    @property
    def handle(self) -> WorkflowHandle[Any, SettlementReport]:
        """Its latest run."""
        return self.service.client.get_workflow_handle(self.name, result_type=SettlementReport)

    async def instruct(self, *signers: LocalSigner, **options: Any) -> Instructed:
        """Send signatures on the terms, both parties' unless others are given; starts the workflow where none runs."""
        signed = self.service.world.signed(self.terms, *signers)
        return await self.service.instruct(self.name, self.terms, signed, **options)

    async def start(self, proposed: SignedTerms | None = None) -> None:
        """Start a run with these terms, else with ours as both sign them, and tell it nothing more."""
        signed = proposed or self.service.world.signed(self.terms)
        about = SettlementStart.of(self.terms, NETWORK)
        await self.service.client.start_workflow(
            SETTLEMENT_WORKFLOW,
            RunStart.saying(about, local_roles=self.service.local_roles, proposed=signed),
            id=self.name,
            task_queue=Role.SETTLEMENT.task_queue,
            search_attributes=initial_attributes(about, signed),
        )

    def variant(self, **fields: Any) -> "Settlement":
        """Other terms of the same settlement, in the same workflow."""
        same: dict[str, Any] = {"settlement_id": self.terms.settlement_id, "settle_by": self.terms.settle_by}
        return Settlement(self.service, self.service.world.terms(**(same | fields)), self.name)

    async def withdraw(self, party: LocalSigner) -> SettlementReport:
        """The party takes its proposal back."""
        return await self._tell(WITHDRAW, party.sign_withdrawal(self.terms, NETWORK))

    async def cancel(self, party: LocalSigner, valid_until: datetime | None = None) -> SettlementReport:
        """The party consents to cancel."""
        return await self._tell(CANCEL, party.sign_cancellation(self.terms, NETWORK, valid_until=valid_until))

    async def order(self, act: Literal["void", "resume"], **changes: Any) -> SettlementReport:
        """Two operators order to void, or to look again."""
        return await self._tell(ORDER, self.service.world.operators_order(self.terms, act, **changes))

    async def redirect(self, receiver: str, **changes: Any) -> SettlementReport:
        """The buyer and two operators name another account of the buyer's."""
        return await self._tell(REDIRECT, self.service.world.redirection(self.terms, receiver, **changes))

    async def look_again(self) -> None:
        """What a ledger's worker says when an account has changed."""
        await self.handle.signal(LOOK_AGAIN)

    async def report(self) -> SettlementReport:
        """Where it stands."""
        report: SettlementReport = await self.handle.query(REPORT, result_type=SettlementReport)
        return report

    async def events(self) -> list[SettlementEvent]:
        """What has happened."""
        events: list[SettlementEvent] = await self.handle.query(EVENTS, result_type=list[SettlementEvent])
        return events

    async def end(self) -> SettlementReport:
        """The final report, which must be one of the only ends, and what the ledgers say (hazard 15)."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            report = await self.handle.result()
        assert (report.outcome, report.verdict, report.lock) in ENDS
        assert (report.lock, report.verdict) == await self.rows()
        return report

    async def until(self, condition: Callable[[SettlementReport], object]) -> SettlementReport:
        """The first report for which the condition holds."""

        async def looked() -> SettlementReport | None:
            report = await self.report()
            return report if condition(report) else None

        return await until(looked)

    async def until_blocked(self, code: str) -> SettlementReport:
        """The first report that shows this blocker."""
        return await self.until(lambda report: report.blocker is not None and report.blocker.code == code)

    async def terminate(self) -> None:
        """As an operator does it in the Web UI."""
        await self.handle.terminate("tests say so")

    async def status(self) -> WorkflowExecutionStatus | None:
        """The latest run's status; None if there never was one."""
        try:
            return (await self.handle.describe()).status
        except RPCError:
            return None

    async def history(self) -> WorkflowHistory:
        """The latest run's history."""
        return await self.handle.fetch_history()

    async def counted(self, kind: EventType.ValueType) -> int:
        """How many events of a kind the latest run's history has."""
        return sum(event.event_type == kind for event in (await self.history()).events)

    async def rows(self) -> tuple[str | None, str | None]:
        """What both ledgers say: the lock's state and the verdict."""
        lock = await self.service.world.asset.lock_of(self.terms_hash)
        verdict = await self.service.world.payment.verdict_of(self.terms_hash)
        return lock.state.value if lock else None, verdict.verdict.value if verdict else None

    async def _tell(self, update: str, message: Message) -> SettlementReport:
        async with asyncio.timeout(PATIENCE_SECONDS):
            report: SettlementReport = await self.handle.execute_update(update, message, result_type=SettlementReport)
        return report


@dataclass
class Clock:
    """A ledger's own clock: the machine's, or so much ahead of it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        """The ledger's time."""
        return datetime.now(UTC) + self.ahead


@dataclass
class Service:
    """The ledgers, the lines to them, and the workers."""

    client: Client
    quorum: Quorum
    world: World
    asset: Line
    payment: Line
    asset_clock: Clock
    payment_clock: Clock
    settlements: dict[str, Settlement] = field(default_factory=dict)
    roots: list[ReadableSpan] = field(default_factory=list)
    """The root spans of settlements that have ended."""
    local_roles: tuple[Role, ...] = ()
    """The roles whose steps are taken in the settlement worker's own process."""
    _workers: dict[Role, Worker] = field(default_factory=dict)
    _served: dict[Role, ExitStack] = field(default_factory=dict)
    _running: dict[Role, asyncio.Task[None]] = field(default_factory=dict)

    def settlement(self, terms: Terms | None = None, **fields: Any) -> Settlement:
        """A trade under a fresh settlement id; nothing is sent yet."""
        agreed = terms or self.world.terms(**({"settlement_id": f"WF-{next(_numbers):04d}"} | fields))
        return self._keep(Settlement(self, agreed, workflow_id(agreed, NETWORK)))

    def recovered(self, settlement: Settlement) -> Settlement:
        """The same terms where the sweeper recovers them while their own workflow id is busy."""
        name = recovery_workflow_id(settlement.name, settlement.terms_hash)
        return self._keep(Settlement(self, settlement.terms, name))

    async def instruct(
        self,
        name: str,
        about: Terms,
        signed: Message,
        *,
        update_id: str | None = None,
        reuse: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    ) -> Instructed:
        """Update-With-Start, as clients do it."""
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            SETTLEMENT_WORKFLOW,
            RunStart.saying(SettlementStart.of(about, NETWORK), local_roles=self.local_roles),
            id=name,
            task_queue=Role.SETTLEMENT.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=reuse,
            search_attributes=initial_attributes(SettlementStart.of(about, NETWORK), signed)
            if isinstance(signed, SignedTerms)
            else None,
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer: Instructed = await self.client.execute_update_with_start_workflow(
                INSTRUCT, signed, id=update_id, start_workflow_operation=start, result_type=Instructed
            )
        return answer

    async def sweep(self, batch: int = 200) -> SweepResult:
        """Sweep once, with no patience for young rows."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            result: SweepResult = await self.client.execute_workflow(
                SWEEP_WORKFLOW,
                Sweep(older_than_seconds=0, batch=batch),
                id=f"sweep-{next(_numbers)}",
                task_queue=Role.SETTLEMENT.task_queue,
                result_type=SweepResult,
            )
        return result

    @asynccontextmanager
    async def sweeping(self, batch: int) -> AsyncIterator[None]:
        """Sweep every second, as workers schedule it."""
        name = f"sweeps-{next(_numbers)}"
        schedule = await self.client.create_schedule(
            name, sweeps(Sweep(older_than_seconds=0, batch=batch), timedelta(seconds=1), name)
        )
        try:
            yield
        finally:
            await schedule.delete()

    @cached_property
    def here(self) -> Here:
        """What the process serves."""
        return Here(self.client, StepTracing(NoOpTracer()))

    async def serve(self, role: Role, carried_out: StepActivities, *, cached: int | None = None) -> None:
        """Serve a role, as `interlock.worker` does: on its own task queue, and for settlements here."""
        self._served[role] = ExitStack()
        self._served[role].enter_context(self.here.serving(role, carried_out))
        await self.start(role, list(carried_out.values()), cached)

    async def start(self, role: Role, activities: Sequence[Callable[..., Any]], cached: int | None = None) -> None:
        """Start this role's worker, as `interlock.worker` does."""
        workflows = [SettlementWorkflow, SweepWorkflow] if role is Role.SETTLEMENT else []
        worker = Worker(
            self.client,
            task_queue=role.task_queue,
            activities=activities,
            workflows=workflows,
            workflow_runner=sandbox(),
            interceptors=[Recording(self.roots.append, Resource.get_empty())],
            max_cached_workflows=CACHED if cached is None else cached,
        )
        self._workers[role] = worker
        self._running[role] = asyncio.create_task(worker.run())

    async def start_settling(self, cached: int | None = None) -> None:
        """Start the settlement role's worker, with what it does beside the workflows."""
        activities = [*RecoveryActivities(self.client, self.local_roles).all, *self.here.all]
        await self.start(Role.SETTLEMENT, activities, cached)

    def leave(self, role: Role) -> None:
        """Serve a role no more for settlements here; its task queue keeps its worker."""
        self._served.pop(role).close()

    async def stop(self, role: Role) -> None:
        """Stop this role's worker; nobody else plays the role."""
        if (served := self._served.pop(role, None)) is not None:
            served.close()
        await self._workers.pop(role).shutdown()
        await self._running.pop(role)

    async def close(self) -> None:
        """End what a test left open; books must balance, and every history replay in the strict sandbox."""
        histories = [await each.history() for each in self.settlements.values() if await each.status() is not None]
        for each in self.settlements.values():
            if await each.status() is WorkflowExecutionStatus.RUNNING:
                await each.terminate()
        for role in list(self._workers):
            await self.stop(role)
        await replay(*histories)
        for ledger in (self.world.asset, self.world.payment):
            await assert_books_balance(ledger)

    def _keep(self, settlement: Settlement) -> Settlement:
        return self.settlements.setdefault(settlement.name, settlement)


async def replay(*histories: WorkflowHistory) -> None:
    """Raise if today's workflow would not take the steps that these histories show."""
    replayer = Replayer(
        workflows=[SettlementWorkflow, SweepWorkflow],
        workflow_runner=sandbox(),
        data_converter=pydantic_data_converter,
    )
    for history in histories:
        await replayer.replay_workflow(history)


@asynccontextmanager
async def running_service(
    client: Client, quorum: Quorum, *, cached: int | None = None, local_roles: Iterable[Role] = ()
) -> AsyncIterator[Service]:
    """All roles, over ledgers in which both parties have accounts and are funded."""
    clocks = Clock(), Clock()
    asset, payment = MemoryLedger(genesis("asset"), clocks[0]), MemoryLedger(genesis("payment"), clocks[1])
    for window, ledger in ((quorum.asset, asset), (quorum.payment, payment)):
        assert isinstance(window, Window)
        window.ledger, window.broken = ledger, False
    service = Service(client, quorum, World(asset=asset, payment=payment), Line(asset), Line(payment), *clocks)
    service.local_roles = tuple(local_roles)
    await service.world.fund()
    async with AsyncExitStack() as stack:
        collector = await stack.enter_async_context(quorum.collector(timeout_seconds=1.5, grace_seconds=0.1))
        await service.start_settling(cached)
        await service.serve(Role.ASSET, AssetActivities(service.asset.end).steps)
        await service.serve(Role.PAYMENT, PaymentActivities(service.payment.end).steps)
        await service.serve(Role.COORDINATOR, CoordinatorActivities(collector).steps)
        try:
            yield service
        finally:
            await service.close()  # else its workers would take the next test's tasks

"""One role of this process: opens it, polls its own queue with its own credentials only, and drains when told to stop.

A role that serves a ledger takes no work before that ledger may be served; see `opening`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from interlock.activities.asset import AssetActivities
from interlock.activities.coordinator import CoordinatorActivities
from interlock.activities.here import Here, StepActivities
from interlock.activities.payment import PaymentActivities
from interlock.activities.recovery import RecoveryActivities
from interlock.attestors.collector import Collector
from interlock.attestors.statements import StatementReader
from interlock.ledgers.postgres import PostgresLedger
from interlock.ledgers.waiters import Waiters
from interlock.protocol.names import Role
from interlock.worker.completing import completing
from interlock.worker.connection import keep_sweeping
from interlock.worker.opening import Opening, went_back
from interlock.worker.rooting import rooting
from interlock.worker.sandbox import sandbox
from interlock.worker.sealing import sealing
from interlock.worker.settings import WorkerSettings
from interlock.worker.stopping import Stop, Stopped
from interlock.worker.telemetry import Telemetry
from interlock.worker.waking import Waker
from interlock.workflows.settlement_workflow import SettlementWorkflow
from interlock.workflows.sweep import SweepWorkflow

Activities = Sequence[Callable[..., Any]]


class Duty:
    """One role of the process. `open` is set while it takes work, `closed` once it is said that it cannot yet."""

    def __init__(
        self, role: Role, settings: WorkerSettings, client: Client, telemetry: Telemetry, stop: Stop, *, here: Here
    ) -> None:
        """`here` is shared by all roles of the process: settlements take the steps of its other roles there."""
        self.role = role
        self._here = here
        self._settings = settings
        self._client = client
        self._telemetry = telemetry
        self._stop = stop
        self.open = asyncio.Event()
        self.closed = asyncio.Event()

    async def judged(self) -> None:
        """Until it is known whether the role is open."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self.open, self.closed)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def carry_out(self) -> None:
        """Be at it until told to stop; then let steps under way end. Raises LedgerMismatch for an unusable ledger."""
        try:
            match self.role:
                case Role.SETTLEMENT:
                    await self._settle()
                case Role.COORDINATOR:
                    await self._certify()
                case Role.ASSET | Role.PAYMENT:
                    await self._keep_ledger()
        except Stopped:
            return

    async def _settle(self) -> None:
        local_roles = self._settings.roles - {Role.SETTLEMENT}
        async with sealing(self.role, self._settings), rooting(self._settings, self._client, self._telemetry):
            await self._poll(
                [*RecoveryActivities(self._client, local_roles).all, *self._here.all],
                lambda: self._stop.unless(keep_sweeping(self._client, self._settings)),
            )

    async def _certify(self) -> None:
        urls, attestors, network = self._settings.coordinator
        async with Collector(urls, attestors, network) as collector:
            await self._serve(CoordinatorActivities(collector).steps, self._stop.wait)

    async def _keep_ledger(self) -> None:
        urls, attestors, network = self._settings.coordinator
        dsn = self._settings.dsn_of(self.role)
        # as many connections as activities may run at once: an exhausted pool would be a fault of our own making
        opening = Opening(
            self.role,
            dsn,
            pool_size=self._settings.activity_slots,
            attestors=attestors,
            network=network,
            closed=self.closed,
        )
        async with AsyncExitStack() as held:
            ledger = await self._stop.unless(opening.connected())
            held.push_async_callback(ledger.close)
            await held.enter_async_context(sealing(self.role, self._settings))  # now that it is known to be ours
            await held.enter_async_context(completing(self.role, self._settings, ledger, self._telemetry))
            statements = await held.enter_async_context(StatementReader(urls, attestors))
            waker = Waker(self._client, Waiters(ledger.connections, dsn), self.role, network)
            while True:
                await self._stop.unless(opening.opened(ledger, statements))
                # a journal that became shorter closes the role again: what it lost must be found first
                await self._serve(
                    _steps_on(ledger, self.role), lambda: self._stop.unless(waker.until(went_back(ledger)))
                )

    async def _serve(self, steps: StepActivities, until: Callable[[], Awaitable[None]]) -> None:
        """For whoever asks on the role's task queue, and for settlements in this very process."""
        with self._here.serving(self.role, steps):
            await self._poll(list(steps.values()), until)

    async def _poll(self, activities: Activities, until: Callable[[], Awaitable[None]]) -> None:
        async with Worker(
            self._client,
            task_queue=self.role.task_queue,
            activities=activities,
            workflows=[SettlementWorkflow, SweepWorkflow] if self.role is Role.SETTLEMENT else [],
            workflow_runner=sandbox() if self._settings.sandbox else UnsandboxedWorkflowRunner(),
            interceptors=[self._telemetry.tracing, self._telemetry.recording],
            max_cached_workflows=self._settings.cached_workflows,
            max_concurrent_workflow_tasks=self._settings.workflow_slots if self.role is Role.SETTLEMENT else None,
            max_concurrent_activities=self._settings.activity_slots,
            max_concurrent_local_activities=self._settings.local_slots,
            graceful_shutdown_timeout=timedelta(seconds=self._settings.drain_seconds),
            deployment_config=versioned(self._settings) if self.role is Role.SETTLEMENT else None,
        ):
            self.open.set()
            try:
                await until()
            finally:
                self.open.clear()


def _steps_on(ledger: PostgresLedger, role: Role) -> StepActivities:
    return AssetActivities(ledger).steps if role is Role.ASSET else PaymentActivities(ledger).steps


def versioned(settings: WorkerSettings) -> WorkerDeploymentConfig | None:
    """Where workers are versioned, a run stays with the version that began it; roles that only take steps have none.

    A default and no mark on the workflows: a worker that is not versioned fails every task of one that is marked.
    """
    if settings.version is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(*settings.version),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )

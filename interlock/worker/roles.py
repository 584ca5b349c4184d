"""Which roles run in this process: one Temporal worker each, on the role's own queue, with its own credentials only."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from pydantic import SecretStr
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from interlock.activities.asset import AssetActivities
from interlock.activities.coordinator import CoordinatorActivities
from interlock.activities.payment import PaymentActivities
from interlock.activities.recovery import RecoveryActivities
from interlock.attestors.collector import Collector
from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol.names import Role
from interlock.worker.settings import WorkerSettings
from interlock.workflows.settlement import SettlementWorkflow
from interlock.workflows.sweep import SweepWorkflow

PASSED_THROUGH = ("interlock.protocol", "pydantic", "pydantic_core", "coincurve", "Crypto", "annotated_types")
"""Modules that workflows share with the process. The protocol is pure, so nothing is lost; the rest it is made of."""


def sandbox() -> SandboxedWorkflowRunner:
    """The strict sandbox, with the protocol passed through."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))


async def workers_of(settings: WorkerSettings, client: Client, resources: AsyncExitStack) -> list[Worker]:
    """A worker for each of the process's roles; what they hold open is closed with `resources`."""
    return [await _worker(role, settings, client, resources) for role in sorted(settings.roles)]


async def _worker(role: Role, settings: WorkerSettings, client: Client, resources: AsyncExitStack) -> Worker:
    return Worker(
        client,
        task_queue=role.task_queue,
        activities=await _activities(role, settings, client, resources),
        workflows=[SettlementWorkflow, SweepWorkflow] if role is Role.SETTLEMENT else [],
        workflow_runner=sandbox(),
        max_concurrent_workflow_tasks=settings.workflow_slots if role is Role.SETTLEMENT else None,
        max_concurrent_activities=settings.activity_slots,
        graceful_shutdown_timeout=timedelta(seconds=settings.drain_seconds),
    )


async def _activities(
    role: Role, settings: WorkerSettings, client: Client, resources: AsyncExitStack
) -> Sequence[Callable[..., Any]]:
    match role:
        case Role.SETTLEMENT:
            return RecoveryActivities(client).all
        case Role.ASSET:
            return AssetActivities(await _ledger(settings.asset_dsn, settings, resources)).all
        case Role.PAYMENT:
            return PaymentActivities(await _ledger(settings.payment_dsn, settings, resources)).all
        case Role.COORDINATOR:
            if settings.attestors is None or settings.attestor_urls is None or settings.network is None:
                raise AssertionError("the settings were checked")
            collector = Collector(settings.attestor_urls, settings.attestors, settings.network)
            return CoordinatorActivities(await resources.enter_async_context(collector)).all


async def _ledger(dsn: SecretStr | None, settings: WorkerSettings, resources: AsyncExitStack) -> PostgresLedger:
    if dsn is None:
        raise AssertionError("the settings were checked")
    # as many connections as activities may run at once: an exhausted pool would be a fault of our own making
    ledger = await PostgresLedger.connect(dsn.get_secret_value(), pool_size=settings.activity_slots)
    resources.push_async_callback(ledger.close)
    return ledger

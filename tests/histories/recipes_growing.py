"""Paths across versions and long histories: gone on with by another build, begun by what nobody here understands.

Builds are workers of today's code under several build ids, on a server that soon suggests to continue as new.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.client import WorkflowExecutionStatus
from temporalio.worker import Worker

from interlock.activities.recovery import RecoveryActivities
from interlock.protocol.instructions import RunStart, SettlementStart
from interlock.protocol.names import SETTLEMENT_WORKFLOW, Role
from interlock.worker.roles import versioned
from interlock.worker.sandbox import sandbox
from interlock.worker.settings import WorkerSettings
from interlock.worker.versions import NotPossible, Versions
from interlock.workflows.settlement_workflow import SettlementWorkflow
from tests.histories.recipes import cash_comes, short_of_cash
from tests.versions import DEPLOYMENT
from tests.workflows.service import Service, until
from tests.workflows.test_long_histories import has_gone_on
from tests.workflows.test_misconduct import UNPROVEN, Troubled, refused
from tests.world import NETWORK, SELLER


async def continued_on_another_build(service: Service) -> None:
    """Another build is current by the time that the history is long: the new run begins there."""
    await service.stop(Role.SETTLEMENT)
    async with _build(service, "1.0") as first:
        await first.promote("1.0")
        trade = await short_of_cash(service)
        run = str((await trade.handle.describe()).run_id)
        async with _build(service, "1.1"):
            await first.promote("1.1")
            await until(lambda: has_gone_on(trade, run))
            await until(lambda: _is_on(first, trade.name, "1.1"))
            await cash_comes(service, trade)
            assert (await trade.end()).outcome == "SETTLED"


async def moved_to_another_build(service: Service) -> None:
    """While one build's run waits for the other party it is told to go on with another build, which replays it."""
    await service.stop(Role.SETTLEMENT)
    async with _build(service, "2.0") as versions:
        await versions.promote("2.0")
        trade = service.settlement()
        await trade.instruct(SELLER)
        async with _build(service, "2.1"):
            await versions.promote("2.1")
            await until(lambda: _is_followed(versions))
            assert [name async for name in versions.move([trade.name], "2.1")] == [trade.name]
            await until(lambda: _is_on(versions, trade.name, "2.1"))
            await trade.instruct()
            assert (await trade.end()).outcome == "SETTLED"


async def a_start_that_is_not_understood(service: Service) -> None:
    """It asks for something that this version has not: the run fails with nothing done, and may be started again."""
    trade = service.settlement()
    start = RunStart.saying(SettlementStart.of(trade.terms, NETWORK)).model_dump(mode="json")
    handle = await service.client.start_workflow(
        SETTLEMENT_WORKFLOW, start | {"urgent": True}, id=trade.name, task_queue=Role.SETTLEMENT.task_queue
    )

    async def failed() -> bool:
        return (await handle.describe()).status is WorkflowExecutionStatus.FAILED

    await until(failed)
    assert await trade.rows() == (None, None)
    await trade.instruct()
    assert (await trade.end()).outcome == "SETTLED"


async def an_attestor_accused_by_both_runs(service: Service, quorum: Troubled) -> None:
    """The ledgers do not judge what the first run brings them; the run that it continues as brings it again."""
    ledgers = (service.asset, service.payment)
    for ledger in ledgers:
        ledger.instead["accuse"] = [UNPROVEN]
    quorum.down = frozenset({2})
    trade = service.settlement()
    await trade.instruct()
    run = str((await trade.handle.describe()).run_id)
    await until(lambda: refused(trade, on=2))
    await until(lambda: has_gone_on(trade, run))

    async def accused_again() -> bool:
        return [ledger.asked["accuse"] for ledger in ledgers] == [2, 2]

    await until(accused_again)
    quorum.down = frozenset()
    assert (await trade.end()).outcome == "SETTLED"


@asynccontextmanager
async def _build(service: Service, build: str) -> AsyncIterator[Versions]:
    """While the block lasts, a settlement worker of that build, known to the server; and what is said of versions."""
    settings = WorkerSettings.model_validate({"roles": "settlement", "deployment": DEPLOYMENT, "build_id": build})
    versions = Versions(service.client, DEPLOYMENT)

    async def known() -> bool:
        try:
            (await versions.read()).version(build)
        except NotPossible:
            return False
        return True

    async with Worker(
        service.client,
        task_queue=Role.SETTLEMENT.task_queue,
        workflows=[SettlementWorkflow],
        activities=[*RecoveryActivities(service.client).all, *service.here.all],
        workflow_runner=sandbox(),
        deployment_config=versioned(settings),
        graceful_shutdown_timeout=timedelta(seconds=1),
    ):
        await until(known)
        yield versions


async def _is_followed(versions: Versions) -> bool:
    """Whether the task queue has heard of the current build, and knows of no other."""
    deployment = await versions.read()
    return deployment.receiving == {deployment.current}


async def _is_on(versions: Versions, workflow_id: str, build: str) -> bool:
    return await versions.stays_with(workflow_id) == build

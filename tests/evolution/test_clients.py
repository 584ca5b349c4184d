"""Clients and workers of different versions, on a real Temporal: each settles, or is refused by name."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from interlock.client import NotUnderstood, SettlementClient
from interlock.protocol import Stage
from interlock.protocol.instructions import RunStart, SettlementStart
from interlock.protocol.names import SETTLEMENT_WORKFLOW, Role
from interlock.workflows.found import initial_attributes
from tests.evolution.continuing import Continuing
from tests.evolution.later import Later
from tests.workflows.service import Service, until
from tests.world import BUYER, NETWORK, SELLER

CLIENT = """
import json
from datetime import timedelta
from temporalio.client import Client
from interlock.client import InterlockError, SettlementClient
from interlock.client import runs
from interlock.protocol.instructions import RunStart
from tests.world import *

asked = json.loads(sys.stdin.buffer.read())
terms = World(None, None).terms(**asked["terms"])
if asked["urgent"]:
    saying = RunStart.saying
    RunStart.saying = lambda *given, **more: saying(*given, **more).model_copy(update={"urgent": True})

async def main():
    temporal = await Client.connect(asked["address"], data_converter=pydantic_data_converter)
    client = SettlementClient(
        temporal, network=NETWORK, coordinator=COORDINATOR.identity, answer_within=timedelta(seconds=20)
    )
    signatures = [each.sign(terms, NETWORK) for each in (SELLER, BUYER)]
    try:
        if asked["both"]:
            handle = await client.settle(terms, signatures)
        else:
            handle = await client.instruct(terms, signatures[0])
            handle = await client.instruct(terms, signatures[1])
        said = (await asyncio.wait_for(handle.outcome(), 60)).outcome
    except InterlockError as error:
        said = {"kind": type(error).__name__, "code": error.code, "field": error.field, "message": error.message}
    sys.stdout.write(json.dumps(said))

asyncio.run(main())
"""

WORKER = """
import signal
from temporalio.client import Client
from temporalio.worker import Worker
from interlock.protocol.names import Role
from interlock.worker.sandbox import sandbox
from interlock.workflows.settlement_workflow import SettlementWorkflow

async def main():
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    client = await Client.connect(sys.argv[1], data_converter=pydantic_data_converter)
    async with Worker(
        client, task_queue=Role.SETTLEMENT.task_queue, workflows=[SettlementWorkflow], workflow_runner=sandbox()
    ):
        await told.wait()

asyncio.run(main())
"""


@asynccontextmanager
async def running(version: Later, temporal: Client) -> AsyncIterator[None]:
    """While the block lasts, a settlement worker of that version serves."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", version.program(WORKER), address_of(temporal)),
        cwd=version.root,
        env=version.environment,
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def address_of(temporal: Client) -> str:
    """Where the server is."""
    return temporal.service_client.config.target_host


async def asked(version: Later, temporal: Client, name: str, *, both: bool, urgent: bool = False) -> Any:
    """What a client of that version is told when it has both parties settle a trade: the outcome, or an error."""
    given = {
        "address": address_of(temporal),
        "terms": {"settlement_id": name},
        "both": both,
        "urgent": urgent,
    }
    return json.loads(await asyncio.to_thread(version.say, CLIENT, json.dumps(given).encode()))


@pytest.mark.parametrize("both", [True, False], ids=["settle", "instruct"])
async def test_a_later_client_that_uses_nothing_new_settles_with_these_workers(
    grown: Later, temporal: Client, service: Service, both: bool
) -> None:
    assert await asked(grown, temporal, f"EVOLVED-{both}".upper(), both=both) == "SETTLED"
    assert service.client is temporal


@pytest.mark.parametrize("both", [True, False], ids=["settle", "instruct"])
@pytest.mark.usefixtures("service")
async def test_a_later_client_that_asks_these_workers_for_something_new_is_told_that_they_are_older(
    grown: Later, temporal: Client, both: bool
) -> None:
    said = await asked(grown, temporal, f"URGENT-{both}".upper(), both=both, urgent=True)
    assert (said["kind"], said["code"], said["field"]) == ("NotUnderstood", "service_older", "urgent")


@pytest.mark.parametrize("both", [True, False], ids=["settle", "instruct"])
@pytest.mark.usefixtures("service")
async def test_a_later_client_whose_terms_have_grown_is_told_that_these_workers_are_older(
    resigned: Later, temporal: Client, both: bool
) -> None:
    said = await asked(resigned, temporal, f"RESIGNED-{both}".upper(), both=both)
    assert (said["kind"], said["code"]) == ("NotUnderstood", "service_older")
    assert said["field"].endswith("terms.place")


async def test_terms_that_have_grown_are_refused_by_a_settlement_that_runs_and_it_goes_on(
    resigned: Later, temporal: Client, service: Service, client: SettlementClient
) -> None:
    terms = service.settlement(settlement_id="RUNNING-1").terms
    handle = await client.instruct(terms, SELLER.sign(terms, NETWORK))
    said = await asked(resigned, temporal, "RUNNING-1", both=False)
    assert (said["kind"], said["code"], said["field"]) == ("NotUnderstood", "service_older", "terms.place")
    assert (await handle.status()).stage is Stage.PROPOSED
    await client.instruct(terms, BUYER.sign(terms, NETWORK))
    assert (await handle.outcome()).outcome == "SETTLED"


async def test_what_older_workers_refused_is_settled_once_it_is_sent_again_in_words_that_they_know(
    temporal: Client, service: Service, client: SettlementClient
) -> None:
    terms = service.settlement(settlement_id="AGAIN-1").terms
    start = RunStart.saying(SettlementStart.of(terms, NETWORK), proposed=service.world.signed(terms))
    name = service.settlement(terms).name
    run = await temporal.start_workflow(
        SETTLEMENT_WORKFLOW,
        start.model_dump(mode="json") | {"urgent": True},
        id=name,
        task_queue=Role.SETTLEMENT.task_queue,
        search_attributes=initial_attributes(SettlementStart.of(terms, NETWORK), service.world.signed(terms)),
    )

    async def has_failed() -> bool:
        return (await run.describe()).status is WorkflowExecutionStatus.FAILED

    await until(has_failed)
    with pytest.raises(NotUnderstood) as refused:
        await client.handle(terms).status()
    assert (refused.value.older, refused.value.field) == ("service", "urgent")
    with pytest.raises(NotUnderstood):
        await client.handle(terms).outcome()
    assert await service.settlement(terms).rows() == (None, None)
    handle = await client.settle(terms, [each.sign(terms, NETWORK) for each in (SELLER, BUYER)])
    assert (await handle.outcome()).outcome == "SETTLED"


async def test_this_client_settles_with_later_workers_over_these_ledgers(
    grown: Later, temporal: Client, service: Service, client: SettlementClient
) -> None:
    """The settlement's worker is upgraded before the ledgers' and the client."""
    await service.stop(Role.SETTLEMENT)
    async with running(grown, temporal):
        terms = service.settlement(settlement_id="LATER-1").terms
        handle = await client.settle(terms, [each.sign(terms, NETWORK) for each in (SELLER, BUYER)])
        assert (await handle.outcome()).outcome == "SETTLED"
        assert [event.text async for event in handle.events()][-1] == "ended SETTLED"
    await service.start_settling()
    assert await service.settlement(terms).counted(EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED) == 0


async def test_what_a_later_version_continued_stays_open_and_untouched_here(temporal: Client, service: Service) -> None:
    await service.stop(Role.SETTLEMENT)
    terms = service.settlement(settlement_id="CONTINUED-1").terms
    start = RunStart.saying(SettlementStart.of(terms, NETWORK), proposed=service.world.signed(terms))
    run = await temporal.start_workflow(
        SETTLEMENT_WORKFLOW, start, id="a-later-versions", task_queue=Role.SETTLEMENT.task_queue
    )

    async def continued() -> bool:
        return (await run.describe()).run_id != run.first_execution_run_id

    async def was_tried() -> bool:
        events = (await temporal.get_workflow_handle(run.id).fetch_history()).events
        return any(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED for event in events)

    async with Worker(
        temporal,
        task_queue=Role.SETTLEMENT.task_queue,
        workflows=[Continuing],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        await until(continued)
    await service.start_settling()
    await until(was_tried)
    latest = temporal.get_workflow_handle(run.id)
    assert (await latest.describe()).status is WorkflowExecutionStatus.RUNNING
    assert await service.settlement(terms).rows() == (None, None)
    await latest.terminate()

"""The worker's connection to Temporal: what it is told by `TEMPORAL_*`, and what the cluster must know of us."""

import asyncio
import logging
import time
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from interlock.protocol.instructions import Sweep
from interlock.protocol.names import SWEEP_SCHEDULE, SWEEP_WORKFLOW, Role
from interlock.worker import search_attributes
from interlock.worker.settings import WorkerSettings

log = logging.getLogger("interlock.worker")

_RETRY_SECONDS = 1.0
_KEEP_EVERY_SECONDS = 10.0
_TELL_EVERY_SECONDS = 30.0


async def connect(runtime: Runtime | None = None) -> Client:
    """Connect as `TEMPORAL_*` says, waiting for a server that is not there yet. `runtime` carries the metrics."""
    config = ClientConfig.load_client_connect_config()
    told = -_TELL_EVERY_SECONDS
    while True:
        try:
            return await Client.connect(**config, data_converter=pydantic_data_converter, runtime=runtime)
        except RuntimeError as error:  # the SDK's only sign of a server that does not answer
            if time.monotonic() - told >= _TELL_EVERY_SECONDS:
                log.warning(
                    "Temporal at %s does not answer; waiting for it", config.get("target_host", "localhost:7233")
                )
                told = time.monotonic()
            log.debug("connecting failed: %s", error)
            await asyncio.sleep(_RETRY_SECONDS)


async def prepare(client: Client, settings: WorkerSettings) -> None:
    """See that the cluster knows our search attributes and sweeps on a schedule, however often it has to be asked."""
    told = False
    while True:
        try:
            await _register_search_attributes(client)
            await _schedule_sweeps(client, settings)
        except RPCError as error:
            if not told:
                log.warning("Temporal cannot be prepared, trying again: %s: %s", error.status.name, error.message)
                told = True
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


async def keep_sweeping(client: Client, settings: WorkerSettings) -> None:
    """See again and again that sweeps are scheduled: a Temporal that lost its database has none. Never returns."""
    while True:
        await asyncio.sleep(max(_KEEP_EVERY_SECONDS, settings.sweep_every_seconds))
        try:
            await _schedule_sweeps(client, settings)
        except RPCError as error:
            log.debug("the sweep cannot be scheduled now: %s", error.message)


async def _register_search_attributes(client: Client) -> None:
    """Make the namespace know our search attributes, if this worker may; else say who has to."""
    try:
        found = await search_attributes.register(client)
    except search_attributes.NotAnOperator:
        log.warning("an operator of Temporal must register the search attributes: `interlock cluster prepare`")
    else:
        if found.mistyped:
            log.warning("search attributes of another type than ours: %s; rename them", ", ".join(found.mistyped))


async def _schedule_sweeps(client: Client, settings: WorkerSettings) -> None:
    """See that the sweeper runs on a schedule; whichever worker comes first creates it."""
    sweep = Sweep(older_than_seconds=settings.sweep_older_than_seconds)
    schedule = sweeps(sweep, timedelta(seconds=settings.sweep_every_seconds), SWEEP_SCHEDULE)
    try:
        await client.create_schedule(SWEEP_SCHEDULE, schedule)
    except ScheduleAlreadyRunningError:
        log.debug("the sweep is scheduled already")


def sweeps(sweep: Sweep, every: timedelta, workflow_id: str) -> Schedule:
    """One sweep after the other, each going on from where the last one stopped; never two at once."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            SWEEP_WORKFLOW,
            sweep,
            id=workflow_id,
            task_queue=Role.SETTLEMENT.task_queue,
            execution_timeout=timedelta(minutes=10),
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )

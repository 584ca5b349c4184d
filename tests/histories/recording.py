"""Takes a path of the catalogue on real servers, and keeps the histories of what ran meanwhile.

Only lengths of time are other than in production, and those a replay takes from the history.
"""

import inspect
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path as Folder
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecution, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter

from interlock.protocol.names import SETTLEMENT_WORKFLOW, SWEEP_WORKFLOW, Role
from interlock.stack.embedded import EmbeddedStack
from interlock.workflows import steps, waiting
from tests.attestors.quorum import Quorum
from tests.e2e.conftest import Market
from tests.e2e.conftest import Service as StackService
from tests.histories import shelf
from tests.histories.catalogue import Path, Where
from tests.temporal import temporal_server
from tests.workflows.service import Service, Window, running_service, until
from tests.workflows.test_long_histories import EVENTS_UNTIL_SUGGESTED
from tests.workflows.test_misconduct import troubled
from tests.world import OPERATORS

_IMPATIENT = {Where.IMPATIENT, Where.VERSIONED}
TOGETHER = (Role.ASSET, Role.PAYMENT, Role.COORDINATOR)
_TASKS = {
    EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
}


class Recorder:
    """Servers, started when a path first needs them, and the runs that were there before."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._held = AsyncExitStack()
        self._clients: dict[Where, Client] = {}
        self._stacks: dict[str, StackService] = {}
        self._seen: set[str] = set()
        self._quorum: Quorum | None = None

    async def record(self, path: Path, into: Folder = shelf.FOLDER) -> list[Folder]:
        """Take the path, and keep what ran: the files added."""
        if path.where is Where.STACK:
            service = await self._stack(path.placement)
            await path.recipe(service)
            histories = await self._new(service.temporal, (), settlements=True)
        else:
            client = await self._client(path.where)
            async with self._service(client, path) as running:
                with pytest.MonkeyPatch.context() as patched:
                    self._shorten(patched, path)
                    await path.recipe(**_given(path, running, patched))
                    runs = [each.name for each in running.settlements.values() if await each.status() is not None]
                    histories = await self._new(client, runs)
        return _kept(path, histories, into)

    async def close(self) -> None:
        """Stop what was started."""
        if self._quorum is not None:
            await self._quorum.close()
        await self._held.aclose()

    def _shorten(self, patched: pytest.MonkeyPatch, path: Path) -> None:
        patched.setattr(waiting, "FIRST_WAIT", timedelta(seconds=0.1))
        announced = 0.05 if path.where in _IMPATIENT else 0.5
        patched.setattr(waiting, "ANNOUNCED_WAIT", timedelta(seconds=announced))
        if any("short_steps" in mark.args for mark in path.marks):
            patched.setattr(steps, "STEP_LIMIT", timedelta(seconds=0.3))

    @asynccontextmanager
    async def _service(self, client: Client, path: Path) -> AsyncIterator[Service]:
        local_roles = TOGETHER if path.placement == "together" else ()
        async with AsyncExitStack() as held:
            if _asks_for(path, "quorum"):
                folder = self._folder / f"attestors of {file_name(path)}"
                folder.mkdir()
                quorum: Quorum = await held.enter_async_context(troubled(folder))
            else:
                quorum = await self._honest()
            yield await held.enter_async_context(running_service(client, quorum, local_roles=local_roles))

    async def _honest(self) -> Quorum:
        """Four attestors that all paths share but those with attestors of their own."""
        if self._quorum is None:
            self._quorum = Quorum(self._folder / "attestors", asset=Window(), payment=Window())
            (self._folder / "attestors").mkdir()
            for number in range(4):
                await self._quorum.start(number)
        return self._quorum

    async def _client(self, where: Where) -> Client:
        if where not in self._clients:
            config = {"limit.historyCount.suggestContinueAsNew": EVENTS_UNTIL_SUGGESTED}
            folder = self._folder / where.name.lower()
            folder.mkdir()
            server = await self._held.enter_async_context(
                temporal_server(folder, config=config if where in _IMPATIENT else {})
            )
            self._clients[where] = await Client.connect(server.address, data_converter=pydantic_data_converter)
        return self._clients[where]

    async def _stack(self, placement: str) -> StackService:
        if placement not in self._stacks:
            folder = self._folder / placement
            stack = EmbeddedStack(folder, tuple(each.address for each in OPERATORS[:2]), sweep_every_seconds=1.0)
            await stack.start(worker=placement == "together")
            self._held.push_async_callback(stack.stop)
            temporal = await Client.connect(stack.temporal.address, data_converter=pydantic_data_converter)
            market = await self._held.enter_async_context(Market.on(folder))
            service = self._stacks[placement] = StackService(stack, temporal, market)
            if placement == "apart":
                for role in Role:
                    await service.start_worker(role)
        return self._stacks[placement]

    async def _new(
        self, client: Client, expected: Iterable[str], *, settlements: bool = False
    ) -> list[WorkflowHistory]:
        """The histories of runs that were not there before, in the order of their starts."""
        latest = {(await client.get_workflow_handle(name).describe()).run_id for name in expected}

        async def listed() -> tuple[list[WorkflowExecution]] | None:  # the list lags
            runs = [run async for run in client.list_workflows()]
            fresh = {run.run_id for run in runs if run.workflow_type == SETTLEMENT_WORKFLOW} - self._seen
            complete = latest <= {run.run_id for run in runs} and (bool(fresh) or not settlements)
            return (runs,) if complete else None

        [runs] = await until(listed)
        new = sorted((run for run in runs if run.run_id not in self._seen), key=lambda run: (run.start_time, run.id))
        self._seen |= {run.run_id for run in runs}
        return [await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history() for run in new]


def _asks_for(path: Path, name: str) -> bool:
    return name in inspect.signature(path.recipe).parameters


def _given(path: Path, running: Service, patched: pytest.MonkeyPatch) -> dict[str, Any]:
    known = {"service": running, "together": running, "quorum": running.quorum, "monkeypatch": patched}
    return {name: value for name, value in known.items() if _asks_for(path, name)}


def _kept(path: Path, histories: Iterable[WorkflowHistory], into: Folder) -> list[Folder]:
    """Add the histories that differ in more than their contents; on the stack, none of the sweeps that go on there."""
    shapes = dict[tuple[object, ...], WorkflowHistory]()
    for history in histories:
        if path.where is Where.STACK and _type_of(history) == SWEEP_WORKFLOW:
            continue
        shapes.setdefault(_shape(history), history)
    name = file_name(path)
    names = [name, *(f"{name}.{number}" for number in range(2, len(shapes) + 1))]
    return [shelf.add(each, history, into) for each, history in zip(names, shapes.values(), strict=False)]


def file_name(path: Path) -> str:
    """What a path's first history is called; further ones have a number."""
    return f"{re.sub(r'[^a-z0-9]+', '-', path.name.lower()).strip('-')}.{path.placement}"


def _type_of(history: WorkflowHistory) -> str:
    return history.events[0].workflow_execution_started_event_attributes.workflow_type.name


def _shape(history: WorkflowHistory) -> tuple[object, ...]:
    """What happened, in order, but for workflow tasks: those come as the machine is fast or slow."""
    return (
        _type_of(history),
        *(
            (event.event_type, event.activity_task_scheduled_event_attributes.activity_type.name)
            for event in history.events
            if event.event_type not in _TASKS
        ),
    )

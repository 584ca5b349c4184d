"""Replays histories against the installed workflows, as the worker runs them, and says where one parts from the other.

Temporal's own replayer judges; the event and what the code wants in its place are found by watching the workflow. A
replay takes no step and lends no function that records an end, so no span, metric or record leaves this process.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import Replayer, WorkflowInstance, WorkflowInstanceDetails

from interlock.worker.commands import HERE, kind_of, of_command, of_event
from interlock.worker.sandbox import RESTRICTIONS, Inside, Sandbox
from interlock.workflows.settlement_workflow import SettlementWorkflow
from interlock.workflows.sweep import SweepWorkflow

if TYPE_CHECKING:
    from temporalio.bridge.proto.workflow_activation import WorkflowActivation
    from temporalio.bridge.proto.workflow_commands import WorkflowCommand
    from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion

WORKFLOWS = (SettlementWorkflow, SweepWorkflow)

_NOTHING = "nothing"
_NAMED = re.compile(r"HistoryEvent\(id: (\d+)")
_MESSAGE = re.compile(r'message: "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Parting:
    """Where the installed code parts from a history: the event's number (0: not known) and what it is of, what the
    code wants instead, and the engine's own words."""

    event_id: int
    event: str
    wanted: str
    said: str


@dataclass(frozen=True)
class Replayed:
    """A history that was replayed; `parting` is None where the installed code goes the same way."""

    workflow_id: str
    run_id: str
    workflow: str
    events: int
    parting: Parting | None


async def replayed(histories: AsyncIterator[WorkflowHistory]) -> AsyncGenerator[Replayed, None]:
    """Each history's verdict, as soon as it is known; histories are read no faster than they are replayed."""
    watch = _Watch()
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=_Watched(watch),
        data_converter=pydantic_data_converter,
        runtime=Runtime(telemetry=TelemetryConfig(logging=None, metrics=None)),
    )

    async def fresh() -> AsyncIterator[WorkflowHistory]:
        async for history in histories:
            watch.forget()
            yield history

    async with replayer.workflow_replay_iterator(fresh()) as results:
        async for result in results:
            started = result.history.events[0].workflow_execution_started_event_attributes
            failure = result.replay_failure
            yield Replayed(
                workflow_id=result.history.workflow_id,
                run_id=started.original_execution_run_id,
                workflow=started.workflow_type.name,
                events=len(result.history.events),
                parting=None if failure is None else _parting(result.history.events, watch, failure),
            )


@dataclass
class _Watch:
    """What the workflow said in this replay: its commands, and the failure of its task if there was one."""

    commands: list["WorkflowCommand"] = field(default_factory=list)
    failed_at: int = 0
    failure: str = ""

    def forget(self) -> None:
        """The next history begins."""
        self.commands, self.failed_at, self.failure = [], 0, ""

    def see(self, act: "WorkflowActivation", completion: "WorkflowActivationCompletion") -> None:
        """One activation, and what came of it. A timer that was started and cancelled in it never reaches history."""
        if completion.HasField("failed"):
            self.failed_at, self.failure = act.history_length, completion.failed.failure.message
            return
        said = list(completion.successful.commands)
        cancelled = {each.cancel_timer.seq for each in said if each.HasField("cancel_timer")}
        brief = {each.start_timer.seq for each in said if each.HasField("start_timer")} & cancelled
        self.commands += [
            each
            for each in said
            if not (each.HasField("start_timer") and each.start_timer.seq in brief)
            and not (each.HasField("cancel_timer") and each.cancel_timer.seq in brief)
        ]


class _Watched(Sandbox):
    """The worker's own sandbox, looked at."""

    def __init__(self, watch: _Watch) -> None:
        super().__init__(restrictions=RESTRICTIONS)
        self._watch = watch

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """A workflow in a sandbox of its own, of which everything that it says is seen."""
        return _Seen(super().create_instance(det), self._watch)


class _Seen(Inside):
    def __init__(self, workflow: WorkflowInstance, watch: _Watch) -> None:
        super().__init__(workflow)
        self._watch = watch

    def activate(self, act: "WorkflowActivation") -> "WorkflowActivationCompletion":
        completion = super().activate(act)
        self._watch.see(act, completion)
        return completion


def _parting(events: Sequence[HistoryEvent], watch: _Watch, failure: Exception) -> Parting:
    """The first event that the code would not have brought about; if its task failed, the event that it failed at."""
    said = _plainly(str(failure))
    if watch.failure:
        at = min(max(watch.failed_at, 1), len(events))
        return Parting(at, kind_of(events[at - 1]), f"to fail: {watch.failure}", said)
    for event, wanted in _differing(events, watch.commands):
        return Parting(event.event_id, f"{kind_of(event)}: {of_event(event)}", wanted, said)
    named = _NAMED.search(said)
    number = int(named[1]) if named else 0
    return Parting(number, kind_of(events[number - 1]) if 0 < number <= len(events) else "", _NOTHING, said)


def _differing(
    events: Sequence[HistoryEvent], commands: Sequence["WorkflowCommand"]
) -> Iterator[tuple[HistoryEvent, str]]:
    """Events that are not what the code's commands bring about, in order, with what it wants instead.

    What is taken here (local activities) stands in history where it ended, so it is compared by itself.
    """
    for local in (False, True):
        wanted = [word for each in commands if (word := of_command(each)) and word.startswith(HERE) is local]
        brought = [(each, word) for each in events if (word := of_event(each)) and word.startswith(HERE) is local]
        for number, (event, word) in enumerate(brought):
            want = wanted[number] if number < len(wanted) else _NOTHING
            if want != word:
                yield event, want
                break


def _plainly(said: str) -> str:
    """The engine's sentence, out of the structure that it prints around it."""
    found = _MESSAGE.search(said)
    return found[1].replace('\\"', '"').replace("\\n", " ") if found else said

"""Runs one workflow on answers that a script gives, with no server and no history, and notes the commands it issues.

The workflow is today's code on the SDK's own workflow instance; what a server would send is made here. Time is the
script's: it stands still but for timers that fire.
"""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import ActivityType, Payloads
from temporalio.api.failure.v1 import ActivityFailureInfo, ApplicationFailureInfo, Failure
from temporalio.bridge.proto.activity_result import ActivityResolution
from temporalio.bridge.proto.activity_result import Failure as ActivityFailure
from temporalio.bridge.proto.activity_result import Success as ActivitySuccess
from temporalio.bridge.proto.workflow_activation import CancelWorkflow as CancelRequest
from temporalio.bridge.proto.workflow_activation import (
    DoUpdate,
    FireTimer,
    InitializeWorkflow,
    ResolveActivity,
    SignalWorkflow,
    WorkflowActivation,
    WorkflowActivationJob,
)
from temporalio.common import MetricMeter, Priority, TypedSearchAttributes
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails

from interlock.protocol.steps import STEPS
from interlock.worker.commands import of_command

BEGINS = datetime(2026, 11, 23, 12, tzinfo=UTC)
EVENTS_A_TASK = 5
_CONVERTER = pydantic_data_converter.payload_converter
_LOOP = asyncio.new_event_loop()
_LENT: dict[str, Any] = {
    "__temporal_get_metric_meter": lambda: MetricMeter.noop,
    "__temporal_assert_local_activity_valid": lambda _: None,
}
"""What a worker lends its workflows."""

_ENDS = ("completed", "failed", "continued as new", "cancelled")


@dataclass(frozen=True)
class Fault:
    """A step that could not be carried out: the failure's type and its words."""

    type: str = "fault"
    text: str = "nobody answered"


@dataclass(frozen=True)
class Update:
    """Something said to the workflow that it answers."""

    name: str
    message: Any


@dataclass(frozen=True)
class Signal:
    """Something said to the workflow that it does not answer."""

    name: str


@dataclass(frozen=True)
class Cancel:
    """A raw cancel request to the engine."""


@dataclass(frozen=True)
class GrownLong:
    """The server suggests a new run from now on."""


Said = Update | Signal | Cancel | GrownLong


@dataclass(frozen=True)
class Asked:
    """A step that waits for its answer; `request` is what its worker would read."""

    seq: int
    name: str
    request: Any
    here: bool


@dataclass
class Driven:
    """One run, from its start until it ends or is left alone."""

    kind: type
    argument: Any
    patches: bool
    """Whether the run is begun by this code: else `workflow.patched` says what it says to runs begun before."""
    now: datetime = BEGINS
    words: list[str] = field(default_factory=list)
    """Its commands, in order, in the words that histories are compared by."""
    patched: set[str] = field(default_factory=set)
    asked: dict[tuple[int, bool], Asked] = field(default_factory=dict)
    timers: dict[int, datetime] = field(default_factory=dict)
    result: Any = None
    fault: str = ""
    """Why its task failed, if it did."""

    def __post_init__(self) -> None:
        self._defn = workflow._Definition.must_from_class(self.kind)
        self._long = False
        self._events, self._updates, self._accepted = 0, 0, set[str]()
        self._instance = self._created()

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return bool(self.fault) or (bool(self.words) and self.words[-1] in _ENDS)

    def start(self, *said: Said) -> None:
        """The first workflow task; what is said comes with the start."""
        begin = InitializeWorkflow(
            workflow_type=str(self._defn.name),
            workflow_id="script",
            arguments=_CONVERTER.to_payloads([self.argument]),
            randomness_seed=7,
            attempt=1,
            first_execution_run_id="script",
            original_execution_run_id="script",
        )
        begin.start_time.FromDatetime(self.now)
        told = [job for each in said for job in self._job(each)]
        self._activate(WorkflowActivationJob(initialize_workflow=begin), *told)

    def say(self, *said: Said) -> None:
        """Tell the run something; several things at once come in one workflow task."""
        self._activate(*[job for each in said for job in self._job(each)])

    def answer(self, asked: Asked, answer: Any) -> None:
        """Answer a step, or have it fail."""
        del self.asked[asked.seq, asked.here]
        if isinstance(answer, Fault):
            info = ApplicationFailureInfo(type=answer.type, non_retryable=True)
            failure = Failure(message=answer.text, application_failure_info=info)
            if not asked.here:
                failure = _of_activity(asked, failure)
            result = ActivityResolution(failed=ActivityFailure(failure=failure))
        else:
            result = ActivityResolution(completed=ActivitySuccess(result=_CONVERTER.to_payloads([answer])[0]))
        job = ResolveActivity(seq=asked.seq, result=result, is_local=asked.here)
        self._activate(WorkflowActivationJob(resolve_activity=job), same_task=asked.here)

    def fire(self) -> None:
        """Let time go on to the next timer."""
        seq, due = min(self.timers.items(), key=lambda timer: (timer[1], timer[0]))
        del self.timers[seq]
        self.now = max(self.now, due)
        self._activate(WorkflowActivationJob(fire_timer=FireTimer(seq=seq)))

    def _job(self, said: Said) -> list[WorkflowActivationJob]:
        match said:
            case Update(name=name, message=message):
                self._updates += 1
                told = DoUpdate(
                    id=f"update-{self._updates}",
                    protocol_instance_id=f"update-{self._updates}",
                    name=name,
                    input=_CONVERTER.to_payloads([message]),
                    run_validator=True,
                )
                return [WorkflowActivationJob(do_update=told)]
            case Signal(name=name):
                return [WorkflowActivationJob(signal_workflow=SignalWorkflow(signal_name=name))]
            case Cancel():
                return [WorkflowActivationJob(cancel_workflow=CancelRequest(reason="script"))]
            case GrownLong():
                self._long = True
                return []

    def _activate(self, *jobs: WorkflowActivationJob, same_task: bool = False) -> None:
        """One activation: of the next workflow task, or of the same one, as the answer of a step that is taken here."""
        self._events += 0 if same_task else EVENTS_A_TASK
        act = WorkflowActivation(
            run_id="script",
            is_replaying=not self.patches,
            history_length=self._events,
            jobs=jobs,
            continue_as_new_suggested=self._long,
        )
        act.timestamp.FromDatetime(self.now)
        completion = self._instance.activate(act)
        if completion.HasField("failed"):
            self.fault = completion.failed.failure.message
            return
        for command in completion.successful.commands:
            self._take(command)

    def _take(self, command: Any) -> None:
        """What a command leaves waiting, and its word."""
        kind = command.WhichOneof("variant")
        if kind == "start_timer":
            timer = command.start_timer
            self.timers[timer.seq] = self.now + timer.start_to_fire_timeout.ToTimedelta()
        elif kind == "cancel_timer":
            self.timers.pop(command.cancel_timer.seq, None)
        elif kind == "schedule_activity":
            self._ask(command.schedule_activity, here=False)
        elif kind == "schedule_local_activity":
            self._ask(command.schedule_local_activity, here=True)
        elif kind == "set_patch_marker":
            self.patched.add(command.set_patch_marker.patch_id)
        elif kind == "complete_workflow_execution":
            self.result = json.loads(command.complete_workflow_execution.result.data)
        elif kind == "update_response" and not self._is_recorded(command.update_response):
            return
        if (word := of_command(command)) is not None:
            self.words.append(word)

    def _is_recorded(self, response: Any) -> bool:
        """What a validator refuses leaves no trace."""
        if response.HasField("accepted"):
            self._accepted.add(response.protocol_instance_id)
        return response.protocol_instance_id in self._accepted

    def _ask(self, command: Any, *, here: bool) -> None:
        try:
            request = STEPS[command.activity_type].request.model_validate_json(command.arguments[0].data)
        except (KeyError, IndexError, ValueError):
            self.fault = f"step {command.activity_type} is asked for with something that no worker has declared"
            return
        self.asked[command.seq, here] = Asked(command.seq, command.activity_type, request, here)

    def _created(self) -> WorkflowInstance:
        details = WorkflowInstanceDetails(
            payload_converter_factory=lambda: _CONVERTER,
            failure_converter_class=pydantic_data_converter.failure_converter_class,
            interceptor_classes=[],
            defn=self._defn,
            info=self._info(),
            randomness_seed=7,
            extern_functions=_LENT,
            disable_eager_activity_execution=False,
            worker_level_failure_exception_types=[],
            patch_activation_callback=None,
            last_completion_result=Payloads(),
            last_failure=None,
        )

        async def created() -> WorkflowInstance:  # it asks for the loop that it is made in
            return UnsandboxedWorkflowRunner().create_instance(details)

        return _LOOP.run_until_complete(created())

    def _info(self) -> workflow.Info:
        return workflow.Info(
            attempt=1,
            continued_run_id=None,
            cron_schedule=None,
            execution_timeout=None,
            first_execution_run_id="script",
            headers={},
            namespace="default",
            original_execution_run_id="script",
            parent=None,
            root=None,
            priority=Priority.default,
            raw_memo={},
            retry_policy=None,
            run_id="script",
            run_timeout=None,
            search_attributes={},
            start_time=self.now,
            task_queue="interlock-settlement",
            task_timeout=timedelta(seconds=10),
            typed_search_attributes=TypedSearchAttributes([]),  # `empty` is one list for all, and a run adds to its own
            workflow_id="script",
            workflow_start_time=self.now,
            workflow_type=str(self._defn.name),
        )


def _of_activity(asked: Asked, cause: Failure) -> Failure:
    info = ActivityFailureInfo(activity_type=ActivityType(name=asked.name))
    return Failure(message="activity failed", activity_failure_info=info, cause=cause)

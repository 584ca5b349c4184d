"""What a workflow's commands are called, and the events that they bring about: one word for both, so that they compare.

Only what a replay compares is in a word: not how long a timer runs, what a step is asked, or what anything is labelled.
"""

import json
from typing import TYPE_CHECKING, Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent, MarkerRecordedEventAttributes

if TYPE_CHECKING:
    from temporalio.bridge.proto.workflow_commands import WorkflowCommand

HERE = "step here"
"""How the word of a step in the settlement worker's own process begins."""

_COMMANDS = {
    "start_timer": "timer",
    "cancel_timer": "timer cancelled",
    "request_cancel_activity": "step cancelled",
    "complete_workflow_execution": "completed",
    "fail_workflow_execution": "failed",
    "continue_as_new_workflow_execution": "continued as new",
    "cancel_workflow_execution": "cancelled",
    "upsert_workflow_search_attributes": "search attributes",
    "modify_workflow_properties": "memo",
    "start_child_workflow_execution": "child workflow",
    "signal_external_workflow_execution": "signal to another workflow",
    "request_cancel_external_workflow_execution": "cancel request to another workflow",
}
_EVENTS = {
    EventType.EVENT_TYPE_TIMER_STARTED: "timer",
    EventType.EVENT_TYPE_TIMER_CANCELED: "timer cancelled",
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED: "step cancelled",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: "completed",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: "failed",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: "continued as new",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: "cancelled",
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "search attributes",
    EventType.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED: "memo",
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: "child workflow",
    EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: "signal to another workflow",
    EventType.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: "cancel request to another workflow",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: "update accepted",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED: "update answered",
}


def of_command(command: "WorkflowCommand") -> str | None:
    """A command's word; None for one that leaves no event."""
    kind = command.WhichOneof("variant")
    match kind:
        case "schedule_activity":
            return f"step {command.schedule_activity.activity_type}"
        case "schedule_local_activity":
            return f"{HERE} {command.schedule_local_activity.activity_type}"
        case "set_patch_marker":
            return f"patch {command.set_patch_marker.patch_id}"
        case "update_response":
            return "update accepted" if command.update_response.HasField("accepted") else "update answered"
    return _COMMANDS.get(kind or "")


def of_event(event: HistoryEvent) -> str | None:
    """The word of the command that brought an event about; None for one that came from outside."""
    match event.event_type:
        case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            return f"step {event.activity_task_scheduled_event_attributes.activity_type.name}"
        case EventType.EVENT_TYPE_MARKER_RECORDED:
            return _of_marker(event)
    return _EVENTS.get(event.event_type)


def kind_of(event: HistoryEvent) -> str:
    """An event's type as Temporal's tools write it: ActivityTaskScheduled."""
    words = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").split("_")
    return "".join(word.capitalize() for word in words)


def _of_marker(event: HistoryEvent) -> str:
    marker = event.marker_recorded_event_attributes
    match marker.marker_name:
        case "core_local_activity":
            return f"{HERE} {_said(marker, 'data').get('activity_type', '')}"
        case "core_patch":
            return f"patch {_said(marker, 'patch-data').get('id', '')}"
    return f"marker {marker.marker_name}"


def _said(marker: MarkerRecordedEventAttributes, part: str) -> dict[str, Any]:
    """One part of what a marker says; what a step answered is another one, and may be nothing at all."""
    payloads = marker.details[part].payloads if part in marker.details else ()
    return dict(json.loads(payloads[0].data)) if payloads else {}

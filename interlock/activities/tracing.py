"""A span and a count around every attempt at a step, made here and nowhere else; no verb knows of it.

Activities only: a workflow's code makes no span, so a replay makes none. Every span is a child of the settlement's root
span, whose ids follow from the terms hash, so nothing has to be carried from one process to another.
"""

import time
from collections.abc import Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
    use_span,
)
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from interlock.activities.attributes import Attributes, Subject, answered, asked, subject_of
from interlock.protocol import trace_id_of
from interlock.protocol.names import SETTLEMENT_WORKFLOW, SWEEP_WORKFLOW, Role
from interlock.protocol.reports import root_span_id_of
from interlock.protocol.steps import RECORD, RECOVER

ROLES: Mapping[str, Role] = {role.task_queue: role for role in Role}


def root_of(terms_hash: str) -> SpanContext:
    """The settlement's root span, as its children know it: written once, when the settlement has ended."""
    return SpanContext(
        trace_id=int(trace_id_of(terms_hash), 16),
        span_id=int(root_span_id_of(terms_hash), 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def under_root(terms_hash: str) -> Context:
    """The context in which a span is a child of the settlement's root."""
    return set_span_in_context(NonRecordingSpan(root_of(terms_hash)), Context())


class StepTracing(Interceptor):
    """Give it to each worker."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Around each activity."""
        return _Traced(next, self._tracer)


class _Traced(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, tracer: Tracer) -> None:
        super().__init__(inner)
        self._tracer = tracer

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's own name
        """Carry the attempt out in its span; what it answers or raises passes through unchanged."""
        subject = subject_of(input.args[0]) if input.args else None
        started = time.perf_counter()
        span = self._span_of(subject)
        try:
            with use_span(span, record_exception=False, set_status_on_exception=False):
                answer = await super().execute_activity(input)
        except BaseException as error:
            _end_as_fault(span, error)
            _count("fault", started)
            raise
        said = answered(answer)
        span.set_attributes(said)
        # a sweep asks after every open lock: that somebody is at it already is no news, and not ended is not recorded
        if not (activity.info().activity_type == RECOVER.name and answer is False):
            span.end()
        _count(str(said.get("interlock.refusal.code", said["interlock.answer"])), started)
        return answer

    def _span_of(self, subject: Subject | None) -> Span:
        info = activity.info()
        if subject is None or _is_no_step(info):
            return NonRecordingSpan(SpanContext(0, 0, is_remote=False))
        name = f"{info.activity_type} {subject.fact}" if subject.fact else info.activity_type
        attributes: Attributes = {
            **_settlement_of(info),
            **asked(subject, ROLES[info.task_queue]),
            "interlock.step": info.activity_type,
            "interlock.attempt": info.attempt,
            "interlock.workflow.id": info.workflow_id or "",
            "interlock.workflow.run_id": info.workflow_run_id or "",
        }
        return self._tracer.start_span(
            name, context=under_root(subject.terms_hash), kind=SpanKind.INTERNAL, attributes=attributes
        )


def _is_no_step(info: activity.Info) -> bool:
    """The record of a settlement is the root itself; and a sweep only asks, again and again, unless it recovers."""
    sweeps = info.workflow_type == SWEEP_WORKFLOW and info.activity_type != RECOVER.name
    return sweeps or info.activity_type == RECORD.name


def _settlement_of(info: activity.Info) -> Attributes:
    """What the workflow's id says; a request may say more."""
    if info.workflow_type != SETTLEMENT_WORKFLOW or info.workflow_id is None:
        return {}
    return {"interlock.settlement.id": info.workflow_id.partition(".")[0]}


def _end_as_fault(span: Span, error: BaseException) -> None:
    kind = error.type if isinstance(error, ApplicationError) and error.type else type(error).__name__
    text = error.message if isinstance(error, ApplicationError) else str(error) or kind
    span.set_attributes({"interlock.answer": "fault", "error.type": kind})
    span.set_status(Status(StatusCode.ERROR, text))
    span.end()


def _count(answer: str, started: float) -> None:
    meter = activity.metric_meter()
    step = {"step": activity.info().activity_type}
    meter.create_counter("interlock_steps", "attempts at steps, by answer").add(1, {**step, "answer": answer})
    meter.create_histogram_float("interlock_step_seconds", "how long an attempt at a step took", "s").record(
        time.perf_counter() - started, step
    )

"""A span and a count around every attempt at a step, made here and nowhere else; no verb knows of it.

Activities only: a workflow's code makes no span, so a replay makes none. Every span is a child of the settlement's root
span, whose ids follow from the terms hash, so nothing has to be carried from one process to another.
"""

import time
from collections.abc import Awaitable, Callable
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
from interlock.protocol.names import SETTLEMENT_WORKFLOW, SWEEP_WORKFLOW
from interlock.protocol.reports import root_span_id_of
from interlock.protocol.steps import RECOVER, STEPS, Step


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
        """Around each activity that is one step."""
        return _Traced(next, self)

    async def traced(self, step: Step[Any, Any], request: object, carry_out: Callable[[], Awaitable[Any]]) -> Any:
        """Carry an attempt at a step out in its span; what it answers or raises passes through unchanged."""
        started = time.perf_counter()
        span = self._span_of(step, subject_of(request))
        try:
            with use_span(span, record_exception=False, set_status_on_exception=False):
                answer = await carry_out()
        except BaseException as error:
            _end_as_fault(span, error)
            _count(step, "fault", started)
            raise
        said = answered(answer)
        span.set_attributes(said)
        # a sweep asks after every open lock: that somebody is at it already is no news, and not ended is not recorded
        if not (step is RECOVER and answer is False):
            span.end()
        _count(step, str(said.get("interlock.refusal.code", said["interlock.answer"])), started)
        return answer

    def _span_of(self, step: Step[Any, Any], subject: Subject | None) -> Span:
        info = activity.info()
        # a sweep only asks, again and again, unless it recovers
        if subject is None or (info.workflow_type == SWEEP_WORKFLOW and step is not RECOVER):
            return NonRecordingSpan(SpanContext(0, 0, is_remote=False))
        name = f"{step.name} {subject.fact}" if subject.fact else step.name
        attributes: Attributes = {
            **_settlement_of(info),
            **asked(subject, step.role),
            "interlock.step": step.name,
            "interlock.attempt": info.attempt,
            "interlock.workflow.id": info.workflow_id or "",
            "interlock.workflow.run_id": info.workflow_run_id or "",
        }
        return self._tracer.start_span(
            name, context=under_root(subject.terms_hash), kind=SpanKind.INTERNAL, attributes=attributes
        )


class _Traced(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, tracing: StepTracing) -> None:
        super().__init__(inner)
        self._tracing = tracing

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's own name
        """An attempt, in its span. Steps that are taken here by their names see to their own."""
        info = activity.info()
        step = STEPS.get(info.activity_type)
        if info.is_local or step is None:
            return await super().execute_activity(input)
        return await self._tracing.traced(step, input.args[0], lambda: super(_Traced, self).execute_activity(input))


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


def _count(step: Step[Any, Any], answer: str, started: float) -> None:
    meter = activity.metric_meter()
    named = {"step": step.name}
    meter.create_counter("interlock_steps", "attempts at steps, by answer").add(1, {**named, "answer": answer})
    meter.create_histogram_float("interlock_step_seconds", "how long an attempt at a step took", "s").record(
        time.perf_counter() - started, named
    )

"""The end of a settlement's trace: its root span, written once, when it has ended; of a proposal's, when it cannot be
matched any more. Decides nothing and asks nobody.

Everything in it comes from the record, so whoever takes the last workflow task again writes the same span again.
"""

from collections.abc import Callable

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext
from temporalio.worker import Interceptor, WorkflowInterceptorClassInput

from interlock.activities.attributes import Attributes, dissents, leg, parties, refusal
from interlock.activities.spans import ns, span
from interlock.activities.tracing import root_of
from interlock.protocol import SettlementEvent
from interlock.protocol.names import RECORD
from interlock.protocol.steps import Record

ROOT = "settlement"
"""The root span's name."""


class Recording(Interceptor):
    """Lends settlements' workflows the function that takes the record of their end; give it to the settlement worker.

    The span is on its way then; it is not waited for, so that no settlement waits for its trace.
    """

    def __init__(self, emit: Callable[[ReadableSpan], None], resource: Resource) -> None:
        self._emit = emit
        self._resource = resource

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> None:  # noqa: A002 - the SDK's own name
        """Adds the function, and intercepts nothing."""
        input.unsafe_extern_functions[RECORD] = self._record

    def _record(self, record: Record) -> None:
        self._emit(root_span(record, self._resource))


def root_span(record: Record, resource: Resource, marks: Attributes | None = None) -> ReadableSpan:
    """From the first event to the last, with all of them, and how it ended; `marks` are said besides."""
    told = root_of(record.report.terms_hash)
    return span(
        ROOT,
        SpanContext(told.trace_id, told.span_id, is_remote=False, trace_flags=told.trace_flags),
        parent=None,
        attributes=_attributes(record) | (marks or {}),
        between=(record.events[0].at, record.events[-1].at),
        resource=resource,
        events=tuple(_event(event) for event in record.events),
    )


def _attributes(record: Record) -> Attributes:
    terms, report = record.terms, record.report
    said: Attributes = {
        **parties(terms),
        "interlock.terms.hash": report.terms_hash,
        **leg("interlock.delivery", terms.delivery),
        **leg("interlock.payment", terms.payment),
        "interlock.settle_by": terms.settle_by.isoformat(),
        **dissents(report.dissents),
    }
    for name, value in (("outcome", report.outcome), ("verdict", report.verdict), ("lock", report.lock)):
        if value is not None:
            said[f"interlock.{name}"] = value.value
    if report.blocker is not None:
        said |= refusal(report.blocker.code, report.blocker.text, report.blocker.who)
        del said["interlock.answer"]
    if record.workflow_id:
        said |= {"interlock.workflow.id": record.workflow_id, "interlock.workflow.run_id": record.run_id}
    if record.unmatched is not None:
        said |= unmatched(record.unmatched, record.instead)
    return said


def unmatched(why: str, instead: str | None) -> Attributes:
    """Of terms that were proposed and never matched: why not, and which were matched in their place."""
    said: Attributes = {"interlock.unmatched": why}
    return said | {"interlock.instead": instead} if instead else said


def _event(event: SettlementEvent) -> Event:
    attributes = {"interlock.stage": event.stage.value, "interlock.text": event.text}
    return Event(event.kind, attributes, timestamp=ns(event.at))

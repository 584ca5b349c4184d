"""The end of a settlement's trace: its root span, written once, when it has ended. Decides nothing and asks nobody.

Everything in it comes from the record, so whoever takes the last workflow task again writes the same span again.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext
from temporalio.worker import Interceptor, WorkflowInterceptorClassInput

from interlock.activities.attributes import Attributes, dissents, leg, parties, refusal
from interlock.activities.tracing import root_of
from interlock.protocol import SettlementEvent
from interlock.protocol.names import RECORD
from interlock.protocol.steps import Record

ROOT = "settlement"
"""The root span's name."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


def root_span(record: Record, resource: Resource) -> ReadableSpan:
    """From the first event to the last, with all of them, and how it ended."""
    told = root_of(record.report.terms_hash)
    return ReadableSpan(
        name=ROOT,
        context=SpanContext(told.trace_id, told.span_id, is_remote=False, trace_flags=told.trace_flags),
        resource=resource,
        attributes=_attributes(record),
        events=[_event(event) for event in record.events],
        start_time=_ns(record.events[0].at),
        end_time=_ns(record.events[-1].at),
        instrumentation_scope=InstrumentationScope("interlock"),
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
    return said


def _event(event: SettlementEvent) -> Event:
    attributes = {"interlock.stage": event.stage.value, "interlock.text": event.text}
    return Event(event.kind, attributes, timestamp=_ns(event.at))


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000

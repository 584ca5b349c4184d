"""The root of a trace, made again: as its run recorded it, or as the trace's own spans tell it. Marked so."""

import hashlib
from datetime import UTC, datetime, timedelta

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext

from interlock.activities.reconstructing import Source, marks
from interlock.activities.record import ROOT, root_span
from interlock.activities.spans import span
from interlock.activities.tracing import root_of
from interlock.audit.ending import Ending
from interlock.protocol.steps import Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Roots:
    """For a process that says who it is by its resource. Sends none."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def of_record(self, record: Record) -> ReadableSpan:
        """The very root that was lost: its run told it again."""
        told_by = f"run {record.run_id} of workflow {record.workflow_id}"
        source = Source(told_by, record.events[0].at, record.events[-1].at, "moment")
        return root_span(record, self._resource, marks(source))

    def of_ending(self, ending: Ending) -> ReadableSpan:
        """A root that says what the spans under it say; who signed when, no span tells."""
        known = root_of(ending.terms_hash)
        between = (_moment(ending.since_ns), _moment(ending.until_ns))
        return span(
            ROOT,
            SpanContext(known.trace_id, known.span_id, is_remote=False, trace_flags=known.trace_flags),
            parent=None,
            attributes=ending.attributes | marks(Source("the spans of its trace", *between, "bounds")),
            between=between,
            resource=self._resource,
            events=tuple(Event(event.name, event.attributes, event.at_ns) for event in ending.events),
        )

    def beneath(self, root: ReadableSpan, terms_hash: str) -> ReadableSpan:
        """The same, under a root that stands already: of terms that were left behind as a proposal, and were settled
        all the same, by somebody who took both signatures to the ledgers himself.
        """
        known = root_of(terms_hash)
        told = int.from_bytes(hashlib.sha256(f"interlock outcome {known.trace_id:032x}".encode()).digest()[:8])
        return ReadableSpan(
            name=root.name,
            context=SpanContext(known.trace_id, told, is_remote=False, trace_flags=known.trace_flags),
            parent=known,
            resource=self._resource,
            attributes=root.attributes,
            events=root.events,
            start_time=root.start_time,
            end_time=root.end_time,
            instrumentation_scope=root.instrumentation_scope,
        )


def _moment(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)

"""A span around each instruction, if the host application has set OpenTelemetry up; nothing otherwise.

It belongs to the settlement's trace, which has its ids from the terms hash, so an instruction carries it without a
header; the span that the host was in is linked to it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from interlock.protocol.reports import root_span_id_of, trace_id_of


@contextmanager
def span(name: str, terms_hash: str) -> Iterator[None]:
    """A client span under the settlement's root span."""
    if "opentelemetry.sdk.trace" not in sys.modules:  # without an SDK every span would be dropped
        yield
        return
    from opentelemetry import trace  # noqa: PLC0415 - the client does not depend on it
    from opentelemetry.context import Context  # noqa: PLC0415

    root = trace.SpanContext(
        trace_id=int(trace_id_of(terms_hash), 16),
        span_id=int(root_span_id_of(terms_hash), 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )
    here = trace.get_current_span().get_span_context()
    with trace.get_tracer("interlock.client").start_as_current_span(
        name,
        context=trace.set_span_in_context(trace.NonRecordingSpan(root), Context()),
        kind=trace.SpanKind.CLIENT,
        attributes={"interlock.terms.hash": terms_hash},
        links=[trace.Link(here)] if here.is_valid else [],
    ):
        yield

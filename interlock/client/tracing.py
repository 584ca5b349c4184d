"""A span around each instruction, if the host application has set OpenTelemetry up; nothing otherwise.

The trace is the terms' own: its id is the first half of their hash, so an instruction carries it without a header.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from interlock.protocol.reports import trace_id_of


@contextmanager
def span(name: str, terms_hash: str) -> Iterator[None]:
    """A client span in the host's current trace, naming the settlement's trace id."""
    if "opentelemetry.sdk.trace" not in sys.modules:  # without an SDK every span would be dropped
        yield
        return
    from opentelemetry import trace  # noqa: PLC0415 - the client does not depend on it

    attributes = {"interlock.terms_hash": terms_hash, "interlock.trace_id": trace_id_of(terms_hash)}
    with trace.get_tracer("interlock.client").start_as_current_span(
        name, kind=trace.SpanKind.CLIENT, attributes=attributes
    ):
        yield

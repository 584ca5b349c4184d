"""A span that has ended already, with the ids and times that it must have: nothing is measured here."""

from datetime import UTC, datetime, timedelta

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from interlock.activities.attributes import Attributes

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def span(
    name: str,
    context: SpanContext,
    *,
    parent: SpanContext | None,
    attributes: Attributes,
    between: tuple[datetime, datetime],
    resource: Resource,
    events: tuple[Event, ...] = (),
) -> ReadableSpan:
    """A span that has ended, with the ids that it must have."""
    since, until = between
    return ReadableSpan(
        name=name,
        context=context,
        parent=parent,
        resource=resource,
        attributes=attributes,
        events=events,
        start_time=ns(min(since, until)),
        end_time=ns(until),
        instrumentation_scope=InstrumentationScope("interlock"),
    )


def ns(moment: datetime) -> int:
    """Nanoseconds since 1970, UTC; moments here are exact to the microsecond."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000

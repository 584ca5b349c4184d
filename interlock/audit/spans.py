"""A span as the audit database keeps it: plain values, in the form in which they are written and read again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

Attributes = dict[str, Any]

RECONSTRUCTED = "interlock.reconstructed"
"""The attribute that says: this span was lost, and is completed from other evidence."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SpanEvent:
    """Something that happened at one moment of a span (nanoseconds since 1970, UTC)."""

    name: str
    at_ns: int
    attributes: Attributes

    @property
    def at(self) -> datetime:
        """The same moment, to the microsecond."""
        return _moment(self.at_ns)


@dataclass(frozen=True)
class SpanLink:
    """Another span, of any trace, that this one has to do with; ids as hex."""

    trace_id: str
    span_id: str
    attributes: Attributes


@dataclass(frozen=True)
class StoredSpan:
    """One span. Ids are hex, times nanoseconds since 1970, UTC; `parent_span_id` is None for a trace's root."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    start_ns: int
    end_ns: int
    status: str
    status_text: str
    attributes: Attributes
    events: tuple[SpanEvent, ...]
    links: tuple[SpanLink, ...]
    resource: Attributes
    scope: str

    @classmethod
    def of(cls, span: ReadableSpan) -> "StoredSpan":
        """What of an ended span is kept: everything. Raises ValueError for one that has not ended."""
        context = span.get_span_context()
        if context is None or span.start_time is None or span.end_time is None:
            raise ValueError(f"span {span.name} has not ended")
        return cls(
            trace_id=f"{context.trace_id:032x}",
            span_id=f"{context.span_id:016x}",
            parent_span_id=f"{span.parent.span_id:016x}" if span.parent else None,
            name=_clean(span.name),
            kind=span.kind.name,
            start_ns=span.start_time,
            end_ns=span.end_time,
            status=span.status.status_code.name,
            status_text=_clean(span.status.description or ""),
            attributes=_plain(span.attributes),
            events=tuple(
                SpanEvent(_clean(event.name), event.timestamp, _plain(event.attributes)) for event in span.events
            ),
            links=tuple(
                SpanLink(f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}", _plain(link.attributes))
                for link in span.links
            ),
            resource=_plain(span.resource.attributes),
            scope=span.instrumentation_scope.name if span.instrumentation_scope else "",
        )

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "StoredSpan":
        """A row of audit.spans."""
        found = {name: json.loads(value) if name in _JSON else value for name, value in row.items()}
        found["events"] = tuple(SpanEvent(**event) for event in found["events"])
        found["links"] = tuple(SpanLink(**link) for link in found["links"])
        return cls(**found)

    @property
    def started(self) -> datetime:
        """When it began, to the microsecond."""
        return _moment(self.start_ns)

    @property
    def ended(self) -> datetime:
        """When it ended, to the microsecond."""
        return _moment(self.end_ns)

    @property
    def row(self) -> tuple[Any, ...]:
        """The values of audit.spans' columns, in their order."""
        return tuple(_as_json(value) if name in _JSON else value for name, value in vars(self).items())


@dataclass(frozen=True)
class SpanTree:
    """A span with those under it, oldest first."""

    span: StoredSpan
    children: tuple["SpanTree", ...] = field(default=())


def trees_of(spans: Sequence[StoredSpan]) -> tuple[SpanTree, ...]:
    """The spans as trees: one if the trace is whole; a span whose parent is not there stands at the top too."""
    known = {span.span_id for span in spans}
    under: dict[str | None, list[StoredSpan]] = {}
    for span in sorted(spans, key=lambda each: (each.start_ns, each.span_id)):
        under.setdefault(span.parent_span_id if span.parent_span_id in known else None, []).append(span)

    def grown(tree: SpanTree) -> SpanTree:
        return replace(tree, children=tuple(grown(SpanTree(child)) for child in under.get(tree.span.span_id, ())))

    return tuple(grown(SpanTree(top)) for top in under.get(None, ()))


_JSON = frozenset({"attributes", "events", "links", "resource"})


def _moment(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def _as_json(value: Any) -> str:
    return json.dumps([vars(each) for each in value] if isinstance(value, tuple) else value, ensure_ascii=False)


def _plain(attributes: Mapping[str, Any] | None) -> Attributes:
    return {_clean(name): _plain_value(value) for name, value in (attributes or {}).items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, str):
        return _clean(value)
    return [_plain_value(each) for each in value] if isinstance(value, Sequence) else value


def _clean(text: str) -> str:
    """Postgres keeps no NUL in a text, and no half of a surrogate pair."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")

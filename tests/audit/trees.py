"""What docs/tracing.md says of a settlement's tree, as words that spans are compared with. Reads no span itself."""

from collections.abc import Collection, Iterable

from interlock.audit.spans import StoredSpan

TO_PAID = ["check delivery", "check payment", "lock", "attest LOCKED", "pay"]
VOIDED = ["check delivery", "check payment", "lock", "attest LOCKED", "void", "verdict of", "attest VOIDED", "refund"]


def ids(span: StoredSpan) -> tuple[str, str]:
    """What a span is known by."""
    return span.trace_id, span.span_id


def steps_forward(spans: Iterable[StoredSpan], *, but: Collection[str] = ()) -> list[str]:
    """The names of the steps that were not refused, each the first time, in their order; the two checks by name.

    `but` are steps to leave out.
    """
    forward = [span for span in spans if "interlock.refusal.code" not in span.attributes]
    ordered = sorted(forward, key=lambda span: (span.end_ns, span.name))
    steps = list(dict.fromkeys(span.name for span in ordered if span.parent_span_id and span.name not in but))
    return sorted(steps[:2]) + steps[2:]

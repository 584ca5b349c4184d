"""How a settlement ended, told from the spans of its trace alone: for a root that was lost where no run can tell it any
more. Pure; decides nothing, and says no more than the spans do.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from interlock.audit.spans import Attributes, SpanEvent, StoredSpan

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHECKS = ("check delivery", "check payment")
_STAGES = {"lock": "LOCKED", "pay": "PAID", "void": "VOIDED", "release": "PAID", "refund": "VOIDED"}
_REFUSAL = ("interlock.refusal.code", "interlock.refusal.text", "interlock.refusal.who")
_DONE = {
    "lock": "units are in escrow",
    "pay": "the payment is made",
    "void": "voided",
    "release": "released",
    "refund": "refunded",
}


@dataclass(frozen=True)
class Ending:
    """What a root span says: attributes, events, and from when to when the story goes (nanoseconds since 1970, UTC)."""

    terms_hash: str
    attributes: Attributes
    events: tuple[SpanEvent, ...]
    since_ns: int
    until_ns: int


def ending_of(spans: Sequence[StoredSpan]) -> Ending | None:
    """The end that these spans of one trace show; None where they show none, or not yet how it came about."""
    effects = _effects(spans)
    if (end := effects.get("release") or effects.get("refund")) is not None:
        if (outcome := _outcome(effects)) is None:
            return None
        return _ending(spans, effects, end, outcome)
    refused = [span for span in spans if span.name in _CHECKS and span.attributes.get("interlock.answer") == "refusal"]
    if refused and not effects:
        first = min(refused, key=lambda span: span.end_ns)
        told = {name: first.attributes[name] for name in _REFUSAL if name in first.attributes}
        return _ending(spans, effects, max(refused, key=lambda span: span.end_ns), {"outcome": "REJECTED"}, told)
    return None


def is_told(spans: Sequence[StoredSpan]) -> bool:
    """Whether a root, or a span beneath it, says how these ended: one that was written before the ledgers ended it,
    and knows of no verdict, does not."""
    ended = any(
        span.name in ("release", "refund") and span.attributes.get("interlock.answer") == "receipt" for span in spans
    )
    needed = ("interlock.outcome", "interlock.verdict") if ended else ("interlock.outcome",)
    return any(all(name in span.attributes for name in needed) for span in spans)


def unmatched_ending(spans: Sequence[StoredSpan], closed_at: datetime, instead: str | None) -> Ending | None:
    """The end of a proposal whose run ended with other terms, or with none; None if the ledgers had a part in it."""
    if _effects(spans) or not spans:
        return None
    closed_ns = (closed_at - _EPOCH) // timedelta(microseconds=1) * 1000
    said: Attributes = {"interlock.unmatched": "passed over" if instead else "expired"}
    text = f"passed over: terms {instead[:10]} are settled instead" if instead else "its run ended unmatched"
    return Ending(
        terms_hash=_hash(spans),
        attributes=_common(spans) | said | ({"interlock.instead": instead} if instead else {}),
        events=(SpanEvent("end", closed_ns, {"interlock.stage": "PROPOSED", "interlock.text": text}),),
        since_ns=min(span.start_ns for span in spans),
        until_ns=max(closed_ns, *(span.start_ns for span in spans)),
    )


def _ending(
    spans: Sequence[StoredSpan],
    effects: dict[str, StoredSpan],
    end: StoredSpan,
    came_to: dict[str, str],
    told: Attributes | None = None,
) -> Ending:
    outcome = came_to["outcome"]
    ended = SpanEvent("step", end.end_ns, {"interlock.stage": outcome, "interlock.text": f"ended {outcome}"})
    return Ending(
        terms_hash=_hash(spans),
        attributes=_common(spans) | {f"interlock.{name}": value for name, value in came_to.items()} | (told or {}),
        events=(*_events(effects.values()), ended),
        since_ns=min(span.start_ns for span in spans),
        until_ns=end.end_ns,
    )


def _effects(spans: Iterable[StoredSpan]) -> dict[str, StoredSpan]:
    """The span that tells of each effect: one made from its entry, else the first that has its receipt."""
    found: dict[str, StoredSpan] = {}
    for span in sorted(spans, key=lambda span: ("interlock.reconstructed" not in span.attributes, span.end_ns)):
        if span.name in _STAGES and span.attributes.get("interlock.answer") == "receipt":
            found.setdefault(span.name, span)
    return found


def _outcome(effects: dict[str, StoredSpan]) -> dict[str, str] | None:
    if "release" in effects:
        return {"outcome": "SETTLED", "verdict": "PAID", "lock": "released"}
    if (void := effects.get("void")) is None:  # its span is still to come
        return None
    outcome = "EXPIRED" if void.attributes.get("interlock.authority") == "time" else "CANCELLED"
    return {"outcome": outcome, "verdict": "VOIDED", "lock": "refunded"}


def _events(effects: Iterable[StoredSpan]) -> Iterator[SpanEvent]:
    for span in sorted(effects, key=lambda span: span.end_ns):
        entry = f"entry {span.attributes.get('interlock.receipt.position', '?')}"
        said = {"interlock.stage": _STAGES[span.name], "interlock.text": f"{_DONE[span.name]}: {entry}"}
        yield SpanEvent("step", span.end_ns, said)


def _common(spans: Sequence[StoredSpan]) -> Attributes:
    said: Attributes = {"interlock.terms.hash": _hash(spans)}
    for name in ("interlock.settlement.id", "interlock.seller", "interlock.buyer"):
        said |= next(({name: span.attributes[name]} for span in spans if name in span.attributes), {})
    for leg in ("delivery", "payment"):
        for span in spans:
            if span.attributes.get("interlock.leg") == leg and "interlock.quantity" in span.attributes:
                said |= {
                    f"interlock.{leg}.{word}": span.attributes[f"interlock.{word}"]
                    for word in ("ledger", "asset", "quantity")
                }
                break
    return said


def _hash(spans: Sequence[StoredSpan]) -> str:
    return str(spans[0].attributes["interlock.terms.hash"])

"""The waits of a settlement: as its run told of them, and before that as the attempts alone show them."""

from collections.abc import Sequence
from dataclasses import replace

from interlock.audit.spans import SpanEvent, StoredSpan
from interlock.audit.story import Wait

UNREACHABLE = "unreachable"
"""The code of a wait for something that does not answer."""

_ENDS_A_WAIT = frozenset({"step", "wait", "end"})
_EFFECTS = frozenset({"lock", "pay", "void", "release", "refund"})


def waits_in(root: StoredSpan | None, steps: Sequence[StoredSpan]) -> list[Wait]:
    """All waits, oldest first. `steps` are the attempts' spans in the order in which they ended."""
    found = _waits_of_attempts([span for span in steps if root is None or span.end_ns < root.start_ns])
    if root is None:
        return found
    found = [replace(wait, until=wait.until or root.started) for wait in found]
    for place, event in enumerate(root.events):
        if event.name != "wait":
            continue
        after = next((each for each in root.events[place + 1 :] if each.name in _ENDS_A_WAIT), None)
        if after is None or after.attributes.get("interlock.text") == "ended REJECTED":
            continue  # a settlement that is rejected waits for nothing
        found.append(_told(event, after, steps))
    return found


def _told(since: SpanEvent, until: SpanEvent, steps: Sequence[StoredSpan]) -> Wait:
    text = str(since.attributes.get("interlock.text", ""))
    met = [span for span in steps if _blocked(span) and _meant(span, text)]
    during = [span for span in met if since.at_ns - 10**9 <= span.end_ns <= until.at_ns]
    first = next(iter(during or met), None)
    return Wait(
        since=since.at,
        until=until.at,
        code=_code(first) if first is not None else "",
        text=text,
        who=_who_acts(first) if first is not None else "",
        attempts=len(during),
    )


def _waits_of_attempts(spans: Sequence[StoredSpan]) -> list[Wait]:
    """From the first attempt that is refused or breaks to the next that is not."""
    found: list[Wait] = []
    going: tuple[str, str] | None = None
    for span in spans:
        if _blocked(span) and not span.name.startswith("check "):
            key = (span.name, _code(span))
            if going == key:
                found[-1] = replace(found[-1], attempts=found[-1].attempts + 1)
                continue
            if going is not None:
                found[-1] = replace(found[-1], until=span.ended)
            text = str(span.attributes.get("interlock.refusal.text") or f"{span.name}: {span.status_text}")
            found.append(Wait(span.ended, None, _code(span), text, _who_acts(span), 1))
            going = key
        elif going is not None and (span.name == going[0] or span.name in _EFFECTS):
            found[-1] = replace(found[-1], until=span.ended)
            going = None
    return found


def _blocked(span: StoredSpan) -> bool:
    return span.attributes.get("interlock.answer") in ("refusal", "fault")


def _code(span: StoredSpan) -> str:
    return str(span.attributes.get("interlock.refusal.code", UNREACHABLE))


def _who_acts(span: StoredSpan) -> str:
    if "interlock.refusal.code" in span.attributes:
        return str(span.attributes.get("interlock.refusal.who", ""))
    return f"operator of the {span.attributes.get('interlock.role', '')} worker"


def _meant(span: StoredSpan, text: str) -> bool:
    said = str(span.attributes.get("interlock.refusal.text", ""))
    return text.endswith(said) if said else text.startswith(f"{span.attributes.get('interlock.step', span.name)}: ")

"""The acts that spans record: attempts at steps with their answers, dissents, and the events of the run."""

from collections.abc import Iterable, Sequence
from typing import Any

from interlock.audit.acts_of_entries import DONE, SIDES
from interlock.audit.spans import RECONSTRUCTED, SpanEvent, StoredSpan
from interlock.audit.story import Act, Kind, Lane, listed
from interlock.audit.trade import Entries, Trade
from interlock.audit.waits import UNREACHABLE


def acts_of_steps(trade: Trade, entries: Entries, steps: Sequence[StoredSpan]) -> Iterable[Act]:
    """Attempts that no entry tells of, and whatever an attestor did otherwise than the others."""
    told = {record["span_id"] for _, record in entries}
    for span in steps:
        if span.span_id not in told:
            yield _step(trade, span, has_entries=bool(entries))
        for dissent in span.attributes.get("interlock.dissents", ()):
            yield Act(
                at=span.ended,
                until=span.ended,
                lane="attestors",
                kind="dissent",
                what=str(dissent),
                who=str(dissent).partition(" ")[0],
                step=span.name,
                span_id=span.span_id,
            )


def _step(trade: Trade, span: StoredSpan, *, has_entries: bool) -> Act:
    said = span.attributes
    what, kind, code = _answered(trade, span, has_entries=has_entries)
    return Act(
        at=span.started,
        until=span.ended,
        lane=_lane_of(span),
        kind=kind,
        what=what,
        who=_worker(span),
        sides=SIDES.get(span.name, ()) if kind == "effect" else (),
        step=span.name,
        attempt=said.get("interlock.attempt"),
        code=code,
        ledger=str(said.get("interlock.ledger", "")),
        position=said.get("interlock.receipt.position"),
        reference=str(said.get("interlock.receipt.reference", "")),
        span_id=span.span_id,
        reconstructed=bool(said.get(RECONSTRUCTED)),
    )


def _answered(trade: Trade, span: StoredSpan, *, has_entries: bool) -> tuple[str, Kind, str]:
    """What came of an attempt, of which kind that is, and the code of a "no"."""
    said = span.attributes
    match said.get("interlock.answer", ""):
        case "refusal":
            who = said.get("interlock.refusal.who", "")
            what = f"{span.name} refused: {said.get('interlock.refusal.text', '')}"
            what += f" ({who} can change it)" if who else ""
            return what, "refusal", str(said.get("interlock.refusal.code", ""))
        case "fault":
            return f"{span.name} failed: {span.status_text or said.get('error.type', '')}", "fault", UNREACHABLE
        case "certificate":
            signers = said.get("interlock.certificate.signers", [])
            return f"{span.name}: {len(signers)} attestors signed: {listed(signers)}", "certificate", ""
        case "receipt":
            return _receipt(trade, span), "step" if has_entries else "effect", ""
        case "agreed":
            return f"{span.name}: the ledger would do its part", "step", ""
        case "nothing":
            return f"{span.name}: nothing stands", "step", ""
        case "stands":
            rows = [
                f"{name} {said[f'interlock.{name}']}" for name in ("lock", "verdict") if f"interlock.{name}" in said
            ]
            return f"{span.name}: {listed(rows) or 'a row'} stands", "step", ""
        case "started":
            return "the sweep had a run take it up again", "recovery", ""
    return span.name, "step", ""


def _receipt(trade: Trade, span: StoredSpan) -> str:
    """An effect as its span tells it, where the journal's entry is not at hand."""
    said = span.attributes
    entry = f"entry {said.get('interlock.receipt.position', '?')}"
    done = DONE.get(span.name, span.name)
    if "interlock.quantity" not in said or span.name == "void":
        return f"{done}: {entry}"
    amount = trade.amount(str(said["interlock.asset"]), int(said["interlock.quantity"]))
    return f"{done}: {amount}, {entry} of ledger {said.get('interlock.ledger', '?')}"


def _lane_of(span: StoredSpan) -> Lane:
    if span.name == "instruct":
        return "settlement"
    match span.attributes.get("interlock.role"):
        case "asset":
            return "asset ledger"
        case "payment":
            return "payment ledger"
        case "coordinator":
            return "attestors"
    return "settlement"


def _worker(span: StoredSpan) -> str:
    role = span.attributes.get("interlock.role")
    return f"{role} role's worker" if role else str(span.resource.get("service.name", ""))


def acts_of_events(trade: Trade, root: StoredSpan | None, steps: Sequence[StoredSpan]) -> Iterable[Act]:
    """What the settlement's run says of itself, in the events of its root span; none before that is written."""
    if root is None:
        return
    told = {dissent for span in steps for dissent in span.attributes.get("interlock.dissents", ())}
    for event in root.events:
        if (act := _event(trade, root, event, told)) is not None:
            yield act


def _event(trade: Trade, root: StoredSpan, event: SpanEvent, told: set[str]) -> Act | None:
    text = str(event.attributes.get("interlock.text", ""))
    side = next((side for side in ("seller", "buyer") if text.startswith(f"{side} ")), None)
    party: Lane = "seller" if side == "seller" else "buyer"
    common: dict[str, Any] = {"at": event.at, "until": event.at, "what": text, "span_id": root.span_id}
    match event.name:
        case "signed" | "withdrawn" | "consent" if side is not None:
            who = trade.seller if side == "seller" else trade.buyer
            return Act(**common, lane=party, kind="signed", who=who, sides=(party,))
        case "order":
            return Act(**common, lane="operators", kind="order", who="operators")
        case "cancel_request":
            return Act(**common, lane="settlement", kind="order", who="somebody with access to the engine")
        case "end":
            return Act(**common, lane="settlement", kind="end", who="settlement")
        case "step" if event.attributes.get("interlock.stage") == "MATCHED":
            return Act(**common, lane="settlement", kind="step", who="settlement")
        case "step" if text.startswith("ended "):
            return Act(**common, lane="settlement", kind="end", who="settlement")
        case "dissent" if not any(_same_dissent(text, known) for known in told):
            return Act(**common, lane="attestors", kind="dissent", who=text.split(" ")[1])
    return None


def _same_dissent(event: str, attribute: str) -> bool:
    """Whether "attestor A on FACT: kind, text" and "A FACT kind: text" are the same."""
    words = attribute.split(" ", 2)
    return len(words) == 3 and event.startswith(f"attestor {words[0]} on {words[1]}: {words[2].partition(':')[0]},")

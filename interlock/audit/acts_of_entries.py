"""The acts that the ledgers' journals record: what moved, and on whose authority."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from interlock.audit.spans import RECONSTRUCTED, StoredSpan
from interlock.audit.story import Act, Lane, listed
from interlock.audit.trade import Entries, Trade
from interlock.protocol.records import Record

SIDES: dict[str, tuple[Lane, ...]] = {
    "lock": ("seller",),
    "pay": ("buyer", "seller"),
    "release": ("buyer",),
    "refund": ("seller",),
}
"""The parties whose money or units an operation moves."""

DONE = {
    "lock": "locked",
    "pay": "paid, verdict PAID",
    "void": "voided, verdict VOIDED",
    "release": "released",
    "refund": "refunded",
    "resume": "ordered to look again",
}
"""What each operation did, in words."""


def acts_of_entries(trade: Trade, entries: Entries, steps: Sequence[StoredSpan]) -> Iterable[Act]:
    """An act for each entry; its attempt's span, where there is one, says since when it was tried."""
    made = {span.span_id: span for span in steps}
    for ledger, record in entries:
        span, at = made.get(record["span_id"]), datetime.fromisoformat(record["at"])
        operation = record["operation"]
        ordered = operation == "resume"
        yield Act(
            at=span.started if span is not None and span.started < at else at,
            until=at,
            lane="operators" if ordered else trade.lane_of(ledger, operation),
            kind="order" if ordered else "effect",
            what=_moved(trade, operation, record),
            who=record["actor"],
            authority=tuple(_authority(trade, record)),
            sides=("seller", "buyer") if _by_consent(record) else SIDES.get(operation, ()),
            step=operation,
            attempt=span.attributes.get("interlock.attempt") if span else None,
            ledger=ledger,
            position=record["position"],
            reference=record["reference"],
            span_id=record["span_id"],
            reconstructed=bool(span and span.attributes.get(RECONSTRUCTED)),
        )


def _moved(trade: Trade, operation: str, record: Record) -> str:
    by_sign: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for posting in record["postings"]:
        by_sign[int(posting["quantity"]) > 0].append(posting)
    moved = ", ".join(
        f"{trade.amount(into['asset'], int(into['quantity']))} from {_account(out['account'])} to "
        f"{_account(into['account'])}"
        for into, out in zip(by_sign[True], by_sign[False], strict=False)
    )
    words = DONE.get(operation, operation)
    if operation == "refund" and not moved:
        moved = "nothing was locked; a lock that arrives late is refused"
    return f"{words}: {moved}" if moved else words


def _authority(trade: Trade, record: Record) -> Iterable[str]:
    relied = record["authority"]
    if record["operation"] == "resume":
        yield f"operators {listed(_signers(relied))}: {relied['order']['reason']}"
        return
    if record["operation"] in ("lock", "pay", "void") and "signed" in relied:
        yield f"terms signed by {listed(trade.named(each) for each in _signers(relied['signed']))}"
    if relied.get("certificate"):
        yield _certified(trade, relied["certificate"])
    match relied.get("authority"):
        case {"kind": "time"}:
            yield "the payment ledger's own clock, past settle_by"
        case {"kind": "consent", "cancellations": given}:
            said = [
                f"{trade.named(each['signature']['signer'])} until {each['cancellation']['valid_until']}"
                for each in given
            ]
            yield f"consent to cancel of {listed(said)}"
        case {"kind": "operators", "order": signed}:
            yield f"operators {listed(_signers(signed))}: {signed['order']['reason']}"
    if redirected := relied.get("redirection"):
        word = redirected["redirection"]
        signed_by = listed(trade.named(each) for each in _signers(redirected))
        yield f"redirected to account {word['receiver']} by {signed_by}: {word['reason']}"


def _certified(trade: Trade, certificate: Mapping[str, Any]) -> str:
    statement = certificate["statement"]
    name, epoch = statement["coordinator"]["name"], int(statement["coordinator"]["epoch"])
    size = trade.attestors_in(name, epoch)
    signers = [each["signer"] for each in certificate["signatures"]]
    of = f" of {size}" if size is not None else ""
    return f"certificate {statement['fact']}: {len(signers)}{of} attestors of {name}, epoch {epoch}: {listed(signers)}"


def _by_consent(record: Record) -> bool:
    authority = record["authority"].get("authority")
    return isinstance(authority, dict) and authority.get("kind") == "consent"


def _account(name: str) -> str:
    return "escrow" if name.startswith("escrow:") else name


def _signers(signed: Mapping[str, Any]) -> list[str]:
    return [str(signature["signer"]) for signature in signed.get("signatures", ())]

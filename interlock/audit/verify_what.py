"""Says which column of a changed record was changed, where its old value stands somewhere else too. Pure.

The old value is guessed, and the guess is proven: with it the record has the very leaf that was sealed. What stands
nowhere else cannot be guessed, and nothing is said of it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from interlock.audit.verify_records import Lane, Row
from interlock.protocol.reports import trace_id_of
from interlock.protocol.seals import AUDIT_JOURNAL

_OPERATIONS = (
    *("genesis", "lock", "release", "refund", "pay", "void", "resume", "open", "mint", "admit", "expel", "freeze"),
    *("unfreeze", "asset", "attestors", "close", "accuse", "readmit"),
)
_REASONS = (
    *("both parties' terms", "certificate LOCKED", "certificate PAID", "certificate VOIDED", "both parties' consent"),
    *("past settle_by", "installation"),
)
_KINDS = ("INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUSES = ("UNSET", "OK", "ERROR")
_LONGEST = 80
"""Characters of a value that people are shown."""

Told = Mapping[str, Any]
"""What the ledger's tables say of an entry: a row of the query named_by_tables."""


def what_changed(lane: Lane, row: Row, sealed: bytes, told: Told) -> str:
    """Which column it is, and what it was; empty if that cannot be told."""
    for column, values in _guesses(row, told):
        for value in values:
            if value != row[column] and lane.leaf({**row, column: value}) == sealed:
                return f"its {column} was {_short(value)}, and is {_short(row[column])}"
    return ""


def _guesses(row: Row, told: Told) -> Iterator[tuple[str, Iterable[Any]]]:
    if "operation" in row:
        yield from _of_an_entry(row, told)
    elif "span_id" in row:
        yield from _of_a_span(row)
    else:
        yield from _of_a_witness(row)


def _of_an_entry(row: Row, told: Told) -> Iterator[tuple[str, Iterable[Any]]]:
    said = _object(row["authority"])
    terms = _object(_object(said.get("signed")).get("terms"))
    order = _object(said.get("order"))
    yield "operation", _OPERATIONS
    yield "settlement_id", (terms.get("settlement_id"), told.get("settlement_id"), None)
    yield "terms_hash", (told.get("terms_hash"), order.get("terms_hash"), None)
    yield "order_digest", (None,)
    yield "reason", (*_REASONS, order.get("reason"))
    if told.get("signed"):
        yield "authority", (json.dumps({**said, "signed": json.loads(told["signed"])}),)


def _of_a_span(row: Row) -> Iterator[tuple[str, Iterable[Any]]]:
    terms_hash = _object(row["attributes"]).get("interlock.terms.hash")
    yield "kind", _KINDS
    yield "status", _STATUSES
    yield "status_text", ("",)
    yield "parent_span_id", (None,)
    if isinstance(terms_hash, str):
        yield "trace_id", (trace_id_of(terms_hash),)


def _of_a_witness(row: Row) -> Iterator[tuple[str, Iterable[Any]]]:
    seal = _object(row.get("seal"))
    yield "journal", (seal.get("journal"), AUDIT_JOURNAL)
    yield "number", (seal.get("number"),)


def _object(value: Any) -> dict[str, Any]:
    """A JSON object, or its text; nothing for what is none."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _short(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."

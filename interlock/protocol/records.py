"""What is sealed of a journal: each row as a record, a JSON object that says all that the row says. Pure.

A record names accounts by their names, not by their numbers, so that nothing has to be known beside it. Its canonical
bytes (canonical.py) are the data of its Merkle leaf.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from interlock.protocol.canonical import canonical, exactly
from interlock.protocol.merkle import leaf_hash

Record = dict[str, Any]
"""A row of a journal as a JSON object; its "type" is entry, span or witnessed."""


def entry_record(row: Mapping[str, Any]) -> Record:
    """An entry of a ledger's journal with its postings; `row` is one of the query entry_records."""
    return {
        "type": "entry",
        "position": row["position"],
        "reference": row["reference"],
        "operation": row["operation"],
        "terms_hash": row["terms_hash"],
        "settlement_id": row["settlement_id"],
        "order_digest": row["order_digest"],
        "at": moment(row["at"]),
        "reason": row["reason"],
        "authority": exactly(row["authority"]),
        "actor": row["actor"],
        "trace_id": row["trace_id"],
        "span_id": row["span_id"],
        "postings": exactly(row["postings"]),
    }


def span_record(row: Mapping[str, Any]) -> Record:
    """A span of the audit trail; `row` is one of the query span_records. Times are nanoseconds since 1970, as text."""
    return {
        "type": "span",
        "position": row["position"],
        "trace_id": row["trace_id"],
        "span_id": row["span_id"],
        "parent_span_id": row["parent_span_id"],
        "name": row["name"],
        "kind": row["kind"],
        "start_ns": str(row["start_ns"]),
        "end_ns": str(row["end_ns"]),
        "status": row["status"],
        "status_text": row["status_text"],
        "attributes": exactly(row["attributes"]),
        "events": exactly(row["events"]),
        "links": exactly(row["links"]),
        "resource": exactly(row["resource"]),
        "scope": row["scope"],
        "written_at": moment(row["written_at"]),
    }


def witnessed_record(row: Mapping[str, Any]) -> Record:
    """Another journal's seal as it was kept in this one; `row` is one of the query witnessed_records."""
    return {
        "type": "witnessed",
        "id": row["id"],
        "journal": row["journal"],
        "number": row["number"],
        "digest": row["digest"],
        "seal": exactly(row["seal"]),
        "signature": exactly(row["signature"]),
        "at": moment(row["at"]),
    }


def leaf_of(record: Record) -> bytes:
    """The record's leaf hash, 32 bytes. Raises ValueError for what has no canonical form."""
    return leaf_hash(canonical(record))


def moment(at: datetime) -> str:
    """A time in UTC to the microsecond, always of the same length: 2026-11-24T09:30:00.000000Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

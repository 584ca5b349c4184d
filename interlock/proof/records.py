"""The records of a proof as they were hashed: rows of journals, every member of each (docs/proof-format.md). Pure.

A record's canonical bytes are the data of its Merkle leaf, so no member may be added, left out or written otherwise.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from interlock.protocol import Message
from interlock.protocol.canonical import canonical
from interlock.protocol.merkle import leaf_hash
from interlock.protocol.words import Digest, LedgerName

Position = Annotated[int, Field(ge=1, lt=2**53)]
Nanoseconds = Annotated[str, Field(pattern=r"^-?[0-9]{1,19}$")]
"""Since 1970-01-01T00:00:00Z, as text: no JSON number holds them exactly."""

Moment = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$")]
"""A time in UTC, always with six decimals."""


class LeafRecord(Message):
    """A row of a journal."""

    @property
    def leaf(self) -> bytes:
        """Its leaf hash, 32 bytes. Raises ValueError for what has no canonical form."""
        return leaf_hash(canonical(self.model_dump(mode="json")))


class Posting(Message):
    """What an entry moved on one account: signed quantity and balance afterwards, in smallest units, as text."""

    account: str
    asset: str
    balance: Annotated[str, Field(pattern=r"^-?[0-9]{1,78}$")]
    quantity: Annotated[str, Field(pattern=r"^-?[0-9]{1,78}$")]


class EntryRecord(LeafRecord):
    """An entry of a ledger's journal with its postings, sorted by account and asset."""

    type: Literal["entry"]
    position: Position
    reference: str
    operation: str
    terms_hash: Digest | None
    settlement_id: str | None
    order_digest: Digest | None
    at: Moment
    reason: str
    authority: JsonValue
    """What it relied on: signed terms, certificates, orders."""
    actor: str
    trace_id: str
    span_id: str
    postings: tuple[Posting, ...]

    @property
    def moment(self) -> datetime:
        """When it was written, by the ledger's clock. Raises ValueError for a day that there is not."""
        return datetime.strptime(self.at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


class SpanRecord(LeafRecord):
    """A span of the audit trail."""

    type: Literal["span"]
    position: Position
    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    start_ns: Nanoseconds
    end_ns: Nanoseconds
    status: str
    status_text: str
    attributes: JsonValue
    events: JsonValue
    links: JsonValue
    resource: JsonValue
    scope: str
    written_at: Moment

    def says(self, attribute: str) -> JsonValue:
        """The value of an attribute; None if it has none of that name."""
        return self.attributes.get(attribute) if isinstance(self.attributes, dict) else None


class WitnessedRecord(LeafRecord):
    """Another journal's seal as it was kept in this one."""

    type: Literal["witnessed"]
    id: Position
    journal: LedgerName
    number: Position
    digest: Digest
    seal: JsonValue
    signature: JsonValue
    at: Moment

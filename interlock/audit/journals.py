"""Reads what is sealed: a journal's records, its blocks, and what it has witnessed of others. Changes nothing.

A ledger's journal and the trail of spans are read alike; only their queries differ.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from interlock.audit.install import ROOM
from interlock.ledgers.connections import Connections
from interlock.ledgers.queries import LEDGERS, query
from interlock.protocol.records import Record, entry_record, span_record, witnessed_record
from interlock.protocol.reports import trace_id_of
from interlock.protocol.seals import AUDIT_JOURNAL, SignedSeal

_LEAF = 32


@dataclass(frozen=True)
class Block:
    """A seal with what it was made of: which positions, which witnessed seals, and each one's leaf hash, in order."""

    signed: SignedSeal
    positions: tuple[int, ...]
    witnessed: tuple[int, ...]
    leaves: tuple[bytes, ...]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """A row of a table of seals. Raises ValueError for one that cannot be understood."""
        if lacking := sorted(name for name, value in row.items() if value is None):
            raise ValueError(f"seal {row['number']} has no {' and no '.join(lacking)}")
        signed = SignedSeal.model_validate_json(
            json.dumps({"seal": json.loads(row["seal"]), "signature": json.loads(row["signature"])})
        )
        hashes = bytes(row["leaves"])
        leaves = tuple(hashes[at : at + _LEAF] for at in range(0, len(hashes), _LEAF))
        return cls(signed, tuple(row["positions"]), tuple(row["witnessed"]), leaves)


class Journal:
    """One journal, by its name: a ledger's, or the audit trail's. Methods raise LedgerUnreachable."""

    def __init__(self, name: str, connections: Connections) -> None:
        """`connections` must be allowed to read everything of that database."""
        self.name = name
        self.connections = connections
        self._room = ROOM if name == AUDIT_JOURNAL else LEDGERS
        self._records = "span_records" if name == AUDIT_JOURNAL else "entry_records"
        self._records_of = "span_records_of_trace" if name == AUDIT_JOURNAL else "entry_records_of_terms"
        self._record_of: Callable[[Mapping[str, Any]], Record] = span_record if name == AUDIT_JOURNAL else entry_record

    async def records(self, after: int, through: int) -> list[Record]:
        """The journal's own records with `after` < position <= `through`, by position.

        Raises ValueError for a row that has no canonical form.
        """
        rows = await self.connections.rows(query(self._records, self._room), after, through)
        return [self._record_of(dict(row)) for row in rows]

    async def records_of_terms(self, terms_hash: str) -> list[Record]:
        """A ledger's records for these terms, by position; the audit trail's are the spans of their trace.

        Raises ValueError for a row that has no canonical form.
        """
        key = trace_id_of(terms_hash) if self.name == AUDIT_JOURNAL else terms_hash
        rows = await self.connections.rows(query(self._records_of, self._room), key)
        return [self._record_of(dict(row)) for row in rows]

    async def founding_records(
        self, subjects: Sequence[str], before: int, told: Sequence[tuple[int, str]] = ()
    ) -> list[Record]:
        """What a ledger's entries before a position rest on: its genesis, and what changed these subjects.

        A subject is "account NAME", "asset CODE", "attestors NAME" or "attestor ADDRESS". `told` are positions and
        references of receipts: those that are accusations here are found too, whatever their position.
        """
        positions, references = [each[0] for each in told], [each[1] for each in told]
        values = (list(subjects), before, positions, references)
        rows = await self.connections.rows(query("founding_records", self._room), *values)
        return [self._record_of(dict(row)) for row in rows]

    async def records_at(self, positions: Sequence[int]) -> list[Record]:
        """A ledger's records at these positions, by position. Raises ValueError as `records` does."""
        rows = await self.connections.rows(query("entry_records_at", self._room), list(positions))
        return [self._record_of(dict(row)) for row in rows]

    async def witnessed(self, after: int, through: int) -> list[Record]:
        """The seals of other journals kept here with `after` < id <= `through`, by id."""
        rows = await self.connections.rows(query("witnessed_records", self._room), after, through)
        return [witnessed_record(dict(row)) for row in rows]

    async def newest_block(self) -> Block | None:
        """The last block that was sealed."""
        row = await self.connections.row(query("newest_seal", self._room))
        return Block.from_row(dict(row)) if row else None

    async def block_of(self, position: int) -> Block | None:
        """The block that covers this position of the journal; None if it is younger than the last seal."""
        row = await self.connections.row(query("seal_of", self._room), position)
        return Block.from_row(dict(row)) if row else None

    async def witness_of(self, journal: str, number: int, digest: str) -> Record | None:
        """That very seal of another journal as it was kept here; None if it was not."""
        row = await self.connections.row(query("witnessed_seal", self._room), journal, number, digest)
        return witnessed_record(dict(row)) if row else None

    async def block_of_witnessed(self, id_: int) -> Block | None:
        """The block that covers the witnessed seal of this id; None if it is younger than the last seal."""
        row = await self.connections.row(query("seal_of_witnessed", self._room), id_)
        return Block.from_row(dict(row)) if row else None

    async def blocks(self) -> AsyncIterator[Block]:
        """All blocks, from the first on. Raises ValueError for a row that cannot be understood."""
        number = 0
        while rows := await self.connections.rows(query("seals_after", self._room), number):
            for row in rows:
                yield Block.from_row(dict(row))
            number = rows[-1]["number"]

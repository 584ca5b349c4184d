"""A journal's records as they stand in one snapshot, page by page, each hashed anew. Judges nothing.

There are two lanes of them: the journal's own, by position, and the seals of other journals kept in it, by id.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from interlock.audit.install import ROOM
from interlock.audit.verify_seals import LEAF_BYTES
from interlock.ledgers.connections import Snapshot
from interlock.ledgers.processes import Hands
from interlock.ledgers.queries import LEDGERS, query
from interlock.ledgers.verify import Advance
from interlock.protocol.records import Record, entry_record, leaf_of, span_record, witnessed_record
from interlock.protocol.seals import AUDIT_JOURNAL

PAGE = 200
"""Records that are read and hashed at once: some hundred kilobytes."""

LOWEST = -(2**63)
NOT_SEALABLE = b""
"""In the place of the leaf hash of what has no canonical bytes."""

Row = Mapping[str, Any]
Hashed = tuple[int, bytes]
"""Where a record stands, and its leaf hash or NOT_SEALABLE."""

_UNREADABLE = (ValueError, OverflowError, TypeError, AttributeError, KeyError, RecursionError)
_RECORDS: dict[str, Callable[[Row], Record]] = {
    "entry_records": entry_record,
    "span_records": span_record,
    "witnessed_records": witnessed_record,
}


@dataclass(frozen=True)
class Lane:
    """Which records of a journal: the statement that reads them, and the one that counts through them."""

    records: str
    places: str
    room: str
    key: str

    @classmethod
    def own(cls, journal: str) -> "Lane":
        """A ledger's entries, or the trail's spans."""
        if journal == AUDIT_JOURNAL:
            return cls("span_records", "places", ROOM, "position")
        return cls("entry_records", "places", LEDGERS, "position")

    @classmethod
    def witnessed(cls, journal: str) -> "Lane":
        """The seals of other journals that it keeps."""
        return cls("witnessed_records", "witnessed_places", ROOM if journal == AUDIT_JOURNAL else LEDGERS, "id")

    async def rows(self, snapshot: Snapshot, after: int, through: int) -> list[Row]:
        """The rows from there to there; in the place of one that the driver cannot read, where it stands."""
        try:
            return [dict(row) for row in await snapshot.rows(query(self.records, self.room), after, through)]
        except _UNREADABLE:  # one of them, as a superuser can write it: each is asked for by itself
            places = await snapshot.rows(query(self.places, self.room), after, PAGE)
            found: list[Row] = []
            for place in (row["place"] for row in places if row["place"] <= through):
                try:
                    found += map(dict, await snapshot.rows(query(self.records, self.room), place - 1, place))
                except _UNREADABLE:
                    found.append({self.key: place})
            return found

    def hashed(self, rows: Sequence[Row]) -> list[Hashed]:
        """Each record's leaf hash; may be asked in another process."""
        return [(row[self.key], self.leaf(row)) for row in rows]

    def leaf(self, row: Row, place: int | None = None) -> bytes:
        """A row's leaf hash, as if it stood in another place if one is given."""
        try:
            record = _RECORDS[self.records](row)
            return leaf_of(record if place is None else {**record, self.key: place})
        except _UNREADABLE:
            return NOT_SEALABLE


class Walk:
    """Goes once through a lane, in order, and hands out the records stretch by stretch."""

    def __init__(self, lane: Lane, snapshot: Snapshot, hands: Hands, advance: Advance) -> None:
        self.lane, self._snapshot, self._advance = lane, snapshot, advance
        self._pages = hands.map(partial(Lane.hashed, lane), self._read())
        self._left: list[Hashed] = []
        self._is_over = False

    async def through(self, place: int) -> list[Hashed]:
        """The records that follow, up to and with that place."""
        found: list[Hashed] = []
        while True:
            cut = next((at for at, each in enumerate(self._left) if each[0] > place), len(self._left))
            found += self._left[:cut]
            self._left = self._left[cut:]
            if self._left or self._is_over:
                return found
            await self._turn()

    async def end(self) -> None:
        """Leave the rest unread."""
        await self._pages.aclose()

    async def _turn(self) -> None:
        page = await anext(self._pages, None)
        if page is None:
            self._is_over = True
        else:
            self._left = page
            self._advance(len(page))

    async def _read(self) -> AsyncIterator[Sequence[Row]]:
        after = LOWEST
        while places := await self._snapshot.rows(query(self.lane.places, self.lane.room), after, PAGE):
            last = places[-1]["place"]
            yield await self.lane.rows(self._snapshot, after, last)
            after = last


def joined(rows: Sequence[Hashed]) -> bytes:
    """Their leaves one after the other; of another length than a seal's if one has none."""
    return b"".join(leaf or b"\x00" * (LEAF_BYTES + 1) for _, leaf in rows)


def known_as(row: Row) -> dict[str, str]:
    """By what people know a record: a Finding's settlement_id, operation and reference."""
    if "operation" in row:
        told = (row["settlement_id"] or row["terms_hash"] or "", row["operation"], row["reference"])
    elif "span_id" in row:
        told = (_settlement_of(row["attributes"]), row["name"], f"{row['trace_id']}/{row['span_id']}")
    elif "digest" in row:
        told = ("", "witness", f"seal {row['number']} of {row['journal']}")
    else:
        told = ("", "", "")
    words = (str(each) if each is not None else "" for each in told)
    return dict(zip(("settlement_id", "operation", "reference"), words, strict=True))


def _settlement_of(attributes: str | None) -> str:
    try:
        return str(json.loads(attributes or "").get("interlock.settlement.id", ""))
    except (ValueError, AttributeError):
        return ""

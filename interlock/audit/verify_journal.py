"""Verifies one journal: that its seals are one chain, and that its records are, one by one, those that were sealed.

Reads one snapshot, once, in order. Judges nothing of what the records say.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import asyncpg

from interlock.audit.findings import Finding, Findings, Kind
from interlock.audit.install import ROOM
from interlock.audit.verify_records import Hashed, Lane, Row, Walk, joined, known_as
from interlock.audit.verify_seals import LEAF_BYTES, Judge, Judged, leaves_of
from interlock.audit.verify_what import Told, what_changed
from interlock.audit.verify_witnesses import Elsewhere
from interlock.ledgers.connections import Snapshot
from interlock.ledgers.processes import Hands
from interlock.ledgers.queries import LEDGERS, query
from interlock.ledgers.verify import Advance
from interlock.protocol import Message
from interlock.protocol.merkle import root_of
from interlock.protocol.seals import AUDIT_JOURNAL, NO_SEAL

_SEALS_AT_ONCE = 8
"""A full one has 400 kilobytes of leaves and positions."""

_PLACES_TRIED = 200
"""In how many other places of its block a record that was not sealed where it stands is looked for."""


class NotCovered(Message):
    """Records younger than the last seal, since when; and seals of others that wait for a record to be sealed with."""

    records: int
    since: str | None
    witnessed: int


class NotWitnessed(Message):
    """How many of the newest seals another database does not keep yet, and when the oldest of them was made."""

    seals: int
    since: datetime | None


class JournalResult(Message):
    """What was looked at, what nobody can vouch for yet, and what is wrong; of `count` findings the first hundred."""

    ok: bool
    seals: int
    records: int
    witnessed: int
    not_covered: NotCovered
    not_witnessed: dict[str, NotWitnessed]
    count: int
    findings: tuple[Finding, ...]


class JournalCheck:
    """One journal in one snapshot; `elsewhere` is what the other databases keep of its seals."""

    def __init__(
        self, judge: Judge, snapshot: Snapshot, elsewhere: Sequence[Elsewhere], hands: Hands, advance: Advance
    ) -> None:
        self.name, self._judge, self._snapshot = judge.journal, judge, snapshot
        self._elsewhere, self._hands, self._advance = elsewhere, hands, advance
        self._room = ROOM if self.name == AUDIT_JOURNAL else LEDGERS
        self._noun = "span" if self.name == AUDIT_JOURNAL else "entry"
        self._findings = Findings()
        self._own = Walk(Lane.own(self.name), snapshot, hands, advance)
        self._kept = Walk(Lane.witnessed(self.name), snapshot, hands, advance)
        self._last: Judged | None = None
        self._through = self._witnessed = 0
        self._seals = self._records = self._others = self._lost = 0

    async def check(self) -> JournalResult:
        """All of it. Raises LedgerUnreachable, and ProcessLost."""
        try:
            await self._chain()
            not_covered = await self._not_covered()
            await self._nowhere(not_covered)
        except asyncpg.PostgresError as error:
            text = f"the database cannot read it: {type(error).__name__}: {error}"
            self._findings.add(Finding(kind=Kind.UNREADABLE, text=text))
            not_covered = NotCovered(records=0, since=None, witnessed=0)
        finally:
            await self._own.end()
            await self._kept.end()
        for place in self._elsewhere:
            async for finding in place.rest():
                self._findings.add(finding)
        return JournalResult(
            ok=self._findings.count == 0,
            seals=self._seals,
            records=self._records,
            witnessed=self._others,
            not_covered=not_covered,
            not_witnessed={
                each.place: NotWitnessed(seals=each.not_yet, since=each.since)
                for each in self._elsewhere
                if each.not_yet
            },
            count=self._findings.count,
            findings=tuple(self._findings.all),
        )

    async def _chain(self) -> None:
        async for several in self._hands.map(self._judge, self._seal_rows()):
            for judged in several:
                await self._block(judged)
            self._advance(len(several))

    async def _seal_rows(self) -> AsyncIterator[list[Row]]:
        async for rows in self._snapshot.chunks(query("seals_to_verify", self._room), size=_SEALS_AT_ONCE):
            yield [dict(row) for row in rows]

    async def _block(self, judged: Judged) -> None:
        if judged.number < 1:
            self._seal(judged, "no seal has such a number")
            return
        if self._last and judged.number == self._last.number:
            self._seal(judged, "it stands there more than once")
            return
        self._seals += 1
        for fault in judged.faults:
            self._seal(judged, fault)
        missing = self._missing_before(judged)
        self._follows(judged, after_a_gap=missing)
        through, witnessed = self._reach(judged)
        own = await self._own.through(through)
        kept = await self._kept.through(witnessed)
        if missing:
            own = self._without_seal(self._noun, own, judged.positions)
            kept = self._without_seal("witnessed seal", kept, judged.witnessed)
        await self._compare(judged, own, kept)
        for place in self._elsewhere:
            for finding in await place.compare(judged):
                self._findings.add(finding)
        self._last, self._through, self._witnessed = judged, through, witnessed

    def _missing_before(self, judged: Judged) -> bool:
        expected = self._last.number + 1 if self._last else 1
        if judged.number == expected:
            return False
        one = judged.number - expected == 1
        text = f"seal {expected} is missing" if one else f"seals {expected} to {judged.number - 1} are missing"
        self._findings.add(Finding(kind=Kind.MISSING, text=text, seal=expected))
        return True

    def _follows(self, judged: Judged, *, after_a_gap: bool) -> None:
        """What a seal says of the chain, as far as its word counts and the one before is what it was."""
        seal, last = judged.seal, self._last
        if seal is None or not judged.is_signed:
            return
        if seal.records * LEAF_BYTES != len(judged.leaves):
            self._seal(judged, f"it counts {seal.records} records, and {len(judged.leaves) // LEAF_BYTES} leaves stand")
        if after_a_gap or (last is not None and not last.is_signed):
            return
        if seal.previous != (last.digest if last else NO_SEAL):
            self._seal(judged, f"it goes on from {seal.previous}, which is not the seal before it")
        if seal.through <= self._through or seal.witnessed < self._witnessed:
            self._seal(judged, f"it goes to {seal.through}, and the seal before it to {self._through}")

    def _reach(self, judged: Judged) -> tuple[int, int]:
        """How far its records go: by the keeper's word, else by what stands beside it. Never back."""
        if judged.seal is not None and judged.is_signed:
            said = (judged.seal.through, judged.seal.witnessed)
        else:
            said = (max(judged.positions, default=0), max(judged.witnessed, default=0))
        return max(said[0], self._through), max(said[1], self._witnessed)

    def _without_seal(self, noun: str, rows: list[Hashed], places: Sequence[int]) -> list[Hashed]:
        first = min(places, default=0)
        lost = [place for place, _ in rows if place < first]
        self._lost += len(lost)
        if lost:
            text = f"{len(lost)} records, {noun} {lost[0]} to {lost[-1]}: the seals that cover them are missing"
            self._findings.add(Finding(kind=Kind.MISSING, text=text, position=lost[0]))
        return [row for row in rows if row[0] >= first]

    async def _compare(self, judged: Judged, own: list[Hashed], kept: list[Hashed]) -> None:
        self._records += len(own)
        self._others += len(kept)
        columns = {
            "positions": tuple(place for place, _ in own) == judged.positions,
            "witnessed": tuple(place for place, _ in kept) == judged.witnessed,
            "leaves": joined(own) + joined(kept) == judged.leaves,
        }
        if all(columns.values()):
            return
        if judged.is_signed and judged.seal and self._are_sealed(judged.seal.root, [*own, *kept]):
            for column in (name for name, is_so in columns.items() if not is_so):
                self._seal(judged, f"its {column} are not its records', which are as they were sealed")
            return
        leaves = leaves_of(judged.leaves)
        count = len(judged.positions)
        if len(leaves) != count + len(judged.witnessed):
            text = f"{len(leaves)} leaves stand beside {count + len(judged.witnessed)} records: which is whose, is lost"
            self._seal(judged, text)
        await self._differences(judged, self._own.lane, dict(zip(judged.positions, leaves, strict=False)), own)
        sealed = dict(zip(judged.witnessed, leaves[count:], strict=False))
        await self._differences(judged, self._kept.lane, sealed, kept)

    def _are_sealed(self, root: str, rows: Sequence[Hashed]) -> bool:
        return all(leaf for _, leaf in rows) and "0x" + root_of([leaf for _, leaf in rows]).hex() == root

    async def _differences(self, judged: Judged, lane: Lane, sealed: dict[int, bytes], rows: list[Hashed]) -> None:
        stands = dict(rows)
        missing = sorted(sealed.keys() - stands.keys())
        odd = sorted(place for place, leaf in stands.items() if sealed.get(place) != leaf)
        if len(stands) < len(rows):
            self._doubled(judged, lane, rows)
        elsewhere = {sealed[place]: place for place in [*missing, *odd] if place in sealed}
        for place in missing:
            self._findings.add(await self._gone(judged, lane, place))
        for place in odd:
            if self._findings.is_full:
                self._findings.count += 1
                continue
            row = (await lane.rows(self._snapshot, place - 1, place))[0]
            origin = next(
                (there for leaf, there in list(elsewhere.items())[:_PLACES_TRIED] if lane.leaf(row, there) == leaf),
                None,
            )
            finding = self._odd(judged, lane, row, is_sealed=place in sealed, origin=origin)
            if finding.kind is Kind.CHANGED:
                what = what_changed(lane, row, sealed[place], await self._told(lane, place))
                finding = finding.model_copy(update={"text": f"{finding.text}: {what}"}) if what else finding
            self._findings.add(finding)

    def _doubled(self, judged: Judged, lane: Lane, rows: Sequence[Hashed]) -> None:
        """Where the key itself was taken out of force."""
        for place, count in Counter(place for place, _ in rows).items():
            if count > 1:
                noun = self._noun if lane is self._own.lane else "witnessed seal"
                text = f"{noun} {place} stands there {count} times (seal {judged.number})"
                self._findings.add(Finding(kind=Kind.INSERTED, text=text, position=place, seal=judged.number))

    def _odd(self, judged: Judged, lane: Lane, row: Row, *, is_sealed: bool, origin: int | None) -> Finding:
        place, known = row[lane.key], known_as(row)
        if not lane.leaf(row):
            kind, what = Kind.UNREADABLE, "cannot be understood, so it is not what was sealed"
        elif origin is not None:
            kind, what = Kind.REORDERED, f"was sealed as {origin}, and stands here"
        elif is_sealed:
            kind, what = Kind.CHANGED, "is not what was sealed"
        else:
            kind, what = Kind.INSERTED, "stands among what was sealed, and was not"
        noun = self._noun if lane is self._own.lane else "witnessed seal"
        told = ", ".join(each for each in (known["operation"], known["settlement_id"], known["reference"]) if each)
        text = f"{noun} {place}{f' ({told})' if told else ''} {what} (seal {judged.number})"
        return Finding(kind=kind, text=text, position=place, seal=judged.number, **known)

    async def _gone(self, judged: Judged, lane: Lane, place: int) -> Finding:
        """A record that is not there, by what the ledger's tables still say of it."""
        is_own = lane is self._own.lane
        row = {} if self._findings.is_full else await self._told(lane, place)
        known = {name: str(row[name] or "") for name in ("settlement_id", "operation") if row}
        told = f" ({known['operation']}, {known['settlement_id']})" if known else ""
        noun = self._noun if is_own else "witnessed seal"
        text = f"{noun} {place}{told} was sealed, and is missing (seal {judged.number})"
        return Finding(kind=Kind.MISSING, text=text, position=place, seal=judged.number, **known)

    async def _told(self, lane: Lane, place: int) -> Told:
        """What the ledger's other tables say of an entry."""
        if lane is not self._own.lane or self._room != LEDGERS:
            return {}
        rows = await self._snapshot.rows(query("named_by_tables"), place)
        return dict(rows[0]) if rows else {}

    def _seal(self, judged: Judged, fault: str) -> None:
        text = f"seal {judged.number}: {fault}"
        self._findings.add(Finding(kind=Kind.SEAL, text=text, seal=judged.number))

    async def _nowhere(self, not_covered: NotCovered) -> None:
        """Records that stand at no place that a journal has."""
        (row,) = await self._snapshot.rows(query("records_to_verify", self._room))
        there = row["records"] + row["witnessed"]
        seen = self._records + self._others + self._lost + not_covered.records + not_covered.witnessed
        if there != seen:
            text = f"{there - seen} records have no place in the journal"
            self._findings.add(Finding(kind=Kind.INSERTED, text=text))

    async def _not_covered(self) -> NotCovered:
        (row,) = await self._snapshot.rows(query("not_covered", self._room), self._through, self._witnessed)
        return NotCovered(records=row["records"], since=row["since"], witnessed=row["witnessed"])

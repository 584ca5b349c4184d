"""Compares a journal's seals with what another database keeps of them. Nobody who holds one database holds both.

The witnesses were read before the journal: a seal is made before it is kept elsewhere, so whatever is kept must stand.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import Any

from interlock.audit.findings import MOST_FINDINGS, Finding, Kind
from interlock.audit.verify_seals import Judge, Judged

Witness = Mapping[str, Any]
"""A row of the query witnesses_of."""


class Elsewhere:
    """One other database: asked seal by seal, in the order of their numbers."""

    def __init__(self, place: str, judge: Judge, rows: AsyncIterator[Witness], *, keeps_all: bool) -> None:
        """`keeps_all`: every seal is brought there; else only what its own journal has lost."""
        self.place, self._judge, self._rows = place, judge, rows
        self._keeps_all = keeps_all
        self._next: Witness | None = None
        self._is_over = False
        self._absent: list[int] = []
        self.not_yet = 0
        """How many of the newest seals are not kept there."""
        self.since: datetime | None = None
        """When the oldest of those was made."""

    async def compare(self, judged: Judged) -> list[Finding]:
        """What is wrong with what is kept of this seal there, and of those before it that are not in the journal."""
        found: list[Finding] = []
        is_kept = False
        while (row := await self._peek()) is not None and row["number"] <= judged.number:
            if row["number"] < judged.number:
                found += self._alone(row)
            else:
                found += self._beside(row, judged)
                is_kept |= row["digest"] == judged.digest
            self._next = None
        if is_kept:
            found += self._removed()
        elif self._keeps_all:
            self._miss(judged)
        return found

    async def rest(self) -> AsyncIterator[Finding]:
        """What is wrong with what is kept of seals after the newest that the journal has."""
        while (row := await self._peek()) is not None:
            for finding in self._alone(row):
                yield finding
            self._next = None

    async def _peek(self) -> Witness | None:
        if self._next is None and not self._is_over:
            self._next = await anext(self._rows, None)
            self._is_over = self._next is None
        return self._next

    def _miss(self, judged: Judged) -> None:
        if self.not_yet == 0:
            self.since = judged.seal.at if judged.seal else None
        self.not_yet += 1
        if len(self._absent) <= MOST_FINDINGS:
            self._absent.append(judged.number)

    def _removed(self) -> Iterator[Finding]:
        """Seals are brought in their order: where a newer one is kept, those before it were."""
        for number in self._absent:
            text = f"seal {number} of {self._judge.journal} is not kept in {self.place}, and newer ones are: removed"
            yield Finding(kind=Kind.WITNESS, text=text, seal=number)
        self._absent.clear()
        self.not_yet, self.since = 0, None

    def _alone(self, row: Witness) -> Iterator[Finding]:
        """There is no seal of that number in the journal."""
        if self._counts(row) is None:
            yield self._none(row)
            return
        text = f"{self._named(row)} stands there since {row['at']}, and not in its own journal: cut off, or removed"
        yield Finding(kind=Kind.CUT_OFF, text=text, seal=row["number"])

    def _beside(self, row: Witness, judged: Judged) -> Iterator[Finding]:
        if judged.is_signed and (row["digest"], row["seal"], row["signature"]) == (judged.digest, *judged.texts):
            return
        digest = self._counts(row)
        if digest is None or digest != row["digest"]:
            yield self._none(row)
        elif digest != judged.digest and judged.is_signed:
            text = (
                f"{self._named(row)} is another than stands in the journal, and the keeper {self._judge.keeper} signed "
                "both: proof that it lies, or that its key is stolen"
            )
            yield Finding(kind=Kind.TWO_TRUTHS, text=text, seal=row["number"])
        elif digest != judged.digest:
            text = f"{self._named(row)} is the keeper's, and another than stands in the journal"
            yield Finding(kind=Kind.SEAL, text=text, seal=row["number"])

    def _counts(self, row: Witness) -> str | None:
        return self._judge.counts(row["number"], row["seal"], row["signature"])

    def _none(self, row: Witness) -> Finding:
        text = f"{self._named(row)} is no seal that its keeper signed"
        return Finding(kind=Kind.WITNESS, text=text, seal=row["number"], position=row["id"])

    def _named(self, row: Witness) -> str:
        return f"seal {row['number']} of {self._judge.journal}, kept in {self.place} under id {row['id']},"

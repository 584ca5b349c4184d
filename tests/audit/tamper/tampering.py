"""Makes every alteration, one after the other, and sees whether `audit verify` names it; puts it back in between."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace

from interlock.audit.journals import Block
from interlock.ledgers.derived import NOT_COVERED
from interlock.stack.identity import JOURNALS
from tests.audit.tamper.altering import Alteration, Catalogue, Column, Named, Row, Table, alterable, changed, emptied
from tests.audit.tamper.forging import (
    STRANGER,
    cut_off,
    doubled,
    exchanged,
    inserted,
    orphaned,
    removed,
    resealed,
    truncated,
)
from tests.audit.tamper.stage import Stage

NEVER_EXCHANGED = {"identity", "operators", "accounts"}
"""Tables whose rows say no more than their key; and accounts, whose key is a number: see Tamperer._renumbered."""


@dataclass
class Tally:
    """How many alterations of each kind were tried, and found and named; what was not; what the database refused."""

    tried: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    examples: dict[str, tuple[str, str]] = field(default_factory=dict)

    def count(self, alteration: Alteration, findings: list[str]) -> None:
        """One more."""
        self.tried[alteration.what] += 1
        if findings:
            self.found[alteration.what] += 1
            self.examples.setdefault(alteration.what, (alteration.text, findings[0]))
        else:
            self.missed.append(f"{alteration.what}: {alteration.text}")


@dataclass
class Tamperer:
    """A superuser at work on a stage."""

    stage: Stage
    catalogue: Catalogue
    rng: random.Random
    tally: Tally = field(default_factory=Tally)

    @classmethod
    async def on(cls, stage: Stage, seed: int) -> "Tamperer":
        """With a copy of everything."""
        return cls(stage, await Catalogue.of(stage), random.Random(seed))

    async def attempt(self, alteration: Alteration) -> None:
        """Alter, verify, put back."""
        refusal = await self.catalogue.make(alteration)
        if refusal:
            self.tally.refused.append(f"{alteration.text}: {refusal}")
            return
        try:
            self.tally.count(alteration, alteration.names.by(await self.stage.verify()))
        finally:
            await self.catalogue.put_back(alteration)

    async def columns(self, rows_each: int, *, once: bool = False) -> AsyncIterator[Alteration]:
        """Every column that somebody vouches for, of so many rows: to another value, and to NULL.

        `once`: to another value only, and what both ledgers have in one of them.
        """
        for table in self.catalogue.tables:
            if once and table.journal == "payment" and table.name != "verdicts":
                continue
            known_by_number = await self._known_by_number(table)
            everything = await self.catalogue.rows(table)
            for column in alterable(table.columns):
                is_number = (table.name, column.name) == ("accounts", "id")
                rows = [row for row in everything if row["id"] in known_by_number] if is_number else everything
                # a column that is mostly empty is altered where it is not, too
                some = self._some([row for row in rows if row[column.name] is not None], rows_each)
                for row in some:
                    made = [changed(table, column, row, self.rng), *([] if once else [emptied(table, column, row)])]
                    for each in made:
                        yield replace(each, names=known_by_number[row["id"]]) if is_number else each
                for row in self._some([row for row in rows if row[column.name] is None], rows_each):
                    yield changed(table, column, row, self.rng)

    async def rows(self, rows_each: int) -> AsyncIterator[Alteration]:
        """Rows removed, inserted and exchanged; tables emptied."""
        for table in self._vouched_for():
            rows = await self.catalogue.rows(table)
            for row in self._some(rows, rows_each):
                yield removed(table, row)
                yield inserted(table, row, self.rng)
                yield doubled(table, row)
                if table.name == "postings":
                    yield orphaned(table, row)
            if table.name == "accounts":
                for each in await self._renumbered(table, rows, rows_each):
                    yield each
            for one, other in self._pairs(table, rows, rows_each):
                yield exchanged(table, one, other)
            if rows:
                yield truncated(table, rows)

    async def blocks(self) -> AsyncIterator[Alteration]:
        """The newest cut off, and the chain made anew."""
        for journal in JOURNALS:
            blocks = [block async for block in self.stage.journals[journal].blocks()]
            for count in range(1, min(2, len(blocks)) + 1):
                for each in cut_off(self.catalogue, journal, blocks, count=count):
                    yield each
            async for each in self._sealed_anew(journal, blocks):
                yield each

    async def _sealed_anew(self, journal: str, blocks: list[Block]) -> AsyncIterator[Alteration]:
        keeper = self.stage.seal_keys[journal]
        for signer, what in (
            (STRANGER, "sealed anew with a stranger's key"),
            (keeper, "sealed anew with the keeper's key"),
        ):
            async for each in resealed(self.catalogue, journal, blocks, signer=signer, what=what):
                yield each

    async def at_random(self, count: int) -> AsyncIterator[Alteration]:
        """So many alterations, of whatever row of whatever table."""
        tables = [(table, rows) for table in self._vouched_for() if (rows := await self.catalogue.rows(table))]
        for _ in range(count):
            table, rows = self.rng.choice(tables)
            yield _random(self._one(table, rows))

    async def _known_by_number(self, table: Table) -> dict[str, Named]:
        """What names an account that postings know by its number: their entries. Of others, the number says nothing."""
        entries: dict[str, set[int]] = {}
        if table.name == "accounts":
            for row in await self.catalogue.rows(self.catalogue.table(table.journal, "postings")):
                entries.setdefault(row["account"], set()).add(int(row["entry"]))
        return {number: Named(table.journal, "", positions=frozenset(places)) for number, places in entries.items()}

    async def _renumbered(self, table: Table, rows: list[Row], count: int) -> list[Alteration]:
        """Accounts that postings know, each under the other's number: it shows in the postings' entries."""
        known = await self._known_by_number(table)
        found = []
        for _ in range(count):
            one, other = self.rng.sample([row for row in rows if row["id"] in known], 2)
            places = known[one["id"]].positions | known[other["id"]].positions
            found.append(replace(exchanged(table, one, other), names=Named(table.journal, "", positions=places)))
        return found

    def _one(self, table: Table, rows: list[Row]) -> Alteration:
        row = self.rng.choice(rows)
        if not _telling(table):
            return removed(table, row)
        choices: list[Callable[[], Alteration]] = [
            lambda: changed(table, self.rng.choice(_telling(table)), row, self.rng),
            lambda: removed(table, row),
            lambda: inserted(table, row, self.rng),
            lambda: doubled(table, row),
        ]
        pairs = list(self._pairs(table, rows, 1))
        if pairs:
            choices.append(lambda: exchanged(table, *pairs[0]))
        # what is changed most in one's imagination is a value
        return self.rng.choices(choices, weights=[6, *([1] * (len(choices) - 1))])[0]()

    def _vouched_for(self) -> list[Table]:
        return [table for table in self.catalogue.tables if alterable(table.columns)]

    def _some(self, rows: list[Row], count: int) -> list[Row]:
        return self.rng.sample(rows, min(count, len(rows)))

    def _pairs(self, table: Table, rows: list[Row], count: int) -> Iterator[tuple[Row, Row]]:
        """Pairs of rows that say different things beside their keys."""
        rest = [each.name for each in _telling(table) if not each.is_key]
        for _ in range(count if len(rows) > 1 and table.name not in NEVER_EXCHANGED else 0):
            one, other = self.rng.sample(rows, 2)
            if any(one[name] != other[name] for name in rest):
                yield one, other


def _telling(table: Table) -> list[Column]:
    """What somebody vouches for, but an account's number, which may say nothing."""
    return [each for each in alterable(table.columns) if (table.name, each.name) != ("accounts", "id")]


def _random(alteration: Alteration) -> Alteration:
    return Alteration(
        "at random", alteration.text, alteration.table, alteration.statements, alteration.names, alteration.touched
    )


async def not_covered(tamperer: Tamperer) -> AsyncIterator[Alteration]:
    """Each column that nobody looks at, of one row."""
    for table in tamperer.catalogue.tables:
        for row in (await tamperer.catalogue.rows(table))[:1]:
            for column in table.columns:
                if (table.name, column.name) in NOT_COVERED:
                    yield changed(table, column, row, tamperer.rng)


def unknown(catalogue: Catalogue) -> list[str]:
    """Columns that the catalogue has and this version does not, and the other way round."""
    from interlock.ledgers.derived import AUDIT_TABLES, LEDGER_TABLES  # noqa: PLC0415

    found = {(each.journal, each.name, column.name) for each in catalogue.tables for column in each.columns}
    known = {
        (journal, table, column)
        for journal in JOURNALS
        for table, columns in (AUDIT_TABLES if journal == "audit" else LEDGER_TABLES).items()
        for column in columns
    }
    assert all(any((table, column) == each[1:] for each in known) for table, column in NOT_COVERED)
    return sorted("/".join(each) for each in found ^ known)

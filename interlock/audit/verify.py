"""Verifies the three journals and their witnesses, and each database's tables against its journal. Repairs nothing.

The databases may be in use meanwhile: each is read in snapshots, the witnesses first, for a seal is made before it is
kept elsewhere. What is being written is not covered yet, and is counted as such.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import asyncpg

from interlock.audit.findings import Finding, Findings, Kind
from interlock.audit.install import ROOM
from interlock.audit.journals import Journal
from interlock.audit.verify_journal import JournalCheck, JournalResult
from interlock.audit.verify_seals import Judge
from interlock.audit.verify_witnesses import Elsewhere, Witness
from interlock.ledgers.connections import Snapshot
from interlock.ledgers.derived import Difference, ledger_differences, trail_differences
from interlock.ledgers.processes import HERE, Hands
from interlock.ledgers.queries import LEDGERS, query
from interlock.ledgers.reader import PostgresReader
from interlock.ledgers.verify import Advance, InvariantResult, verify
from interlock.protocol import Message
from interlock.protocol.evidence import Identity
from interlock.protocol.seals import AUDIT_JOURNAL

_WITNESSES_AT_ONCE = 200


class TablesResult(Message):
    """One database's tables against its journal; of `count` findings the first hundred."""

    ok: bool
    count: int
    findings: tuple[Finding, ...]


class InvariantsResult(Message):
    """The ledgers' eight invariants; `fault` says why they could not be looked at, if they could not."""

    ok: bool
    fault: str
    invariants: dict[str, InvariantResult]


async def records_to_verify(journals: Mapping[str, Journal]) -> int:
    """How many rows `verify_journals` looks at. Raises LedgerUnreachable."""
    total = 0
    for journal in journals.values():
        async with journal.connections.snapshot() as snapshot:
            total += await _settle(snapshot, journal.name)
    return total


async def verify_journals(
    journals: Mapping[str, Journal],
    network: str,
    keepers: Mapping[str, str],
    *,
    hands: Hands = HERE,
    advance: Advance = lambda _: None,
) -> dict[str, JournalResult]:
    """Every journal by its name; `keepers` are whose seals count, on that network; `hands` hash and verify.

    Needs two connections to each database. Raises LedgerUnreachable, and ProcessLost if not all could be looked at.
    """
    results = {}
    async with AsyncExitStack() as held:
        places: dict[str, Snapshot] = {}
        for name, journal in journals.items():
            places[name] = await held.enter_async_context(journal.connections.snapshot())
            await _settle(places[name], name)
        for name, journal in journals.items():
            judge = Judge(name, network, keepers.get(name))
            elsewhere = [
                Elsewhere(place, judge, _witnesses(snapshot, place, name), keeps_all=place != name)
                for place, snapshot in places.items()
                if name in keepers and (place != name or name == AUDIT_JOURNAL)
            ]
            async with journal.connections.snapshot() as snapshot:
                results[name] = await JournalCheck(judge, snapshot, elsewhere, hands, advance).check()
    return results


async def verify_invariants(
    journals: Mapping[str, Journal], network: str, *, hands: Hands = HERE, advance: Advance = lambda _: None
) -> InvariantsResult:
    """What `ledger verify` checks: every stored signature and certificate once more, and that the books balance.

    Raises LedgerUnreachable, and ProcessLost if not all could be looked at.
    """
    asset, payment = invariant_readers(journals, network)
    try:
        found = await verify(asset, payment, hands=hands, advance=advance)
    except (asyncpg.PostgresError, ValueError, OverflowError) as error:
        return InvariantsResult(ok=False, fault=f"{type(error).__name__}: {error}", invariants={})
    return InvariantsResult(ok=all(each.ok for each in found.values()), fault="", invariants=found)


def invariant_readers(journals: Mapping[str, Journal], network: str) -> tuple[PostgresReader, PostgresReader]:
    """The two ledgers, which are told who they are: what they say of themselves is to be verified."""
    asset, payment = (journal for name, journal in journals.items() if name != AUDIT_JOURNAL)
    return _reader(asset, network), _reader(payment, network)


def _reader(journal: Journal, network: str) -> PostgresReader:
    return PostgresReader(journal.connections, Identity(journal.name, network, frozenset()))


async def verify_tables(journals: Mapping[str, Journal]) -> dict[str, TablesResult]:
    """Each database's tables against what its journal makes of them. Raises LedgerUnreachable."""
    results = {}
    for name, journal in journals.items():
        findings = Findings()
        async with journal.connections.snapshot() as snapshot:
            found = trail_differences(snapshot, ROOM) if name == AUDIT_JOURNAL else ledger_differences(snapshot)
            try:
                async for each in found:
                    findings.add(_finding(each))
            except (asyncpg.PostgresError, ValueError) as error:
                text = f"the tables cannot be read: {type(error).__name__}: {error}"
                findings.add(Finding(kind=Kind.UNREADABLE, text=text))
        results[name] = TablesResult(ok=findings.count == 0, count=findings.count, findings=tuple(findings.all))
    return results


def _finding(found: Difference) -> Finding:
    return Finding(
        kind=Kind.TABLE, text=found.text, table=found.table, reference=found.key, settlement_id=found.settlement_id
    )


def _room(journal: str) -> str:
    return ROOM if journal == AUDIT_JOURNAL else LEDGERS


async def _settle(snapshot: Snapshot, journal: str) -> int:
    """How many rows there are; a snapshot is of the moment of its first question, which this is."""
    (row,) = await snapshot.rows(query("records_to_verify", _room(journal)))
    return int(row["records"]) + int(row["witnessed"]) + int(row["seals"])


async def _witnesses(snapshot: Snapshot, place: str, journal: str) -> AsyncIterator[Witness]:
    chunks = snapshot.chunks(query("witnesses_of", _room(place)), journal, size=_WITNESSES_AT_ONCE)
    async for rows in chunks:
        for row in rows:
            yield dict(row)

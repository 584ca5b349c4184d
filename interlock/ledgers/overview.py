"""Every settlement that stands on some ledgers, in a few words each. Reads in pages; judges nothing, writes nothing.

For connections that may read everything: an auditor's, or the writer's. The ledgers may be in use meanwhile: locks are
read before verdicts, so whoever sees a lock that has ended sees the verdict that ended it.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from interlock.ledgers.queries import query
from interlock.ledgers.reader import PostgresReader, registered_set
from interlock.protocol import Attestors, AttestorSet, Certificate, LockState, VerdictKind
from interlock.protocol.evidence import RegisteredSet


@dataclass(slots=True)
class Standing:
    """What ledgers hold of the same terms; `by_time`: settle_by is why they are voided."""

    terms_hash: str
    settlement_id: str
    lock: LockState | None = None
    verdict: VerdictKind | None = None
    by_time: bool = False


async def row_count(ledgers: Sequence[PostgresReader]) -> int:
    """How many rows an overview of these ledgers reads. Raises LedgerUnreachable."""
    return sum([int(await ledger.connections.value(query("row_counts"))) for ledger in ledgers])


async def overview(ledgers: Sequence[PostgresReader], advance: Callable[[int], None]) -> dict[str, Standing]:
    """What stands, by terms hash; `advance` is told how many more rows were read. Raises LedgerUnreachable."""
    found: dict[str, Standing] = {}
    for ledger in ledgers:
        async with ledger.connections.snapshot() as snapshot:
            async for rows in snapshot.chunks(query("locks_in_short")):
                for row in rows:
                    standing = found.setdefault(row["terms_hash"], Standing(row["terms_hash"], row["settlement_id"]))
                    standing.lock = LockState(row["state"])
                advance(len(rows))
    for ledger in ledgers:
        async with ledger.connections.snapshot() as snapshot:
            async for rows in snapshot.chunks(query("verdicts_in_short")):
                for row in rows:
                    standing = found.setdefault(row["terms_hash"], Standing(row["terms_hash"], row["settlement_id"]))
                    standing.verdict = VerdictKind(row["verdict"])
                    standing.by_time = row["authority"] == "time"
                advance(len(rows))
    return found


async def attestor_sets(ledger: PostgresReader) -> list[RegisteredSet]:
    """Every attestor set that a ledger has registered, by name and epoch. Raises LedgerUnreachable."""
    rows = await ledger.connections.rows(query("all_attestor_sets"))
    return sorted(map(registered_set, rows), key=lambda each: (each.attestors.name, each.attestors.epoch))


async def left_out_since(ledger: PostgresReader) -> dict[str, int]:
    """The entry by which each attestor that is left out was accused last. Raises LedgerUnreachable."""
    rows = await ledger.connections.rows(query("accused"))
    return {row["attestor"]: row["entry"] for row in rows if row["left_out"]}


async def accusations(ledger: PostgresReader, digests: Sequence[str]) -> dict[str, int]:
    """The entries of those of these misconducts that a ledger has judged. Raises LedgerUnreachable."""
    rows = await ledger.connections.rows(query("accusations"), list(digests))
    return {row["order_digest"]: row["position"] for row in rows}


async def certificates(ledger: PostgresReader) -> AsyncIterator[list[Certificate]]:
    """Every certificate that a ledger has relied on, in the journal's order, some hundred at a time.

    What is stored and is none is left out: `ledger verify` names it. Raises LedgerUnreachable.
    """
    async with ledger.connections.snapshot() as snapshot:
        async for rows in snapshot.chunks(query("certificates")):
            yield [found for row in rows if (found := _certificate(row["certificate"])) is not None]


def _certificate(text: str) -> Certificate | None:
    try:
        return Certificate.model_validate_json(text)
    except ValueError:
        return None


async def registered(ledgers: Sequence[PostgresReader], named: AttestorSet) -> Attestors | None:
    """The keys and quorum behind an attestor set, from the first ledger that knows it. Raises LedgerUnreachable."""
    for ledger in ledgers:
        for row in await ledger.connections.rows(query("attestor_sets"), named.name):
            attestors = registered_set(row).attestors
            if attestors.identity == named:
                return attestors
    return None

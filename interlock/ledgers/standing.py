"""Which of many facts stand on a ledger, and how far its journal has come. Asks in few round trips; judges nothing."""

from collections.abc import Sequence

from interlock.ledgers.queries import query
from interlock.ledgers.reader import PostgresReader
from interlock.protocol import Fact

_CHUNK = 1000


async def newest_position(ledger: PostgresReader) -> int:
    """The position of the newest entry that a reader sees. Raises LedgerUnreachable."""
    position: int = await ledger.connections.value(query("newest_position"))
    return position


async def standing(ledger: PostgresReader, terms_hashes: Sequence[str]) -> set[tuple[str, Fact]]:
    """What stands of these terms: LOCKED for every lock row, whatever became of it, and the verdict.

    A tombstone counts as LOCKED: it refuses a lock for ever, and stands only where the verdict is VOIDED.
    Raises LedgerUnreachable.
    """
    facts: set[tuple[str, Fact]] = set()
    for first in range(0, len(terms_hashes), _CHUNK):
        asked = list(terms_hashes[first : first + _CHUNK])
        for row in await ledger.connections.rows(query("lock_states_of"), asked):
            facts.add((row["terms_hash"], Fact.LOCKED))
        for row in await ledger.connections.rows(query("verdict_kinds_of"), asked):
            facts.add((row["terms_hash"], Fact(row["verdict"])))
    return facts

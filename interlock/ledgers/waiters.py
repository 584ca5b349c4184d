"""Who waits for an account of this ledger to change, and hearing when one does. Wakes nobody.

The ledger remembers a waiter when it refuses a lock, a payment or a release for want of balance, for a freeze or for a
missing admission, and announces when that may have changed. An announcement may be lost; the row stays, so whoever
looks at the table misses nothing.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from interlock.ledgers.connections import Connections, Listener
from interlock.ledgers.queries import query

CHANNEL = "interlock_waiters"
"""What is announced here is the id of an account, in decimal digits."""

_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Waiter:
    """Terms that may go on. `ticket` names this waiting: the same terms refused once more have another."""

    ticket: int
    terms_hash: str
    settlement_id: str
    seller: str
    buyer: str


class Waiters:
    """The waiters of one ledger, through its writer role. Every method raises LedgerUnreachable."""

    def __init__(self, connections: Connections, dsn: str) -> None:
        self._connections = connections
        self._dsn = dsn

    def listening(self) -> AbstractAsyncContextManager[Listener]:
        """Hear which accounts have changed for somebody."""
        return Listener.on(CHANNEL, self._dsn, timeout_s=_TIMEOUT_S)

    async def due(self, accounts: Collection[str] | None, *, limit: int, on_their_way: int) -> Sequence[Waiter]:
        """Whom to wake now, oldest first, at most `limit`; of the accounts announced, or of all if that is None.

        Of one account, no more than can be served from its balance, nor more than `on_their_way` at once.
        """
        ids = None if accounts is None else [int(each) for each in accounts if each.isdecimal() and len(each) < 19]
        rows = await self._connections.rows(query("due_waiters"), ids, limit, on_their_way)
        return [Waiter(**row) for row in rows]

    async def note_woken(self, waiters: Sequence[Waiter]) -> None:
        """These have been told to ask again; they are not due for a while."""
        await self._connections.value(query("note_woken"), [each.ticket for each in waiters])

    async def drop(self, waiters: Sequence[Waiter]) -> None:
        """Forget these, whom nobody carries on any more, and all whose settle_by passed an hour ago."""
        await self._connections.value(query("drop_waiters"), [each.ticket for each in waiters])

    async def waiting_of(self, terms_hashes: Sequence[str]) -> frozenset[str]:
        """Which of these terms wait, as far as the ledger knows."""
        rows = await self._connections.rows(query("waiting_of"), list(terms_hashes))
        return frozenset(row["terms_hash"] for row in rows)

"""Reads spans out of the audit database. Writes nothing; needs a reader's role."""

from collections.abc import Sequence
from typing import Self

from interlock.audit.install import ROOM
from interlock.audit.spans import SpanTree, StoredSpan, trees_of
from interlock.ledgers.connections import Connections
from interlock.ledgers.queries import query


class SpanReader:
    """Use as an async context manager, or `close` it. Every read raises LedgerUnreachable if nobody answers."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    @classmethod
    async def connect(cls, dsn: str, *, timeout_s: float = 5.0) -> Self:
        """Connect as a reader. Raises LedgerUnreachable if nobody answers there."""
        return cls(await Connections.open(dsn, size=2, timeout_s=timeout_s))

    async def spans_of(self, trace_id: str) -> tuple[StoredSpan, ...]:
        """All spans of a trace (32 hex digits), in the order in which they started."""
        rows = await self._connections.rows(query("spans_of", ROOM), trace_id)
        return tuple(StoredSpan.from_row(dict(row)) for row in rows)

    async def spans_of_each(self, trace_ids: Sequence[str]) -> dict[str, list[StoredSpan]]:
        """All spans of these traces, by trace, in the order in which they started."""
        found: dict[str, list[StoredSpan]] = {trace_id: [] for trace_id in trace_ids}
        for row in await self._connections.rows(query("spans_of_each", ROOM), list(trace_ids)):
            found[row["trace_id"]].append(StoredSpan.from_row(dict(row)))
        return found

    async def terms_of(self, settlement_id: str) -> list[str]:
        """The hashes of a settlement id's terms, as far as spans know, sorted; only where there are no others of those
        that were proposed and came to nothing.
        """
        rows = await self._connections.rows(query("terms_of_settlement", ROOM), settlement_id)
        return [row["terms_hash"] for row in rows]

    async def positions_of(self, trace_id: str) -> list[int]:
        """Where the trace's spans stand in the trail."""
        return [row["position"] for row in await self._connections.rows(query("positions_of", ROOM), trace_id)]

    async def trees_of(self, trace_id: str) -> tuple[SpanTree, ...]:
        """The trace as it hangs together: one tree, once its settlement has ended."""
        return trees_of(await self.spans_of(trace_id))

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

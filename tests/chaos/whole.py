"""Whether every settlement of a run is one complete trace, once what was lost has been made again. Repairs nothing."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta

from interlock.audit.completeness import TraceResult
from interlock.audit.journals import Journal
from interlock.audit.tracing import traces
from interlock.ledgers.connections import Connections
from interlock.ledgers.faults import LedgerUnreachable
from interlock.stack.embedded import EmbeddedStack

CAUGHT_UP_WITHIN_SECONDS = 120.0
_LOOK_EVERY_SECONDS = 1.0


async def judged_traces(readers: Mapping[str, str], *, within: float = CAUGHT_UP_WITHIN_SECONDS) -> TraceResult:
    """The judgement of all traces: as soon as nothing is missing, at the latest after so many seconds.

    `readers` are the connection strings of who may read the audit database and each ledger, by database. A trace that
    is being written while it is looked at is looked at again.
    """
    until = time.monotonic() + within
    async with AsyncExitStack() as held:
        opened = {}
        for database, dsn in readers.items():
            opened[database] = await Connections.open(dsn, size=2, timeout_s=30.0)
            held.push_async_callback(opened[database].close)
        trail = opened.pop("audit")
        journals = {ledger: Journal(ledger, connections) for ledger, connections in opened.items()}
        while True:
            try:
                result = await traces(trail, journals, young=timedelta())
            except LedgerUnreachable:
                if time.monotonic() >= until:
                    raise
            else:
                if (result.ok and not result.young) or time.monotonic() >= until:
                    return result
            await asyncio.sleep(_LOOK_EVERY_SECONDS)


def readers_of(stack: EmbeddedStack) -> dict[str, str]:
    """The connection strings that a stack's trail is judged with."""
    return {database: stack.dsn(database, f"{database}_reader") for database in ("audit", "asset", "payment")}

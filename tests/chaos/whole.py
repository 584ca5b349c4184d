"""Whether every settlement of a run is one complete trace, once what was lost has been made again. Repairs nothing."""

import asyncio
import time
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


async def judged_traces(stack: EmbeddedStack, *, within: float = CAUGHT_UP_WITHIN_SECONDS) -> TraceResult:
    """The judgement of all traces: as soon as nothing is missing, at the latest after so many seconds."""
    until = time.monotonic() + within
    async with AsyncExitStack() as held:

        async def reader(database: str) -> Connections:
            opened = await Connections.open(stack.dsn(database, f"{database}_reader"), size=2, timeout_s=30.0)
            held.push_async_callback(opened.close)
            return opened

        trail = await reader("audit")
        journals = {ledger: Journal(ledger, await reader(ledger)) for ledger in ("asset", "payment")}
        while True:
            try:
                result = await traces(trail, journals, young=timedelta())
            except LedgerUnreachable:
                if time.monotonic() >= until:
                    raise
            else:
                if result.ok or time.monotonic() >= until:
                    return result
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

"""What completing and judging traces takes, with few and with many settlements whose every span was lost.

`python -m bench.completing [FEW] [MANY]` writes one JSON document. The trades are real ones, entered in bulk
(bench.bulk); all of their spans are made again, with their roots, and then everything is judged.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from bench.bulk import BulkLoad
from bench.evidence import signers
from bench.place import Place, opened
from interlock.activities.reconstructing import Reconstructing
from interlock.audit.completing import Trail
from interlock.audit.exporter import AuditExporter
from interlock.audit.journals import Journal
from interlock.audit.keeping import KeptJournal
from interlock.audit.tracing import traces
from interlock.ledgers.connections import Connections
from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol.names import Role
from interlock.worker.completing import Completer
from interlock.worker.ended_runs import EndedRuns
from interlock.worker.lost import Maker
from interlock.worker.rooting import Rooter
from interlock.worker.roots import Roots
from interlock.worker.telemetry import AUDIT_EVERY_MS, AUDIT_QUEUE

RESOURCE = Resource({"service.name": "bench"})
LEDGERS = (Role.ASSET, Role.PAYMENT)


class Bench:
    """Completers on one place, as workers' roles have them, and the judge."""

    def __init__(self, held: AsyncExitStack, place: Place) -> None:
        self._held, self._place = held, place
        exporter = AuditExporter(place.stack.dsn("audit", "audit_writer"))
        self._out = BatchSpanProcessor(exporter, max_queue_size=AUDIT_QUEUE, schedule_delay_millis=AUDIT_EVERY_MS)
        held.callback(self._out.shutdown)

    async def complete(self) -> int:
        """As processes that have just started do, until nothing is new."""
        made = 0
        for role in LEDGERS:
            dsn = self._place.stack.dsn(role, f"{role}_writer")
            journal = KeptJournal(role, await self._connections(dsn))
            ledger = await PostgresLedger.connect(dsn, pool_size=1)
            self._held.push_async_callback(ledger.close)
            trail = Trail(await self._connections(self._place.stack.dsn("audit", "audit_writer")))
            maker = Maker(journal, ledger, Reconstructing(RESOURCE))
            made += await Completer(journal, trail, maker, self._out.on_end, after_seconds=0.0).complete()
        keeper = KeptJournal("audit", await self._connections(self._place.stack.dsn("audit", "audit_keeper")))
        runs = EndedRuns(self._place.temporal)
        return made + await Rooter(keeper, runs, Roots(RESOURCE), self._out.on_end, after_seconds=0.0).complete()

    async def forget(self) -> None:
        """As if nobody had ever looked."""
        trail = Trail(await self._connections(self._place.stack.dsn("audit", "audit_writer")))
        for journal in (*LEDGERS, "audit"):
            await trail.note(journal, {})

    async def judge(self) -> int:
        """All settlements. Raises RuntimeError if one is not whole."""
        journals = {
            role.value: Journal(role, await self._connections(self._place.stack.dsn(role, f"{role}_reader")))
            for role in LEDGERS
        }
        trail = await self._connections(self._place.stack.dsn("audit", "audit_reader"))
        result = await traces(trail, journals, young=timedelta())
        if not result.ok:
            raise RuntimeError("\n".join(result.violations))
        return result.complete

    async def _connections(self, dsn: str) -> Connections:
        connections = await Connections.open(dsn, size=1, timeout_s=120.0)
        self._held.push_async_callback(connections.close)
        return connections


async def _timed(work: Callable[[], Awaitable[int]]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    count = await work()
    return {
        "count": count,
        "seconds": round(time.perf_counter() - wall, 3),
        "cpu_seconds": round(time.process_time() - cpu, 3),
    }


async def main(few: int, many: int) -> dict[str, Any]:
    """Both sizes on one stack: first the few, then the many."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as name, signers() as pool:
        async with opened(Path(name)) as place, AsyncExitStack() as held:
            bench = Bench(held, place)
            for count in (few, many):
                await BulkLoad(place, pool).up_to(count)
                said = found.setdefault(str(count), {})
                said["made again"] = await _timed(bench.complete)
                said["a restart"] = await _timed(bench.complete)
                await bench.forget()
                said["a restart that remembers nothing"] = await _timed(bench.complete)
                said["judged"] = await _timed(bench.judge)
    return found


if __name__ == "__main__":
    sizes = [int(each) for each in sys.argv[1:3]] or [1_000, 10_000]
    sys.stdout.write(json.dumps(asyncio.run(main(sizes[0], sizes[-1])), indent=1) + "\n")

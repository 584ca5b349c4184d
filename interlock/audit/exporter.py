"""Writes ended spans into the audit database, on a thread and connection of its own. Drops none silently.

A database that is away is no reason to wait for it elsewhere: spans are kept, in memory, until they can be written.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Coroutine, Sequence
from concurrent.futures import TimeoutError as NotInTime
from typing import Any, TypeVar

import asyncpg
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from interlock.audit.install import ROOM
from interlock.audit.spans import StoredSpan
from interlock.ledgers.migrations import Connection
from interlock.ledgers.queries import query

log = logging.getLogger("interlock.audit")

KEPT_AT_MOST = 100_000
"""Spans that wait for a database that is away; beyond that the newest are dropped, counted, and it is said once."""

WRITTEN_AT_ONCE = 512
EXPORT_WAITS_SECONDS = 2.0
CLOSING_WAITS_SECONDS = 3.0
_TIMEOUT_SECONDS = 5.0
_PAUSES_SECONDS = (0.1, 0.5, 2.0, 5.0)
_BAD_ROWS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError)

T = TypeVar("T")


class AuditExporter(SpanExporter):
    """Takes batches from any thread. `dropped` counts spans that could not be kept."""

    def __init__(self, dsn: str, *, kept_at_most: int = KEPT_AT_MOST) -> None:
        """`dsn` is the audit database's writer's. Connects when there is something to write."""
        self._dsn = dsn
        self._kept_at_most = kept_at_most
        self.dropped = 0
        self._kept: deque[tuple[Any, ...]] = deque()
        self._told_fault = self._told_dropped = False
        self._connection: Connection | None = None
        self._loop = asyncio.new_event_loop()
        self._arrived, self._all_written = asyncio.Event(), asyncio.Event()
        self._all_written.set()
        self._thread = threading.Thread(target=self._run, name="interlock-audit", daemon=True)
        self._thread.start()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Keep the batch, and wait for a moment until it is written; FAILURE says that it is still kept, no more."""
        rows = [StoredSpan.of(span).row for span in spans]
        if not self._thread.is_alive():
            self._drop(len(rows), "the exporter is shut down")
            return SpanExportResult.FAILURE
        self._loop.call_soon_threadsafe(self._keep, rows)  # before anybody waits: to give up waiting must drop nothing
        written = self._await(self._all_written.wait(), 0.0 if self._told_fault else EXPORT_WAITS_SECONDS)
        return SpanExportResult.SUCCESS if written else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Whether everything taken so far was written in time."""
        return self._await(self._all_written.wait(), timeout_millis / 1000)

    def shutdown(self) -> None:
        """Write what is kept, within 3 seconds; what cannot be written is lost, and it is said how much."""
        if not self._thread.is_alive():
            return
        self._await(self._all_written.wait(), CLOSING_WAITS_SECONDS)
        if lost := len(self._kept) + self.dropped:
            log.error("%d spans could not be written to the audit database", lost)
        self._loop.call_soon_threadsafe(self._writing.cancel)
        self._thread.join(CLOSING_WAITS_SECONDS)

    def _await(self, work: Coroutine[Any, Any, object], seconds: float) -> bool:
        if not self._thread.is_alive():
            work.close()
            return False
        waited = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            waited.result(seconds)
        except NotInTime:
            waited.cancel()
            return False
        return True

    def _keep(self, rows: list[tuple[Any, ...]]) -> None:
        room = max(0, self._kept_at_most - len(self._kept))
        self._kept.extend(rows[:room])
        if len(rows) > room:
            self._drop(len(rows) - room, f"{len(self._kept)} wait to be written")
        if self._kept:
            self._all_written.clear()
            self._arrived.set()

    def _drop(self, count: int, why: str) -> None:
        self.dropped += count
        if not self._told_dropped:
            self._told_dropped = True
            log.error("spans are dropped, the audit trail has a gap: %s", why)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._writing = self._loop.create_task(self._write())
        try:
            self._loop.run_until_complete(self._writing)
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.close()

    async def _write(self) -> None:
        try:
            while True:
                await self._arrived.wait()
                while self._kept:
                    await self._write_some()
                self._arrived.clear()
                self._all_written.set()
        finally:
            await self._disconnect()

    async def _write_some(self) -> None:
        """Write the oldest that are kept, however often it takes."""
        rows = [self._kept[place] for place in range(min(len(self._kept), WRITTEN_AT_ONCE))]
        failed = 0
        while True:
            try:
                await self._insert(rows)
                break
            except Exception as error:  # whatever breaks, the trail does not end with it
                if isinstance(error, _BAD_ROWS) and self._connection is not None:
                    if len(rows) == 1:
                        self._drop(1, f"{rows[0][3]}: {_said(error)}")
                        break
                    rows = rows[:1]  # one by one, until the bad one is found
                    continue
                await self._disconnect()
                if not self._told_fault:
                    self._told_fault = True
                    log.warning("the audit database cannot be written to, spans are kept: %s", _said(error))
                await asyncio.sleep(_PAUSES_SECONDS[min(failed, len(_PAUSES_SECONDS) - 1)])
                failed += 1
        for _ in rows:
            self._kept.popleft()
        if self._told_fault and failed:
            self._told_fault = False
            log.warning("the audit database is written to again")

    async def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        if self._connection is None:
            self._connection = await asyncpg.connect(
                self._dsn,
                timeout=_TIMEOUT_SECONDS,
                command_timeout=_TIMEOUT_SECONDS,
                server_settings={"application_name": "interlock audit", "jit": "off"},
            )
        columns = [list(column) for column in zip(*rows, strict=True)]
        await self._connection.execute(query("write_spans", ROOM), *columns)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]

"""What looks for lost roots asks Temporal no more often than there may be something to hear."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from interlock.audit.completing import Trail
from interlock.audit.exporter import AuditExporter
from interlock.audit.keeping import KeptJournal
from interlock.ledgers.connections import Connections
from interlock.protocol.seals import AUDIT_JOURNAL
from interlock.worker import rooting
from interlock.worker.ended_runs import EndedRun, EndedRuns
from interlock.worker.rooting import Rooter
from interlock.worker.roots import Roots
from tests.conftest import AuditServer


class NoRuns(EndedRuns):
    """A Temporal that never ran anything; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def closed(self, after: datetime, through: datetime) -> AsyncIterator[EndedRun]:
        assert after < through
        self.asked += 1
        for run in list[EndedRun]():
            yield run


async def write(audit_server: AuditServer, number: int) -> None:
    """Add one span to the trail."""
    own = SpanContext(int("7b" * 16, 16), number, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    made = ReadableSpan("lock", own, resource=Resource({"service.name": "tests"}), start_time=1, end_time=2)
    exporter = AuditExporter(audit_server.dsn("writer"))
    await asyncio.to_thread(exporter.export, [made])
    await asyncio.to_thread(exporter.shutdown)


@pytest.fixture
def runs() -> NoRuns:
    return NoRuns()


@pytest.fixture
async def rooter(audit_server: AuditServer, runs: NoRuns) -> AsyncIterator[Rooter]:
    """One that has just started, on a trail that has been looked through."""
    await write(audit_server, 1)
    connections = await Connections.open(audit_server.dsn("keeper"), size=1, timeout_s=20.0)
    journal = KeptJournal(AUDIT_JOURNAL, connections)
    await Trail(connections).note(AUDIT_JOURNAL, {"position": (await journal.sight()).position})
    yield Rooter(journal, runs, Roots(Resource({})), lambda _: None, after_seconds=0.0)
    await connections.close()


async def test_a_trail_that_stands_still_is_not_looked_through_and_temporal_not_asked(
    audit_server: AuditServer, runs: NoRuns, rooter: Rooter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooting, "LIST_LAG", timedelta())
    assert await rooter.complete() == 0
    assert (rooter.has_news, runs.asked) == (True, 1)  # a process that has just started knows nothing
    for _ in range(3):
        assert await rooter.complete() == 0
        assert (rooter.has_news, runs.asked) == (False, 1)
    await write(audit_server, 2)
    await rooter.complete()
    assert (rooter.has_news, runs.asked) == (True, 2)
    await rooter.complete()
    assert (rooter.has_news, runs.asked) == (False, 2)
    monkeypatch.setattr(rooting, "LIST_ANYWAY", timedelta())  # that much time has passed
    await rooter.complete()
    assert (rooter.has_news, runs.asked) == (False, 3)


async def test_runs_are_listed_until_those_that_the_list_shows_late_have_been_seen(
    runs: NoRuns, rooter: Rooter
) -> None:
    for number in range(1, 4):  # what closed when the trail last grew shows LIST_LAG later
        await rooter.complete()
        assert runs.asked == number

"""The audit database: spans come back as they were, once each, and nobody can change or hide one."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import asyncpg
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

from interlock.audit.exporter import AuditExporter
from interlock.audit.reader import SpanReader
from interlock.audit.spans import StoredSpan, trees_of
from interlock.stack.ports import keep_ports
from tests.conftest import AuditServer

TRACE = "5e" * 16


@pytest.fixture
async def reader(audit_server: AuditServer) -> AsyncIterator[SpanReader]:
    """Reads spans."""
    async with await SpanReader.connect(audit_server.dsn("reader")) as found:
        yield found


def span(number: int, *, trace_id: str = TRACE, parent: int | None = None, name: str = "lock") -> ReadableSpan:
    """A span with something in every field."""

    def context(span_id: int) -> SpanContext:
        return SpanContext(int(trace_id, 16), span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))

    return ReadableSpan(
        name=name,
        context=context(number),
        parent=None if parent is None else context(parent),
        resource=Resource({"service.name": "tests"}),
        attributes={"text": 'é " \\', "number": 2**62, "yes": True, "part": 0.5, "list": ["a", "b"]},
        events=[Event("step", {"interlock.text": "locked"}, timestamp=2_000_000_000_123_456_789)],
        links=[Link(context(99), {"why": "tests"})],
        status=Status(StatusCode.ERROR, "it broke"),
        start_time=2_000_000_000_000_000_000 + number,
        end_time=2_000_000_000_000_000_100 + number,
    )


async def exported(exporter: AuditExporter, *spans: ReadableSpan) -> SpanExportResult:
    return await asyncio.to_thread(exporter.export, spans)


async def test_a_span_is_read_as_it_was_written(audit_server: AuditServer, reader: SpanReader) -> None:
    exporter = AuditExporter(audit_server.dsn("writer"))
    trace_id = "01" * 16
    told = [span(1, trace_id=trace_id), span(2, trace_id=trace_id, parent=1)]
    assert await exported(exporter, *told) is SpanExportResult.SUCCESS
    assert await reader.spans_of(trace_id) == tuple(StoredSpan.of(each) for each in told)
    await asyncio.to_thread(exporter.shutdown)


async def test_the_same_span_twice_is_one_row_and_the_first_stays(
    audit_server: AuditServer, reader: SpanReader
) -> None:
    exporter = AuditExporter(audit_server.dsn("writer"))
    trace_id = "02" * 16
    for name in ("first", "second"):
        await exported(exporter, span(1, trace_id=trace_id, name=name))
    assert [each.name for each in await reader.spans_of(trace_id)] == ["first"]
    await asyncio.to_thread(exporter.shutdown)


async def test_what_postgres_cannot_keep_in_a_text_is_marked_and_not_lost(
    audit_server: AuditServer, reader: SpanReader
) -> None:
    exporter = AuditExporter(audit_server.dsn("writer"))
    trace_id = "03" * 16
    assert await exported(exporter, span(1, trace_id=trace_id, name="a\0b\ud800")) is SpanExportResult.SUCCESS
    assert [each.name for each in await reader.spans_of(trace_id)] == ["a\N{REPLACEMENT CHARACTER}b?"]
    await asyncio.to_thread(exporter.shutdown)


async def test_a_span_that_cannot_be_written_is_counted_and_the_others_are_written(
    audit_server: AuditServer, reader: SpanReader, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = AuditExporter(audit_server.dsn("writer"))
    trace_id = "04" * 16
    bad = span(2, trace_id=trace_id)
    bad._end_time = 1  # before it began: the table refuses it
    await exported(exporter, span(1, trace_id=trace_id), bad, span(3, trace_id=trace_id))
    assert [each.span_id for each in await reader.spans_of(trace_id)] == [f"{1:016x}", f"{3:016x}"]
    assert exporter.dropped == 1
    assert [record.levelno for record in caplog.records if record.name == "interlock.audit"] == [logging.ERROR]
    await asyncio.to_thread(exporter.shutdown)


async def test_while_the_database_is_away_spans_are_kept_and_written_when_it_is_back(
    audit_server: AuditServer, reader: SpanReader, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = AuditExporter(audit_server.dsn("writer"))
    trace_id = "05" * 16
    await exported(exporter, span(1, trace_id=trace_id))
    await audit_server.ledgers.execute(
        "ALTER ROLE audit_writer NOLOGIN",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'audit_writer'",
    )
    assert await exported(exporter, span(2, trace_id=trace_id)) is SpanExportResult.FAILURE
    await audit_server.ledgers.execute("ALTER ROLE audit_writer LOGIN")
    assert await asyncio.to_thread(exporter.force_flush, 10_000)
    assert len(await reader.spans_of(trace_id)) == 2
    assert exporter.dropped == 0
    assert len([record for record in caplog.records if record.name == "interlock.audit"]) == 2  # away, and back
    await asyncio.to_thread(exporter.shutdown)


async def test_beyond_what_can_be_kept_spans_are_dropped_counted_and_it_is_said_once(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = keep_ports(tmp_path_factory.mktemp("ports") / "ports.json", ["nobody"])["nobody"]
    exporter = AuditExporter(f"postgresql://audit_writer:x@127.0.0.1:{nobody}/audit", kept_at_most=3)
    for number in range(1, 6):
        await exported(exporter, span(number))
    # what the exporter's own thread was told before this, it has done after it
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asyncio.sleep(0), exporter._loop))
    assert exporter.dropped == 2
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(said) == 1
    assert "gap" in said[0]


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("writer", "SELECT * FROM audit.spans"),
        ("writer", "INSERT INTO audit.spans (trace_id) VALUES ('')"),
        ("writer", "INSERT INTO audit.witnessed (journal) VALUES ('')"),
        ("writer", "SELECT audit.seal(NULL, NULL, NULL, NULL, NULL, NULL)"),
        ("keeper", "INSERT INTO audit.seals (number) VALUES (1)"),
        ("keeper", "SELECT audit.witness(NULL, NULL, NULL)"),
        ("writer", "DELETE FROM audit.spans"),
        ("writer", "UPDATE audit.spans SET name = 'x'"),
        ("writer", "TRUNCATE audit.spans"),
        ("writer", "SELECT audit.grant_reader('audit_writer')"),
        ("reader", "INSERT INTO audit.spans (trace_id) VALUES ('')"),
        ("reader", "DELETE FROM audit.spans"),
    ],
)
async def test_a_writer_only_adds_and_a_reader_only_reads(audit_server: AuditServer, role: str, statement: str) -> None:
    connection = await asyncpg.connect(audit_server.dsn(role))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


@pytest.mark.parametrize(
    "statement", ["DELETE FROM audit.spans", "UPDATE audit.spans SET name = 'x'", "TRUNCATE audit.spans"]
)
async def test_not_even_the_owner_changes_a_span(audit_server: AuditServer, statement: str) -> None:
    exporter = AuditExporter(audit_server.dsn("writer"))
    await exported(exporter, span(1, trace_id="06" * 16))
    await asyncio.to_thread(exporter.shutdown)
    connection = await asyncpg.connect(audit_server.dsn("owner"))
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute(statement)
    await connection.close()


def test_a_tree_has_each_span_under_its_parent_and_an_orphan_at_the_top() -> None:
    root, early, late, orphan = (
        StoredSpan.of(each) for each in (span(1), span(2, parent=1), span(3, parent=1), span(4, parent=77))
    )
    tree, alone = trees_of([late, orphan, early, root])
    assert [child.span for child in tree.children] == [early, late]
    assert alone.span == orphan


def test_a_row_holds_json_that_other_programs_can_read() -> None:
    row = dict(zip(vars(StoredSpan.of(span(1))), StoredSpan.of(span(1)).row, strict=True))
    assert json.loads(row["events"])[0]["at_ns"] == 2_000_000_000_123_456_789

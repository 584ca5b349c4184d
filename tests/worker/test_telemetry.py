"""What a worker tells of itself: its audit trail whatever is switched off, its metrics, and what it cannot do."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest

from interlock.audit.reader import SpanReader
from interlock.client import SettlementClient
from interlock.protocol import trace_id_of
from interlock.stack.ports import keep_ports
from tests.audit.receivers import Received, http_receiver
from tests.conftest import AuditServer, PostgresWorld
from tests.worker.conftest import StartWorker, new_terms, outcome, ready, settle
from tests.world import NETWORK


@pytest.mark.parametrize(
    "switch", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_SAMPLER": "always_off"}, {"OTEL_TRACES_EXPORTER": "none"}]
)
async def test_what_switches_otlp_off_leaves_the_audit_trail_whole(
    postgres_world: PostgresWorld,
    client: SettlementClient,
    start_worker: StartWorker,
    audit_server: AuditServer,
    switch: dict[str, str],
) -> None:
    received = Received()
    async with http_receiver(received) as endpoint, await SpanReader.connect(audit_server.dsn("reader")) as reader:
        worker = await start_worker(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **switch)
        await ready(worker)
        terms = new_terms(postgres_world)
        assert await outcome(await settle(client, terms)) == "SETTLED"
        await worker.stop()
        spans = await reader.spans_of(trace_id_of(terms.hash(NETWORK)))
        assert len(spans) == 8  # seven steps and the root
        assert received.spans == {}


async def test_prometheus_finds_our_metrics_beside_temporals(
    postgres_world: PostgresWorld, client: SettlementClient, start_worker: StartWorker, tmp_path: Path
) -> None:
    listen = f"127.0.0.1:{keep_ports(tmp_path / 'ports.json', ['metrics'])['metrics']}"
    await ready(await start_worker(INTERLOCK_METRICS_LISTEN=listen))
    assert await outcome(await settle(client, new_terms(postgres_world))) == "SETTLED"
    async with aiohttp.ClientSession() as session, session.get(f"http://{listen}/metrics") as answer:
        lines = (await answer.text()).splitlines()

    def value(name: str, *labels: str) -> str:
        (found,) = [line for line in lines if line.startswith(name + "{") and all(label in line for label in labels)]
        return found.rpartition(" ")[2]

    assert value("interlock_settlements", 'outcome="SETTLED"') == "1"
    assert value("interlock_steps", 'step="pay"', 'answer="receipt"') == "1"
    assert value("interlock_step_seconds_count", 'step="lock"') == "1"
    assert [line for line in lines if line.startswith("temporal_")]


async def test_a_protocol_that_is_not_spoken_is_refused_in_one_line(start_worker: StartWorker) -> None:
    worker = await start_worker(
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_PROTOCOL="http/json"
    )
    assert await asyncio.wait_for(worker.wait(), 30) == 2
    said = "OTEL_EXPORTER_OTLP_PROTOCOL: http/json is not spoken here; grpc and http/protobuf are"
    assert worker.log.read_text().splitlines() == [said]


async def test_a_worker_without_an_audit_trail_says_so_and_works(
    postgres_world: PostgresWorld, client: SettlementClient, start_worker: StartWorker
) -> None:
    worker = await start_worker(INTERLOCK_AUDIT_DSN="")
    await ready(worker)
    assert await outcome(await settle(client, new_terms(postgres_world))) == "SETTLED"
    assert worker.log.read_text().count("INTERLOCK_AUDIT_DSN is not set: this process leaves no audit trail") == 1


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
async def test_a_collector_that_is_away_delays_no_settlement_and_leaves_no_traceback(
    postgres_world: PostgresWorld,
    client: SettlementClient,
    start_worker: StartWorker,
    audit_server: AuditServer,
    protocol: str,
) -> None:
    worker = await start_worker(
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_BSP_SCHEDULE_DELAY="100",
    )
    await ready(worker)
    terms = new_terms(postgres_world)
    assert await outcome(await settle(client, terms)) == "SETTLED"
    worker._started.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(worker.wait(), 30) == 0
    assert "Traceback" not in worker.log.read_text()
    async with await SpanReader.connect(audit_server.dsn("reader")) as reader:
        assert len(await reader.spans_of(trace_id_of(terms.hash(NETWORK)))) == 8

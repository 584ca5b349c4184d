"""`interlock replay`, as an operator runs it before deploying: on files, and on what is open on a real server."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from interlock.cli.errors import DONE, REFUSED, UNREACHABLE, USAGE
from interlock.worker.settings import WorkerSettings
from interlock.worker.telemetry import Telemetry
from tests.attestors.quorum import four_attestors
from tests.audit.receivers import Received, http_receiver
from tests.cli.conftest import Ran, Run, command
from tests.conftest import AuditServer
from tests.histories import shelf
from tests.temporal import temporal_server
from tests.workflows.service import Service, Settlement, Window, running_service
from tests.world import BUYER, CASH, SELLER

[SETTLED] = shelf.named("both-sign-at-once.apart")
[WAITED] = shelf.named("waits-for-cash.apart")


def parted(history: Path, into: Path) -> Path:
    """A history of code that took its first step under another name."""
    text = json.loads(gzip.decompress(history.read_bytes()))
    step = next(each for each in text["events"] if each["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED")
    step["activityTaskScheduledEventAttributes"]["activityType"]["name"] = "check everything"
    into.write_text(json.dumps(text))
    return into


def test_histories_of_this_code_replay(interlock: Run) -> None:
    ran = interlock("replay", str(SETTLED), str(WAITED), "--json")
    assert ran.code == DONE
    assert (ran.json["ok"], ran.json["histories"], ran.json["replayed"]) == (True, 2, 2)
    assert [(each["source"], each["workflow"], each["replays"], each["parting"]) for each in ran.json["results"]] == [
        (str(history), "Settlement", True, None) for history in (SETTLED, WAITED)
    ]


def test_the_first_that_does_not_replay_ends_it_and_the_event_is_named(interlock: Run, tmp_path: Path) -> None:
    other, folder = parted(SETTLED, tmp_path / "a.json"), tmp_path / "histories"
    folder.mkdir()
    for name in ("1.json", "2.json.gz"):
        parted(SETTLED, folder / name)
    (folder / "2.json.gz").write_bytes(gzip.compress((folder / "2.json.gz").read_bytes()))
    ran = interlock("replay", str(WAITED), str(other), str(folder), "--json")
    assert (ran.code, ran.json["ok"], ran.json["histories"], ran.json["replayed"]) == (REFUSED, False, 4, 2)
    parting = ran.json["results"][1]["parting"]
    number = next(
        int(event["eventId"])
        for event in json.loads(other.read_text())["events"]
        if event["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED"
    )
    assert (parting["event_id"], parting["event"], parting["wanted"]) == (
        number,
        "ActivityTaskScheduled: step check everything",
        "step check delivery",
    )
    assert "does not match" in parting["said"]
    everything = interlock("replay", str(other), str(folder), str(WAITED), "--all", "--json")
    assert everything.code == REFUSED
    assert [each["replays"] for each in everything.json["results"]] == [False, False, False, True]


def test_people_are_shown_where_they_part(interlock: Run, tmp_path: Path) -> None:
    ran = interlock("replay", str(parted(SETTLED, tmp_path / "a.json")))
    assert ran.code == REFUSED
    assert "ActivityTaskScheduled: step check everything" in ran.out
    assert "step check delivery" in ran.out
    assert "NOT COMPATIBLE: 1 of 1" in ran.out


@pytest.mark.parametrize(
    ("words", "code", "field"),
    [
        ((), USAGE, "paths"),
        (("--closed-since", "yesterday"), USAGE, "closed_since"),
        (("nowhere.json",), REFUSED, "paths"),
        (("rubbish.json",), REFUSED, "paths"),
        (("empty",), REFUSED, "paths"),
    ],
)
def test_what_cannot_be_replayed_is_named(
    interlock: Run, tmp_path: Path, words: tuple[str, ...], code: int, field: str
) -> None:
    (tmp_path / "rubbish.json").write_text('{"events": []}')
    (tmp_path / "empty").mkdir()
    ran = interlock("replay", *words, "--json")
    assert (ran.code, ran.error["field"]) == (code, field)
    assert not words or words[-1] in ran.error["message"]


def test_without_a_server_it_exits_3(interlock: Run) -> None:
    ran = interlock("replay", "--open", "--json", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert (ran.code, ran.error["code"]) == (UNREACHABLE, "unreachable")


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[tuple[Service, str]]:
    """A service on a Temporal server, and the server's address."""
    (tmp_path / "temporal").mkdir()
    (tmp_path / "votes").mkdir()
    async with temporal_server(tmp_path / "temporal") as server, four_attestors(tmp_path / "votes") as quorum:
        quorum.asset, quorum.payment = Window(), Window()
        for each in quorum.attestors.values():
            each._readers = {"asset": quorum.asset, "payment": quorum.payment}
        client = await Client.connect(server.address, data_converter=pydantic_data_converter)
        async with running_service(client, quorum) as service:
            yield service, server.address


async def asked(tmp_path: Path, *words: str, **environment: str) -> Ran:
    """The command, while the service here goes on."""
    return await asyncio.to_thread(command, tmp_path, "replay", *words, "--json", **environment)


def names(ran: Ran) -> set[str]:
    """The settlements that were replayed."""
    return {each["source"] for each in ran.json["results"] if each["workflow"] == "Settlement"}


async def short_of_cash(service: Service) -> Settlement:
    """A settlement that stays open."""
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    return trade


async def test_open_and_lately_closed_settlements_come_from_the_server(
    live: tuple[Service, str], tmp_path: Path
) -> None:
    service, address = live
    waits, settles = await short_of_cash(service), service.settlement()
    await settles.instruct()
    await settles.end()
    await service.sweep()
    told = {"TEMPORAL_ADDRESS": address}
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    async with asyncio.timeout(60):  # the server's list lags
        while names(ran := await asked(tmp_path, "--open", **told)) != {waits.name}:
            assert ran.code == DONE
        while names(ran := await asked(tmp_path, "--closed-since", since, **told)) != {settles.name}:
            assert ran.code == DONE
        assert "Sweep" in {each["workflow"] for each in ran.json["results"]}
        both = await asked(tmp_path, "--open", "--closed-since", since, **told)
    assert (both.code, names(both)) == (DONE, {waits.name, settles.name})
    none = await asked(tmp_path, "--closed-since", (datetime.now(UTC) + timedelta(hours=1)).isoformat(), **told)
    assert (none.code, none.json["histories"]) == (DONE, 0)
    await asyncio.gather(waits.cancel(SELLER), waits.cancel(BUYER))
    await waits.end()


async def test_nothing_leaves_while_a_settlement_is_replayed(
    audit_server: AuditServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a worker sends its spans is there, and hears of a worker; of a replay it hears nothing."""
    received = Received()
    async with http_receiver(received) as endpoint:
        told = {
            "INTERLOCK_ROLES": "settlement",
            "INTERLOCK_AUDIT_DSN": audit_server.dsn("writer"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        }
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        telemetry = Telemetry.of(WorkerSettings.load())
        with telemetry.tracing._tracer.start_as_current_span("a worker's"):
            pass
        await asyncio.to_thread(telemetry.close)
        before = (len(received.spans), await kept(audit_server))
        assert before[0] == 1
        ran = await asked(tmp_path, str(SETTLED), str(WAITED), **told)
        assert (ran.code, ran.json["replayed"]) == (DONE, 2)
        assert (len(received.spans), await kept(audit_server)) == before


async def kept(audit_server: AuditServer) -> Any:
    """How many spans the audit database has."""
    connection = await audit_server.ledgers.server._connect("audit")
    try:
        return await connection.fetchval("SELECT count(*) FROM audit.spans")
    finally:
        await connection.close()

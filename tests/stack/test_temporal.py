"""The embedded Temporal is usable when start returns, and remembers across restarts."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import psutil
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from interlock.stack.leftovers import RunRecord
from interlock.stack.ports import keep_ports
from interlock.stack.temporal import EmbeddedTemporal

_STAGE = SearchAttributeKey.for_keyword("Stage")
_PARTIES = SearchAttributeKey.for_keyword_list("Parties")


def temporal(data_dir: Path, record: RunRecord, search_attributes: dict[str, str]) -> EmbeddedTemporal:
    ports = keep_ports(data_dir / "ports.json", ["temporal", "ui", "http", "metrics"])
    return EmbeddedTemporal(
        data_dir,
        ports["temporal"],
        ports["ui"],
        http_port=ports["http"],
        metrics_port=ports["metrics"],
        search_attributes=search_attributes,
        logs=data_dir / "logs",
        record=record,
    )


async def test_histories_survive_a_restart_that_adds_a_search_attribute(tmp_path: Path, record: RunRecord) -> None:
    server = temporal(tmp_path, record, {"Stage": "Keyword"})
    await server.start()
    try:
        client = await Client.connect(server.address)
        attributes = TypedSearchAttributes([SearchAttributePair(_STAGE, "LOCKED")])
        await client.start_workflow("W", id="first", task_queue="q", search_attributes=attributes)
        async with aiohttp.ClientSession() as http, http.get(server.ui_url) as page:
            assert page.status == 200
    finally:
        await server.stop()

    server = temporal(tmp_path, record, {"Stage": "Keyword", "Parties": "KeywordList"})
    await server.start()
    try:
        client = await Client.connect(server.address)
        kept = await client.get_workflow_handle("first").describe()
        assert kept.typed_search_attributes[_STAGE] == "LOCKED"
        attributes = TypedSearchAttributes([SearchAttributePair(_PARTIES, ["alpine", "northbank"])])
        await client.start_workflow("W", id="second", task_queue="q", search_attributes=attributes)
        assert server.process is not None
        listening = psutil.Process(server.process.pid).net_connections("inet")
        assert {c.laddr.ip for c in listening if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
    finally:
        await server.stop()

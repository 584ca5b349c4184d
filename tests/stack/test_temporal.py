"""The embedded Temporal is usable when start returns, and remembers across restarts."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import psutil
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from tests.temporal import temporal_server

_STAGE = SearchAttributeKey.for_keyword("Stage")
_PARTIES = SearchAttributeKey.for_keyword_list("Parties")


async def test_histories_survive_a_restart_that_adds_a_search_attribute(tmp_path: Path) -> None:
    async with temporal_server(tmp_path, {"Stage": "Keyword"}) as server:
        client = await Client.connect(server.address)
        attributes = TypedSearchAttributes([SearchAttributePair(_STAGE, "LOCKED")])
        await client.start_workflow("W", id="first", task_queue="q", search_attributes=attributes)
        async with aiohttp.ClientSession() as http, http.get(server.ui_url) as page:
            assert page.status == 200

    async with temporal_server(tmp_path, {"Stage": "Keyword", "Parties": "KeywordList"}) as server:
        client = await Client.connect(server.address)
        kept = await client.get_workflow_handle("first").describe()
        assert kept.typed_search_attributes[_STAGE] == "LOCKED"
        attributes = TypedSearchAttributes([SearchAttributePair(_PARTIES, ["alpine", "northbank"])])
        await client.start_workflow("W", id="second", task_queue="q", search_attributes=attributes)
        assert server.process is not None
        listening = psutil.Process(server.process.pid).net_connections("inet")
        assert {c.laddr.ip for c in listening if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}

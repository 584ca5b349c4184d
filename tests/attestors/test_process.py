"""The attestor as a process of its own: it says when it listens, stops when told to, and won't start without votes."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import aiohttp
import pytest

from interlock.attestors.votes import VoteStore
from tests.attestors.test_settings import ME, environment

ROOT = Path(__file__).parents[2]


async def start(variables: dict[str, str]) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.attestors.process_on_books",
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=PIPE,
        stderr=PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_where_it_listens_and_stops_when_told(tmp_path: Path, number: signal.Signals) -> None:
    await VoteStore.create(tmp_path / "votes", ME.address).close()
    process = await start(environment(tmp_path))
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    assert (ready["ready"], ready["address"]) == (True, ME.address)
    async with aiohttp.ClientSession() as session, session.get(f"{ready['url']}/health") as response:
        assert (await response.json())["address"] == ME.address
    process.send_signal(number)
    output, errors = await process.communicate()
    assert (process.returncode, output, errors) == (0, b"", b"")


async def test_it_does_not_start_once_its_votes_are_lost(tmp_path: Path) -> None:
    process = await start(environment(tmp_path))
    output, errors = await process.communicate()
    assert process.returncode == 1
    assert output == b""
    assert b"has lost its votes and must not sign again" in errors

"""`interlock up` as people run it: stopped by Ctrl-C or killed, started again on the same folder, one at a time."""

import asyncio
import json
import os
import signal
import stat
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import psutil

from interlock.client.keystore import Keystore
from tests.e2e.conftest import Market, outcome, until
from tests.world import OPERATORS


class Up:
    """One run of the command."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.said: dict[str, Any] = {}
        self.children: list[psutil.Process] = []

    @classmethod
    async def start(cls, folder: Path) -> "Up":
        """Start it, and read what it announces."""
        up = cls(await run("up", folder))
        assert up.process.stdout is not None
        up.said = json.loads(await asyncio.wait_for(up.process.stdout.readline(), 60))
        up.children = psutil.Process(up.process.pid).children(recursive=True)
        return up

    async def end(self, number: signal.Signals) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        await asyncio.wait_for(self.process.communicate(), 30)
        assert self.process.returncode is not None
        return self.process.returncode

    @property
    def left(self) -> list[psutil.Process]:
        """The children that live."""
        return [each for each in self.children if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


async def run(verb: str, folder: Path) -> Process:
    """The command, with --json, in no environment of ours."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("INTERLOCK_", "TEMPORAL_"))}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "interlock.cli.main", "--json", "--data-dir", str(folder), verb),
        cwd=folder.parent,
        env=clean,
        stdout=PIPE,
        stderr=PIPE,
    )


async def test_up_is_single_stops_cleanly_and_finds_everything_again(tmp_path: Path) -> None:
    folder = tmp_path / "private" / "stack"  # below folders that only their owner may enter, as root's home is
    folder.parent.mkdir(mode=0o700)
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    for number, operator in enumerate(OPERATORS[:2], 1):
        Keystore(folder / "keys").add(f"operator-{number}", operator)

    first = await Up.start(folder)
    assert set(first.said) == {
        *("data_dir", "temporal", "namespace", "web_ui", "asset_ledger", "payment_ledger", "audit"),
        *("attestors", "coordinator", "network"),
    }
    assert len(first.left) >= 7  # four attestors, a worker, Temporal, Postgres and its own
    async with Market.on(folder) as market:
        parties = await market.parties()
        assert await outcome(await parties.instruct()) == "SETTLED"

    second = await run("up", folder)
    out, _ = await asyncio.wait_for(second.communicate(), 30)
    assert second.returncode == 1
    assert json.loads(out)["error"]["code"] == "already_running"
    assert str(first.process.pid) in json.loads(out)["error"]["message"]
    await first.end(signal.SIGKILL)
    assert len(first.left) >= 7  # orphans, which the next run stops

    again = await Up.start(folder)
    assert again.said == first.said
    assert first.left == []
    async with Market.on(folder) as market:
        parties.market = market
        assert await parties.moved() == (1, 1)
        assert await outcome(await parties.instruct()) == "SETTLED"
    assert await again.end(signal.SIGINT) == 0
    assert again.left == []

    hasty = Up(await run("up", folder))  # told to stop while it starts

    async def has_children() -> bool:
        hasty.children = psutil.Process(hasty.process.pid).children(recursive=True)
        return len(hasty.children) >= 2

    await until(has_children)
    assert await hasty.end(signal.SIGTERM) == 0
    assert hasty.left == []
    assert json.loads((folder / "run.json").read_text()) == []

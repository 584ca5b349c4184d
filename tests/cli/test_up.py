"""`interlock up`: says where everything is, is the only one on its folder, keeps what it held, and stops cleanly."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cli.conftest import command

KEYS = [
    "data_dir",
    "temporal",
    "namespace",
    "web_ui",
    "asset_ledger",
    "payment_ledger",
    "audit",
    "attestors",
    "coordinator",
    "network",
]


ASKS_ON_AND_ON = """
import asyncio, pathlib, sys
from interlock.cli.context import Context
from interlock.cli.output import Output

async def ask() -> None:
    async with Context(pathlib.Path(sys.argv[1]), Output(as_json=True)) as context:
        client = await context.client()
        print("ready", flush=True)
        while True:
            await client.list()

asyncio.run(ask())
"""


@contextmanager
def up(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """The process and the line that it printed when it was ready; stopped in any case."""
    words = [sys.executable, "-m", "interlock.cli.main", "up", "--json", "--data-dir", str(folder)]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("INTERLOCK_", "TEMPORAL_"))
    }
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_serves_the_other_verbs_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "stack"
    with up(folder) as (process, where):
        assert list(where) == KEYS
        keys = command(tmp_path, "keys", "list", "--json", INTERLOCK_DATA_DIR=str(folder)).json["keys"]
        assert [key["name"] for key in keys] == ["operator-1", "operator-2"]
        assert stat.S_IMODE((folder / "ledgers.json").stat().st_mode) == 0o600
        for words in (
            ("keys", "new", "alpine"),
            ("ledger", "open", "asset", "alpine", "--owner", "alpine"),
            ("ledger", "mint", "asset", "alpine", "OUSG", "2500.00"),
        ):
            assert command(tmp_path, *words, "--data-dir", str(folder)).code == 0
        second = command(tmp_path, "up", "--data-dir", str(folder), "--json")
        assert (second.code, second.error["code"]) == (1, "already_running")
        ask = [sys.executable, "-c", ASKS_ON_AND_ON, str(folder)]
        asking = subprocess.Popen(ask, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert asking.stdout is not None
        assert asking.stdout.readline() == "ready\n"
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        rest, _ = process.communicate(timeout=60)
        assert (process.returncode, rest) == (0, "")
        assert [child for child in children if child.is_running()] == []
    out, err = asking.communicate(timeout=60)
    assert (out, "NotReached" in err) == ("", True)  # not a word of Temporal's core where a verb's answer goes
    stopped = command(tmp_path, "ledger", "accounts", "--data-dir", str(folder), "--json")
    assert stopped.code == 3
    assert f"interlock up --data-dir {folder}" in stopped.error["message"]
    if number == signal.SIGTERM:
        with up(folder) as (_, again):
            assert again == where
            (account,) = command(tmp_path, "ledger", "accounts", "--data-dir", str(folder), "--json").json["accounts"]
            assert account["balances"] == {"OUSG": "2500"}

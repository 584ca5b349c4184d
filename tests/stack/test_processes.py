"""A child is ready, or named in an error; and it is stopped whatever happens to its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from interlock.stack.errors import StackError
from interlock.stack.leftovers import RunRecord, stop_leftovers
from interlock.stack.processes import ManagedProcess

_WAITS = "import signal; print('ready on 7', flush=True); signal.pause()"
_DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + _WAITS
_FAILS = "import sys; print('no disk left'); sys.exit(3)"

# A parent that starts one child and is then killed before it can stop it.
_PARENT = """
import asyncio, os, pathlib, signal, sys
from interlock.stack.leftovers import RunRecord
from interlock.stack.processes import ManagedProcess
async def main():
    folder = pathlib.Path(sys.argv[1])
    argv = [sys.executable, "-c", sys.argv[2]]
    child = ManagedProcess("child", argv, log=folder / "log", record=RunRecord(folder / "run.json"))
    await child.start()
    await child.line("ready")
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


def child_of(folder: Path, program: str) -> ManagedProcess:
    argv = [sys.executable, "-c", program]
    return ManagedProcess("worker", argv, log=folder / "worker.log", record=RunRecord(folder / "run.json"))


async def test_a_child_says_when_it_is_ready_and_is_stopped(tmp_path: Path) -> None:
    child = child_of(tmp_path, _WAITS)
    await child.start()
    assert await child.line("ready on ") == "ready on 7"
    await child.stop()
    assert not child.alive
    assert await child.wait() == -signal.SIGTERM
    assert json.loads((tmp_path / "run.json").read_text()) == []


async def test_a_child_has_a_session_of_its_own(tmp_path: Path) -> None:
    child = child_of(tmp_path, _WAITS)
    await child.start()
    assert os.getsid(child.pid) == child.pid
    await child.stop()


async def test_a_child_that_will_not_stop_is_killed(tmp_path: Path) -> None:
    child = child_of(tmp_path, _DEAF)
    await child.start()
    await child.line("ready")
    await child.stop(grace=0.1)
    assert await child.wait() == -signal.SIGKILL


async def test_a_child_that_dies_before_it_is_ready_is_named_with_what_it_said(tmp_path: Path) -> None:
    child = child_of(tmp_path, _FAILS)

    async def never() -> bool:
        return False

    with pytest.raises(StackError, match=r"(?s)^worker: ended with code 3.*no disk left") as failure:
        await child.start(never)
    assert failure.value.part == "worker"


async def test_a_child_that_is_never_ready_is_stopped(tmp_path: Path) -> None:
    child = child_of(tmp_path, _WAITS)

    async def never() -> bool:
        return False

    with pytest.raises(StackError, match=r"not ready within 0\.1 s"):
        await child.start(never, deadline=0.1)
    assert not child.alive


async def test_a_missing_program_is_named(tmp_path: Path) -> None:
    argv = [str(tmp_path / "absent")]
    child = ManagedProcess("ghost", argv, log=tmp_path / "log", record=RunRecord(tmp_path / "run.json"))
    with pytest.raises(StackError, match=r"^ghost: cannot be started"):
        await child.start()


@pytest.mark.parametrize("program", [_WAITS, _DEAF], ids=["obedient", "deaf"])
async def test_leftovers_of_a_killed_parent_are_stopped(tmp_path: Path, program: str) -> None:
    parent = subprocess.run([sys.executable, "-c", _PARENT, str(tmp_path), program], check=False)  # noqa: ASYNC221
    assert parent.returncode == -signal.SIGKILL
    (child,) = json.loads((tmp_path / "run.json").read_text())
    left = psutil.Process(child["pid"])
    assert left.status() != psutil.STATUS_ZOMBIE
    assert await stop_leftovers(tmp_path / "run.json", grace=0.2) == ["child"]
    assert not psutil.pid_exists(child["pid"]) or left.status() == psutil.STATUS_ZOMBIE
    assert await stop_leftovers(tmp_path / "run.json") == []


async def test_a_stranger_with_a_leftovers_pid_is_left_alone(tmp_path: Path) -> None:
    stranger = child_of(tmp_path, _WAITS)
    await stranger.start()
    (mistaken,) = json.loads((tmp_path / "run.json").read_text())
    mistaken["create_time"] -= 60
    (tmp_path / "old.json").write_text(json.dumps([mistaken]))
    assert await stop_leftovers(tmp_path / "old.json") == []
    assert stranger.alive
    await stranger.stop()

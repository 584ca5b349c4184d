"""Owns the record of which children run, and stops those whose parent died; touches no other process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

# Start times are counted from the boot time, which the kernel shifts slightly as it corrects its clock.
_CREATE_TIME_TOLERANCE_S = 2.0
_POLL_S = 0.02


@dataclass(frozen=True)
class ChildRecord:
    """A child as a later run recognises it: a pid alone may long belong to somebody else."""

    name: str
    pid: int
    create_time: float
    stop_signal: int


class RunRecord:
    """The children of this run, in `run.json`; rewritten whole at each change, so never half a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._children: list[ChildRecord] = []

    def add(self, name: str, pid: int, stop_signal: signal.Signals) -> None:
        try:
            create_time = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            return  # already gone: nothing that could be left over
        self._children.append(ChildRecord(name, pid, create_time, int(stop_signal)))
        self._write()

    def remove(self, pid: int) -> None:
        self._children = [child for child in self._children if child.pid != pid]
        self._write()

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.write_text(json.dumps([asdict(child) for child in self._children], indent=1) + "\n")
        fresh.replace(self.path)


async def stop_leftovers(path: Path, grace: float = 10.0) -> list[str]:
    """Stop what an earlier run left alive, last started first, and forget it. Returns their names.

    Call it while holding the data folder's lock: else the children of a living parent would be stopped.
    """
    stopped: list[str] = []
    for child in reversed(_recorded(path)):
        process = _found(child)
        if process is None:
            continue
        await _stop(process, child, grace)
        stopped.append(child.name)
    _forget(path)
    return stopped


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)


def _recorded(path: Path) -> list[ChildRecord]:
    try:
        return [ChildRecord(**child) for child in json.loads(path.read_text())]
    except (FileNotFoundError, ValueError, TypeError):
        return []


def _found(child: ChildRecord) -> psutil.Process | None:
    try:
        process = psutil.Process(child.pid)
        same = abs(process.create_time() - child.create_time) <= _CREATE_TIME_TOLERANCE_S
    except psutil.NoSuchProcess:
        return None
    return process if same and _alive(process) else None


def _alive(process: psutil.Process) -> bool:
    """A zombie is dead: where nobody reaps orphans (a container's first process may not) it stays one."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def _stop(process: psutil.Process, child: ChildRecord, grace: float) -> None:
    try:
        process.send_signal(child.stop_signal)
        if await _gone(process, grace):
            return
        # Each child leads its own process group, so this reaches its own children too.
        os.killpg(child.pid, signal.SIGKILL)
        await _gone(process, grace)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return


async def _gone(process: psutil.Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _alive(process):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True

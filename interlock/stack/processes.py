"""Owns one child process: starts it, awaits that it is ready, stops it; leaves no half-started one."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from interlock.stack.errors import StackError
from interlock.stack.leftovers import RunRecord

Condition = Callable[[], Awaitable[bool]]

_POLL_S = 0.02
_TAIL_LINES = 15
_TAIL_BYTES = 8192


class ManagedProcess:
    """A child in a session of its own: Ctrl-C reaches only the parent, which stops its children in order.

    Its output goes to a file and not through a pipe, because a child that writes to a dead parent's pipe dies
    of it at a time nobody chose.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        record: RunRecord,
        env: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._argv = list(argv)
        self._record = record
        self._env = env
        self._stop_signal = stop_signal
        self._process: Process | None = None
        self._log_start = 0

    @property
    def pid(self) -> int:
        return self._started.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self, ready: Condition | None = None, deadline: float = 30.0) -> None:
        """Spawn, and return once `ready` holds. On failure or cancellation the child is stopped first."""
        await self._spawn()
        if ready is None:
            return
        try:
            await self.until(ready, deadline)
        except BaseException:
            await self.stop()
            raise

    async def until(self, condition: Condition, deadline: float) -> None:
        """Poll a condition while the child lives; StackError, with its log's tail, if it dies or time is up."""
        end = time.monotonic() + deadline
        while not await condition():
            if not self.alive:
                code = self._started.returncode
                raise StackError(self.name, f"ended with code {code} before it was ready\n{self.log_tail()}")
            if time.monotonic() > end:
                raise StackError(self.name, f"not ready within {deadline:g} s\n{self.log_tail()}")
            await asyncio.sleep(_POLL_S)

    async def line(self, prefix: str, deadline: float = 30.0) -> str:
        """The first whole line this child wrote that begins with `prefix`: its own word that it is ready."""
        found: list[str] = []

        async def written() -> bool:
            whole_lines = self._written().rpartition("\n")[0].splitlines()
            found.extend(line for line in whole_lines if line.startswith(prefix))
            return bool(found)

        await self.until(written, deadline)
        return found[0]

    async def wait(self) -> int:
        code = await self._started.wait()
        self._record.remove(self.pid)
        return code

    async def stop(self, grace: float = 10.0) -> None:
        """Ask, then after `grace` seconds kill the whole group. Harmless on a child that has ended."""
        if self._process is None:
            return
        if self.alive:
            with suppress(ProcessLookupError):
                self._process.send_signal(self._stop_signal)
        try:
            await asyncio.wait_for(self._process.wait(), grace)
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        await self.wait()

    def log_tail(self) -> str:
        lines = self._written()[-_TAIL_BYTES:].splitlines()[-_TAIL_LINES:]
        return "\n".join([f"last lines of {self.log}:", *lines])

    @property
    def _started(self) -> Process:
        if self._process is None:
            raise StackError(self.name, "has not been started")
        return self._process

    async def _spawn(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._argv,
                    stdin=DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=None if self._env is None else dict(self._env),
                    start_new_session=True,
                )
            except OSError as error:
                raise StackError(self.name, f"cannot be started: {error}") from error
        self._record.add(self.name, self._process.pid, self._stop_signal)

    def _written(self) -> str:
        with self.log.open("rb") as output:
            output.seek(self._log_start)
            return output.read().decode(errors="replace")

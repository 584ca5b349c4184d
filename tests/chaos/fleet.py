"""Takes parts of a running stack away and brings them back, by signals from outside. Chooses nothing."""

import asyncio
import logging
import os
import signal
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import asyncpg
import psutil

from interlock.protocol.names import Role
from interlock.stack.embedded import EmbeddedStack
from interlock.stack.errors import StackError
from interlock.stack.processes import ManagedProcess

log = logging.getLogger("chaos")

Pause = Callable[[float], Awaitable[None]]
"""Waits so many seconds, or less when the chaos is over."""

USUAL_START_SECONDS = 3.0
"""How long a worker takes to be ready where nothing else runs; where it takes longer, everything is given longer."""
SLOWEST_PACE = 4.0

_TRIES = 10
_NOT_STARTED = (StackError, OSError, RuntimeError, asyncpg.PostgresError, asyncpg.InterfaceError)
_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = $1 AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND random() < $2
"""


class Fleet:
    """The workers, attestors and servers of a stack; each is in one fault's hands at a time."""

    def __init__(self, stack: EmbeddedStack, workers: Mapping[str, tuple[Role, ...]]) -> None:
        self._stack = stack
        self.workers = dict(workers)
        self.attestors = tuple(f"attestor-{number}" for number in range(1, 5))
        self.pace = 1.0
        """How much slower this machine is now than an idle one of two cores, by the last worker's start; 1 to 4."""
        self._hands: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def start_workers(self) -> None:
        """Start all of them."""
        await asyncio.gather(*(self._start(name) for name in self.workers))

    async def kill(self, name: str, away: Pause, seconds: float) -> None:
        """SIGKILL a worker or attestor, and start it again after a while."""
        async with self._hands[name]:
            process = self._stack.processes[name]
            _signal(process, signal.SIGKILL)
            await process.wait()
            await away(seconds)
            await self._start(name)

    async def stall(self, name: str, away: Pause, seconds: float) -> None:
        """SIGSTOP a worker or attestor, and let it go on after a while: what it had begun comes late."""
        async with self._hands[name]:
            process = self._stack.processes[name]
            _signal(process, signal.SIGSTOP)
            try:
                await away(seconds)
            finally:
                _signal(process, signal.SIGCONT)

    async def kill_temporal(self, away: Pause, seconds: float) -> None:
        """SIGKILL the server, and start it again on its database."""
        async with self._hands["temporal"]:
            await _gone(self._stack.temporal.process, signal.SIGKILL)
            await away(seconds)
            await _insist("temporal", self._stack.temporal.start)

    async def kill_postgres(self, away: Pause, seconds: float) -> None:
        """Have the server leave at once, whatever it is at, and start it again: it recovers from its log."""
        async with self._hands["postgres"]:
            await _gone(self._stack.postgres.process, signal.SIGQUIT)
            await away(seconds)
            await _insist("postgres", self._stack.postgres.start)

    async def kill_backend(self, choose: Callable[[list[int]], int]) -> bool:
        """SIGKILL one of the server's processes inside whatever it does: the server restarts all; False if none is."""
        async with self._hands["postgres"]:
            server = self._stack.postgres.process
            if server is None or not server.alive:
                return False
            async with self._database("postgres") as admin:
                pids = [row["pid"] for row in await admin.fetch(_BUSY)]
            if not pids:
                return False
            psutil.Process(choose(sorted(pids))).kill()
            return True

    async def cut(self, ledger: str, share: float) -> int:
        """Break each connection to a ledger's database with this probability; how many were broken."""
        async with self._hands["postgres"], self._database("postgres") as admin:
            return len(await admin.fetch(_CUT, ledger, share))

    def free(self, names: tuple[str, ...]) -> list[str]:
        """Which of these are in no fault's hands."""
        return [name for name in names if not self._hands[name].locked()]

    @asynccontextmanager
    async def _database(self, name: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        connection = await self._stack.postgres._connect(name)
        try:
            yield connection
        finally:
            connection.terminate()

    async def _start(self, name: str) -> None:
        await _insist(name, lambda: self._begin(name))

    async def _begin(self, name: str) -> None:
        begun = time.monotonic()
        try:
            if name in self.workers:
                await self._stack.start_worker(name, self._stack.worker_environment(*self.workers[name]))
                self.pace = min(max(1.0, (time.monotonic() - begun) / USUAL_START_SECONDS), SLOWEST_PACE)
            else:
                await self._stack.start_attestor(int(name.rpartition("-")[2]))
        except StackError:
            if not self._stack.processes[name].alive:
                raise
            log.info("%s takes long to be ready: what it needs is away", name)


_BUSY = """
SELECT pid FROM pg_stat_activity
WHERE datname IN ('asset', 'payment') AND backend_type = 'client backend' AND application_name = 'interlock ledger'
"""


def _signal(process: ManagedProcess, number: signal.Signals) -> None:
    if process.alive:
        os.kill(process.pid, number)


async def _gone(process: ManagedProcess | None, number: signal.Signals) -> None:
    assert process is not None, "it was started"
    _signal(process, number)
    await process.wait()


async def _insist(name: str, start: Callable[[], Awaitable[None]]) -> None:
    for _ in range(_TRIES):
        try:
            await start()
        except _NOT_STARTED as error:
            log.info("%s does not start: %s", name, error)
            await asyncio.sleep(0.5)
        else:
            return
    await start()

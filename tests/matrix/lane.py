"""One environment of the matrix: two ledgers on one Postgres and four attestors, shared by several rooms.

What rooms share is broken here: Postgres, the attestors, a ledger's clock. Refuses to judge.
"""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import asyncpg
import psutil

from interlock.attestors.collector import Collector
from interlock.client import SettlementClient
from interlock.ledgers.postgres import PostgresLedger
from interlock.ledgers.queries import folder
from interlock.ledgers.verify import verify
from interlock.protocol.names import SEARCH_ATTRIBUTES
from interlock.stack.embedded import EmbeddedStack
from interlock.stack.identity import ATTESTORS, LEDGERS
from interlock.stack.ports import keep_ports
from interlock.stack.temporal import EmbeddedTemporal
from tests.e2e.conftest import Market, until
from tests.matrix.gate import Gate
from tests.matrix.room import Room, kill
from tests.world import OPERATORS

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
_ENGINES_PORTS = ("port", "ui_port", "http_port", "metrics_port")


class GatedStack(EmbeddedStack):
    """The embedded stack, whose attestors reach each ledger through a gate."""

    gates: dict[str, Gate]

    async def _start_servers(self) -> None:
        await super()._start_servers()
        self.gates = {ledger: await self._held.enter_async_context(Gate(self.postgres.port)) for ledger in LEDGERS}

    def dsn(self, database: str, role: str) -> str:
        """The connection string of one login role; an attestor's leads through the ledger's gate."""
        direct = super().dsn(database, role)
        return self.gates[database].on_the_way(direct) if "_attestor_" in role else direct

    def engines(self, count: int) -> list[EmbeddedTemporal]:
        """An engine for each room: the stack's own for the first, the others each on a folder of its own."""
        folders = [self.data_dir / f"room-{number}" for number in range(2, count + 1)]
        names = [f"{folder.name} {port}" for folder in folders for port in _ENGINES_PORTS]
        ports = keep_ports(self.data_dir / "rooms-ports.json", names)
        return [
            self.temporal,
            *(
                EmbeddedTemporal(
                    folder,
                    **{port: ports[f"{folder.name} {port}"] for port in _ENGINES_PORTS},
                    search_attributes=SEARCH_ATTRIBUTES,
                    logs=self._logs,
                    record=self._record,
                )
                for folder in folders
            ),
        ]


class Lane:
    """A running environment with its rooms."""

    def __init__(self, stack: GatedStack, ledgers: dict[str, PostgresLedger], collector: Collector) -> None:
        self.stack = stack
        self.ledgers = ledgers
        self.collector = collector
        self.rooms: list[Room] = []
        self.numbers = itertools.count(1)

    @classmethod
    @asynccontextmanager
    async def started(cls, data_dir: Path, rooms: int) -> "AsyncIterator[Lane]":
        """Start everything in an empty folder; stop it at the end."""
        stack = GatedStack(data_dir, tuple(each.address for each in OPERATORS[:2]))
        async with AsyncExitStack() as held:
            held.push_async_callback(stack.stop)
            await stack.start(worker=False)
            ledgers = {
                name: await held.enter_async_context(
                    await PostgresLedger.connect(stack.dsn(name, f"{name}_writer"), pool_size=4)
                )
                for name in LEDGERS
            }
            collector = Collector(stack.attestor_urls, stack.identity.attestors, stack.identity.network)
            lane = cls(stack, ledgers, await held.enter_async_context(collector))
            opening = [
                held.enter_async_context(Room.opened(lane, f"room-{number}", engine))
                for number, engine in enumerate(stack.engines(rooms), start=1)
            ]
            for opened in await asyncio.gather(*opening, return_exceptions=True):
                if isinstance(opened, BaseException):
                    raise opened
                lane.rooms.append(opened)
            yield lane

    def market(self, client: SettlementClient) -> Market:
        """Where accounts are opened and funded."""
        return Market(client, self.ledgers["asset"], self.ledgers["payment"])

    async def violations(self) -> list[str]:
        """What is wrong with the two ledgers, by the product's own check of all invariants."""
        results = await verify(self.ledgers["asset"], self.ledgers["payment"])
        return [f"{name}: {each}" for name, result in results.items() for each in result.violations]

    async def renew(self) -> None:
        """Bring back whatever a cell that went wrong may have left broken."""
        for gate in self.stack.gates.values():
            gate.open()
        if self.stack.postgres.process is None or not self.stack.postgres.process.alive:
            await self.start_postgres()
        for ledger in LEDGERS:
            await self.clock_runs_right(ledger)
        for number in range(1, ATTESTORS + 1):
            if not self.stack.processes[f"attestor-{number}"].alive:
                await self.stack.start_attestor(number)

    async def kill_postgres(self) -> None:
        """SIGKILL to the server and to each of its processes: nothing is flushed, nothing is said."""
        process = self.stack.postgres.process
        assert process is not None
        server = psutil.Process(process.pid)
        server.suspend()  # it starts no other process, nor cleans up after one, while all are killed
        victims = [*server.children(recursive=True), server]
        for each in victims:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        assert await process.wait() == -signal.SIGKILL

        async def dead() -> bool:
            return not any(_lives(each) for each in victims)

        await until(dead)  # one that still lets go of the shared memory would keep the next server from starting

    async def start_postgres(self) -> None:
        """Start it again: it recovers what was committed."""
        await self.stack.postgres.start()

    @asynccontextmanager
    async def table_held(self, ledger: str, table: str, mode: str) -> "AsyncIterator[Connection]":
        """Another session holds a table, so that whoever needs it waits in the middle of its transaction."""
        holder = await self.stack.postgres._connect(ledger)
        try:
            await holder.execute(f"BEGIN; LOCK TABLE ledger.{table} IN {mode} MODE")
            yield holder
        finally:
            holder.terminate()

    async def clock_runs(self, ledger: str, ahead: timedelta) -> None:
        """Replace the one function that reads time, in this ledger's database: so much ahead, or behind if negative."""
        await self._as_superuser(
            ledger,
            "CREATE OR REPLACE FUNCTION ledger.clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
            f"$$ SELECT clock_timestamp() + interval '{ahead.total_seconds():.0f} seconds' $$",
        )

    async def clock_runs_right(self, ledger: str) -> None:
        """Put the ledger's own function back."""
        await self._as_superuser(ledger, folder("functions")["clock"])

    def signal_attestor(self, number: int, what: signal.Signals) -> None:
        """Stop an attestor in its tracks, or let it go on."""
        os.kill(self.stack.processes[f"attestor-{number}"].pid, what)

    async def kill_attestor(self, number: int) -> None:
        """SIGKILL, and it is dead."""
        await kill(self.stack.processes[f"attestor-{number}"])

    async def attestor_is_stopped(self, number: int) -> None:
        """Until a SIGSTOP has come to pass."""

        async def stopped() -> bool:
            pid = self.stack.processes[f"attestor-{number}"].pid
            return psutil.Process(pid).status() == psutil.STATUS_STOPPED

        await until(stopped)

    async def _as_superuser(self, ledger: str, statement: str) -> None:
        connection = await self.stack.postgres._connect(ledger)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def somebody_waits(holder: "Connection", role: str) -> None:
    """Until a session of this login role waits for what is held, in the middle of what it does.

    The holder is in a transaction, which goes on seeing the sessions that it saw first, unless it is told to look anew.
    """
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename LIKE $1"
    async with asyncio.timeout(30):
        while not await holder.fetchval(waiting, role):
            await asyncio.sleep(0.01)
            await holder.execute("SELECT pg_stat_clear_snapshot()")

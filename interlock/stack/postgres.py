"""Owns the embedded Postgres server, on loopback; refuses logins without password, and unix sockets."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import asyncpg

from interlock.stack.cluster import SUPERUSER, Cluster, environment
from interlock.stack.databases import Databases
from interlock.stack.errors import StackError
from interlock.stack.leftovers import RunRecord
from interlock.stack.ports import LOOPBACK
from interlock.stack.processes import ManagedProcess

# Given on the command line, so that they hold for a cluster of any age. Durability is stated although it
# is the default: "final" means committed and flushed.
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "cluster_name": "interlock",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "200",
    "shared_buffers": "64MB",
    # A laptop's: fewer processes beside the backends, and none of them busy while nothing settles.
    "io_method": "sync",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "bgwriter_delay": "1s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "logging_collector": "off",
}


class EmbeddedPostgres:
    """One server, one cluster, in `data_dir`. Start, stop and start again; the data stay."""

    def __init__(self, data_dir: Path, port: int, *, logs: Path, record: RunRecord) -> None:
        # Absolute, because Postgres changes into the cluster's folder.
        self._cluster = Cluster(data_dir.absolute(), logs, record)
        self._logs = logs
        self._record = record
        self._process: ManagedProcess | None = None
        self.port = port

    @property
    def process(self) -> ManagedProcess | None:
        """The running server, for whoever watches its pid or breaks it on purpose."""
        return self._process

    async def start(self) -> None:
        """Create the cluster if there is none, start the server, and close its databases to everybody."""
        await self._cluster.ensure()
        argv = [*self._cluster.command("postgres"), "-D", str(self._cluster.path), "-p", str(self.port)]
        for name, value in _SETTINGS.items():
            argv += ["-c", f"{name}={value}"]
        # SIGINT is Postgres' fast shutdown: clients are cut off. SIGTERM would wait for them to leave.
        process = ManagedProcess(
            "postgres",
            argv,
            log=self._logs / "postgres.log",
            record=self._record,
            env=environment(),
            stop_signal=signal.SIGINT,
        )
        await process.start(self._accepts, deadline=60.0)
        self._process = process
        async with self.administration() as databases:
            await databases.close_all()

    async def stop(self, grace: float = 10.0) -> None:
        if self._process is not None:
            await self._process.stop(grace)
            self._process = None

    @asynccontextmanager
    async def administration(self) -> AsyncIterator[Databases]:
        """Create databases and roles, as superuser, for as long as the block lasts."""
        admin = await self._connect("postgres")
        try:
            yield Databases(admin, self._connect)
        finally:
            await admin.close()

    def dsn(self, database: str, role: str, password: str) -> str:
        login = f"{quote(role, safe='')}:{quote(password, safe='')}"
        return f"postgresql://{login}@{LOOPBACK}:{self.port}/{quote(database, safe='')}?sslmode=disable"

    async def _connect(self, database: str) -> asyncpg.Connection[asyncpg.Record]:
        dsn = self.dsn(database, SUPERUSER, self._cluster.password)
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn, timeout=5.0)
        return connection

    async def _accepts(self) -> bool:
        """With our password, so that a stranger who took the port is not mistaken for our server."""
        try:
            connection = await self._connect("postgres")
        except (OSError, asyncpg.CannotConnectNowError):  # not listening yet (or not answering); recovering
            return False
        except asyncpg.InvalidPasswordError as error:
            reason = f"another server answers on port {self.port}, or the password kept is not this cluster's"
            raise StackError("postgres", reason) from error
        await connection.close()
        return True

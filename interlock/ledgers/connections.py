"""A bounded pool of connections to one ledger's database, and one that only listens. Whatever breaks on the way becomes
LedgerUnreachable.

Every statement is a transaction of its own, so a connection carries nothing from one to the next.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Self, TypeAlias, TypeVar

import asyncpg

from interlock.ledgers.faults import LedgerUnreachable

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
_Result = TypeVar("_Result")

# Two transactions that met, and Postgres ended one of them: it had no effect and may be said again at once.
_MET = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_TRIES = 5
_CHUNK = 500
_LONG_S = 3600.0
_CLOSES_WITHIN_S = 1.0
_BROKEN = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, crashed, cancelled by a time limit
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server cut the connection off between two messages
)
# Final means committed and flushed, whatever the server's default.
_SETTINGS = {"application_name": "interlock ledger", "synchronous_commit": "on", "timezone": "UTC", "jit": "off"}


class Connections:
    """At most `size` connections. Waiting for one, and every statement, ends after `timeout_s` seconds."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", timeout_s: float) -> None:
        self._pool = pool
        self._timeout_s = timeout_s

    @classmethod
    async def open(cls, dsn: str, *, size: int, timeout_s: float) -> Self:
        """Raises LedgerUnreachable if nobody answers there."""
        with _faults():
            pool = await asyncpg.create_pool(
                dsn,
                min_size=0,  # no floor to restore: a server that is away is no news to log
                max_size=size,
                timeout=timeout_s,
                command_timeout=timeout_s,
                server_settings=_SETTINGS,
                reset=_nothing_to_reset,
            )
        return cls(pool, timeout_s)

    async def close(self) -> None:
        """Let statements under way end, then close."""
        await self._pool.close()

    async def rows(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """All rows of a statement."""
        return await self._said(lambda connection: connection.fetch(statement, *values))

    async def row(self, statement: str, *values: object) -> asyncpg.Record | None:
        """The first row of a statement, if any."""
        return await self._said(lambda connection: connection.fetchrow(statement, *values))

    async def value(self, statement: str, *values: object) -> Any:
        """The first column of the first row, or None."""
        return await self._said(lambda connection: connection.fetchval(statement, *values))

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Snapshot"]:
        """Read the database as it is at one moment, for as long as the block lasts."""
        with _faults():
            async with (
                self._pool.acquire(timeout=self._timeout_s) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield Snapshot(connection)

    async def _said(self, say: Callable[[Connection], Awaitable[_Result]]) -> _Result:
        for _ in range(_TRIES - 1):
            try:
                return await self._once(say)
            except _MET:
                continue
        return await self._once(say)

    async def _once(self, say: Callable[[Connection], Awaitable[_Result]]) -> _Result:
        with _faults():
            async with self._pool.acquire(timeout=self._timeout_s) as connection:
                return await say(connection)


class Snapshot:
    """A database at one moment. Statements may take long: they look at everything."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def rows(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """All rows of a statement."""
        return await self._connection.fetch(statement, *values, timeout=_LONG_S)

    async def chunks(self, statement: str, *values: object, size: int = _CHUNK) -> AsyncIterator[list[asyncpg.Record]]:
        """The rows of a statement, `size` at a time, however many there are."""
        cursor = await self._connection.cursor(statement, *values, timeout=_LONG_S)
        while rows := await cursor.fetch(size, timeout=_LONG_S):
            yield rows


class Listener:
    """A connection of its own that hears what is announced on one channel, as long as it lives and no longer."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self._announced: set[str] = set()
        self._news = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def on(cls, channel: str, dsn: str, *, timeout_s: float) -> AsyncIterator[Self]:
        """Listen for as long as the block lasts. Raises LedgerUnreachable if nobody answers there."""
        with _faults():
            connection = await asyncpg.connect(
                dsn, timeout=timeout_s, command_timeout=timeout_s, server_settings=_SETTINGS
            )
        listener = cls(connection)
        try:
            with _faults():
                connection.add_termination_listener(listener._hear_the_end)
                await connection.add_listener(channel, listener._hear)
            yield listener
        finally:
            with suppress(*_BROKEN):
                await connection.close(timeout=_CLOSES_WITHIN_S)

    async def heard(self, within_s: float) -> frozenset[str]:
        """What has been announced and not been returned yet, each once, as soon as there is any.

        Nothing if it stays quiet for so long on a connection that is alive; raises LedgerUnreachable if it is not.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._news.wait()
        if not self._announced:
            with _faults():
                await self._connection.execute("SELECT 1")
        self._news.clear()
        announced, self._announced = frozenset(self._announced), set()
        return announced

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._announced.add(str(payload))
        self._news.set()

    def _hear_the_end(self, _connection: object) -> None:
        self._news.set()


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except asyncpg.DataError:  # an InterfaceError that is a mistake of ours
        raise
    except _BROKEN as error:
        raise LedgerUnreachable(f"{type(error).__name__}: {error}") from error


async def _nothing_to_reset(_: object) -> None:
    """Saves the round trip in which a pool would clean a session's state: there is none."""

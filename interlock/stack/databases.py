"""Owns the embedded Postgres' databases and login roles, and what keeps them apart; creates no tables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import asyncpg

Connect = Callable[[str], Awaitable["asyncpg.Connection[asyncpg.Record]"]]
"""Opens a connection as superuser to the database of that name."""

# DDL takes no parameters, so the server quotes names and passwords: by hand is how injections are made.
_CREATE_ROLE = "SELECT format('CREATE ROLE %I', $1::text)"
_SET_LOGIN = "SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)"
_CREATE_DATABASE = "SELECT format('CREATE DATABASE %I OWNER %I', $1::text, $2::text)"
_SET_OWNER = "SELECT format('ALTER DATABASE %I OWNER TO %I', $1::text, $2::text)"
_CLOSE_DATABASE = "SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', $1::text)"
_ADMIT = "SELECT format('GRANT CONNECT ON DATABASE %I TO %I', $1::text, $2::text)"
_CLOSE_SCHEMA = "REVOKE ALL ON SCHEMA public FROM PUBLIC"


class Databases:
    """Every verb may be repeated: a start of the stack says them all again."""

    def __init__(self, admin: asyncpg.Connection[asyncpg.Record], connect: Connect) -> None:
        self._admin = admin
        self._connect = connect

    async def ensure_role(self, name: str, password: str) -> None:
        """A login role with this password and with no rights at all until a database admits it."""
        if not await self._admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
            await self._run(_CREATE_ROLE, name)
        await self._run(_SET_LOGIN, name, password)

    async def ensure_database(self, name: str, owner: str, admitted: Iterable[str] = ()) -> None:
        """A database that only its owner, and the roles `admitted`, can connect to.

        Its schema `public` is the owner's alone; whoever else is admitted needs the owner's grant to see it.
        """
        if not await self._admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await self._run(_CREATE_DATABASE, name, owner)
        await self._run(_SET_OWNER, name, owner)
        await self._close(name)
        for role in (owner, *admitted):
            await self._run(_ADMIT, name, role)

    async def close_all(self) -> None:
        """Take from PUBLIC what Postgres grants it by default, on every database that accepts connections.

        Also on `postgres` and `template1`: a database where all roles meet is a way round the isolation.
        """
        for row in await self._admin.fetch("SELECT datname FROM pg_database WHERE datallowconn"):
            await self._close(row["datname"])

    async def _close(self, name: str) -> None:
        await self._run(_CLOSE_DATABASE, name)
        inside = await self._connect(name)
        try:
            await inside.execute(_CLOSE_SCHEMA)
        finally:
            await inside.close()

    async def _run(self, statement: str, *names: str) -> None:
        await self._admin.execute(await self._admin.fetchval(statement, *names))

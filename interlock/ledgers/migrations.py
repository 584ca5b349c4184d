"""Brings a ledger's schema, or another room's, to this version.

Applies each step once, in a transaction of its own; undoes none. Steps are the numbered files of `sql/migrations`.
After them come the views and functions, which hold no data: they are replaced, all in one transaction, whenever their
text has changed.
"""

import hashlib
from typing import TypeAlias

import asyncpg

from interlock.ledgers.faults import LedgerMismatch
from interlock.ledgers.queries import LEDGERS, folder

_ONE_MIGRATES = 0x696E7465726C6F63  # "interloc": the key of the lock that lets one process migrate at a time
_BEGIN = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.schema_version (step text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz
    NOT NULL DEFAULT clock_timestamp());
"""
_RECORD = """
INSERT INTO {schema}.schema_version (step, digest) VALUES ($1, $2)
ON CONFLICT (step) DO UPDATE SET digest = excluded.digest, applied_at = excluded.applied_at
"""
_CODE = "views and functions"
_APPLIED = "SELECT digest FROM {schema}.schema_version WHERE step = $1"

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def migrate(connection: Connection, schema: str = "ledger", room: str = LEDGERS) -> None:
    """Apply what is missing of a room's steps; raises LedgerMismatch if an applied step's text has changed since."""
    await connection.execute("SELECT pg_advisory_lock($1)", _ONE_MIGRATES)
    try:
        await connection.execute(_BEGIN.format(schema=schema))
        for step, text in folder("migrations", room).items():
            applied = await _applied(connection, schema, step)
            if applied is None:
                await _apply(connection, schema, step, text)
            elif applied != _digest(text):
                raise LedgerMismatch(f"migration {step} was applied with another text: add a new one instead")
        if await _applied(connection, schema, _CODE) != _digest(_code(room)):
            await _apply(connection, schema, _CODE, _code(room))
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _ONE_MIGRATES)


def steps(room: str = LEDGERS) -> dict[str, str]:
    """What schema_version says of a database that was installed by this version: each step, and its text's digest."""
    return {step: _digest(text) for step, text in folder("migrations", room).items()} | {_CODE: _digest(_code(room))}


def _code(room: str) -> str:
    return "\n".join([*folder("views", room).values(), *folder("functions", room).values()])


async def _applied(connection: Connection, schema: str, step: str) -> str | None:
    found: str | None = await connection.fetchval(_APPLIED.format(schema=schema), step)
    return found


async def _apply(connection: Connection, schema: str, step: str, text: str) -> None:
    async with connection.transaction():
        # Functions call each other; their files stand in the order of their names.
        await connection.execute("SET LOCAL check_function_bodies = off")
        await connection.execute(text)
        await connection.execute(_RECORD.format(schema=schema), step, _digest(text))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

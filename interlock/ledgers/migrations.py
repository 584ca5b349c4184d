"""Brings a ledger's schema to this version. Applies each step once, in a transaction of its own; undoes none.

Steps are the numbered files of `sql/migrations`. After them come the views and functions, which hold no data: they are
replaced, all in one transaction, whenever their text has changed.
"""

import hashlib
from typing import TypeAlias

import asyncpg

from interlock.ledgers.faults import LedgerMismatch
from interlock.ledgers.queries import folder

_ONE_MIGRATES = 0x696E7465726C6F63  # "interloc": the key of the lock that lets one process migrate at a time
_BEGIN = """
CREATE SCHEMA IF NOT EXISTS ledger;
CREATE TABLE IF NOT EXISTS ledger.schema_version (step text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz
    NOT NULL DEFAULT clock_timestamp());
"""
_RECORD = """
INSERT INTO ledger.schema_version (step, digest) VALUES ($1, $2)
ON CONFLICT (step) DO UPDATE SET digest = excluded.digest, applied_at = excluded.applied_at
"""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def migrate(connection: Connection) -> None:
    """Apply what is missing; raises LedgerMismatch if an applied step's text has changed since."""
    await connection.execute("SELECT pg_advisory_lock($1)", _ONE_MIGRATES)
    try:
        await connection.execute(_BEGIN)
        for step, text in folder("migrations").items():
            applied = await _applied(connection, step)
            if applied is None:
                await _apply(connection, step, text)
            elif applied != _digest(text):
                raise LedgerMismatch(f"migration {step} was applied with another text: add a new one instead")
        code = "\n".join([*folder("views").values(), *folder("functions").values()])
        if await _applied(connection, "views and functions") != _digest(code):
            await _apply(connection, "views and functions", code)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _ONE_MIGRATES)


async def _applied(connection: Connection, step: str) -> str | None:
    found: str | None = await connection.fetchval("SELECT digest FROM ledger.schema_version WHERE step = $1", step)
    return found


async def _apply(connection: Connection, step: str, text: str) -> None:
    async with connection.transaction():
        # Functions call each other; their files stand in the order of their names.
        await connection.execute("SET LOCAL check_function_bodies = off")
        await connection.execute(text)
        await connection.execute(_RECORD, step, _digest(text))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

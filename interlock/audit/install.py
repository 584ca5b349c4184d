"""Makes an empty database the audit database: schema, and who may do what. May be repeated; deletes nothing."""

from collections.abc import Sequence

import asyncpg

from interlock.ledgers.migrations import Connection, migrate
from interlock.ledgers.queries import query

ROOM = "interlock.audit"


async def install(owner_dsn: str, *, writer: str, readers: Sequence[str] = (), keeper: str | None = None) -> None:
    """Migrate, and grant: `writer` adds spans and reads none, `readers` read everything, `keeper` seals.

    The roles must exist and be able to connect; the owner must be none of them. Raises LedgerMismatch if the database
    was installed by another version's steps.
    """
    connection: Connection = await asyncpg.connect(owner_dsn)
    try:
        keepers = [keeper] if keeper else []
        if await connection.fetchval("SELECT current_user = ANY ($1::text[])", [writer, *readers, *keepers]):
            raise ValueError(
                "the audit database's owner gets round its rules: its writer, readers and keeper are other roles"
            )
        await migrate(connection, "audit", ROOM)
        for grant, roles in (("grant_writer", [writer]), ("grant_reader", readers), ("grant_keeper", keepers)):
            for role in roles:
                await connection.execute(query(grant, ROOM), role)
    finally:
        await connection.close()

"""Makes an empty database the audit database: schema, and who may do what. May be repeated; deletes nothing."""

from collections.abc import Sequence

import asyncpg

from interlock.ledgers.migrations import Connection, migrate
from interlock.ledgers.queries import query

ROOM = "interlock.audit"


async def install(owner_dsn: str, *, writer: str, readers: Sequence[str] = ()) -> None:
    """Migrate, and grant: `writer` adds spans and reads none, `readers` read them and add none.

    The roles must exist and be able to connect; the owner must be none of them. Raises LedgerMismatch if the database
    was installed by another version's steps.
    """
    connection: Connection = await asyncpg.connect(owner_dsn)
    try:
        if await connection.fetchval("SELECT current_user = ANY ($1::text[])", [writer, *readers]):
            raise ValueError("the audit database's owner gets round its rules: writers and readers are other roles")
        await migrate(connection, "audit", ROOM)
        for grant, roles in (("grant_writer", [writer]), ("grant_reader", readers)):
            for role in roles:
                await connection.execute(query(grant, ROOM), role)
    finally:
        await connection.close()

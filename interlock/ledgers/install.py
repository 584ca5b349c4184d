"""Makes an empty database a ledger: schema, genesis, and who may do what. May be repeated; never changes a genesis."""

import json
from collections.abc import Sequence

import asyncpg

from interlock.ledgers.faults import LedgerMismatch
from interlock.ledgers.migrations import Connection, migrate
from interlock.ledgers.queries import query
from interlock.protocol.genesis import Genesis


async def install(
    owner_dsn: str, genesis: Genesis, *, writer: str, readers: Sequence[str], auditors: Sequence[str] = ()
) -> None:
    """Migrate, write the genesis if there is none, and grant.

    The roles must exist and be able to connect; the owner must be none of them. `writer` gets to call the operations
    and to read; `readers` (attestors) see locks and verdicts; `auditors` read everything. None can write a row but
    through an operation. Raises LedgerMismatch if the database is another ledger, or another network's.
    """
    connection: Connection = await asyncpg.connect(owner_dsn)
    try:
        if await connection.fetchval("SELECT current_user = ANY ($1::text[])", [writer, *readers, *auditors]):
            raise ValueError("a ledger's owner gets round its rules: writers and readers are other roles")
        await migrate(connection)
        async with connection.transaction():
            await connection.execute("LOCK TABLE ledger.identity IN EXCLUSIVE MODE")  # one birth, whoever else installs
            await write_genesis(connection, genesis)
            for grant, roles in (("grant_writer", [writer]), ("grant_reader", readers), ("grant_auditor", auditors)):
                for role in roles:
                    await connection.execute(query(grant), role)
    finally:
        await connection.close()


async def write_genesis(connection: Connection, genesis: Genesis) -> None:
    """Write the genesis of a ledger that has none; raises LedgerMismatch if it has another."""
    stands = await connection.fetchrow(query("identity"))
    if stands is None:
        attestors = {**genesis.coordinator.model_dump(mode="json"), "digest": genesis.coordinator.identity.digest}
        await connection.execute(query("be_born"), genesis.model_dump_json(), json.dumps(attestors))
    elif (stands["ledger"], stands["network"]) != (genesis.ledger, genesis.network):
        raise LedgerMismatch(
            f"this database is ledger {stands['ledger']} of network {stands['network']}, "
            f"not {genesis.ledger} of {genesis.network}"
        )

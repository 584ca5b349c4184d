"""Reads what the judge and the observer look at, with connections of its own and statements of its own.

It shares no code with the product's reading side. Nothing here writes or concludes.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

CONNECT_WITHIN_SECONDS = 5.0
READ_WITHIN_SECONDS = 30.0

_LOCKS = """
SELECT l.terms_hash, l.state, l.lock_entry IS NULL AS tombstone, e.at AS ended_at,
    (l.signed #>> '{terms,delivery,quantity}')::numeric AS quantity
FROM ledger.locks AS l LEFT JOIN ledger.entries AS e ON e.position = l.ending_entry
"""
_VERDICTS = """
SELECT v.terms_hash, v.verdict, v.authority, e.at FROM ledger.verdicts AS v
JOIN ledger.entries AS e ON e.position = v.entry
"""
_ACCOUNTS = """
SELECT a.name, a.kind, b.asset, b.balance, a.issues
FROM ledger.accounts AS a JOIN ledger.balances AS b ON b.account = a.id
"""
_UNBALANCED = "SELECT entry FROM ledger.postings GROUP BY entry, asset HAVING sum(quantity) <> 0 ORDER BY entry"
_POSITION = "SELECT coalesce(max(position), 0) FROM ledger.entries"

BROKEN = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""A server that is away, or went away while it was being read."""


@dataclass(frozen=True)
class LockRow:
    """A lock or tombstone; `quantity` is the delivery leg's, in smallest units."""

    terms_hash: str
    state: str
    tombstone: bool
    ended_at: datetime | None
    quantity: int


@dataclass(frozen=True)
class VerdictRow:
    """A verdict."""

    terms_hash: str
    verdict: str
    authority: str
    at: datetime


@dataclass(frozen=True)
class Holding:
    """What an account holds of an asset; `issues` is the asset that an issuance account issues."""

    account: str
    kind: str
    asset: str
    balance: int
    issues: str | None


@dataclass(frozen=True)
class Books:
    """One ledger at one moment."""

    position: int
    locks: dict[str, LockRow]
    verdicts: dict[str, VerdictRow]
    holdings: tuple[Holding, ...]
    unbalanced: tuple[int, ...]
    """Entries whose postings do not sum to zero."""


async def read_both(dsns: Mapping[str, str]) -> tuple[Books, Books]:
    """The asset ledger, then the payment ledger: whoever sees a lock that has ended sees the verdict that ended it."""
    return await read(dsns["asset"]), await read(dsns["payment"])


async def read(dsn: str) -> Books:
    """One ledger in one snapshot. Raises one of BROKEN if the server is away."""
    async with _snapshot(dsn) as connection:
        return Books(
            position=await connection.fetchval(_POSITION),
            locks={row["terms_hash"]: _lock(row) for row in await connection.fetch(_LOCKS)},
            verdicts={row["terms_hash"]: VerdictRow(**row) for row in await connection.fetch(_VERDICTS)},
            holdings=tuple(
                Holding(row["name"], row["kind"], row["asset"], int(row["balance"]), row["issues"])
                for row in await connection.fetch(_ACCOUNTS)
            ),
            unbalanced=tuple(row["entry"] for row in await connection.fetch(_UNBALANCED)),
        )


def _lock(row: asyncpg.Record) -> LockRow:
    return LockRow(**(dict(row) | {"quantity": int(row["quantity"])}))


@asynccontextmanager
async def _snapshot(dsn: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(dsn, timeout=CONNECT_WITHIN_SECONDS, command_timeout=READ_WITHIN_SECONDS)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        connection.terminate()

"""Compares a ledger's tables, row by row and column by column, with what its journal makes them. Repairs nothing.

Every table is known here, and where it is looked at. A table, or a column, that is not known is named: nobody would
vouch for it. `sql/derived` has a statement for each table that follows from the journal; it gives the rows that differ,
as they stand and as they follow.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from interlock.ledgers.connections import Snapshot
from interlock.ledgers.migrations import steps
from interlock.ledgers.queries import LEDGERS, folder, query
from interlock.protocol import SignedTerms
from interlock.protocol.genesis import Genesis
from interlock.protocol.reading import ORDER
from interlock.protocol.replay import Replay

_LONGEST = 120
"""Characters of a value that people are shown."""

Columns = Mapping[str, tuple[str, ...]]

_SEALS = ("number", "digest", "seal", "signature", "positions", "witnessed", "leaves")
_WITNESSED = ("id", "journal", "number", "digest", "seal", "signature", "at")
_STEPS = ("step", "digest", "applied_at")

LEDGER_TABLES: Columns = {
    # sealed, as protocol.records has them
    "entries": (
        *("position", "reference", "operation", "terms_hash", "settlement_id", "order_digest", "at", "reason"),
        *("authority", "actor", "trace_id", "span_id"),
    ),
    "postings": ("entry", "account", "asset", "quantity", "balance"),
    "witnessed": _WITNESSED,
    "seals": _SEALS,
    # derived from what is sealed, by sql/derived
    "identity": ("only_row", "ledger", "network"),
    "operators": ("address",),
    "assets": ("code", "decimals"),
    "attestor_sets": ("name", "epoch", "digest", "keys", "quorum", "closed", "succeeded_by"),
    "accused": ("attestor", "left_out", "entry"),
    "accounts": ("id", "name", "kind", "owner", "issues", "admitted", "frozen"),
    "balances": ("account", "asset", "issues", "balance"),
    "locks": (
        *("terms_hash", "settlement_id", "state", "signed", "deliverer", "escrow", "lock_entry", "ending_entry"),
    ),
    "verdicts": ("terms_hash", "settlement_id", "verdict", "authority", "signed", "entry"),
    "schema_version": _STEPS,
    # says whom to wake, and nothing of any settlement: docs/decisions/0015-seals.md
    "waiters": (
        *("terms_hash", "ticket", "settlement_id", "seller", "buyer", "account", "cause", "asset", "needed"),
        *("settle_by", "since", "woken_at"),
    ),
}
"""A ledger's tables and their columns."""

AUDIT_TABLES: Columns = {
    "spans": (
        *("trace_id", "span_id", "parent_span_id", "name", "kind", "start_ns", "end_ns", "status", "status_text"),
        *("attributes", "events", "links", "resource", "scope", "written_at", "position"),
    ),
    "witnessed": _WITNESSED,
    "seals": _SEALS,
    "schema_version": _STEPS,
    # says where to go on looking for lost spans, and nothing of any settlement: docs/decisions/0016-complete-traces.md
    "looked_through": ("journal", "state", "at"),
}
"""The audit database's."""

NOT_COVERED = {
    *(("waiters", column) for column in LEDGER_TABLES["waiters"]),
    *(("looked_through", column) for column in AUDIT_TABLES["looked_through"]),
    ("schema_version", "applied_at"),
}
"""What nobody looks at, by table and column. Of an account's number it is looked at who knows the account by it."""


@dataclass(frozen=True)
class Difference:
    """A row, by its table and key, and in words what of it is not what the journal makes it."""

    table: str
    key: str
    text: str
    settlement_id: str = ""


async def ledger_differences(snapshot: Snapshot) -> AsyncIterator[Difference]:
    """Everything in a ledger's tables that does not follow from its journal; at most a hundred of each table.

    Raises asyncpg.PostgresError if a table cannot be asked.
    """
    async for each in unknown_columns(snapshot, "ledger", LEDGER_TABLES):
        yield each
    values = {"attestor_sets": json.dumps(await _attestor_sets(snapshot)), "schema_version": json.dumps(steps())}
    for name, statement in folder("derived").items():
        for row in await snapshot.rows(statement, *([values[name]] if name in values else [])):
            for each in differing(name, dict(row)):
                yield each
    async for each in _odd_tombstones(snapshot):
        yield each
    async for each in _doubled(snapshot, LEDGERS):
        yield each


async def trail_differences(snapshot: Snapshot, room: str) -> AsyncIterator[Difference]:
    """The same of the audit database, which has nothing but records, seals and the steps that installed it."""
    async for each in unknown_columns(snapshot, "audit", AUDIT_TABLES):
        yield each
    for row in await snapshot.rows(folder("derived", room)["schema_version"], json.dumps(steps(room))):
        for each in differing("schema_version", dict(row)):
            yield each
    async for each in _doubled(snapshot, room):
        yield each


async def unknown_columns(snapshot: Snapshot, schema: str, known: Columns) -> AsyncIterator[Difference]:
    """Tables and columns that are not those that are known."""
    rows = await snapshot.rows(query("columns_of"), schema)
    found = {row["table"]: tuple(row["columns"]) for row in rows}
    for table in sorted(known.keys() | found.keys()):
        for column in sorted(set(found.get(table, ())) - set(known.get(table, ()))):
            yield Difference(table, "", f"{schema}.{table}.{column} is not known here: nobody vouches for it")
        for column in sorted(set(known.get(table, ())) - set(found.get(table, ()))):
            yield Difference(table, "", f"{schema}.{table}.{column} is not there")


def differing(table: str, row: Mapping[str, Any]) -> Iterator[Difference]:
    """What differs in one row: `key`, and as JSON objects or None how it `stands`, and how it `follows`."""
    key = str(row["key"])
    stands, follows = (json.loads(row[name]) if row[name] else None for name in ("stands", "follows"))
    settlement_id = str((stands or follows or {}).get("settlement_id") or "")
    named = f"{table}: {key}" + (f" (settlement {settlement_id})" if settlement_id else "")
    if stands is None:
        yield Difference(table, key, f"{named} is missing", settlement_id)
    elif follows is None:
        yield Difference(table, key, f"{named} stands there, and nothing makes it", settlement_id)
    else:
        for column in sorted(stands.keys() | follows.keys()):
            if stands.get(column) != follows.get(column):
                text = f"{named}: {column} is {_short(stands.get(column))}, it has to be {_short(follows.get(column))}"
                yield Difference(table, key, text, settlement_id)


async def _attestor_sets(snapshot: Snapshot) -> list[dict[str, Any]]:
    """The rows that the journal makes; what cannot be read makes none, and is objected to by `ledger verify`."""
    replay = Replay("", "")
    for row in await snapshot.rows(query("births_and_sets")):
        try:
            if row["operation"] == "genesis":
                replay.begin(Genesis.model_validate_json(row["authority"]))
            else:
                replay.carry_out(ORDER.validate_json(row["authority"]).order, row["position"])
        except ValueError:
            continue
    return [
        {
            **found.attestors.model_dump(mode="json"),
            "digest": found.attestors.identity.digest,
            "closed": found.closed,
            "succeeded_by": found.succeeded_by,
        }
        for found in replay.sets.values()
    ]


async def _odd_tombstones(snapshot: Snapshot) -> AsyncIterator[Difference]:
    """A tombstone holds terms that nobody needed to sign: as the ledger writes them, and of its own hash."""
    async for rows in snapshot.chunks(query("tombstones")):
        for row in rows:
            if not _is_tombstone(row):
                text = f"locks: {row['terms_hash']}: signed is not the terms of that hash, without signatures"
                yield Difference("locks", row["terms_hash"], text)


async def _doubled(snapshot: Snapshot, room: str) -> AsyncIterator[Difference]:
    """To compare rows by their keys is to trust in the keys."""
    for row in await snapshot.rows(query("doubled", room)):
        yield Difference(row["table"], str(row["key"]), f"{row['table']}: {row['key']} stands there more than once")


def _is_tombstone(row: asyncpg.Record) -> bool:
    try:
        signed = SignedTerms.model_validate_json(row["signed"])
    except ValueError:
        return False
    as_written = json.loads(row["signed"]) == signed.model_dump(mode="json")
    return as_written and not signed.signatures and signed.terms_hash == row["terms_hash"]


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."

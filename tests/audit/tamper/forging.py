"""Alterations of rows and of whole tables: removed, forged, exchanged, emptied, cut off; and blocks sealed anew.

Who seals anew has the ledger's database, and a key: a stranger's, or the keeper's own, stolen.
"""

import random
from collections.abc import AsyncIterator, Iterator, Sequence

from interlock.audit.journals import Block
from interlock.audit.verify_records import Lane
from interlock.protocol import LocalSigner
from interlock.protocol.merkle import root_of
from interlock.protocol.seals import Seal
from tests.audit.tamper.altering import Alteration, Catalogue, Named, Row, Table, changed, named

STRANGER = LocalSigner(b"\x11" * 32)


def removed(table: Table, row: Row) -> Alteration:
    """One row less."""
    key = tuple(row[name] for name in table.key)
    statement = f"DELETE FROM {table.path} WHERE {table.condition()}"
    return Alteration(
        "a row removed", f"{table.journal}: {table.path} {'/'.join(key)}", table, ((statement, key),), named(table, row)
    )


def inserted(table: Table, row: Row, rng: random.Random) -> Alteration:
    """A copy of a row under another key, as if it had always been there: in a gap of the numbers, or below all."""
    copy = dict(row)
    for column in table.columns:
        if column.is_key and column.type in ("bigint", "integer"):
            copy[column.name] = str(-int(row[column.name] or 0) - 1)
        elif column.is_key or column.name in ("reference", "order_digest", "span_id", "name", "issues"):
            copy[column.name] = None if row[column.name] is None else _other(table, column.name, row, rng)
        elif column.name in ("escrow", "lock_entry", "ending_entry", "entry", "position"):
            copy[column.name] = None if row[column.name] is None else str(-int(row[column.name]))
    names = [column.name for column in table.columns]
    values = ", ".join(f"${at}::text::{column.type}" for at, column in enumerate(table.columns, start=1))
    statement = f"INSERT INTO {table.path} ({', '.join(names)}) VALUES ({values})"
    return Alteration(
        "a row inserted",
        f"{table.journal}: {table.path}, a copy of {'/'.join(str(row[name]) for name in table.key)}",
        table,
        ((statement, tuple(copy[name] for name in names)),),
        named(table, copy),
    )


def _other(table: Table, name: str, row: Row, rng: random.Random) -> str:
    column = next(each for each in table.columns if each.name == name)
    altered: str = changed(table, column, row, rng).statements[0][1][-1]
    return altered


def doubled(table: Table, row: Row) -> Alteration:
    """The very same row once more: its key is out of force."""
    key = tuple(row[name] for name in table.key)
    statement = f"INSERT INTO {table.path} SELECT * FROM {table.path} WHERE {table.condition()}"
    text = f"{table.journal}: {table.path} {'/'.join(key)}"
    return Alteration("a row doubled", text, table, ((statement, key),), named(table, row))


def exchanged(table: Table, one: Row, other: Row) -> Alteration:
    """Two rows' contents, each under the other's key."""
    rest = [column for column in table.columns if not column.is_key]
    unique = [column.name for column in rest if column.name in ("reference", "order_digest", "span_id", "position")]
    statements = []
    keys = [tuple(row[name] for name in table.key) for row in (one, other)]
    if unique:  # out of the way first
        away = ", ".join(f"{name} = NULL" for name in unique)
        statements += [(f"UPDATE {table.path} SET {away} WHERE {table.condition()}", key) for key in keys]
    said = ", ".join(
        f"{column.name} = ${at}::text::{column.type}" for at, column in enumerate(rest, start=len(table.key) + 1)
    )
    for key, row in zip(keys, (other, one), strict=True):
        values = (*key, *(row[column.name] for column in rest))
        statements.append((f"UPDATE {table.path} SET {said} WHERE {table.condition()}", values))
    text = f"{table.journal}: {table.path} {'/'.join(keys[0])} and {'/'.join(keys[1])}"
    return Alteration("two rows exchanged", text, table, tuple(statements), named(table, one, other))


def truncated(table: Table, rows: Sequence[Row]) -> Alteration:
    """A table with nothing in it."""
    return Alteration(
        "a table emptied",
        f"{table.journal}: {table.path}",
        table,
        ((f"TRUNCATE {table.path}", ()),),
        named(table, *rows),
    )


def cut_off(catalogue: Catalogue, journal: str, blocks: Sequence[Block], *, count: int) -> Iterator[Alteration]:
    """The newest entries, the newest seals, and both."""
    own = catalogue.table(journal, "spans" if journal == "audit" else "entries")
    seals, postings = (
        catalogue.table(journal, "seals"),
        None if journal == "audit" else catalogue.table(journal, "postings"),
    )
    first = blocks[-count].signed.seal
    after = blocks[-count - 1].signed.seal.through if count < len(blocks) else 0
    lost = frozenset(place for block in blocks[-count:] for place in block.positions)
    numbers = frozenset(block.signed.seal.number for block in blocks[-count:])
    rows = [(f"DELETE FROM {own.path} WHERE position > {after}", ())]
    if postings is not None:
        rows.append((f"DELETE FROM {postings.path} WHERE entry > {after}", ()))
    chain = [(f"DELETE FROM {seals.path} WHERE number >= {first.number}", ())]
    touched = tuple(each for each in (own, postings, seals) if each is not None)
    for what, statements, names in (
        ("the newest records cut off", rows, Named(journal, own.name, positions=lost)),
        ("the newest seals cut off", chain, Named(journal, "seals", seals=numbers)),
        ("the newest records and their seals cut off", [*rows, *chain], Named(journal, "seals", seals=numbers)),
    ):
        yield Alteration(what, f"{journal}: {count} blocks", own, tuple(statements), names, touched)


async def resealed(
    catalogue: Catalogue, journal: str, blocks: Sequence[Block], *, signer: LocalSigner, what: str
) -> AsyncIterator[Alteration]:
    """A record changed, not of the last block if there is another, and the chain made anew from there with a key."""
    stage = catalogue.stage
    own = catalogue.table(journal, "spans" if journal == "audit" else "entries")
    seals = catalogue.table(journal, "seals")
    column = "name" if journal == "audit" else "reason"
    at = max(at for at, block in enumerate(blocks[:-1] or blocks) if block.positions)
    changing = blocks[at]
    place = changing.positions[0]
    lane = Lane.own(journal)
    async with stage.journals[journal].connections.snapshot() as snapshot:
        (row,) = await lane.rows(snapshot, place - 1, place)
    statements: list[tuple[str, tuple[object, ...]]] = [
        (f"UPDATE {own.path} SET {column} = 'forged' WHERE position = {place}", ())
    ]
    previous = changing.signed.seal.previous
    for block in blocks[at:]:
        leaves = list(block.leaves)
        if block is changing:
            leaves[0] = lane.leaf({**row, column: "forged"})
        root = "0x" + root_of(leaves).hex()
        seal = Seal(**(dict(block.signed.seal) | {"previous": previous, "root": root}))
        signature = signer.sign(seal, stage.network)
        previous = block.signed.model_copy(update={"seal": seal}).digest(stage.network)
        statement = f"UPDATE {seals.path} SET digest = $1, seal = $2, signature = $3, leaves = $4 WHERE number = $5"
        values = (previous, seal.model_dump_json(), signature.model_dump_json(), b"".join(leaves), seal.number)
        statements.append((statement, values))
    numbers = frozenset(block.signed.seal.number for block in blocks[at:])
    names = Named(journal, "seals", seals=numbers)
    yield Alteration(what, f"{journal}: {own.name} {place}", own, tuple(statements), names, (own, seals))


def orphaned(table: Table, row: Row) -> Alteration:
    """A posting of an entry that is not there: it moves nothing, and it stands in no record."""
    names = [column.name for column in table.columns]
    copy = {**row, "entry": str(10**9)}
    values = ", ".join(f"${at}::text::{column.type}" for at, column in enumerate(table.columns, start=1))
    statement = f"INSERT INTO {table.path} ({', '.join(names)}) VALUES ({values})"
    text = f"{table.journal}: {table.path} of an entry that is not there"
    said = Named(table.journal, table.name, keys=(f"entry {10**9},",))
    return Alteration("a row inserted", text, table, ((statement, tuple(copy[name] for name in names)),), said)

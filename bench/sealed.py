"""Journals that are whole: settled trades entered in bulk, the spans that each of them would have, and all of it sealed
and witnessed by the keepers' own code.
"""

import json
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from bench.bulk import BulkLoad
from bench.evidence import Signers, attempt_fields
from bench.place import Place
from bench.progress import say
from interlock.audit.completing import Trail
from interlock.audit.install import ROOM
from interlock.audit.journals import Journal
from interlock.audit.keeping import KeptJournal, Relay
from interlock.ledgers.connections import Connections
from interlock.ledgers.queries import query
from interlock.protocol import LocalSigner
from interlock.stack.identity import AUDIT, JOURNALS, LEDGERS
from interlock.worker.sealing import Keeper

MORE = 50
"""Trades that come after those measured, whose records bring the seals' witnesses under seal."""

BATCH = 500
STEPS = ("check delivery", "check payment", "lock", "attest LOCKED", "pay", "attest PAID", "release")


async def grow(place: Place, pool: Signers, count: int) -> None:
    """See that so many settlements are settled, traced, sealed and witnessed; goes on where it was interrupted."""
    load = BulkLoad(place, pool)
    async with keepers(place) as kept:
        for upto in (count, count + MORE):
            await load.up_to(upto)
            await _write_spans(place)
            await _seal(kept.values())
    for database in JOURNALS:
        owner = await asyncpg.connect(place.stack.dsn(database, f"{database}_owner"))
        await owner.execute("VACUUM ANALYZE")
        await owner.close()


async def passed(place: Place) -> None:
    """See that both ledgers are sealed, and looked through for lost spans to their ends, as their keepers would have
    seen to long ago: who settles on them has not to wait for that. The trail has no spans of what was loaded.
    """
    async with keepers(place, LEDGERS) as kept, readers(place) as journals:
        await _seal(kept.values())
        writer = await Connections.open(place.stack.dsn(AUDIT, f"{AUDIT}_writer"), size=1, timeout_s=120.0)
        try:
            for name in LEDGERS:
                through = (await kept[name].journal.sight()).position
                reference = await journals[name].connections.value(query("reference_at"), through)
                await Trail(writer).note(name, {"through": through, "reference": reference})
        finally:
            await writer.close()


@asynccontextmanager
async def readers(place: Place) -> AsyncIterator[dict[str, Journal]]:
    """The three journals, by the readers' logins."""
    async with AsyncExitStack() as held:
        journals = {}
        for name in JOURNALS:
            reader = await Connections.open(place.stack.dsn(name, f"{name}_reader"), size=4, timeout_s=120.0)
            held.push_async_callback(reader.close)
            journals[name] = Journal(name, reader)
        yield journals


@asynccontextmanager
async def keepers(place: Place, journals: Sequence[str] = JOURNALS) -> AsyncIterator[dict[str, Keeper]]:
    """A keeper of each of these journals, at rest."""
    identity = place.stack.identity
    async with AsyncExitStack() as held:

        async def connections(database: str, role: str) -> Connections:
            made = await Connections.open(place.stack.dsn(database, role), size=1, timeout_s=600.0)
            held.push_async_callback(made.close)
            return made

        yield {
            name: Keeper(
                KeptJournal(name, await connections(name, f"{name}_{'keeper' if name == AUDIT else 'writer'}")),
                LocalSigner(identity.seal_keys[name]),
                identity.network,
                identity.keepers,
                None if name == AUDIT else Relay(await connections(AUDIT, f"{AUDIT}_writer")),
            )
            for name in journals
        }


async def _seal(kept: Collection[Keeper]) -> None:
    for keeper in kept:
        await keeper.seal()
        say(f"journal {keeper.journal.name} is sealed")
    for _ in range(2):  # what one has brought, the other fetches
        for keeper in kept:
            await keeper.exchange()


async def _write_spans(place: Place) -> None:
    """The spans of every trade that is in the ledgers and has none yet."""
    asset = await asyncpg.connect(place.stack.dsn("asset", "asset_owner"))
    audit = await asyncpg.connect(place.stack.dsn(AUDIT, f"{AUDIT}_owner"))
    writer = await asyncpg.connect(place.stack.dsn(AUDIT, f"{AUDIT}_writer"))
    try:
        have = await audit.fetchval("SELECT count(*) FROM audit.spans WHERE parent_span_id IS NULL")
        rows = await asset.fetch(
            "SELECT terms_hash, settlement_id FROM ledger.locks WHERE settlement_id LIKE 'BULK-%' "
            "ORDER BY lock_entry OFFSET $1",
            have,
        )
        for first in range(0, len(rows), BATCH):
            spans = [span for row in rows[first : first + BATCH] for span in _spans(*row)]
            await writer.execute(query("write_spans", ROOM), *(list(column) for column in zip(*spans, strict=True)))
        say(f"{len(rows):,} settlements' spans are in the trail")
    finally:
        for connection in (asset, audit, writer):
            await connection.close()


def _spans(terms_hash: str, settlement_id: str) -> list[tuple[object, ...]]:
    """A settled trade's eight spans, as rows."""
    _, trace_id, root = attempt_fields(terms_hash)
    about = {"interlock.settlement.id": settlement_id, "interlock.terms.hash": terms_hash}
    began = time.time_ns()
    resource = json.dumps({"service.name": "interlock-worker", "interlock.roles": ["settlement"]})
    said: list[tuple[str, str | None, str, dict[str, Any]]] = [
        (root, None, "settlement", about | {"interlock.outcome": "SETTLED"})
    ]
    said += [
        (f"{(int(root, 16) + at) % 2**64:016x}", root, step, about | {"interlock.step": step, "interlock.attempt": 1})
        for at, step in enumerate(STEPS, 1)
    ]
    return [
        (trace_id, span_id, parent, name, "INTERNAL", began, began + 10**6, "UNSET", "", json.dumps(attributes), "[]",
         "[]", resource, "interlock")
        for span_id, parent, name, attributes in said
    ]  # fmt: skip

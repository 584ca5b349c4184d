"""What `audit verify` takes with few and with many settlements: it is to grow with the journals, and no faster.

`python -m bench.verifying [FEW] [MANY] [FOLDER]` ends with one line of JSON. The trades and their spans are made up
(bench/bulk.py, tests/audit/synthetic.py), with real signatures and certificates; they are sealed and witnessed by the
keepers' own code. With a folder it goes on where it was interrupted, and the settlements stay for the next time.
"""

import asyncio
import itertools
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from bench.bulk import BulkLoad
from bench.evidence import signers
from bench.place import Place, opened
from bench.progress import say
from interlock.audit.install import ROOM
from interlock.audit.journals import Journal
from interlock.audit.keeping import KeptJournal, Relay
from interlock.audit.verify import (
    invariant_readers,
    records_to_verify,
    verify_invariants,
    verify_journals,
    verify_tables,
)
from interlock.ledgers.connections import Connections
from interlock.ledgers.processes import hands
from interlock.ledgers.queries import query
from interlock.ledgers.verify import rows_to_verify
from interlock.protocol import LocalSigner
from interlock.stack.identity import AUDIT, JOURNALS, LEDGERS
from interlock.worker.sealing import Keeper
from tests.audit.synthetic import settlements

SPANS_OF_AT_ONCE = 200
"""Settlements."""


async def main(few: int, many: int, folder: Path) -> dict[str, Any]:
    """Both sizes on one stack: first the few, then the many."""
    found: list[dict[str, Any]] = []
    with signers() as pool:
        async with opened(folder) as place:
            for count in (few, many):
                await BulkLoad(place, pool).up_to(count)
                await _trace(place, count)
                await _seal(place)
                found.append({"settlements": count, **await _verified(place)})
                say(json.dumps(found[-1]))
    small, large = found
    each = ("journals", "tables", "invariants", "seconds")
    return {
        "sizes": found,
        "time_a_settlement_many_to_few": {
            name: round(large[name] / large["settlements"] / (small[name] / small["settlements"]), 2) for name in each
        },
    }


async def _trace(place: Place, count: int) -> None:
    """The spans of so many settlements; how many there are stands in a file, and to write some again is harmless."""
    noted = place.folder / "traced"
    first = int(noted.read_text()) if noted.exists() else 0
    writer = await asyncpg.connect(place.stack.dsn(AUDIT, f"{AUDIT}_writer"))
    made = iter(settlements("VERIFIED", count - first, first=first)) if count > first else iter(())
    while several := list(itertools.islice(made, SPANS_OF_AT_ONCE)):
        columns = zip(*(span.row for each in several for span in each.spans), strict=True)
        await writer.execute(query("write_spans", ROOM), *(list(column) for column in columns))
        first += len(several)
        noted.write_text(str(first))
    await writer.close()


@asynccontextmanager
async def _keepers(place: Place) -> AsyncIterator[dict[str, Keeper]]:
    identity = place.stack.identity
    async with AsyncExitStack() as held:

        async def connections(dsn: str) -> Connections:
            made = await Connections.open(dsn, size=1, timeout_s=120.0)
            held.push_async_callback(made.close)
            return made

        logins = {ledger: f"{ledger}_writer" for ledger in LEDGERS} | {AUDIT: f"{AUDIT}_keeper"}
        yield {
            name: Keeper(
                KeptJournal(name, await connections(place.stack.dsn(name, login))),
                LocalSigner(identity.seal_keys[name]),
                identity.network,
                identity.keepers,
                None if name == AUDIT else Relay(await connections(place.stack.dsn(AUDIT, f"{AUDIT}_writer"))),
            )
            for name, login in logins.items()
        }


async def _seal(place: Place) -> None:
    """All of it, and every seal in the other places."""
    async with _keepers(place) as keepers:
        for keeper in keepers.values():
            await keeper.seal()
        for _ in range(2):
            for keeper in keepers.values():
                await keeper.exchange()
    for database in JOURNALS:
        owner = await asyncpg.connect(place.stack.dsn(database, f"{database}_owner"))
        await owner.execute("VACUUM ANALYZE")
        await owner.close()


async def _verified(place: Place) -> dict[str, Any]:
    """Seconds of each part, as the verb asks for them; what was looked at; nothing may be wrong."""
    identity = place.stack.identity
    async with AsyncExitStack() as held:
        journals = {}
        for name in JOURNALS:
            reader = await Connections.open(place.stack.dsn(name, f"{name}_reader"), size=4, timeout_s=120.0)
            held.push_async_callback(reader.close)
            journals[name] = Journal(name, reader)
        total = await records_to_verify(journals)
        total += await rows_to_verify(*invariant_readers(journals, identity.network))
        with hands(total) as several:
            sealed, took = await _timed(verify_journals(journals, identity.network, identity.keepers, hands=several))
            tables, took_tables = await _timed(verify_tables(journals))
            books, took_books = await _timed(verify_invariants(journals, identity.network, hands=several))
    if not (books.ok and all(each.ok for each in (*sealed.values(), *tables.values()))):
        raise RuntimeError(f"something is wrong with what was made up: {sealed} {tables} {books}")
    return {
        "records": sum(each.records + each.witnessed for each in sealed.values()),
        "seals": sum(each.seals for each in sealed.values()),
        "not_covered": sum(each.not_covered.records for each in sealed.values()),
        "journals": round(took, 2),
        "tables": round(took_tables, 2),
        "invariants": round(took_books, 2),
        "seconds": round(took + took_tables + took_books, 2),
        "largest_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


async def _timed(work: Awaitable[Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    return await work, time.perf_counter() - start


if __name__ == "__main__":
    few, many = (int(text) for text in sys.argv[1:3]) if len(sys.argv) > 2 else (1000, 100_000)
    if len(sys.argv) > 3:
        kept = Path(sys.argv[3])
        kept.mkdir(parents=True, exist_ok=True)
        document = asyncio.run(main(few, many, kept))
    else:
        with tempfile.TemporaryDirectory(prefix="interlock-bench-") as name:
            document = asyncio.run(main(few, many, Path(name)))
    sys.stdout.write(json.dumps(document) + "\n")

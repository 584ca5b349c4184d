"""What exporting and checking one settlement's proof takes with 1,000 and with 100,000 settlements in the journals.

`python -m bench.proving [FEW] [MANY] [FOLDER]` writes one JSON document. Both ledgers are filled with settled,
trades by COPY (bench/bulk.py), the trail with the eight spans that each of them would have, and all three
journals are sealed by their keepers. With a FOLDER it goes on where it was interrupted.
"""

import asyncio
import contextlib
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from bench.bulk import BulkLoad
from bench.evidence import attempt_fields, signers
from bench.place import Place, opened
from bench.progress import say
from bench.settled import TAG
from interlock.audit.exporting import Exporter
from interlock.audit.install import ROOM
from interlock.audit.journals import Journal
from interlock.audit.keeping import KeptJournal, Relay
from interlock.ledgers.connections import Connections
from interlock.ledgers.queries import LEDGERS as LEDGERS_ROOM
from interlock.ledgers.queries import query
from interlock.proof.check import check
from interlock.proof.format import written
from interlock.proof.report import Verdict
from interlock.proof.trust import Trust
from interlock.protocol import LocalSigner
from interlock.stack.identity import AUDIT, JOURNALS, LEDGERS
from interlock.worker.sealing import Keeper

SAMPLE, WARM = 200, 20
MORE = 50
"""Trades that come after those measured, whose records bring the seals' witnesses under seal."""

BATCH = 500
STEPS = ("check delivery", "check payment", "lock", "attest LOCKED", "pay", "attest PAID", "release")


async def main(few: int, many: int, folder: Path) -> dict[str, Any]:
    """Both sizes in the same journals: first the few, then the many."""
    found: list[dict[str, Any]] = []
    with signers() as pool:
        async with opened(folder) as place, keepers(place) as kept:
            load = BulkLoad(place, pool)
            for count in (few, many):
                if await load.loaded() > count + MORE:
                    say(f"{count:,} settlements were passed in an earlier run: they are not measured again")
                    continue
                for upto in (count, count + MORE):
                    await load.up_to(upto)
                    await _write_spans(place)
                    await _seal(kept)
                found.append({"settlements": count, **await measured(place, count)})
            scans = await whole_scans(place)
    return {"at": found, "many to few": _ratios(*found) if len(found) == 2 else None, "whole scans": scans}


def _ratios(few: dict[str, Any], many: dict[str, Any]) -> dict[str, float]:
    return {name: round(many[name] / few[name], 2) for name in few if name != "settlements"}


async def measured(place: Place, count: int) -> dict[str, float]:
    """Median milliseconds of an export and of a check, over settlements from all over the journals."""
    identity = place.stack.identity
    trust = Trust(network=identity.network, keepers=identity.keepers)
    exports: list[tuple[float, float]] = []
    checks: list[tuple[float, float]] = []
    sizes: list[int] = []
    async with readers(place) as journals:
        exporter = Exporter(journals, identity.network, identity.keepers)
        hashes = await _sampled(journals["asset"], count)
        for number, terms_hash in enumerate(hashes):
            began = _clocks()
            data = written(await exporter.export(terms_hash))
            exported = _clocks()
            report = check(data, trust)
            done = _clocks()
            if report.verdict is not Verdict.PROVEN:
                raise RuntimeError(f"{report.settlement_id} is not proven: {report.reason}")
            if number >= WARM:
                exports.append((exported[0] - began[0], exported[1] - began[1]))
                checks.append((done[0] - exported[0], done[1] - exported[1]))
                sizes.append(len(data))
    say(f"{count:,} settlements: {len(exports)} of them exported and checked")
    return {
        "export_ms": _median_ms(exports, 0),
        "export_cpu_ms": _median_ms(exports, 1),
        "check_ms": _median_ms(checks, 0),
        "check_cpu_ms": _median_ms(checks, 1),
        "bytes": round(statistics.median(sizes)),
    }


def _clocks() -> tuple[float, float]:
    """Seconds by the wall, and of this process's own work, which a busy machine does not lengthen much."""
    return time.perf_counter(), time.process_time()


def _median_ms(took: Sequence[tuple[float, float]], clock: int) -> float:
    return round(statistics.median(each[clock] for each in took) * 1000, 2)


async def _sampled(asset: Journal, count: int) -> list[str]:
    """So many terms hashes, of numbers drawn from all."""
    numbers = random.Random(count).sample(range(count), min(SAMPLE + WARM, count))  # noqa: S311 - a sample
    ids = [f"{TAG}-{number}" for number in numbers]
    rows = await asset.connections.rows(
        "SELECT terms_hash FROM ledger.locks WHERE settlement_id = ANY ($1::text[])", ids
    )
    return [row["terms_hash"] for row in rows]


async def whole_scans(place: Place) -> list[str]:
    """Which of an export's statements read a whole table of entries or spans; it should be none."""
    found = []
    nobody = "0x" + "00" * 32
    statements: dict[str, tuple[str, tuple[object, ...]]] = {
        "founding_records": ("asset", (["account bench-0", "asset OUSG", "attestors main"], 10**6, [], [])),
        "entry_records_of_terms": ("asset", (nobody,)),
        "seal_of": ("asset", (1000,)),
        "seal_of_witnessed": ("asset", (1,)),
        "witnessed_seal": ("asset", ("payment", 1, nobody)),
        "span_records_of_trace": (AUDIT, (nobody[2:34],)),
    }
    for name, (journal, values) in statements.items():
        connection = await asyncpg.connect(place.stack.dsn(journal, f"{journal}_owner"))
        text = query(name, ROOM if journal == AUDIT else LEDGERS_ROOM)
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {text}", *values))
        found += [f"{name}: {table}" for table in ("entries", "spans") if f"Seq Scan on {table}" in plan]
        await connection.close()
    return found


@asynccontextmanager
async def readers(place: Place) -> AsyncIterator[dict[str, Journal]]:
    """The three journals, by the readers' logins."""
    async with AsyncExitStack() as held:
        journals = {}
        for name in JOURNALS:
            opened_ = await Connections.open(place.stack.dsn(name, f"{name}_reader"), size=2, timeout_s=60.0)
            held.push_async_callback(opened_.close)
            journals[name] = Journal(name, opened_)
        yield journals


@asynccontextmanager
async def keepers(place: Place) -> AsyncIterator[list[Keeper]]:
    """A keeper of each journal, at rest."""
    identity = place.stack.identity
    async with AsyncExitStack() as held:

        async def connections(database: str, role: str) -> Connections:
            made = await Connections.open(place.stack.dsn(database, role), size=1, timeout_s=600.0)
            held.push_async_callback(made.close)
            return made

        def keeper(name: str, own: Connections, relay: Relay | None) -> Keeper:
            signer = LocalSigner(identity.seal_keys[name])
            return Keeper(KeptJournal(name, own), signer, identity.network, identity.keepers, relay)

        made = [keeper(AUDIT, await connections(AUDIT, f"{AUDIT}_keeper"), None)]
        for name in LEDGERS:
            relay = Relay(await connections(AUDIT, f"{AUDIT}_writer"))
            made.append(keeper(name, await connections(name, f"{name}_writer"), relay))
        yield made


async def _seal(kept: Sequence[Keeper]) -> None:
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
        await audit.execute("VACUUM ANALYZE audit.spans")
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


if __name__ == "__main__":
    few, many = (int(text) for text in sys.argv[1:3]) if len(sys.argv) > 2 else (1000, 100_000)
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as temporary:
        where = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(temporary)
        where.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stdout(sys.stderr):
            result = asyncio.run(main(few, many, where))
    sys.stdout.write(json.dumps(result, indent=1) + "\n")

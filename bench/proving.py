"""What exporting and checking one settlement's proof takes; `python -m bench.auditing` measures it at two sizes."""

import random
import statistics
import time
from collections.abc import Sequence

import asyncpg

from bench.place import Place
from bench.progress import say
from bench.sealed import readers
from bench.settled import TAG
from interlock.audit.exporting import Exporter
from interlock.audit.install import ROOM
from interlock.audit.journals import Journal
from interlock.ledgers.queries import LEDGERS as LEDGERS_ROOM
from interlock.ledgers.queries import query
from interlock.proof.check import check
from interlock.proof.format import written
from interlock.proof.report import Verdict
from interlock.proof.trust import Trust
from interlock.stack.identity import AUDIT

SAMPLE, WARM = 200, 20


async def proved(place: Place, count: int) -> dict[str, float]:
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

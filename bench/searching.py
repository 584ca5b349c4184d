"""What searching the audit trail takes with 1,000 and with 100,000 settlements, and what its indexes cost a write.

`python -m bench.searching [FEW] [MANY]` writes one JSON document. The spans are made up (tests/audit/synthetic.py), and
written by the statement that workers write with.
"""

import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg

from interlock.audit.install import ROOM, install
from interlock.audit.searching import Question, day_of, keys, search, statements
from interlock.ledgers.connections import Connections
from interlock.ledgers.queries import query
from interlock.protocol import Outcome
from interlock.stack.leftovers import RunRecord
from interlock.stack.ports import keep_ports
from interlock.stack.postgres import EmbeddedPostgres
from tests.audit.synthetic import BEGIN, PARTIES, settlements

PASSWORD = "throw-away"  # noqa: S105 - of a server that lives as long as the bench
BATCH, REPEATS, LIMIT = 200, 9, 50
DAY = day_of("2026-03-02")
NOW = BEGIN + timedelta(days=400)
QUESTIONS = {
    "a party's day": Question(party=PARTIES[0], since=DAY[0], until=DAY[1]),
    "a party": Question(party=PARTIES[0]),
    "a day": Question(since=DAY[0], until=DAY[1]),
    "waited more than 2 h": Question(waited=timedelta(hours=2)),
    "dissents": Question(dissents=True),
    "a refusal": Question(refusal="account_frozen"),
    "an outcome": Question(outcome=Outcome.REJECTED),
    "an asset": Question(asset="TBILL"),
    "an amount": Question(asset="USD", at_least=999_000_000),
    "a party's amounts": Question(party=PARTIES[0], asset="USD", at_least=900_000_000),
}


async def main(few: int, many: int) -> dict[str, Any]:
    """Both sizes on one server, the same database: first the few, then the many."""
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as name:
        folder = Path(name)
        port = keep_ports(folder / "ports.json", ["postgres"])["postgres"]
        server = EmbeddedPostgres(folder, port, logs=folder / "logs", record=RunRecord(folder / "run.json"))
        await server.start()
        try:
            roles = ("audit_owner", "audit_writer", "audit_reader")
            async with server.administration() as databases:
                for role in roles:
                    await databases.ensure_role(role, PASSWORD)
                await databases.ensure_database("audit", roles[0], roles[1:])
            owner, writer, reader = (server.dsn("audit", role, PASSWORD) for role in roles)
            await install(owner, writer=roles[1], readers=[roles[2]])
            found: dict[str, Any] = {"sizes": [few, many], "questions": {}, "plans": {}, "writing": {}}
            for first, count in ((0, few), (few, many)):
                await _fill(writer, owner, first, count)
                for question, took in (await _asked(reader)).items():
                    found["questions"].setdefault(question, []).append(took)
                found["writing"][str(count)] = await _written(writer, count)
            found["plans"] = await _plans(reader)
            found["without indexes"] = await _without(owner, writer, many)
            return found
        finally:
            await server.stop()


async def _fill(writer: str, owner: str, first: int, count: int) -> None:
    connection = await asyncpg.connect(writer)
    made = (span.row for each in settlements("BENCH", count - first, first=first) for span in each.spans)
    done = 0
    while rows := list(itertools.islice(made, 10 * BATCH)):
        await connection.execute(query("write_spans", ROOM), *(list(column) for column in zip(*rows, strict=True)))
        done += len(rows)
        if done % 100_000 == 0:
            sys.stderr.write(f"{done:,} spans are written\n")
    await connection.close()
    connection = await asyncpg.connect(owner)
    await connection.execute("VACUUM ANALYZE audit.spans")
    await connection.close()


async def _asked(reader: str) -> dict[str, dict[str, float]]:
    """The median milliseconds of each question's first page: found by the database, and told as stories."""
    found = {}
    connections = await Connections.open(reader, size=1, timeout_s=120.0)
    for name, question in QUESTIONS.items():
        at_all, in_all = [], []
        count = 0
        for _ in range(REPEATS):
            start = time.perf_counter()
            count = len(await keys(connections, question, limit=LIMIT, after=None, now=NOW))
            at_all.append(time.perf_counter() - start)
            start = time.perf_counter()
            await search(connections, question, limit=LIMIT, after=None, now=NOW)
            in_all.append(time.perf_counter() - start)
        found[name] = {
            "found": count,
            "database_ms": round(statistics.median(at_all) * 1000, 2),
            "whole_ms": round(statistics.median(in_all) * 1000, 2),
        }
    await connections.close()
    return found


async def _plans(reader: str) -> dict[str, list[str]]:
    """Which indexes each question's statements use; "a whole scan" where it uses none."""
    connection = await asyncpg.connect(reader, server_settings={"jit": "off"})
    found: dict[str, list[str]] = {}
    for name, question in QUESTIONS.items():
        used: set[str] = set()
        for statement, values in statements(question, limit=LIMIT, after=None, now=NOW):
            for row in await connection.fetch(f"EXPLAIN {statement}", *values):
                line = row[0]
                if " using " in line:
                    used.add(line.split(" using ")[1].split(" on ")[0])
                elif "Bitmap Index Scan on " in line:
                    used.add(line.split("Bitmap Index Scan on ")[1].split(" ")[0])
                elif "Seq Scan" in line:
                    used.add("a whole scan")
        found[name] = sorted(used)
    await connection.close()
    return found


async def _written(writer: str, size: int) -> dict[str, float]:
    """How long it takes to write a settlement's spans, some hundred at once, as an exporter that is busy does."""
    rows = [span.row for each in settlements(f"MORE-{size}", 10 * BATCH) for span in each.spans]
    connection = await asyncpg.connect(writer)
    took = []
    for at in range(0, len(rows), BATCH):
        start = time.perf_counter()
        columns = zip(*rows[at : at + BATCH], strict=True)
        await connection.execute(query("write_spans", ROOM), *(list(column) for column in columns))
        took.append((time.perf_counter() - start) / len(rows[at : at + BATCH]))
    await connection.close()
    return {"microseconds_a_span": round(statistics.median(took) * 1e6, 1)}


async def _without(owner: str, writer: str, size: int) -> dict[str, Any]:
    """The same writing with the search's indexes dropped, and how large they were."""
    connection = await asyncpg.connect(owner)
    names = [
        row["indexname"]
        for row in await connection.fetch(
            "SELECT indexname FROM pg_indexes WHERE schemaname = 'audit' AND tablename = 'spans' "
            "AND indexname NOT IN ('spans_pkey', 'spans_by_position', 'spans_by_settlement')"
        )
    ]
    sizes = await connection.fetchrow(
        "SELECT sum(pg_relation_size(('audit.' || n)::regclass)) AS indexes, "
        "pg_table_size('audit.spans') AS rows FROM unnest($1::text[]) AS n",
        names,
    )
    for name in names:
        await connection.execute(f"DROP INDEX audit.{name}")
    await connection.close()
    assert sizes is not None  # noqa: S101 - an aggregate has a row
    return {
        **await _written(writer, size + 1),
        "indexes_mb": round(int(sizes["indexes"]) / 1e6, 1),
        "rows_mb": round(int(sizes["rows"]) / 1e6, 1),
    }


if __name__ == "__main__":
    few, many = (int(text) for text in sys.argv[1:3]) if len(sys.argv) > 2 else (1000, 100_000)
    sys.stdout.write(json.dumps(asyncio.run(main(few, many)), indent=1) + "\n")

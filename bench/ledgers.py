"""The part `ledgers`: lock, pay and release as single SQL calls beside pgbench's own scripts, on one server.

Whatever the calls need is signed beforehand and stored in a table; each call takes the next row. In the end the
invariants are checked on the ledgers, every signature once more.
"""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from bench import pgbench
from bench.evidence import Deal, Ground, Seen, Signers, attempt_of, deal, signers
from bench.place import Place, opened
from bench.progress import say
from bench.results import Results, Sample
from bench.sizes import Sizes
from bench.usage import cpu_seconds
from interlock.ledgers.verify import verify
from interlock.protocol import Fact

PART = "ledgers"
CLIENTS = (8, 32)
ACCOUNTS = 997
"""Among how many parties trades are spread; a prime, so that connections that walk in step do not meet on one."""
SPREAD, HOT = "spread", "hot"
SIMPLE, TPCB = "pgbench -N", "pgbench TPC-B"
LOCK, PAY, RELEASE = "lock", "pay", "release"

_DATABASE = "pgbench"
_PASSWORD = "bench"  # noqa: S105 - of a throw-away database on loopback
_TABLE = """
CREATE SCHEMA IF NOT EXISTS bench;
GRANT USAGE ON SCHEMA bench TO {writer};
DROP TABLE IF EXISTS bench.{name};
CREATE TABLE bench.{name} (id bigint PRIMARY KEY, terms_hash text, {columns}, attempt jsonb)
    WITH (toast_tuple_target = 8160); -- whole, as a client sends them
GRANT SELECT ON bench.{name} TO {writer};
"""
_CALLS = {
    LOCK: "ledger.lock(terms_hash, signed, attempt)",
    PAY: "ledger.pay(terms_hash, signed, certificate, attempt)",
    RELEASE: "ledger.release(terms_hash, evidence, attempt)",
}
_SCRIPT = """\\set done :done + 1
\\set row :client_id * :each + :done
SELECT {call} FROM bench.{name} WHERE id = :row
"""
_SEEN = """
SELECT terms_hash, reference::text, position FROM ledger.entries
WHERE operation = $1 AND terms_hash = ANY ($2::text[])
"""


async def measure(sizes: Sizes, results: Results) -> None:
    """Every call and script at every number of connections, as often as `sizes` says. Raises RuntimeError if wrong."""
    if pgbench.program() is None:
        say(f"left out: {pgbench.MISSING}")
        results.add([] if results.has(missing=pgbench.MISSING) else [{"missing": pgbench.MISSING}])
        return
    left = [
        (repeat, clients)
        for repeat in range(1, sizes.repeats + 1)
        for clients in CLIENTS
        if not results.has(repeat=repeat, clients=clients)
    ]
    if not left:
        return
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as folder, signers() as pool:
        async with opened(Path(folder), parties=ACCOUNTS) as place:
            bench = Bench(place, sizes, pool, await _pgbench_tables(place, sizes.scale))
            for repeat, clients in left:
                results.add([{"repeat": repeat, **sample} for sample in await bench.all(repeat, clients)])
            found = await verify(place.market.asset, place.market.payment)
    if broken := [name for name, invariant in found.items() if not invariant.ok]:
        raise RuntimeError(f"the ledgers do not verify: {', '.join(broken)}")
    say("the ledgers verify")


async def _pgbench_tables(place: Place, scale: int) -> str:
    """The DSN of a database with pgbench's own tables."""
    async with place.stack.postgres.administration() as databases:
        await databases.ensure_role(_DATABASE, _PASSWORD)
        await databases.ensure_database(_DATABASE, _DATABASE)
    dsn = place.stack.postgres.dsn(_DATABASE, _DATABASE, _PASSWORD)
    await pgbench.initialize(dsn, scale)
    return dsn


@dataclass(frozen=True)
class Bench:
    """The calls and scripts on one stack."""

    place: Place
    sizes: Sizes
    pool: Signers
    dsn: str

    async def all(self, repeat: int, clients: int) -> list[Sample]:
        """pgbench's own two scripts, then our calls, spread and hot."""
        samples = [
            await self._measured(self.dsn, [f"--builtin={script}"], what, SPREAD, clients)
            for what, script in ((SIMPLE, "simple-update"), (TPCB, "tpcb-like"))
        ]
        for where in (SPREAD, HOT):
            samples += await self.calls(f"R{repeat}-{where.upper()}-{clients}", where, clients)
        return samples

    async def calls(self, tag: str, where: str, clients: int) -> list[Sample]:
        """Lock so many trades, pay them, release them; each on certificates of what the call before it wrote."""
        names = [party.account for party in self.place.market.parties]
        count = self.sizes.transactions // clients * clients
        deals = [deal(number, names) if where == SPREAD else Deal(number, *names[:2]) for number in range(count)]
        ground = Ground.of(self.place.stack.identity, tag, datetime.now(UTC) + timedelta(days=1))
        trades = await self.pool.all(ground.signed, deals)
        hashes = [terms_hash for terms_hash, _ in trades]
        told = {"signed": [text for _, text in trades]}
        samples = [await self._call(LOCK, "asset", told, hashes, where=where, clients=clients)]
        locked = await self._certificates(ground, Fact.LOCKED, hashes)
        told |= {"certificate": locked}
        samples.append(await self._call(PAY, "payment", told, hashes, where=where, clients=clients))
        paid = await self._certificates(ground, Fact.PAID, hashes)
        told = {"evidence": [f'{{"certificate": {certificate}}}' for certificate in paid]}
        samples.append(await self._call(RELEASE, "asset", told, hashes, where=where, clients=clients))
        await self._entries(RELEASE, "asset", hashes)
        return samples

    async def _call(
        self, what: str, ledger: str, columns: dict[str, list[str]], hashes: Sequence[str], *, where: str, clients: int
    ) -> Sample:
        """Store what the calls need, and have pgbench make them."""
        rows = zip(range(1, len(hashes) + 1), hashes, *columns.values(), map(attempt_of, hashes), strict=True)
        async with self.owner(ledger) as owner:
            typed = ", ".join(f"{name} jsonb" for name in columns)
            await owner.execute(_TABLE.format(name=what, writer=f"{ledger}_writer", columns=typed))
            await owner.copy_records_to_table(what, schema_name="bench", records=rows)
            await owner.execute(f"ANALYZE bench.{what}")
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(_SCRIPT.format(call=_CALLS[what], name=what))
            script.flush()
            each = len(hashes) // clients
            options = [f"--file={script.name}", "--define=done=0", f"--define=each={each}"]
            dsn = self.place.stack.dsn(ledger, f"{ledger}_writer")
            return await self._measured(dsn, options, what, where, clients)

    async def _measured(self, dsn: str, options: Sequence[str], what: str, where: str, clients: int) -> Sample:
        [postgres] = self.place.servers["postgres"]
        counted, cpu = await self.place.counts(), cpu_seconds(postgres)
        ran = await pgbench.run(dsn, options, clients=clients, transactions=self.sizes.transactions)
        used = cpu_seconds(postgres) - cpu
        added = (await self.place.counts()).since(counted)
        say(f"{what}, {where}, {clients} connections: {ran.rate:.0f}/s, p50 {ran.p50 * 1000:.1f} ms")
        count = ran.transactions
        return {
            **asdict(ran),
            "what": what,
            "where": where,
            "clients": clients,
            "cpu": {"postgres": used / count, "pgbench": ran.cpu / count},
            "wal_bytes": added.wal_bytes / count,
        }

    async def _certificates(self, ground: Ground, fact: Fact, hashes: Sequence[str]) -> list[str]:
        operation, ledger = (LOCK, "asset") if fact is Fact.LOCKED else (PAY, "payment")
        entries = await self._entries(operation, ledger, hashes)
        return await self.pool.all(_Certify(ground, fact), [entries[terms_hash] for terms_hash in hashes])

    async def _entries(self, operation: str, ledger: str, hashes: Sequence[str]) -> dict[str, Seen]:
        """What the calls wrote. Raises RuntimeError if one was refused."""
        async with self.owner(ledger) as owner:
            rows = await owner.fetch(_SEEN, operation, list(hashes))
        if len(rows) != len(hashes):
            raise RuntimeError(f"{operation} was refused for {len(hashes) - len(rows)} of {len(hashes)} trades")
        return {row["terms_hash"]: Seen(row["terms_hash"], ledger, row["reference"], row["position"]) for row in rows}

    @asynccontextmanager
    async def owner(self, ledger: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        """A connection as the owner of a ledger's database."""
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            self.place.stack.dsn(ledger, f"{ledger}_owner")
        )
        try:
            yield connection
        finally:
            await connection.close()


@dataclass(frozen=True)
class _Certify:
    """`Ground.certificate` of one fact, as a thing that can be sent to another process."""

    ground: Ground
    fact: Fact

    def __call__(self, seen: Seen) -> str:
        return self.ground.certificate(self.fact, seen)

"""Who is measured side by side: how each is started, driven, and asked what it has recorded."""

import importlib.util
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import asyncpg
from temporalio.client import Client

from bench import floor, product
from bench.driving import Timed, drive
from bench.place import DBOS_DATABASE, Place
from bench.served import DBOS_POOL, DBOS_URL, URL, ServedClient
from interlock.client import SettlementClient
from interlock.protocol import Outcome, SignedTerms
from interlock.protocol.names import Role
from interlock.stack.ports import LOOPBACK, keep_ports

EVERY_ROLE = tuple(Role)
LOOKED_AT = 20
"""Of how many settlements the history is looked at."""

_DBOS_POOL_SIZE = 50
_DBOS_PASSWORD = "bench"  # noqa: S105 - of a throw-away database on loopback
_DBOS_ROWS = """
WITH kept AS (
    SELECT workflow_uuid AS id, pg_column_size(w.*) AS bytes FROM dbos.workflow_status AS w
    UNION ALL
    SELECT workflow_uuid, pg_column_size(o.*) FROM dbos.operation_outputs AS o
)
SELECT count(*)::float / count(DISTINCT id) AS events, sum(bytes)::float / count(DISTINCT id) AS bytes FROM kept
"""


@dataclass(frozen=True)
class Recorded:
    """What an engine keeps of one settlement, on average: events (DBOS: rows) and their bytes."""

    events: float
    bytes: float


class Running(Protocol):
    """A contestant whose processes run."""

    processes: Mapping[str, tuple[int, ...]]

    async def prepare(self, tag: str, count: int) -> None:
        """Make ready so many settlements with new ids; nothing of it is measured."""
        ...

    async def run(self, at_once: int) -> Timed:
        """Settle them. Raises if one does not settle."""
        ...

    async def recorded(self) -> Recorded | None:
        """Of the settlements last run; None if nothing is kept."""
        ...


class Contestant(Protocol):
    """Somebody who can carry settlements out."""

    @property
    def name(self) -> str:
        """Its key in results."""
        ...

    def missing(self) -> str:
        """Why it cannot be measured here; empty if it can."""
        ...

    def running(self, place: Place) -> AbstractAsyncContextManager[Running]:
        """Start its processes; stop them at the end."""
        ...


async def history(temporal: Client, workflow_ids: Sequence[str]) -> Recorded:
    """What Temporal keeps of these workflows."""
    told = [(await temporal.get_workflow_handle(each).describe()).raw_info for each in workflow_ids[:LOOKED_AT]]
    return Recorded(
        sum(each.history_length for each in told) / len(told), sum(each.history_size_bytes for each in told) / len(told)
    )


@dataclass(frozen=True)
class Floor:
    """Six regular activities that do nothing."""

    name: str
    sandboxed: bool = True

    def missing(self) -> str:
        """It can always be measured."""
        return ""

    @asynccontextmanager
    async def running(self, place: Place) -> AsyncIterator[Running]:
        """One worker."""
        told = place.stack.worker_environment(Role.SETTLEMENT) | {floor.SANDBOXED: str(int(self.sandboxed))}
        async with place.process("worker", "bench.floor", told) as pid:
            yield _RunningFloor(place.temporal, {"worker": (pid,)})


@dataclass
class _RunningFloor:
    temporal: Client
    processes: Mapping[str, tuple[int, ...]]
    ids: Sequence[str] = ()

    async def prepare(self, tag: str, count: int) -> None:
        self.ids = [f"{tag}-{number}" for number in range(count)]

    async def run(self, at_once: int) -> Timed:
        return await drive(self._one, self.ids, at_once)

    async def _one(self, workflow_id: str) -> None:
        await self.temporal.execute_workflow(floor.FloorWorkflow.run, id=workflow_id, task_queue=floor.QUEUE)

    async def recorded(self) -> Recorded:
        return await history(self.temporal, self.ids)


@dataclass(frozen=True)
class Ours:
    """The product. `together`: all roles in one worker process; else a process for each."""

    name: str
    together: bool = True
    sandboxed: bool = True

    def missing(self) -> str:
        """It is always here."""
        return ""

    @asynccontextmanager
    async def running(self, place: Place) -> AsyncIterator["RunningOurs"]:
        """One worker, or four."""
        groups = {"worker": EVERY_ROLE} if self.together else {f"{role} worker": (role,) for role in EVERY_ROLE}
        extra = {} if self.sandboxed else product.UNSANDBOXED
        told = {name: place.stack.worker_environment(*roles) | extra for name, roles in groups.items()}
        client = await place.client(EVERY_ROLE if self.together else ())
        async with place.workers(told) as pids:
            yield RunningOurs(place, client, pids)


@dataclass
class RunningOurs:
    """The product's workers, and a client of theirs."""

    place: Place
    client: SettlementClient
    processes: Mapping[str, tuple[int, ...]]
    trades: Sequence[SignedTerms] = ()

    async def prepare(self, tag: str, count: int) -> None:
        """Sign them."""
        self.trades = self.place.signed(tag, count)

    async def run(self, at_once: int) -> Timed:
        """Both parties' signatures at once."""
        return await drive(self._settle, self.trades, at_once)

    async def two_sided(self, tag: str, count: int) -> Recorded:
        """The histories of so many that one party instructs after the other."""
        await self.prepare(tag, count)
        await drive(self._instruct_each, self.trades, 1)
        return await self.recorded()

    async def recorded(self) -> Recorded:
        """What Temporal keeps."""
        ids = [self.client.handle(each.terms).workflow_id for each in self.trades]
        return await history(self.place.temporal, ids)

    async def _settle(self, signed: SignedTerms) -> None:
        handle = await self.client.settle(signed.terms, signed.signatures)
        _settled(signed, (await handle.outcome()).outcome)

    async def _instruct_each(self, signed: SignedTerms) -> None:
        for signature in signed.signatures:
            handle = await self.client.instruct(signed.terms, signature)
        _settled(signed, (await handle.outcome()).outcome)


def _settled(signed: SignedTerms, outcome: Outcome | None) -> None:
    if outcome is not Outcome.SETTLED:
        raise RuntimeError(f"{signed.terms.settlement_id} ended {outcome}")


@dataclass(frozen=True)
class NoEngine:
    """The calls alone."""

    name: str

    def missing(self) -> str:
        """It can always be measured."""
        return ""

    @asynccontextmanager
    async def running(self, place: Place) -> AsyncIterator[Running]:
        """One process."""
        async with _served(place, "bench.no_engine", {}) as served:
            yield served


@dataclass(frozen=True)
class Dbos:
    """The calls as a DBOS workflow."""

    name: str

    def missing(self) -> str:
        """It is installed for the bench only."""
        return "" if importlib.util.find_spec("dbos") else "dbos is not installed: `make bench` installs it"

    @asynccontextmanager
    async def running(self, place: Place) -> AsyncIterator[Running]:
        """One process, its system database on the ledgers' server."""
        async with place.stack.postgres.administration() as databases:
            await databases.ensure_role(DBOS_DATABASE, _DBOS_PASSWORD)
            await databases.ensure_database(DBOS_DATABASE, DBOS_DATABASE)
        dsn = place.stack.postgres.dsn(DBOS_DATABASE, DBOS_DATABASE, _DBOS_PASSWORD)
        told = {
            DBOS_URL: urlsplit(dsn)._replace(scheme="postgresql+psycopg").geturl(),
            DBOS_POOL: str(_DBOS_POOL_SIZE),
        }
        async with _served(place, "bench.under_dbos", told) as served:
            yield _RunningDbos(served.place, served.client, served.processes, dsn=dsn)


@asynccontextmanager
async def _served(place: Place, module: str, told: Mapping[str, str]) -> AsyncIterator["_RunningServed"]:
    port = keep_ports(place.folder / "served.json", ["served"])["served"]
    url = f"http://{LOOPBACK}:{port}"
    environment = place.stack.worker_environment() | {URL: url, **told}
    async with place.process("worker", module, environment) as pid:
        yield _RunningServed(place, ServedClient(url), {"worker": (pid,)})


@dataclass
class _RunningServed:
    place: Place
    client: ServedClient
    processes: Mapping[str, tuple[int, ...]]

    async def prepare(self, tag: str, count: int) -> None:
        await self.client.take(self.place.signed(tag, count))

    async def run(self, at_once: int) -> Timed:
        return await self.client.run(at_once)

    async def recorded(self) -> Recorded | None:
        return None


@dataclass
class _RunningDbos(_RunningServed):
    dsn: str = ""

    async def recorded(self) -> Recorded:
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(self.dsn)
        try:
            row = await connection.fetchrow(_DBOS_ROWS)
        finally:
            await connection.close()
        assert row is not None  # noqa: S101 - an aggregate has a row
        return Recorded(row["events"], row["bytes"])


FLOOR, FLOOR_UNSANDBOXED = "floor", "floor unsandboxed"
TOGETHER, TOGETHER_UNSANDBOXED, APART = "together", "together unsandboxed", "apart"
DBOS, NO_ENGINE = "dbos", "no engine"

CONTESTANTS: tuple[Contestant, ...] = (
    Floor(FLOOR),
    Ours(TOGETHER),
    Ours(TOGETHER_UNSANDBOXED, sandboxed=False),
    Floor(FLOOR_UNSANDBOXED, sandboxed=False),
    Ours(APART, together=False),
    Dbos(DBOS),
    NoEngine(NO_ENGINE),
)

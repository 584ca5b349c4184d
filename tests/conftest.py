"""One throw-away Postgres for the whole run, and fresh pairs of ledgers on it, copied from a pair installed once."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from interlock.audit.install import install as install_audit
from interlock.ledgers.install import install, write_genesis
from interlock.ledgers.postgres import PostgresLedger
from interlock.ledgers.queries import folder
from interlock.stack.leftovers import RunRecord
from interlock.stack.ports import keep_ports
from interlock.stack.postgres import EmbeddedPostgres
from tests.world import World, genesis

PASSWORD = "throw-away"
_KEPT = (
    "seals", "witnessed", "waiters", "verdicts", "locks", "postings", "entries", "balances", "accounts", "assets",
    "attestor_sets", "accused", "operators", "identity",
)  # fmt: skip
_EMPTY = "SET session_replication_role = replica;" + "".join(f"DELETE FROM ledger.{table};" for table in _KEPT)
ROLES = ("owner", "writer", "attestor", "auditor")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--cached-workflows 0`: workers of the workflows' tests keep no run in memory, so that every task replays."""
    parser.addoption("--cached-workflows", type=int, default=100, metavar="N", help="runs kept in memory")


_TOGETHER = {
    **dict.fromkeys(("audit/test_telling.py", "audit/test_traces.py"), "traded"),
    **dict.fromkeys(
        [f"e2e/test_{name}.py" for name in ("interrupted", "misconduct", "recovery", "roles_apart")], "service"
    ),
}
"""Files that look at one thing that takes long to make: by one process, so that it is made once."""
_BEGIN = (
    "e2e/test_recovery.py", "cli/test_settlement_verbs.py", "cli/test_cluster_versions.py", "matrix/test_matrix.py",
    "audit/test_traces.py", "audit/test_telling.py", "audit/test_losing.py", "cli/test_without_worker.py",
    "workflows/test_voiding.py", "chaos/test_chaos.py", "upgrade/test_let_through.py", "worker/test_waking.py",
    "audit/tamper/test_tamper.py", "ledgers/machine/test_machine.py", "proof/test_exporting.py", "e2e/test_up.py",
    "client/test_instructing.py",
)  # fmt: skip
"""The files that take longest, so that none of them is begun when all others are done."""


class ByStack(LoadScopeScheduling):  # type: ignore[misc] # its base has no types
    """Shares tests out to processes: those of one file, or of files that go together, to one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0].removeprefix("tests/")
        return _TOGETHER.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """In the place of --dist's: its groups of tests (3.8) are not seen by pytest 9."""
    return ByStack(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those of the longest files first."""
    here = Path(__file__).parent
    assert all((here / name).is_file() for name in (*_TOGETHER, *_BEGIN))
    ranks = {here / name: rank for rank, name in enumerate(_BEGIN)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


@dataclass
class LedgerServer:
    """A server with an installed `asset` and `payment` ledger that tests copy; gives DSNs by database and role.

    A copy costs a checkpoint or two, so a database whose schema nobody could have touched is emptied and used again.
    """

    server: EmbeddedPostgres
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    spoiled: set[str] = field(default_factory=set)
    spare: dict[str, list[str]] = field(default_factory=lambda: {"asset": [], "payment": []})

    def dsn(self, database: str, role: str = "writer") -> str:
        """How a role connects; roles are `owner`, `writer`, `attestor` and `auditor`."""
        return self.server.dsn(database, f"ledger_{role}", PASSWORD)

    def superuser_dsn(self, database: str) -> str:
        """How somebody connects who can break every rule on purpose. Who changes the schema says so in `spoiled`."""
        return self.server.dsn(database, "postgres", self.server._cluster.password)

    async def fresh(self, ledger: str) -> str:
        """A database holding that ledger as it was born; its name."""
        if self.spare[ledger]:
            return self.spare[ledger].pop()
        name = f"{ledger}_{next(self.numbers)}"
        await self.execute(
            f"CREATE DATABASE {name} TEMPLATE {ledger}_born OWNER ledger_owner",
            f"GRANT CONNECT ON DATABASE {name} TO ledger_writer, ledger_attestor, ledger_auditor",
        )
        return name

    async def give_back(self, ledger: str, database: str) -> None:
        """Done with a database: empty it for the next test, or remove it if its schema may have been touched."""
        if database in self.spoiled:
            await self.execute(f"DROP DATABASE {database} WITH (FORCE)")
            return
        await self.execute(_EMPTY, folder("functions")["clock"], database=database)
        connection = await self.server._connect(database)
        try:
            await write_genesis(connection, genesis(ledger))
        finally:
            await connection.close()
        self.spare[ledger].append(database)

    async def stop_clock(self, database: str, moment: datetime) -> None:
        """Replace the one function that reads time, until the database is given back."""
        await self.execute(
            "CREATE OR REPLACE FUNCTION ledger.clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
            f"$$ SELECT '{moment.isoformat()}'::timestamptz $$",
            database=database,
        )

    async def execute(self, *statements: str, database: str = "postgres") -> None:
        """Say statements as superuser, one transaction each."""
        if not all("FUNCTION ledger.clock()" in each or each is _EMPTY for each in statements):
            self.spoiled.add(database)
        connection = await self.server._connect(database)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


@dataclass
class PostgresWorld(World):
    """A world whose ledgers are on Postgres, with the databases that they are in."""

    servers: LedgerServer
    asset: PostgresLedger
    payment: PostgresLedger
    asset_database: str
    payment_database: str

    def database(self, ledger: str) -> str:
        """The database of the ledger of that name."""
        return self.asset_database if ledger == "asset" else self.payment_database


@pytest.fixture(scope="session")
async def ledger_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LedgerServer]:
    """Starts within a second or two; the installed ledgers are copied in some ten milliseconds."""
    folder: Path = tmp_path_factory.mktemp("ledgers")
    server = EmbeddedPostgres(
        folder,
        keep_ports(folder / "ports.json", ["postgres"])["postgres"],
        logs=folder / "logs",
        record=RunRecord(folder / "run.json"),
    )
    await server.start()
    servers = LedgerServer(server)
    async with server.administration() as databases:
        for role in ROLES:
            await databases.ensure_role(f"ledger_{role}", PASSWORD)
        for ledger in ("asset", "payment"):
            others = [f"ledger_{role}" for role in ROLES[1:]]
            await databases.ensure_database(f"{ledger}_born", "ledger_owner", others)
    for ledger in ("asset", "payment"):
        await install(
            servers.dsn(f"{ledger}_born", "owner"),
            genesis(ledger),
            writer="ledger_writer",
            readers=["ledger_attestor"],
            auditors=["ledger_auditor"],
        )
    yield servers
    await server.stop()


@dataclass(frozen=True)
class AuditServer:
    """An installed audit database on the ledgers' server; gives DSNs by role: `owner`, `writer`, `reader`, `keeper`."""

    ledgers: LedgerServer

    def dsn(self, role: str) -> str:
        """How a role connects."""
        return self.ledgers.server.dsn("audit", f"audit_{role}", PASSWORD)


@pytest.fixture(scope="session")
async def audit_server(ledger_server: LedgerServer) -> AuditServer:
    """One for the whole run: each test has traces of its own."""
    owner, *others = roles = ("audit_owner", "audit_writer", "audit_reader", "audit_keeper")
    async with ledger_server.server.administration() as databases:
        for role in roles:
            await databases.ensure_role(role, PASSWORD)
        await databases.ensure_database("audit", owner, others)
    server = AuditServer(ledger_server)
    for _ in range(2):  # again is harmless
        await install_audit(server.dsn("owner"), writer="audit_writer", readers=["audit_reader"], keeper="audit_keeper")
    return server


@pytest.fixture
async def postgres_world(ledger_server: LedgerServer) -> AsyncIterator[PostgresWorld]:
    """A fresh pair of ledgers on Postgres, with the parties' accounts opened and funded."""
    world = await new_postgres_world(ledger_server)
    await world.fund()
    yield world
    await end_postgres_world(world)


async def new_postgres_world(servers: LedgerServer) -> PostgresWorld:
    """A fresh pair of ledgers with nothing in them but their genesis."""
    asset, payment = await servers.fresh("asset"), await servers.fresh("payment")
    return PostgresWorld(
        asset=await PostgresLedger.connect(servers.dsn(asset)),
        payment=await PostgresLedger.connect(servers.dsn(payment)),
        servers=servers,
        asset_database=asset,
        payment_database=payment,
    )


async def end_postgres_world(world: PostgresWorld) -> None:
    """Close its connections and give its databases back."""
    for ledger, database in ((world.asset, world.asset_database), (world.payment, world.payment_database)):
        await ledger.close()
        await world.servers.give_back(ledger.name, database)

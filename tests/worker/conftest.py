"""A Temporal server for the run, four attestors over Postgres ledgers, and workers as processes of their own."""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from interlock.attestors.attestor import Attestor
from interlock.attestors.server import AttestorServer
from interlock.attestors.statements import StatementReader
from interlock.attestors.votes import VoteStore
from interlock.client import SettlementClient, SettlementHandle
from interlock.ledgers.reader import PostgresReader
from interlock.protocol import Terms
from interlock.protocol.names import Role
from interlock.stack.leftovers import RunRecord
from interlock.stack.processes import ManagedProcess
from interlock.stack.temporal import EmbeddedTemporal
from interlock.worker.settings import told_to
from tests.conftest import AuditServer, PostgresWorld
from tests.temporal import temporal_server
from tests.world import ATTESTORS, BUYER, COORDINATOR, NETWORK, SELLER

READY = '{"ready": true'
StartWorker = Callable[..., Awaitable[ManagedProcess]]


@dataclass
class Quorum:
    """Four attestors that read a world's ledgers as processes of their own would; any can be taken away."""

    attestors: dict[str, Attestor] = field(default_factory=dict)
    servers: dict[str, AttestorServer] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)

    async def lose(self, number: int) -> None:
        """Take one away (0 to 3); its address refuses connections from now on."""
        await self.servers[ATTESTORS[number].address].stop()

    async def come_back(self, number: int) -> None:
        """Bring one back to its address."""
        address = ATTESTORS[number].address
        host, port = self.urls[address].removeprefix("http://").split(":")
        self.servers[address] = AttestorServer(self.attestors[address], host, int(port))
        await self.servers[address].start()

    def reader(self) -> StatementReader:
        """Whoever wants to know what they have signed."""
        return StatementReader(self.urls, COORDINATOR)


@pytest.fixture
async def quorum(postgres_world: PostgresWorld, tmp_path: Path) -> AsyncIterator[Quorum]:
    """All four, over the world's ledgers, with empty votes."""
    quorum = Quorum()
    async with AsyncExitStack() as held:
        readers = {}
        for ledger in ("asset", "payment"):
            dsn = postgres_world.servers.dsn(postgres_world.database(ledger), "attestor")
            readers[ledger] = await held.enter_async_context(await PostgresReader.connect(dsn))
        for number, signer in enumerate(ATTESTORS):
            votes = VoteStore.create(tmp_path / f"votes-{number}", signer.address)
            held.push_async_callback(votes.close)
            attestor = Attestor(signer, NETWORK, COORDINATOR, readers, votes)
            server = AttestorServer(attestor, "127.0.0.1", 0)
            await server.start()
            quorum.attestors[signer.address] = attestor
            quorum.servers[signer.address], quorum.urls[signer.address] = server, server.url
        yield quorum
        for server in quorum.servers.values():
            await server.stop()


@pytest.fixture(scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedTemporal]:
    """One server; a test that starts settlements sees them end."""
    async with temporal_server(tmp_path_factory.mktemp("temporal")) as server:
        yield server


@pytest.fixture
async def client(temporal: EmbeddedTemporal) -> SettlementClient:
    """What an institution holds."""
    return await SettlementClient.connect(address=temporal.address, network=NETWORK, coordinator=COORDINATOR.identity)


@pytest.fixture
def service(
    postgres_world: PostgresWorld, audit_server: AuditServer, quorum: Quorum, temporal: EmbeddedTemporal
) -> dict[str, str]:
    """All that the workers of a service are told, together."""
    return {
        "INTERLOCK_ASSET_DSN": postgres_world.servers.dsn(postgres_world.asset_database),
        "INTERLOCK_PAYMENT_DSN": postgres_world.servers.dsn(postgres_world.payment_database),
        "INTERLOCK_AUDIT_DSN": audit_server.dsn("writer"),
        "INTERLOCK_NETWORK": NETWORK,
        "INTERLOCK_ATTESTORS": COORDINATOR.model_dump_json(),
        "INTERLOCK_ATTESTOR_URLS": json.dumps(quorum.urls),
        "TEMPORAL_ADDRESS": temporal.address,
        "TEMPORAL_NAMESPACE": "default",
    }


@pytest.fixture
async def start_worker(service: dict[str, str], tmp_path: Path) -> AsyncIterator[StartWorker]:
    """`await start_worker(*roles, **changed)`: a process with these roles, all of them unless some are given."""
    started: list[ManagedProcess] = []

    async def start(*roles: Role, **changed: str) -> ManagedProcess:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("INTERLOCK_", "TEMP"))}
        process = ManagedProcess(
            "worker",
            [sys.executable, "-m", "interlock.worker.main"],
            log=tmp_path / f"worker-{len(started)}.log",
            record=RunRecord(tmp_path / "run.json"),
            env=environment | told_to(frozenset(roles or Role), service | changed),
        )
        started.append(process)
        await process.start()
        return process

    yield start
    for process in started:
        await process.stop()


def new_terms(world: PostgresWorld, **changes: Any) -> Terms:
    """The story's trade under an id that no earlier test has used on the one Temporal server."""
    return world.terms(settlement_id=f"W-{secrets.token_hex(8).upper()}", **changes)


async def settle(client: SettlementClient, terms: Terms) -> SettlementHandle:
    """Both parties instruct."""
    return await client.settle(terms, [each.sign(terms, NETWORK) for each in (SELLER, BUYER)])


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Until a condition holds; fails after a minute and a half."""
    async with asyncio.timeout(90):
        while not await holds():  # noqa: ASYNC110 - it is asked of other processes, which set no event here
            await asyncio.sleep(0.02)


async def outcome(handle: SettlementHandle) -> str | None:
    """How a settlement ends; fails after a minute and a half."""
    return (await asyncio.wait_for(handle.outcome(), 90)).outcome


async def ready(process: ManagedProcess) -> Any:
    """What a worker says once it knows which of its roles take work."""
    return json.loads(await process.line(READY))


async def says(process: ManagedProcess, text: str, times: int = 1) -> None:
    """Until a worker's log has the text so often."""

    async def said() -> bool:
        return process.log.read_text().count(text) >= times

    await process.until(said, 30.0)

"""Settlement workers of several versions in one process, on a Temporal of their own, for tests of what goes where.

No ledger is there: a settlement that one party has proposed is open, and stays so.
"""

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from interlock.client import SettlementClient, SettlementHandle
from interlock.ledgers.memory import MemoryLedger
from interlock.protocol.names import Role
from interlock.worker.roles import versioned
from interlock.worker.sandbox import sandbox
from interlock.worker.settings import WorkerSettings
from interlock.worker.versions import NotPossible, Versions
from interlock.workflows.settlement_workflow import SettlementWorkflow
from tests.temporal import temporal_server
from tests.workflows.service import until
from tests.world import COORDINATOR, NETWORK, SELLER, World, genesis

DEPLOYMENT = "interlock"


@dataclass
class Versioned:
    """A Temporal, a client of its settlements, and the workers that a test has started."""

    temporal: Client
    client: SettlementClient
    address: str
    versions: Versions
    world: World
    workers: dict[str | None, Worker] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def start(self, build: str | None) -> None:
        """Start a settlement worker of that build, None for one that is not versioned; once Temporal knows of it."""
        told = {"deployment": DEPLOYMENT, "build_id": build} if build else {}
        settings = WorkerSettings.model_validate({"roles": "settlement", **told})
        worker = self.workers[build] = Worker(
            self.temporal,
            task_queue=Role.SETTLEMENT.task_queue,
            workflows=[SettlementWorkflow],
            workflow_runner=sandbox(),
            deployment_config=versioned(settings),
            graceful_shutdown_timeout=timedelta(seconds=1),
        )
        await worker.__aenter__()
        if build is not None:
            await until(lambda: self._knows(build))

    async def stop(self, build: str | None) -> None:
        """Stop that worker."""
        await self.workers.pop(build).__aexit__(None, None, None)

    async def propose(self) -> SettlementHandle:
        """The seller proposes a trade under a fresh id, and is answered."""
        terms = self.world.terms(settlement_id=f"VERSIONS-{next(self.numbers):04d}")
        return await self.client.instruct(terms, SELLER.sign(terms, NETWORK))

    async def build_of(self, handle: SettlementHandle) -> str | None:
        """The version that it stays with."""
        return await self.versions.stays_with(handle.workflow_id)

    async def until_open(self, **expected: int) -> None:
        """Until the server's index has so many open settlements on each version."""

        async def counted() -> bool:
            found = await self.versions.read()
            return {each.build: each.open for each in found.versions} == expected

        await until(counted)

    async def _knows(self, build: str) -> bool:
        try:
            (await self.versions.read()).version(build)
        except NotPossible:
            return False
        return True


@asynccontextmanager
async def versioned_service(folder: Path, config: Mapping[str, int] = {}) -> AsyncIterator[Versioned]:
    """A Temporal with no worker yet; `config` is dynamic configuration beside the stack's own."""
    async with AsyncExitStack() as held:
        server = await held.enter_async_context(temporal_server(folder, config=config))
        temporal = await Client.connect(server.address, data_converter=pydantic_data_converter)
        client = SettlementClient(
            temporal, network=NETWORK, coordinator=COORDINATOR.identity, answer_within=timedelta(seconds=5)
        )
        nobodys = World(*(MemoryLedger(genesis(name), lambda: datetime.now(UTC)) for name in ("asset", "payment")))
        service = Versioned(temporal, client, server.address, Versions(temporal, DEPLOYMENT), nobodys)
        try:
            yield service
        finally:
            for build in list(service.workers):
                await service.stop(build)

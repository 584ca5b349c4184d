"""Where everything is measured: one embedded stack in a folder of its own, and the market on it."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from bench.product import write_client_file
from bench.usage import Counts, counts
from interlock.client import SettlementClient
from interlock.protocol import SignedTerms
from interlock.protocol.names import Role
from interlock.stack.embedded import EmbeddedStack
from interlock.stack.identity import AUDIT, LEDGERS
from interlock.stack.ports import LOOPBACK
from tests.chaos.trading import Market, Party
from tests.world import OPERATORS

PARTIES = 24
DBOS_DATABASE = "dbos"
SETTLE_WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class Place:
    """Running servers and attestors, no worker, and parties with more units and cash than they can trade away."""

    stack: EmbeddedStack
    market: Market
    temporal: Client
    folder: Path

    def signed(self, tag: str, count: int, parties: Sequence[Party] = ()) -> list[SignedTerms]:
        """So many trades, each with both signatures, between neighbours; `tag` makes their ids new."""
        parties = parties or self.market.parties
        network, until = self.market.client.network, datetime.now(UTC) + SETTLE_WITHIN
        found = []
        for number in range(count):
            seller, buyer = (parties[(number + step) % len(parties)] for step in (0, 1))
            terms = self.market.terms(f"{tag}-{number}", seller, buyer, units=1, dollars=100, settle_by=until)
            signatures = tuple(each.key.sign(terms, network) for each in (seller, buyer))
            found.append(SignedTerms(network=network, terms=terms, signatures=signatures))
        return found

    async def client(self, together: Sequence[Role]) -> SettlementClient:
        """A client that knows which roles run in one process."""
        folder = self.folder / f"client-{'-'.join(role.value for role in together) or 'apart'}"
        return await SettlementClient.connect(data_dir=write_client_file(self.stack.data_dir, folder, together))

    @property
    def servers(self) -> dict[str, tuple[int, ...]]:
        """The pids of what every contestant may use."""
        postgres, temporal = self.stack.postgres.process, self.stack.temporal.process
        if postgres is None or temporal is None:
            raise RuntimeError("the servers do not run")
        attestors = (process for name, process in self.stack.processes.items() if name.startswith("attestor-"))
        return {
            "temporal": (temporal.pid,),
            "postgres": (postgres.pid,),
            "attestors": tuple(process.pid for process in attestors),
        }

    async def counts(self) -> Counts:
        """What the servers have counted so far."""
        port = json.loads((self.stack.data_dir / "ports.json").read_text(encoding="utf-8"))["temporal_metrics"]
        databases = (*LEDGERS, AUDIT, DBOS_DATABASE)
        return await counts(self.stack.dsn("asset", "asset_reader"), databases, f"http://{LOOPBACK}:{port}/metrics")

    @asynccontextmanager
    async def process(self, name: str, module: str, environment: Mapping[str, str]) -> AsyncIterator[int]:
        """A process of the bench's own on these servers; its pid."""
        process = await self.stack.start_process(name, module, environment)
        try:
            yield process.pid
        finally:
            await process.stop()
            del self.stack.processes[name]

    @asynccontextmanager
    async def workers(self, environments: Mapping[str, Mapping[str, str]]) -> AsyncIterator[dict[str, tuple[int, ...]]]:
        """Workers of the product, by name; their pids. Raises RuntimeError if a role takes no work."""
        pids: dict[str, tuple[int, ...]] = {}
        try:
            for name, environment in environments.items():
                pids[name] = ((await self.stack.start_worker(name, environment)).pid,)
                if self.stack.closed_roles:
                    raise RuntimeError(f"worker {name} keeps {', '.join(self.stack.closed_roles)} closed")
            yield pids
        finally:
            for name in environments:
                if (process := self.stack.processes.pop(name, None)) is not None:
                    await process.stop()


@asynccontextmanager
async def opened(folder: Path, *, parties: int = PARTIES) -> AsyncIterator[Place]:
    """Start the servers and attestors in a folder and, once, fund the market; stop it all at the end."""
    stack = EmbeddedStack(folder / "stack", tuple(each.address for each in OPERATORS[:2]))
    await stack.start(worker=False)
    try:
        async with Market.on(stack.data_dir, parties, prefix="bench") as market:
            if not (funded := folder / "funded").exists():
                await market.open()
                funded.touch()
            temporal = await Client.connect(stack.temporal.address, data_converter=pydantic_data_converter)
            yield Place(stack, market, temporal, folder)
    finally:
        await stack.stop()

"""A running stack in which the settlement worker is taken away and replaced, and all other workers stay."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from interlock.protocol.names import Role
from interlock.stack.embedded import EmbeddedStack
from tests.e2e.conftest import Market
from tests.upgrade.changes import Tree
from tests.world import OPERATORS

DEPLOYMENT = "interlock"


@dataclass
class Plant:
    """The stack, its market, and its settlement workers by name."""

    stack: EmbeddedStack
    temporal: Client
    market: Market

    async def start(self, name: str, *, tree: Tree | None = None, versioned: bool = True) -> None:
        """Start a settlement worker, from this tree unless another is given; its build is its name."""
        told = self.stack.worker_environment(Role.SETTLEMENT)
        if versioned:
            told |= {"INTERLOCK_DEPLOYMENT": DEPLOYMENT, "INTERLOCK_BUILD_ID": name}
        await self.stack.start_worker(name, told | (tree.environment if tree else {}))

    async def stop(self, name: str) -> None:
        """Stop that worker as an operator does, with SIGTERM."""
        await self.stack.processes.pop(name).stop(grace=30.0)

    async def verify(self) -> str:
        """`interlock ledger verify`, which must hold; what it printed."""
        words = ("ledger", "verify", "--data-dir", str(self.stack.data_dir))
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "interlock.cli.main", *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@asynccontextmanager
async def plant(folder: Path) -> AsyncIterator[Plant]:
    """All servers, attestors, and workers but the settlement role's."""
    stack = EmbeddedStack(folder, tuple(each.address for each in OPERATORS[:2]), sweep_every_seconds=5.0)
    await stack.start(worker=False)
    try:
        temporal = await Client.connect(stack.temporal.address, data_converter=pydantic_data_converter)
        others = (Role.ASSET, Role.PAYMENT, Role.COORDINATOR)
        await asyncio.gather(*(stack.start_worker(role.value, stack.worker_environment(role)) for role in others))
        async with Market.on(folder) as market:
            yield Plant(stack, temporal, market)
    finally:
        await stack.stop()

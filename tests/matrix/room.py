"""One engine and one worker process of a lane, with gates between the worker and its ledgers: for one cell at a time.

The only place where the matrix starts workers. What a room breaks, no other room notices.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from interlock.client import SettlementClient
from interlock.protocol.names import SWEEP_SCHEDULE
from interlock.stack.identity import LEDGERS
from interlock.stack.processes import ManagedProcess
from interlock.stack.temporal import NAMESPACE, EmbeddedTemporal
from tests.matrix.gate import Gate
from tests.matrix.placement import Placement
from tests.matrix.switchboard import Switchboard
from tests.matrix.worker import PORT

if TYPE_CHECKING:
    from tests.matrix.lane import Lane

TOLD = {
    # recovery is somebody's act here: a cell that wants a sweep asks for one, and it takes everything that is open
    "INTERLOCK_SWEEP_EVERY_SECONDS": "3600",
    "INTERLOCK_SWEEP_OLDER_THAN_SECONDS": "0",
    "INTERLOCK_DRAIN_SECONDS": "0",
}
"""What the matrix's workers are told otherwise than the stack's own."""


class Room:
    """Where one settlement at a time is driven; `lane` is what it shares with other rooms."""

    clients: dict[Placement, SettlementClient]
    """One for each way to start a settlement."""
    temporal: Client

    def __init__(self, lane: "Lane", name: str, engine: EmbeddedTemporal, switchboard: Switchboard) -> None:
        self.lane = lane
        self.name = name
        self.engine = engine
        self.switchboard = switchboard
        self.gates: dict[str, Gate] = {}
        self._worker: ManagedProcess | None = None

    @classmethod
    @asynccontextmanager
    async def opened(cls, lane: "Lane", name: str, engine: EmbeddedTemporal) -> "AsyncIterator[Room]":
        """Start the engine, unless it runs, and the worker; kill them at the end, for nobody will miss them."""
        async with AsyncExitStack() as held:
            room = cls(lane, name, engine, await held.enter_async_context(Switchboard()))
            held.push_async_callback(room._end_engine)
            if engine.process is None:
                await engine.start()
            for ledger in LEDGERS:
                room.gates[ledger] = await held.enter_async_context(Gate(lane.stack.postgres.port))
            held.push_async_callback(room._end_worker)
            await room._connect()
            await room.start_worker()
            yield room

    async def start_worker(self) -> None:
        """A worker process with all roles takes up work, in place of one that has ended."""
        stack = self.lane.stack
        environment = {**stack.worker_environment(), **TOLD}
        for name in [name for name in environment if "_AUDIT_" in name or name.endswith("_SEAL_KEY")]:
            del environment[name]  # neither a trail nor seals: what passes the gates is the settlement's
        for ledger, gate in self.gates.items():
            name = f"INTERLOCK_{ledger.upper()}_DSN"
            environment[name] = gate.on_the_way(environment[name])
        environment |= {"TEMPORAL_ADDRESS": self.engine.address, PORT: str(self.switchboard.port)}
        self._worker = await stack.start_process(f"worker-{self.name}", "tests.matrix.worker", environment)
        await self.temporal.get_schedule_handle(SWEEP_SCHEDULE).pause()

    async def kill_worker(self) -> None:
        """SIGKILL: what it was doing is not finished, and not said."""
        await kill(self._worker)

    async def kill_engine(self) -> None:
        """SIGKILL to Temporal."""
        await kill(self.engine.process)

    async def start_engine(self) -> None:
        """Start Temporal again, on what is left of its database."""
        await self.engine.start()

    def lose_history(self) -> None:
        """Remove the dead engine's whole database."""
        for file in self.engine.database.parent.glob(f"{self.engine.database.name}*"):  # SQLite keeps a log beside it
            file.unlink()

    async def sweep(self) -> None:
        """Ask for a sweep, as the schedule does."""
        await self.temporal.get_schedule_handle(SWEEP_SCHEDULE).trigger()

    def workflow(self, workflow_id: str) -> "WorkflowHandle[Any, Any]":
        """A settlement's latest run."""
        return self.temporal.get_workflow_handle(workflow_id)

    async def renew(self) -> None:
        """Bring back whatever a cell that went wrong may have left broken."""
        await self._end_worker()
        for gate in self.gates.values():
            gate.open()
        await self.lane.renew()
        await self._end_engine()
        self.lose_history()
        await self.engine.start()
        await self._connect()
        await self.start_worker()

    async def _connect(self) -> None:
        identity = self.lane.stack.identity
        self.temporal = await Client.connect(
            self.engine.address, namespace=NAMESPACE, data_converter=pydantic_data_converter
        )
        self.clients = {
            placement: SettlementClient(
                self.temporal,
                network=identity.network,
                coordinator=identity.attestors.identity,
                local_roles=placement.local_roles,
            )
            for placement in Placement
        }

    async def _end_worker(self) -> None:
        await _end(self._worker)

    async def _end_engine(self) -> None:
        await _end(self.engine.process)


async def kill(process: ManagedProcess | None) -> None:
    """SIGKILL, and it has died of that: what had ended before is a situation that never was."""
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL


async def _end(process: ManagedProcess | None) -> None:
    if process is not None and process.alive:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        await asyncio.shield(process.wait())

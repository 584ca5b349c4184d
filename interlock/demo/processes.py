"""Takes processes of the stack away and brings them back: by signal, or by starting another in its place.

Two workers: the seller's side runs the asset ledger's role, everything else runs in another. So one can be taken
away and the other stays. What a process is told is the stack's own; nothing in it knows of the demo.
"""

import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from interlock.protocol.names import Role
from interlock.stack.embedded import EmbeddedStack
from interlock.worker.settings import told_to

WORKER = "worker"
ASSET_WORKER = "asset-worker"
_ROLES = {
    WORKER: frozenset({Role.SETTLEMENT, Role.PAYMENT, Role.COORDINATOR}),
    ASSET_WORKER: frozenset({Role.ASSET}),
}


class Processes:
    """The attestors and workers of a started stack."""

    def __init__(self, stack: EmbeddedStack) -> None:
        self._stack = stack

    async def start_workers(self) -> None:
        """Start both workers."""
        for name in _ROLES:
            await self.start_worker(name)

    async def start_worker(self, name: str, changed: Mapping[str, str] | None = None) -> None:
        """Start one of the two workers, with some settings changed if need be; it knows only what its roles need."""
        told = told_to(_ROLES[name], self._stack.worker_environment())
        await self._stack.start_worker(name, told | dict(changed or {}))

    async def stop(self, name: str) -> None:
        """Have a process end by itself, having finished what it does."""
        await self._stack.processes[name].stop()

    async def kill(self, name: str) -> None:
        """SIGKILL: it finishes nothing."""
        process = self._stack.processes[name]
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()

    @asynccontextmanager
    async def asset_role_away(self) -> AsyncIterator[None]:
        """For as long as the block lasts, nobody carries out what is asked of the asset ledger."""
        await self.stop(ASSET_WORKER)
        try:
            yield
        finally:
            await self.start_worker(ASSET_WORKER)

    @asynccontextmanager
    async def worker_told(self, changed: Mapping[str, str]) -> AsyncIterator[None]:
        """For as long as the block lasts, the other worker runs with these settings changed."""
        await self.stop(WORKER)
        try:
            await self.start_worker(WORKER, changed)
            yield
        finally:
            await self.stop(WORKER)
            await self.start_worker(WORKER)

    @asynccontextmanager
    async def attestors_killed(self, *numbers: int) -> AsyncIterator[None]:
        """For as long as the block lasts, these attestors are dead."""
        for number in numbers:
            await self.kill(f"attestor-{number}")
        try:
            yield
        finally:
            for number in numbers:
                await self._stack.start_attestor(number)

    @asynccontextmanager
    async def attestor_stopped(self, number: int) -> AsyncIterator[None]:
        """For as long as the block lasts, an attestor has left its address free for another."""
        await self.stop(f"attestor-{number}")
        try:
            yield
        finally:
            await self._stack.start_attestor(number)

"""Injects every kind of fault, each at its own random moments, until the last settlement is started. Judges nothing."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

import asyncpg
from temporalio.service import RPCError

from tests.chaos.floor import Floor
from tests.chaos.plan import Plan

MOST_ATTESTORS_AWAY = 2
"""More than a quorum can spare: then certificates wait, and nothing else may come of it."""
TRIES_WHEN_OVER, AGAIN_AFTER_SECONDS = 60, 0.5
EVERY_WORKER = 0.1
"""In how many cases no worker is left."""


@dataclass(frozen=True)
class Hit:
    """A fault: when it was injected, its kind, and the workflow that it was aimed at, if any."""

    at: datetime
    kind: str
    workflow_id: str | None = None


@dataclass
class Saboteur:
    """`hits` is what was done, in order; `frozen` how often operators froze an account of many trades' for a while."""

    floor: Floor
    hits: list[Hit] = field(default_factory=list)
    frozen: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def plan(self) -> Plan:
        """What it goes by."""
        return self.floor.plan

    @property
    def counts(self) -> Counter[str]:
        """How many faults of each kind."""
        return Counter(hit.kind for hit in self.hits)

    async def work(self) -> None:
        """Until it is over; returns when everything is back in its place."""
        async with asyncio.TaskGroup() as group:
            for kind, every in self.plan.fault_every.items():
                group.create_task(self._again_and_again(kind, every, _ACTS[kind]))
            group.create_task(self._freeze_now_and_then())

    async def _again_and_again(self, kind: str, every: float, act: "Act") -> None:
        """Until it is over; then until there was one, if that takes a while because what it aims at is away."""
        rng = self.plan.stream(f"fault/{kind}")
        more = TRIES_WHEN_OVER
        while not self.over.is_set() or (not self.counts[kind] and more):
            await self._away(rng.uniform(0.3, 1.7) * every * self.floor.fleet.pace)
            if self.over.is_set():
                more -= 1
                await asyncio.sleep(AGAIN_AFTER_SECONDS)
            if not self.over.is_set() or not self.counts[kind]:
                with suppress(RPCError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await act(self, rng)

    async def _freeze_now_and_then(self) -> None:
        """Operators freeze an account of many trades' on one ledger for a while. That is no fault."""
        rng, market = self.plan.stream("freezes"), self.floor.market
        while not self.over.is_set():
            await self._away(rng.uniform(0.3, 1.7) * self.plan.freeze_every)
            party, ledger = rng.choice(market.parties), rng.choice((market.asset, market.payment))
            self.frozen += 1
            await self.floor.act(ledger, "freeze", party)
            try:
                await self._away(rng.uniform(0.5, 5.0))
            finally:
                await self.floor.act(ledger, "unfreeze", party)

    async def _away(self, seconds: float) -> None:
        """Wait so long, or until the chaos is over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.over.wait(), seconds)

    def _hit(self, kind: str, workflow_id: str | None = None) -> None:
        self.hits.append(Hit(datetime.now(UTC), kind, workflow_id))

    async def kill_worker(self, rng: random.Random) -> None:
        """SIGKILL one worker, seldom every one; back after a moment, or after a while."""
        away, every_one = rng.choice((0.1, 0.1, 3.0)), rng.random() < EVERY_WORKER
        workers = tuple(self.floor.fleet.workers)
        name = self._one_of(workers, rng)
        names = self.floor.fleet.free(workers) if every_one else [name] if name else []
        for _ in names:
            self._hit("worker killed")
        await asyncio.gather(*(self.floor.fleet.kill(each, self._away, away) for each in names))

    async def stall_worker(self, rng: random.Random) -> None:
        """SIGSTOP one worker: its work is given to another, and then it goes on with it."""
        away = rng.uniform(0.2, 1.0) * self.plan.longest_stall
        if name := self._one_of(tuple(self.floor.fleet.workers), rng):
            self._hit("worker stalled")
            await self.floor.fleet.stall(name, self._away, away)

    async def kill_attestor(self, rng: random.Random) -> None:
        """SIGKILL one attestor, unless as many are away as may be."""
        away = rng.uniform(0.2, 8.0)
        if name := self._one_of(self.floor.fleet.attestors, rng, leave=4 - MOST_ATTESTORS_AWAY):
            self._hit("attestor killed")
            await self.floor.fleet.kill(name, self._away, away)

    async def stall_attestor(self, rng: random.Random) -> None:
        """SIGSTOP one attestor: it is slow, not gone."""
        away = rng.uniform(0.5, 6.0)
        if name := self._one_of(self.floor.fleet.attestors, rng, leave=4 - MOST_ATTESTORS_AWAY):
            self._hit("attestor stalled")
            await self.floor.fleet.stall(name, self._away, away)

    async def kill_temporal(self, rng: random.Random) -> None:
        """SIGKILL the Temporal server."""
        away = rng.uniform(0.0, 4.0)
        self._hit("temporal killed")
        await self.floor.fleet.kill_temporal(self._away, away)

    async def kill_postgres(self, rng: random.Random) -> None:
        """Immediate shutdown of Postgres."""
        away = rng.uniform(0.0, 4.0)
        self._hit("postgres killed")
        await self.floor.fleet.kill_postgres(self._away, away)

    async def kill_backend(self, rng: random.Random) -> None:
        """SIGKILL one backend of a ledger's."""
        if await self.floor.fleet.kill_backend(rng.choice):
            self._hit("backend killed")

    async def cut_connections(self, rng: random.Random) -> None:
        """Break some or all connections to one ledger."""
        ledger, share = rng.choice(("asset", "payment")), rng.choice((0.3, 1.0))
        if await self.floor.fleet.cut(ledger, share):
            self._hit("connections cut")

    async def terminate_run(self, rng: random.Random) -> None:
        """Terminate a settlement's run, as a click in the Web UI does."""
        if workflow_id := self._under_way(rng):
            await self.floor.temporal.get_workflow_handle(workflow_id).terminate("chaos")
            self._hit("run terminated", workflow_id)

    async def request_cancel(self, rng: random.Random) -> None:
        """Send a settlement's run a raw cancel request, which it is to ignore."""
        if workflow_id := self._under_way(rng):
            await self.floor.temporal.get_workflow_handle(workflow_id).cancel()
            self._hit("cancel requested", workflow_id)

    def _one_of(self, names: tuple[str, ...], rng: random.Random, leave: int = 0) -> str | None:
        free = self.floor.fleet.free(names)
        return rng.choice(free) if len(free) > leave else None

    def _under_way(self, rng: random.Random) -> str | None:
        ids = list(self.floor.register.under_way)
        return rng.choice(ids) if ids else None


Act: TypeAlias = Callable[[Saboteur, random.Random], Awaitable[None]]

_ACTS: dict[str, Act] = {
    "worker killed": Saboteur.kill_worker,
    "worker stalled": Saboteur.stall_worker,
    "postgres killed": Saboteur.kill_postgres,
    "backend killed": Saboteur.kill_backend,
    "temporal killed": Saboteur.kill_temporal,
    "attestor killed": Saboteur.kill_attestor,
    "attestor stalled": Saboteur.stall_attestor,
    "connections cut": Saboteur.cut_connections,
    "run terminated": Saboteur.terminate_run,
    "cancel requested": Saboteur.request_cancel,
}

"""Settlements of every kind on one real stack, whose workers export by OTLP, and what was left of them in the end.

Everything happens once; the tests look at the result.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.contrib.pydantic import pydantic_data_converter

from interlock.audit.reader import SpanReader
from interlock.audit.spans import StoredSpan
from interlock.client import SettlementHandle
from interlock.protocol import Leg, Stage, trace_id_of
from interlock.protocol.names import EVENTS, SWEEP_SCHEDULE, Role
from interlock.stack.embedded import EmbeddedStack
from tests.audit.receivers import Received, grpc_receiver, http_receiver
from tests.e2e.conftest import Market, Parties, outcome, until
from tests.world import BUYER, CASH, OPERATORS, SELLER, USD

WORKERS = {"left": (Role.SETTLEMENT, Role.ASSET), "right": (Role.PAYMENT, Role.COORDINATOR)}
"""Two processes: the left one exports by gRPC, the right one by HTTP."""

Ids = set[tuple[str, str]]


@dataclass
class Trade:
    """One settlement, and what became of it."""

    handle: SettlementHandle
    ended: str | None = None
    stored: tuple[StoredSpan, ...] = ()
    entries: list[tuple[str, str, str]] = field(default_factory=list)
    """Operation, trace and span of the ledgers' entries for it."""

    @property
    def trace_id(self) -> str:
        """The settlement's trace."""
        assert self.handle.terms_hash is not None
        return trace_id_of(self.handle.terms_hash)

    def named(self, name: str) -> list[StoredSpan]:
        """Its spans of this name, oldest first."""
        return [span for span in self.stored if span.name == name]


@dataclass
class Traded:
    """All settlements by the name of their scenario, all that was received, and what a replay added."""

    trades: dict[str, Trade]
    received: Received
    added_by_replay: Ids


@dataclass
class Floor:
    """A running stack, on which the scenarios are played."""

    stack: EmbeddedStack
    temporal: Client
    market: Market
    reader: SpanReader
    received: Received
    endpoints: dict[str, str]
    trades: dict[str, Trade] = field(default_factory=dict)

    async def start_worker(self, name: str, **changed: str) -> None:
        """Start one of the two worker processes; `changed` are variables that it is told otherwise."""
        told = self.stack.worker_environment(*WORKERS[name])
        protocol = "grpc" if name == "left" else "http/protobuf"
        told |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoints[name],
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_TRACES_SAMPLER": "parentbased_always_on",
            "OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment.name={name}",
        }
        await self.stack.start_worker(name, told | changed)

    async def instruct(self, scenario: str, parties: Parties, **changes: Any) -> SettlementHandle:
        """Both parties instruct a trade whose id is the scenario's name."""
        terms = parties.terms(f"{scenario.upper()}-{parties.name.upper()}", **changes)
        signatures = [each.sign(terms, self.market.client.network) for each in (SELLER, BUYER)]
        handle = await self.market.client.settle(terms, signatures)
        self.trades[scenario] = Trade(handle)
        return handle

    async def settled(self) -> None:
        """The story."""
        await outcome(await self.instruct("settled", await self.market.parties()))

    async def rejected(self) -> None:
        """The seller's money has nowhere to go."""
        parties = await self.market.parties()
        nowhere = Leg(ledger="payment", asset=USD, quantity=CASH, deliverer=parties.buyer, receiver="nobody")
        await outcome(await self.instruct("rejected", parties, payment=nowhere))

    async def expired(self) -> None:
        """The buyer never has the money, and settle_by leaves a slow machine the time to find that out."""
        soon = datetime.now(UTC) + timedelta(seconds=20)
        await outcome(await self.instruct("expired", await self.market.parties(cash=0), settle_by=soon))

    async def cancelled(self) -> None:
        """Both parties consent to cancel, with units in escrow."""
        handle = await self.instruct("cancelled", await self.market.parties(cash=0))
        await waits_for_cash(handle)
        assert handle.terms is not None
        for party in (SELLER, BUYER):
            await handle.cancel(party.sign_cancellation(handle.terms, self.market.client.network))
        await outcome(handle)

    async def terminated(self) -> None:
        """Somebody terminates the run in the Web UI; the sweeper starts another."""
        parties = await self.market.parties(cash=0)
        handle = await self.instruct("terminated", parties)
        await waits_for_cash(handle)
        await self.temporal.get_workflow_handle(handle.workflow_id).terminate("in the Web UI's way")
        await parties.fund(CASH)
        await outcome(handle)

    async def killed(self) -> None:
        """Both workers die between payment and release: after it is paid, there is no quorum for a while."""
        parties = await self.market.parties(cash=0)
        handle = await self.instruct("killed", parties)
        await waits_for_cash(handle)
        for number in (3, 4):
            await self.stack.processes[f"attestor-{number}"].stop()
        await parties.fund(CASH)

        async def paid_and_told() -> bool:
            report = await handle.status()
            if report.stage is not Stage.PAID or report.blocker is None or report.next_attempt is None:
                return False
            stored = {(span.trace_id, span.span_id) for span in await self.spans("killed")}
            told = {key for key in self.received.spans if key[0] == self.trades["killed"].trace_id}
            # only a back-off of 8 seconds or more leaves so many: no attempt was at it lately, and none is for a while
            quiet = timedelta(seconds=4.2) < report.next_attempt - datetime.now(UTC) < timedelta(seconds=7)
            return quiet and told == stored

        await until(paid_and_told)
        for name in WORKERS:
            os.kill(self.stack.processes[name].pid, signal.SIGKILL)
            await self.stack.processes[name].wait()
        await asyncio.gather(
            *(self.stack.start_attestor(number) for number in (3, 4)), *(self.start_worker(name) for name in WORKERS)
        )
        await outcome(handle)

    async def spans(self, scenario: str) -> tuple[StoredSpan, ...]:
        """What is stored of a scenario's trace."""
        return await self.reader.spans_of(self.trades[scenario].trace_id)

    async def stored(self) -> Ids:
        """The ids of all that is stored."""
        return {(span.trace_id, span.span_id) for name in self.trades for span in await self.spans(name)}

    async def nothing_runs(self) -> bool:
        """Whether no sweep and no settlement is under way, as the lagging list has it and as each trade's run says."""
        listed = [run async for run in self.temporal.list_workflows("ExecutionStatus = 'Running'")]
        runs = [self.temporal.get_workflow_handle(trade.handle.workflow_id) for trade in self.trades.values()]
        statuses = {(await run.describe()).status for run in runs}
        return not listed and statuses == {WorkflowExecutionStatus.COMPLETED}

    async def replay_everything(self) -> Ids:
        """Ask new worker processes for every story, which they can only tell from a replay; the spans that this added.

        Stopping the workers before and after flushes what they hold. A sweep that read a lock just before it ended may
        have started a run for nothing: it ends first.
        """
        await self.temporal.get_schedule_handle(SWEEP_SCHEDULE).pause()
        await until(self.nothing_runs)
        await asyncio.gather(*(self.stack.processes[name].stop() for name in WORKERS))
        before = await self.stored()
        await asyncio.gather(*(self.start_worker(name) for name in WORKERS))
        for trade in self.trades.values():
            assert await self.temporal.get_workflow_handle(trade.handle.workflow_id).query(EVENTS)
        await asyncio.gather(*(self.stack.processes[name].stop() for name in WORKERS))
        return await self.stored() - before

    async def look_back(self) -> None:
        """Take down what is left of every trade."""
        for name, trade in self.trades.items():
            trade.ended = (await trade.handle.status()).outcome
            trade.stored = await self.spans(name)
            for ledger in ("asset", "payment"):
                connection = await asyncpg.connect(self.stack.dsn(ledger, f"{ledger}_reader"))
                rows = await connection.fetch(
                    "SELECT operation, trace_id, span_id FROM ledger.entries WHERE terms_hash = $1 ORDER BY position",
                    trade.handle.terms_hash,
                )
                await connection.close()
                trade.entries += [tuple(row) for row in rows]


async def waits_for_cash(handle: SettlementHandle) -> None:
    """Until the payment has been tried, and refused for lack of cash."""

    async def refused() -> bool:
        blocker = (await handle.status()).blocker
        return blocker is not None and blocker.code == "insufficient_balance"

    await until(refused)


@asynccontextmanager
async def trading_floor(folder: Path) -> AsyncIterator[Floor]:
    """A stack with two workers that export to receivers of ours."""
    received = Received()
    async with AsyncExitStack() as held:
        endpoints = {
            "left": await held.enter_async_context(grpc_receiver(received)),
            "right": await held.enter_async_context(http_receiver(received)),
        }
        stack = EmbeddedStack(folder, tuple(each.address for each in OPERATORS[:2]), sweep_every_seconds=1.0)
        held.push_async_callback(stack.stop)
        await stack.start(worker=False)
        floor = Floor(
            stack=stack,
            temporal=await Client.connect(stack.temporal.address, data_converter=pydantic_data_converter),
            market=await held.enter_async_context(Market.on(folder)),
            reader=await held.enter_async_context(await SpanReader.connect(stack.dsn("audit", "audit_reader"))),
            received=received,
            endpoints=endpoints,
        )
        await asyncio.gather(*(floor.start_worker(name) for name in WORKERS))
        yield floor


async def trade_everything(folder: Path) -> Traded:
    """Play all scenarios, one that kills workers last; then replay them all."""
    async with trading_floor(folder) as floor:
        await asyncio.gather(floor.settled(), floor.rejected(), floor.expired(), floor.cancelled(), floor.terminated())
        await floor.killed()
        added = await floor.replay_everything()
        await floor.start_worker("left")
        await floor.look_back()
        return Traded(floor.trades, floor.received, added)

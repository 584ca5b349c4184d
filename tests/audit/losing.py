"""Settlements whose every span goes down with its processes, and the trail as it is once they are back.

Real parts only: workers that can write to nobody are killed, and others started. Everything happens once.
"""

import asyncio
import json
import os
import secrets
import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from interlock.attestors.collector import Collector
from interlock.audit.completeness import TraceResult
from interlock.audit.spans import StoredSpan
from interlock.protocol import Attested, ByConsent, Certificate, Fact, Leg, SignedTerms, Terms, trace_id_of
from tests.audit.receivers import Received
from tests.audit.trading import WORKERS, Floor, trading_floor
from tests.chaos.whole import judged_traces, readers_of
from tests.e2e.conftest import outcome, until
from tests.world import ATTEMPT, BUYER, CASH, SELLER, USD, receipt

AFTERWARDS = ("withdrawn first", "withdrawn second")
BY_HAND = ("by-hand-settled", "by-hand-voided")


@dataclass
class Lost:
    """What was judged before anything was lost, while all was, and when all was back; and what each trace came to."""

    healthy: TraceResult
    dark: TraceResult
    back: TraceResult
    received: Received
    spans: dict[str, tuple[StoredSpan, ...]]
    hashes: dict[str, str]
    made_twice: int
    """Spans that a second restart of everything added."""


class Losing:
    """The scenarios, on a floor whose workers look for lost spans after a second."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.terms: dict[str, Terms] = {}

    async def settle_some(self, prefix: str = "") -> None:
        """One that settles, one that is rejected, one that both cancel, and proposals that come to nothing."""
        await asyncio.gather(
            self.settled(f"{prefix}settled"),
            self.rejected(f"{prefix}rejected"),
            self.cancelled(f"{prefix}cancelled"),
            self.proposals(f"{prefix}proposals"),
        )

    async def settled(self, name: str) -> None:
        """The story."""
        handle = await self.floor.instruct(name, await self.floor.market.parties())
        self._note(name, handle.terms)
        assert await outcome(handle) == "SETTLED"

    async def rejected(self, name: str) -> None:
        """The seller's money has nowhere to go."""
        parties = await self.floor.market.parties()
        nowhere = Leg(ledger="payment", asset=USD, quantity=CASH, deliverer=parties.buyer, receiver="nobody")
        handle = await self.floor.instruct(name, parties, payment=nowhere)
        self._note(name, handle.terms)
        assert await outcome(handle) == "REJECTED"

    async def cancelled(self, name: str) -> None:
        """Both consent to cancel while the cash is awaited."""
        handle = await self.floor.instruct(name, await self.floor.market.parties(cash=0))
        self._note(name, handle.terms)
        assert handle.terms is not None
        for party in (SELLER, BUYER):
            await handle.cancel(party.sign_cancellation(handle.terms, self.floor.market.client.network))
        assert await outcome(handle) == "CANCELLED"

    async def proposals(self, name: str) -> None:
        """The seller proposes one price, withdraws another; the buyer's third is what both sign in the end."""
        parties, client = await self.floor.market.parties(), self.floor.market.client
        agreed = parties.terms(f"{name.upper()}-{parties.name.upper()}")
        asked, withdrawn = (
            agreed.model_copy(update={"settle_by": agreed.settle_by + timedelta(minutes=minutes)}) for minutes in (1, 2)
        )
        self.terms |= {name: agreed, f"{name} asked": asked, f"{name} withdrawn": withdrawn}
        handle = await client.instruct(asked, SELLER.sign(asked, client.network))
        second = await client.instruct(withdrawn, SELLER.sign(withdrawn, client.network))
        await until(lambda: self._was_looked_up(handle.workflow_id, 2))  # so that there are spans of either
        await second.withdraw(SELLER.sign_withdrawal(withdrawn, client.network))
        await client.instruct(agreed, BUYER.sign(agreed, client.network))
        handle = await client.instruct(agreed, SELLER.sign(agreed, client.network))
        assert await outcome(handle) == "SETTLED"

    async def by_hand(self) -> None:
        """With no workflow at all, as who holds the evidence may: one settled, one voided before anything is locked."""
        market, stack = self.floor.market, self.floor.stack
        async with Collector(stack.attestor_urls, stack.identity.attestors, market.client.network) as collector:
            for name in BY_HAND:
                parties = await market.parties()
                terms = parties.terms(f"{name.upper()}-{parties.name.upper()}")
                self.terms[name] = terms
                signatures = tuple(each.sign(terms, market.client.network) for each in (SELLER, BUYER))
                signed = SignedTerms(network=market.client.network, terms=terms, signatures=signatures)
                await (self._settle if name == "by-hand-settled" else self._void)(signed, collector)

    async def settled_after_all(self) -> None:
        """The only party withdraws two proposals; then both are taken to the ledgers with both parties' signatures."""
        market, stack = self.floor.market, self.floor.stack
        name = secrets.token_hex(4).upper()
        signed, handles = [], []
        for number, which in enumerate(AFTERWARDS):
            parties = await market.parties()
            terms = parties.terms(f"AFTERWARDS-{name}")
            self.terms[which] = terms
            signatures = tuple(each.sign(terms, market.client.network) for each in (SELLER, BUYER))
            signed.append(SignedTerms(network=market.client.network, terms=terms, signatures=signatures))
            handles.append(await market.client.instruct(terms, signatures[0]))
            assert len(handles) == number + 1
        await until(lambda: self._was_looked_up(handles[0].workflow_id, 2))
        for handle, each in zip(handles, signed, strict=True):
            await handle.withdraw(SELLER.sign_withdrawal(each.terms, market.client.network))
        await outcome(handles[0])
        async with Collector(stack.attestor_urls, stack.identity.attestors, market.client.network) as collector:
            for each in signed:
                await self._settle(each, collector)

    async def forget(self) -> None:
        """Temporal loses all that it knew."""
        temporal = self.floor.stack.temporal
        await temporal.stop()
        for file in self.floor.stack.data_dir.glob("temporal.db*"):
            file.unlink()
        await temporal.start()

    async def _settle(self, signed: SignedTerms, collector: Collector) -> None:
        market = self.floor.market
        receipt(await market.asset.lock(signed, ATTEMPT))
        receipt(await market.payment.pay(signed, await certified(signed, Fact.LOCKED, collector), ATTEMPT))
        paid = await certified(signed, Fact.PAID, collector)
        receipt(await market.asset.release(signed.terms, paid, ATTEMPT))

    async def _void(self, signed: SignedTerms, collector: Collector) -> None:
        market = self.floor.market
        given = [each.sign_cancellation(signed.terms, signed.network) for each in (SELLER, BUYER)]
        receipt(await market.payment.void(signed, ByConsent(cancellations=(given[0], given[1])), ATTEMPT))
        voided = await certified(signed, Fact.VOIDED, collector)
        receipt(await market.asset.refund(signed.terms, voided, ATTEMPT))

    async def _was_looked_up(self, workflow_id: str, times: int) -> bool:
        """Whether a run has asked the payment ledger so often for a verdict that may stand."""
        history = await self.floor.temporal.get_workflow_handle(workflow_id).fetch_history()
        asked = [
            event
            for event in history.events
            if event.HasField("activity_task_scheduled_event_attributes")
            and event.activity_task_scheduled_event_attributes.activity_type.name == "verdict of"
        ]
        return len(asked) >= times

    async def go_dark(self) -> None:
        """From now on nobody can add to the trail, and no OTLP receiver is there."""
        await self.stop()
        await self._execute("REVOKE EXECUTE ON FUNCTION audit.add_spans FROM audit_writer")
        await self.start(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")

    async def kill(self) -> None:
        """SIGKILL: whatever a process holds is gone."""
        for name in WORKERS:
            os.kill(self.floor.stack.processes[name].pid, signal.SIGKILL)
            await self.floor.stack.processes[name].wait()

    async def come_back(self) -> None:
        """The trail can be added to again, by other processes."""
        await self._execute("GRANT EXECUTE ON FUNCTION audit.add_spans TO audit_writer")
        await self.start()

    async def start(self, **changed: str) -> None:
        """Both workers."""
        told = {"INTERLOCK_RECONSTRUCT_AFTER_SECONDS": "2"} | changed
        await asyncio.gather(*(self.floor.start_worker(name, **told) for name in WORKERS))

    async def stop(self) -> None:
        """Both workers, which send what they hold first."""
        await asyncio.gather(*(self.floor.stack.processes[name].stop() for name in WORKERS))

    async def judged(self, *, within: float = 90.0) -> TraceResult:
        """What the judge says, once nothing is missing."""
        return await judged_traces(readers_of(self.floor.stack), within=within)

    async def spans(self) -> dict[str, tuple[StoredSpan, ...]]:
        """What is stored of each terms' trace."""
        return {name: await self.floor.reader.spans_of(trace_id_of(each)) for name, each in self.hashes.items()}

    async def looked_through(self) -> None:
        """Until every journal has been looked through to its end by the workers that run now."""
        position = "SELECT max(position) FROM "
        ends = {
            "asset": await self._value("asset", f"{position} ledger.entries"),
            "payment": await self._value("payment", f"{position} ledger.entries"),
        }

        async def at_the_end() -> bool:
            said = await self._value("audit", "SELECT jsonb_object_agg(journal, state)::text FROM audit.looked_through")
            places = json.loads(said) if said else {}
            ledgers = all(places.get(name, {}).get("through", 0) >= end for name, end in ends.items())
            seen = places.get("audit", {}).get("closed")
            return ledgers and seen is not None and datetime.fromisoformat(seen) >= last_closed

        listed = self.floor.temporal.list_workflows("WorkflowType = 'Settlement' AND ExecutionStatus = 'Completed'")
        closed = [run.close_time async for run in listed if run.close_time is not None]
        last_closed = max(closed, default=datetime.fromtimestamp(0, UTC))  # none where Temporal has forgotten all
        await until(at_the_end)

    @property
    def hashes(self) -> dict[str, str]:
        """The hash of each terms."""
        return {name: terms.hash(self.floor.market.client.network) for name, terms in self.terms.items()}

    def _note(self, name: str, terms: Terms | None) -> None:
        assert terms is not None
        self.terms[name] = terms

    async def _value(self, database: str, statement: str) -> Any:
        connection = await self.floor.stack.postgres._connect(database)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    async def _execute(self, statement: str) -> None:
        connection = await self.floor.stack.postgres._connect("audit")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


async def certified(signed: SignedTerms, fact: Fact, collector: Collector) -> Certificate:
    """A certificate, from the attestors themselves."""
    leg = signed.terms.delivery if fact is Fact.LOCKED else signed.terms.payment
    answer = await collector.collect(fact, signed.terms_hash, leg.ledger)
    assert isinstance(answer, Attested), answer
    return answer.certificate


async def lose_everything(folder: Path) -> Lost:
    """Play it: a healthy time, a dark one that ends with a kill, and what is made of it by those who come after."""
    async with trading_floor(folder) as floor:
        losing = Losing(floor)
        await losing.stop()
        await losing.start()
        await losing.settle_some()
        await losing.judged()
        await losing.looked_through()
        healthy = await losing.judged()
        await losing.go_dark()
        await losing.settle_some("dark-")
        await losing.kill()
        dark = await losing.judged(within=0.0)
        await losing.come_back()
        await losing.by_hand()
        await losing.settled_after_all()
        await losing.judged()
        await losing.looked_through()  # what was rejected left nothing but its run: no judge misses it
        await losing.go_dark()
        await asyncio.gather(losing.settled("forgotten-settled"), losing.cancelled("forgotten-cancelled"))
        await losing.kill()
        await losing.forget()
        await losing.come_back()
        back = await losing.judged()
        spans = await losing.spans()
        # once more, by processes that begin with no checkpoint
        await losing.stop()
        await losing._execute("DELETE FROM audit.looked_through")
        await losing.start()
        await losing.looked_through()
        await losing.stop()
        again = await losing.judged(within=0.0)
        return Lost(healthy, dark, back, floor.received, spans, losing.hashes, again.spans - back.spans)

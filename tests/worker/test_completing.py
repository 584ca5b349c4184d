"""Lost spans of effects are made again from the ledgers' entries: once, with true times, and none that was not lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from interlock.activities.attributes import answered, asked, subject_of
from interlock.activities.reconstructing import Reconstructing
from interlock.activities.spans import ns
from interlock.audit.completeness import TraceResult
from interlock.audit.completing import Trail
from interlock.audit.exporter import AuditExporter
from interlock.audit.journals import Journal
from interlock.audit.keeping import KeptJournal
from interlock.audit.reader import SpanReader
from interlock.audit.spans import StoredSpan
from interlock.audit.tracing import traces
from interlock.ledgers.connections import Connections
from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol import Attempt, Fact, Terms, trace_id_of
from interlock.protocol.names import Role
from interlock.protocol.reports import root_span_id_of
from interlock.worker import completing
from interlock.worker.completing import Completer, NotStored
from interlock.worker.lost import Maker
from tests.conftest import AuditServer, PostgresWorld
from tests.world import ATTEMPT, NETWORK, receipt

RUN = "f2a3b1c0-0000-4000-8000-00000000000a"


class Completing:
    """Two ledgers and a trail, and completers on demand; `sent` is all that they have sent, in order."""

    def __init__(self, held: AsyncExitStack, world: PostgresWorld, audit: AuditServer) -> None:
        self._held, self.world, self._audit = held, world, audit
        self.sent: list[StoredSpan] = []
        self.exporter = AuditExporter(audit.dsn("writer"))
        held.callback(self.exporter.shutdown)

    async def connections(self, dsn: str) -> Connections:
        opened = await Connections.open(dsn, size=1, timeout_s=20.0)
        self._held.push_async_callback(opened.close)
        return opened

    async def trail(self, role: str = "writer") -> Trail:
        return Trail(await self.connections(self._audit.dsn(role)))

    async def completer(self, role: Role, *, after_seconds: float = 0.0) -> Completer:
        ledger = self.world.asset if role is Role.ASSET else self.world.payment
        assert isinstance(ledger, PostgresLedger)
        dsn = self.world.servers.dsn(self.world.database(role.value))
        journal = KeptJournal(role.value, await self.connections(dsn))
        maker = Maker(journal, ledger, Reconstructing(Resource({"service.name": "tests"})))
        return Completer(journal, await self.trail(), maker, self.emit, after_seconds=after_seconds)

    def emit(self, span: ReadableSpan) -> None:
        self.sent.append(StoredSpan.of(span))
        self.exporter.export([span])

    async def complete(self) -> int:
        """One round on each ledger, by processes that have just started."""
        return sum([await (await self.completer(role)).complete() for role in (Role.ASSET, Role.PAYMENT)])

    async def stored(self, terms: Terms) -> dict[str, StoredSpan]:
        async with await SpanReader.connect(self._audit.dsn("reader")) as reader:
            spans = await reader.spans_of(trace_id_of(terms.hash(NETWORK)))
        return {span.name: span for span in spans}

    async def judged(self, terms: Terms) -> TraceResult:
        journals = {
            role: Journal(role, await self.connections(self.world.servers.dsn(self.world.database(role), "auditor")))
            for role in ("asset", "payment")
        }
        trail = await self.connections(self._audit.dsn("reader"))
        return await traces(trail, journals, terms_hash=terms.hash(NETWORK), young=timedelta())

    async def entries(self, terms: Terms) -> dict[str, dict[str, object]]:
        found = {}
        for role in ("asset", "payment"):
            dsn = self.world.servers.dsn(self.world.database(role))
            for record in await Journal(role, await self.connections(dsn)).records_of_terms(terms.hash(NETWORK)):
                found[record["operation"]] = record
        return found


@pytest.fixture
async def lost(postgres_world: PostgresWorld, audit_server: AuditServer) -> AsyncIterator[Completing]:
    async with AsyncExitStack() as held:
        yield Completing(held, postgres_world, audit_server)


def attempt(terms: Terms, number: int, *, attempts: int = 1) -> Attempt:
    """As a settlement's run asks."""
    workflow = f"{terms.settlement_id}.0123456789abcdef"
    actor = f"{workflow}/{RUN}/{number}#{attempts}"
    return Attempt(actor=actor, trace_id=trace_id_of(terms.hash(NETWORK)), span_id=f"{number:016x}")


async def settled_by_a_run(world: PostgresWorld, terms: Terms) -> None:
    """All the way, as a run would; no span of it is left."""
    signed = world.signed(terms)
    locked = world.certificate(Fact.LOCKED, terms, receipt(await world.asset.lock(signed, attempt(terms, 1))))
    answer = await world.payment.pay(signed, locked, attempt(terms, 2, attempts=3))
    paid = world.certificate(Fact.PAID, terms, receipt(answer))
    receipt(await world.asset.release(terms, paid, attempt(terms, 3)))


def at(record: dict[str, object]) -> int:
    return ns(datetime.fromisoformat(str(record["at"])))


async def test_spans_of_effects_are_made_again_as_they_would_have_been(lost: Completing) -> None:
    world, terms = lost.world, lost.world.terms()
    await settled_by_a_run(world, terms)
    assert await lost.complete() == 7
    stored, entries = await lost.stored(terms), await lost.entries(terms)
    assert stored.keys() == {
        *("check delivery", "check payment", "lock", "attest LOCKED"),
        *("pay", "attest PAID", "release"),
    }
    for operation, number, role in (("lock", 1, Role.ASSET), ("pay", 2, Role.PAYMENT), ("release", 3, Role.ASSET)):
        span, entry = stored[operation], entries[operation]
        assert (span.span_id, span.parent_span_id) == (f"{number:016x}", root_span_id_of(terms.hash(NETWORK)))
        assert (span.start_ns, span.end_ns) == (at(entry), at(entry))
        assert span.attributes["interlock.reconstructed"] is True
        assert span.attributes["interlock.reconstructed.from"] == f"entry {entry['position']} of ledger {role}"
        assert span.attributes["interlock.reconstructed.times"] == "moment"
        assert span.attributes["interlock.receipt.reference"] == entry["reference"]
        assert span.attributes["interlock.workflow.run_id"] == RUN
    subject = subject_of(world.signed(terms))
    assert subject is not None
    as_told = asked(subject, Role.ASSET).items()
    assert as_told <= stored["lock"].attributes.items()
    assert stored["pay"].attributes["interlock.attempt"] == 3
    assert len(stored["release"].attributes["interlock.certificate.signers"]) == 3


async def test_an_attestation_lies_between_the_fact_and_what_relied_on_it(lost: Completing) -> None:
    terms = lost.world.terms()
    await settled_by_a_run(lost.world, terms)
    await lost.complete()
    stored, entries = await lost.stored(terms), await lost.entries(terms)
    for fact, made, used in (("LOCKED", "lock", "pay"), ("PAID", "pay", "release")):
        span = stored[f"attest {fact}"]
        assert span.attributes["interlock.reconstructed.times"] == "bounds"
        # a reference tells milliseconds
        assert at(entries[made]) - 1_000_000 <= span.start_ns <= span.end_ns < at(entries[used])
        assert "interlock.attempt" not in span.attributes
        assert len(span.attributes["interlock.certificate.signers"]) == 3


async def test_only_what_was_lost_is_made_again_and_once(lost: Completing) -> None:
    world, terms = lost.world, lost.world.terms()
    await settled_by_a_run(world, terms)
    await lost.complete()
    before = len(lost.sent)
    assert await lost.complete() == 0
    assert len(lost.sent) == before
    trail = await lost.trail()
    await trail.note("asset", {})  # a process that starts with no checkpoint looks at everything, and sends nothing
    await trail.note("payment", {})
    assert await lost.complete() == 0
    assert len(lost.sent) == before


async def test_two_processes_of_one_role_make_one_span(lost: Completing) -> None:
    terms = lost.world.terms()
    await settled_by_a_run(lost.world, terms)
    completers = [await lost.completer(Role.ASSET) for _ in range(3)]
    await asyncio.gather(*(each.complete() for each in completers))
    names = [span.name for span in lost.sent]
    assert sorted(names) == sorted(set(names))


async def test_what_is_sent_again_after_a_crash_in_between_is_the_same_span(
    lost: Completing, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = lost.world.terms()
    await settled_by_a_run(lost.world, terms)
    monkeypatch.setattr(completing, "STORED_WITHIN_SECONDS", 0.2)
    exporter, lost.exporter = lost.exporter, AuditExporter("postgresql://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(NotStored):  # sent to OTLP, and on its way to a database that is away: then the process dies
        await (await lost.completer(Role.ASSET)).complete()
    first, lost.sent = lost.sent, []
    lost.exporter.shutdown()
    lost.exporter = exporter
    monkeypatch.undo()
    await (await lost.completer(Role.ASSET)).complete()
    assert lost.sent == first
    assert len(first) == 5


async def test_a_true_span_that_comes_late_changes_nothing(lost: Completing) -> None:
    terms = lost.world.terms()
    await settled_by_a_run(lost.world, terms)
    await lost.complete()
    (made,) = [span for span in lost.sent if span.name == "lock"]
    late = ReadableSpan(
        "lock",
        context=SpanContext(int(made.trace_id, 16), int(made.span_id, 16), is_remote=False, trace_flags=TraceFlags(1)),
        resource=Resource({}),
        attributes={**answered(None)},
        start_time=made.start_ns - 1000,
        end_time=made.end_ns + 1000,
    )
    lost.exporter.export([late])
    assert (await lost.stored(terms))["lock"] == made


async def test_an_effect_that_was_asked_for_with_no_workflow_stands_in_its_settlements_trace(lost: Completing) -> None:
    world, terms = lost.world, lost.world.terms()
    await world.settled(terms)  # every entry names the same span of some other trace
    assert await lost.complete() == 5  # no run, no check
    stored = await lost.stored(terms)
    assert stored.keys() == {"lock", "attest LOCKED", "pay", "attest PAID", "release"}
    assert {span.parent_span_id for span in stored.values()} == {root_span_id_of(terms.hash(NETWORK))}
    assert all("interlock.workflow.id" not in span.attributes for span in stored.values())


async def test_a_void_a_tombstone_and_an_order_are_told_with_their_authority(lost: Completing) -> None:
    world, terms = lost.world, lost.world.terms()
    receipt(await world.asset.refund(terms, await world.voided(terms), ATTEMPT))
    receipt(await world.payment.resume(world.operators_order(terms, "resume"), ATTEMPT))
    await lost.complete()
    stored = await lost.stored(terms)
    assert stored.keys() == {"void", "attest VOIDED", "refund", "resume payment"}
    assert stored["void"].attributes["interlock.authority"] == "consent"
    assert stored["refund"].attributes["interlock.settlement.id"] == terms.settlement_id


async def test_a_young_effect_is_left_to_the_process_that_made_it(lost: Completing) -> None:
    terms = lost.world.terms()
    await settled_by_a_run(lost.world, terms)
    assert await (await lost.completer(Role.ASSET, after_seconds=3600.0)).complete() == 0
    assert await (await lost.completer(Role.ASSET)).complete() == 5


async def test_a_span_of_that_id_that_is_about_something_else_is_not_taken_for_the_effects_own(
    lost: Completing,
) -> None:
    world, terms = lost.world, lost.world.terms()
    forged = attempt(terms, 7)
    signed = world.signed(terms)
    locked = world.certificate(Fact.LOCKED, terms, receipt(await world.asset.lock(signed, forged)))
    receipt(await world.payment.pay(signed, locked, forged))  # one span id for two effects
    await lost.complete()
    stored = await lost.stored(terms)
    assert {"lock", "pay"} <= stored.keys()
    assert len({stored["lock"].span_id, stored["pay"].span_id}) == 2


async def test_the_judge_names_what_is_missing_and_nothing_once_it_is_made_again(lost: Completing) -> None:
    terms = lost.world.terms()
    await settled_by_a_run(lost.world, terms)
    before = await lost.judged(terms)
    assert (before.effects_without_span, before.holes) == (3, 5)
    assert any("no span of pay" in text for text in before.violations)
    assert any("no span attest PAID before entry" in text for text in before.violations)
    assert any("no root" in text for text in before.violations)
    await lost.complete()
    after = await lost.judged(terms)
    assert (after.effects_without_span, after.holes, after.reconstructed) == (0, 1, 7)
    assert after.orphans == 7  # it has ended, and its root is the settlement role's to make

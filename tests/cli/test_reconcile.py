"""`interlock reconcile` names what is out of step between ledgers, runs and attestors, and starts what is needed."""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from interlock.activities.recovery import Attending
from interlock.attestors.collector import Collector
from interlock.cli.comparing import IN_STEP, REPAIRABLE, Kind, of_running
from interlock.client import SettlementHandle
from interlock.ledgers.overview import Standing
from interlock.protocol import (
    AccountOrder,
    Attested,
    ByConsent,
    Certificate,
    Fact,
    LockState,
    SignedTerms,
    Stage,
    Terms,
    VerdictKind,
)
from interlock.protocol.names import SWEEP_SCHEDULE, Role
from tests.cli.conftest import Ran, command
from tests.e2e.conftest import Parties, Service, service
from tests.world import ATTEMPT, BUYER, CASH, SELLER, receipt

__all__ = ["service"]
HASH = "0x" + "ab" * 32


@dataclass
class Desk:
    """Where an operator sits: a running service whose sweeper rests, and the command."""

    service: Service

    @property
    def network(self) -> str:
        """The network that everything is signed for."""
        return self.service.market.client.network

    async def reconcile(self, *words: str) -> Ran:
        """`interlock reconcile --json`."""
        folder = self.service.stack.data_dir
        return await asyncio.to_thread(command, folder, "--data-dir", str(folder), "reconcile", "--json", *words)

    async def without_cash(self) -> "Trade":
        """A trade that waits for the buyer's cash, with its units in escrow."""
        parties = await self.service.market.parties(cash=0)
        trade = Trade(self, parties, await parties.instruct())
        await trade.until(lambda report: report.blocker is not None and report.blocker.code == "insufficient_balance")
        return trade

    async def certified(self, fact: Fact, terms: Terms) -> Certificate:
        """What the attestors certify, with no workflow."""
        urls, attestors = self.service.stack.attestor_urls, self.service.stack.identity.attestors
        async with Collector(urls, attestors, self.network) as collector:
            ledger = terms.delivery.ledger if fact is Fact.LOCKED else terms.payment.ledger
            answer = await collector.collect(fact, terms.hash(self.network), ledger)
        assert isinstance(answer, Attested), answer
        return answer.certificate

    async def break_the_rules(self, ledger: str, *statements: str) -> None:
        """Write to a ledger as only its database's superuser can, past every rule."""
        connection = await self.service.stack.postgres._connect(ledger)
        try:
            for statement in ("SET session_replication_role = replica", *statements):
                await connection.execute(statement)
        finally:
            await connection.close()


@dataclass
class Trade:
    """One settlement on the desk."""

    desk: Desk
    parties: Parties
    handle: SettlementHandle

    @property
    def terms(self) -> Terms:
        """What was agreed."""
        assert self.handle.terms is not None
        return self.handle.terms

    @property
    def terms_hash(self) -> str:
        """The key of everything."""
        return self.terms.hash(self.desk.network)

    @property
    def signed(self) -> SignedTerms:
        """The terms with both signatures."""
        signatures = tuple(each.sign(self.terms, self.desk.network) for each in (SELLER, BUYER))
        return SignedTerms(network=self.desk.network, terms=self.terms, signatures=signatures)

    async def until(self, condition: Callable[[Any], bool]) -> None:
        """Until its report is such."""
        async with asyncio.timeout(90):
            while not condition(await self.handle.status()):  # noqa: ASYNC110 - other processes set no event here
                await asyncio.sleep(0.15)

    async def terminate(self) -> None:
        """As somebody does it in the Web UI."""
        await self.desk.service.temporal.get_workflow_handle(self.handle.workflow_id).terminate("tests say so")

    async def paid(self) -> None:
        """The payment is made with no workflow."""
        await self.parties.fund(CASH)
        certificate = await self.desk.certified(Fact.LOCKED, self.terms)
        receipt(await self.parties.market.payment.pay(self.signed, certificate, ATTEMPT))

    async def voided(self) -> None:
        """Both parties' consent is carried out with no workflow."""
        first, second = (each.sign_cancellation(self.terms, self.desk.network) for each in (SELLER, BUYER))
        authority = ByConsent(cancellations=(first, second))
        receipt(await self.parties.market.payment.void(self.signed, authority, ATTEMPT))

    async def ends(self, stage: Stage) -> None:
        """It ends so."""
        await self.until(lambda report: report.stage is stage)


@pytest.fixture(scope="module")
async def desk(service: Service) -> Desk:
    """The sweeper rests, so that what is out of step stays so."""
    await service.temporal.get_schedule_handle(SWEEP_SCHEDULE).pause()
    return Desk(service)


def named(ran: Ran) -> dict[str, str]:
    """The kind of everything out of step, by terms hash."""
    assert list(ran.json) == ["ok", "settlements", "runs", "attestors", "out_of_step", "in_step"]
    assert ran.code == (0 if ran.json["ok"] else 1)
    return {each["terms_hash"]: each["kind"] for each in ran.json["out_of_step"]}


def listed(ran: Ran) -> dict[str, str]:
    """The kind of everything that is listed and in step, by terms hash."""
    return {each["terms_hash"]: each["kind"] for each in ran.json["in_step"]}


async def test_what_waits_is_listed_and_what_has_ended_is_not(desk: Desk) -> None:
    waiting, done, suspended = await asyncio.gather(*(desk.without_cash() for _ in range(3)))
    market = desk.service.market
    await market.order(market.asset, AccountOrder, act="expel", account=suspended.parties.buyer)
    for trade in (done, suspended):
        await trade.parties.fund(CASH)
    await done.ends(Stage.SETTLED)
    await suspended.until(lambda report: report.blocker is not None and report.blocker.code == "not_admitted")
    ran = await desk.reconcile()
    assert (ran.code, ran.json["ok"], ran.json["out_of_step"]) == (0, True, [])
    assert (ran.json["settlements"], ran.json["runs"]) == (3, 3)
    assert ran.json["attestors"] == {
        ledger: {"answered": 4, "needed": 3, "missing": 0} for ledger in ("asset", "payment")
    }
    assert listed(ran) == {waiting.terms_hash: "waiting", suspended.terms_hash: "suspended"}
    await market.order(market.asset, AccountOrder, act="admit", account=suspended.parties.buyer)
    await waiting.parties.fund(CASH)
    await asyncio.gather(waiting.ends(Stage.SETTLED), suspended.ends(Stage.SETTLED))


async def test_what_no_run_is_at_is_named_and_repaired_and_then_in_step(desk: Desk) -> None:
    locked, paid, voided = trades = await asyncio.gather(*(desk.without_cash() for _ in range(3)))
    for trade in trades:
        await trade.terminate()
    await paid.paid()
    await voided.voided()
    ran = await desk.reconcile()
    assert named(ran) == {trade.terms_hash: "no_run" for trade in trades}
    assert {each["text"].partition(",")[0] for each in ran.json["out_of_step"]} == {
        "units are in escrow",
        "the verdict PAID is not served",
        "the verdict VOIDED is not served",
    }
    again = await desk.reconcile()
    assert named(again) == named(ran)  # naming repairs nothing
    repaired = await desk.reconcile("--repair")
    assert (repaired.code, repaired.json["ok"]) == (0, True)
    assert {each["terms_hash"]: each["repaired"] for each in repaired.json["out_of_step"]} == {
        trade.terms_hash: True for trade in trades
    }
    await locked.parties.fund(CASH)
    await asyncio.gather(paid.ends(Stage.SETTLED), voided.ends(Stage.CANCELLED), locked.ends(Stage.SETTLED))
    assert named(await desk.reconcile()) == {}


async def test_a_run_that_waits_for_what_has_happened_is_told_to_look_again(desk: Desk) -> None:
    """Its worker stands still meanwhile: else it would ask again by itself, sooner or later."""
    trade = await desk.without_cash()
    worker = desk.service.worker(Role.SETTLEMENT).pid
    os.kill(worker, signal.SIGSTOP)
    try:
        await trade.voided()
        assert named(await desk.reconcile()) == {trade.terms_hash: "behind"}
        ran = await desk.reconcile("--repair")
    finally:
        os.kill(worker, signal.SIGCONT)
    assert (ran.code, named(ran)) == (0, {trade.terms_hash: "behind"})
    await trade.ends(Stage.CANCELLED)
    assert named(await desk.reconcile()) == {}


async def test_a_run_that_ended_otherwise_than_the_ledgers_say_is_named_and_followed_by_one_that_did_not(
    desk: Desk,
) -> None:
    parties = await desk.service.market.parties(cash=0)
    terms = parties.terms("WITHDRAWN")
    instructed = await desk.service.market.client.instruct(terms, SELLER.sign(terms, desk.network))
    trade = Trade(desk, parties, instructed)
    await trade.handle.withdraw(SELLER.sign_withdrawal(terms, desk.network))
    await trade.ends(Stage.CANCELLED)
    receipt(await parties.market.asset.lock(trade.signed, ATTEMPT))
    ran = await desk.reconcile()
    assert named(ran)[trade.terms_hash] == "no_run"
    await trade.paid()
    receipt(await parties.market.asset.release(terms, await desk.certified(Fact.PAID, terms), ATTEMPT))
    ran = await desk.reconcile("--repair")
    assert (ran.code, named(ran)) == (0, {trade.terms_hash: "closed_otherwise"})
    await trade.ends(Stage.SETTLED)
    assert named(await desk.reconcile()) == {}


async def test_a_forgotten_verdict_is_named_and_never_repaired(desk: Desk) -> None:
    """Hazard 22: the row contradicts the lock, and the attestors' word says what is missing."""
    trade = await desk.without_cash()
    await trade.parties.fund(CASH)
    await trade.ends(Stage.SETTLED)
    verdict = await trade.parties.market.payment.verdict_of(trade.terms_hash)
    assert verdict is not None
    kept = f"WHERE terms_hash = '{trade.terms_hash}'"
    await desk.break_the_rules(
        "payment",
        f"CREATE TABLE public.kept AS SELECT * FROM ledger.verdicts {kept}",
        f"DELETE FROM ledger.verdicts {kept}",
    )
    for words in ((), ("--repair",)):
        ran = await desk.reconcile(*words)
        assert ran.code == 1
        assert {(each["kind"], each["terms_hash"], each["repaired"]) for each in ran.json["out_of_step"]} == {
            ("contradiction", trade.terms_hash, False),
            ("missing", trade.terms_hash, False),
        }
    (lost,) = [each for each in ran.json["out_of_step"] if each["kind"] == "missing"]
    assert (lost["fact"], lost["ledger"], lost["settlement_id"]) == ("PAID", "payment", trade.terms.settlement_id)
    assert (lost["position"], lost["reference"]) == (verdict.receipt.position, verdict.receipt.reference)
    await desk.break_the_rules("payment", "INSERT INTO ledger.verdicts SELECT * FROM public.kept")
    assert named(await desk.reconcile()) == {}


LOCKED, RELEASED, REFUNDED = LockState.LOCKED, LockState.RELEASED, LockState.REFUNDED
PAID, VOIDED = VerdictKind.PAID, VerdictKind.VOIDED


@pytest.mark.parametrize(
    ("shown", "waits_for", "lock", "verdict", "kind"),
    [
        ("MATCHED", None, LOCKED, None, None),  # on its way: it shows where it last waited
        ("MATCHED", "unreachable", LOCKED, None, "waiting"),  # nobody tells it yet that it is locked
        ("MATCHED", "account_frozen", LOCKED, None, "behind"),
        ("ATTESTED", "insufficient_balance", LOCKED, None, "waiting"),
        ("ATTESTED", "insufficient_balance", LOCKED, VOIDED, "behind"),
        ("ATTESTED", "insufficient_balance", RELEASED, PAID, "behind"),
        ("PAID", "not_admitted", LOCKED, PAID, "suspended"),
        ("PAID", "no_quorum", LOCKED, PAID, "waiting"),
        ("PAID", None, LOCKED, PAID, None),
        ("PAID", None, LOCKED, None, "missing"),
        ("PAID", "no_quorum", LOCKED, VOIDED, "contradiction"),
        ("VOIDED", "no_quorum", RELEASED, PAID, "contradiction"),
        ("VOIDED", "no_quorum", LOCKED, None, "missing"),
        ("SETTLED", None, LOCKED, PAID, "missing"),
        ("VOIDED", "no_quorum", REFUNDED, VOIDED, "behind"),
    ],
)
def test_what_is_said_of_a_running_one(
    shown: str, waits_for: str | None, lock: LockState, verdict: VerdictKind | None, kind: str | None
) -> None:
    attending = Attending("T-1.ab", (HASH,), shown, waits_for, suspended=waits_for == "not_admitted")
    finding = of_running(Standing(HASH, "T-1", lock, verdict), attending)
    assert (finding.kind.value if finding else None) == kind


def test_only_what_can_be_started_is_ever_repaired() -> None:
    assert set(Kind) - IN_STEP - REPAIRABLE == {Kind.MISSING, Kind.CONTRADICTION}
    assert not IN_STEP & REPAIRABLE

"""Terminated at every stage, also with its history gone, a settlement ends right: from the ledgers alone.

Each stage is held by real means (a freeze, no cash, a coordinator that stands still), and the run is terminated there.
Then the parties instruct again, or `interlock recover` is called, or the sweeper comes by; what was held is let go, and
the settlement must end as if nothing had happened. Six settlements at a time: both histories, each of the three ways.
"""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import ScheduleHandle, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from interlock.client import SettlementHandle
from interlock.protocol import AccountOrder, LocalSigner, LockState, Stage, Terms, VerdictKind
from interlock.protocol.instructions import SettlementStart
from interlock.protocol.names import LOOK_AGAIN, SETTLEMENT_WORKFLOW, SWEEP_SCHEDULE, Role
from tests.cli.conftest import Ran, command
from tests.e2e.conftest import Parties, Service, reaches, until
from tests.world import BUYER, CASH, SELLER

WAYS = ("instruct", "recover", "sweep")
HISTORIES = ("kept", "gone")
BOTH = (SELLER, BUYER)
LOCKED, PAID, VOIDED = LockState.LOCKED, VerdictKind.PAID, VerdictKind.VOIDED
SELDOM = {"every_seconds": 0.15, "patience_seconds": 100.0}
"""How settlements are looked at: they are many, and each look costs what they need."""


@dataclass
class Held:
    """One settlement that stands still, and how it is to go on: which way, with or without its history."""

    service: Service
    parties: Parties
    terms: Terms
    way: str
    history: str

    @property
    def terms_hash(self) -> str:
        """The key of everything."""
        return self.terms.hash(self.service.market.client.network)

    @property
    def handle(self) -> SettlementHandle:
        """As its parties hold it."""
        return self.service.market.client.handle(self.terms)

    async def instruct(self, *signers: LocalSigner) -> None:
        """The parties named send their signatures."""
        client = self.service.market.client
        for signer in signers:
            await client.instruct(self.terms, signer.sign(self.terms, client.network))

    async def cancel(self) -> None:
        """Both parties consent to cancel."""
        for signer in BOTH:
            await self.handle.cancel(signer.sign_cancellation(self.terms, self.service.market.client.network))

    async def order(self, act: str, account: str) -> None:
        """Two operators admit, expel, freeze or unfreeze an account on the asset ledger."""
        await self.parties.market.order(self.parties.market.asset, AccountOrder, act=act, account=account)

    async def recover(self) -> Ran:
        """`interlock recover`, by terms hash or by settlement id."""
        name = self.terms_hash if self.history == "kept" else self.terms.settlement_id
        folder = self.service.stack.data_dir
        words = ("--data-dir", str(folder), "recover", name, "--no-wait", "--json")
        return await asyncio.to_thread(command, folder, *words)

    async def status(self) -> WorkflowExecutionStatus | None:
        """Of its latest run; None if Temporal knows of none."""
        try:
            return (await self.service.temporal.get_workflow_handle(self.handle.workflow_id).describe()).status
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return None

    async def runs(self) -> bool:
        """Whether a run is at it."""
        return await self.status() is WorkflowExecutionStatus.RUNNING

    async def rows(self) -> tuple[LockState | None, VerdictKind | None]:
        """What both ledgers hold."""
        lock = await self.service.market.asset.lock_of(self.terms_hash)
        verdict = await self.service.market.payment.verdict_of(self.terms_hash)
        return lock.state if lock else None, verdict.verdict if verdict else None

    async def until_blocked(self, code: str) -> None:
        """Until its report shows this blocker."""

        async def blocked() -> bool:
            report = await self.handle.status()
            return report.blocker is not None and report.blocker.code == code

        await until(blocked, **SELDOM)

    async def nudge(self) -> None:
        """As a ledger's worker does when an account has changed; a run that has ended meanwhile needs none."""
        try:
            await self.service.temporal.get_workflow_handle(self.handle.workflow_id).signal(LOOK_AGAIN)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def lose(self) -> None:
        """Terminate its run, as somebody does it in the Web UI; erase it too, where its history is to be gone."""
        await self.service.temporal.get_workflow_handle(self.handle.workflow_id).terminate("tests say so")
        if self.history == "kept":
            return
        execution = WorkflowExecution(workflow_id=self.handle.workflow_id)
        await self.service.temporal.workflow_service.delete_workflow_execution(
            DeleteWorkflowExecutionRequest(namespace="default", workflow_execution=execution)
        )

        async def forgotten() -> bool:
            return await self.status() is None

        await until(forgotten, **SELDOM)


Act = Callable[[Held], Awaitable[None]]


async def nothing(_: Held) -> None:
    """It stands where it should, or goes on by itself."""


async def one_signature(held: Held) -> None:
    """Only the seller has signed."""
    await held.parties.fund(CASH)
    await held.instruct(SELLER)


async def frozen(held: Held) -> None:
    """Both have signed, and the seller's units may not be debited."""
    await held.parties.fund(CASH)
    await held.order("freeze", held.parties.seller)
    await held.instruct(*BOTH)
    await held.until_blocked("account_frozen")


async def unfrozen(held: Held) -> None:
    """The seller's units may be debited again."""
    await held.order("unfreeze", held.parties.seller)


async def without_certificate(held: Held) -> None:
    """The units are in escrow, and nobody certifies it."""
    await held.parties.fund(CASH)
    await held.instruct(*BOTH)
    await reaches(held.handle, Stage.LOCKED, **SELDOM)


async def without_cash(held: Held) -> None:
    """The lock is certified, and the buyer has no cash."""
    await held.instruct(*BOTH)
    await held.until_blocked("insufficient_balance")


async def funded(held: Held) -> None:
    """The buyer has the cash."""
    await held.parties.fund(CASH)


async def paid(held: Held) -> None:
    """The payment is made, and nobody certifies it."""
    await held.parties.fund(CASH)
    await held.nudge()
    await reaches(held.handle, Stage.PAID, **SELDOM)


async def voided(held: Held) -> None:
    """Both have cancelled, and nobody certifies it."""
    await held.cancel()
    await reaches(held.handle, Stage.VOIDED, **SELDOM)


async def suspended(held: Held) -> None:
    """The payment is made, and the buyer's account may not receive the units."""
    await held.order("expel", held.parties.buyer)
    await held.parties.fund(CASH)
    await held.nudge()
    await held.until_blocked("not_admitted")


async def admitted(held: Held) -> None:
    """The buyer's account may receive again."""
    await held.order("admit", held.parties.buyer)


@dataclass(frozen=True)
class Standstill:
    """A stage: how settlements are brought there, what the ledgers hold, how they are let go, and how they end.

    `stops` says when the coordinator is made to stand still: not at all, at once, or before what happens `then`.
    """

    name: str
    rows: tuple[LockState | None, VerdictKind | None]
    first: Act
    then: Act = nothing
    let_go: Act = nothing
    stops: str = ""
    ends: str = "SETTLED"
    long: bool = False
    """Whether it is left to `make test-long`: the stages before and after it are not."""

    @property
    def stands(self) -> bool:
        """Whether a ledger holds anything of it, so that it goes on from there with nobody's help."""
        return self.rows != (None, None)


STANDSTILLS = (
    Standstill("PROPOSED", (None, None), one_signature),
    Standstill("MATCHED", (None, None), frozen, let_go=unfrozen, long=True),
    Standstill("LOCKED", (LOCKED, None), without_certificate, stops="at once"),
    Standstill("ATTESTED", (LOCKED, None), without_cash, let_go=funded, long=True),
    Standstill("PAID", (LOCKED, PAID), without_cash, paid, stops="then"),
    Standstill("VOIDED", (LOCKED, VOIDED), without_cash, voided, stops="then", ends="CANCELLED"),
    Standstill("VOIDED with no lock", (None, VOIDED), frozen, voided, stops="then", ends="CANCELLED", long=True),
    Standstill("suspended", (LOCKED, PAID), without_cash, suspended, let_go=admitted),
)


@pytest.fixture(scope="module")
async def sweeper(service: Service) -> AsyncIterator[ScheduleHandle]:
    """The sweeper, which comes by only when it is called: else it would be first, whichever way is tried."""
    handle = service.temporal.get_schedule_handle(SWEEP_SCHEDULE)
    await handle.pause()

    async def rests() -> bool:
        return not (await handle.describe()).info.running_actions

    await until(rests, **SELDOM)
    yield handle
    await handle.unpause()


@asynccontextmanager
async def standing_still(service: Service) -> AsyncIterator[None]:
    """The coordinator's process is stopped, in the kernel's sense: what it is asked meanwhile it answers later."""
    pid = service.worker(Role.COORDINATOR).pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def each(settlements: Sequence[Held], act: Act) -> None:
    """Do the same with all of them at once."""
    async with asyncio.TaskGroup() as group:
        for held in settlements:
            group.create_task(_done(act, held))


async def _done(act: Act, held: Held) -> None:
    try:
        await act(held)
    except BaseException as error:
        report = await held.handle.status()
        error.add_note(f"{held.way}, history {held.history}: {await held.status()!r}, {report!r}")
        raise


async def new(service: Service, way: str, history: str) -> Held:
    """The story's trade between parties with accounts of their own; nothing is sent yet."""
    parties = await service.market.parties(cash=0)
    terms = parties.terms(f"RECOVER-{secrets.token_hex(6).upper()}")
    return Held(service, parties, terms, way, history)


@pytest.mark.parametrize(
    "standstill",
    [pytest.param(each, id=each.name, marks=[pytest.mark.long] if each.long else []) for each in STANDSTILLS],
)
async def test_terminated_at_any_stage_it_ends_right_whoever_takes_it_up(
    service: Service, sweeper: ScheduleHandle, standstill: Standstill
) -> None:
    cells = [(way, history) for way in WAYS for history in HISTORIES]
    settlements = await asyncio.gather(*(new(service, *cell) for cell in cells))
    if standstill.stops == "at once":
        async with standing_still(service):
            await each(settlements, standstill.first)
            await taken_up_again(settlements, sweeper, standstill)
    else:
        await each(settlements, standstill.first)
        if standstill.stops == "then":
            async with standing_still(service):
                await each(settlements, standstill.then)
                await taken_up_again(settlements, sweeper, standstill)
        else:
            await each(settlements, standstill.then)
            await taken_up_again(settlements, sweeper, standstill)
    await each(settlements, standstill.let_go)
    await each(settlements, lambda held: ends_right(held, standstill))


async def taken_up_again(settlements: Sequence[Held], sweeper: ScheduleHandle, standstill: Standstill) -> None:
    """Lose every run, and have each settlement taken up its own way."""
    await each(settlements, Held.lose)
    for held in settlements:
        assert await held.rows() == standstill.rows
    await each([held for held in settlements if held.way == "instruct"], lambda held: instructed(held, standstill))
    await each([held for held in settlements if held.way == "recover"], lambda held: recovered(held, standstill))
    await swept([held for held in settlements if held.way == "sweep"], sweeper, standstill)


async def instructed(held: Held, standstill: Standstill) -> None:
    """One party alone is enough where a ledger shows that both had signed."""
    await held.instruct(*((SELLER,) if standstill.stands else BOTH))
    assert await held.runs()


async def recovered(held: Held, standstill: Standstill) -> None:
    """`interlock recover` starts it again where anything stands, and else says that nothing does."""
    ran = await held.recover()
    if standstill.stands:
        assert (ran.code, ran.json["recovered"], ran.json["terms_hash"]) == (0, True, held.terms_hash)
        assert await held.runs()
    else:
        assert (ran.code, ran.error["code"]) == (1, "nothing_to_recover")
        assert not await held.runs()


async def swept(settlements: Sequence[Held], sweeper: ScheduleHandle, standstill: Standstill) -> None:
    """The sweeper comes by, until it has found them; where nothing stands it finds nothing."""

    async def came_by() -> bool:
        before = (await sweeper.describe()).info.num_actions
        await sweeper.trigger()

        async def done() -> bool:
            info = (await sweeper.describe()).info
            return info.num_actions > before and not info.running_actions

        await until(done, **SELDOM)
        return all([await held.runs() for held in settlements]) is standstill.stands

    await until(came_by, **SELDOM)


async def ends_right(held: Held, standstill: Standstill) -> None:
    """As it would have ended undisturbed: by its report, by both ledgers' rows, and by what has moved."""
    if await held.runs():
        await held.nudge()
    else:
        await held.instruct(*BOTH)
    await reaches(held.handle, Stage(standstill.ends), **SELDOM)
    settled = standstill.ends == "SETTLED"
    assert await held.rows() == ((LockState.RELEASED, PAID) if settled else (LockState.REFUNDED, VOIDED))
    assert await held.parties.moved() == ((1, 1) if settled else (0, 0))


async def test_a_run_that_knows_of_no_terms_is_told_of_those_that_stand(
    service: Service,
    sweeper: ScheduleHandle,  # noqa: ARG001 - it would be first
) -> None:
    """Started by an instruction that no worker had heard when its sender gave up."""
    held = await new(service, "recover", "kept")
    await without_cash(held)
    await held.lose()
    await service.temporal.start_workflow(
        SETTLEMENT_WORKFLOW,
        SettlementStart.of(held.terms, service.market.client.network),
        id=held.handle.workflow_id,
        task_queue=Role.SETTLEMENT.task_queue,
    )
    ran = await held.recover()
    assert (ran.code, ran.json["recovered"]) == (0, True)
    await held.until_blocked("insufficient_balance")  # where its parties look for it
    again = await held.recover()
    assert (again.code, again.json["recovered"], again.json["stage"]) == (0, False, "ATTESTED")
    await held.parties.fund(CASH)
    await held.nudge()
    await reaches(held.handle, Stage.SETTLED, **SELDOM)
    ended = await held.recover()
    assert (ended.code, ended.json["recovered"], ended.json["outcome"]) == (0, False, "SETTLED")

"""One settlement, as a client holds it: where it stands, what may be said to it, how it ends. Keeps no state of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from interlock.client.errors import (
    AlreadyEnded,
    InstructionRefused,
    Interrupted,
    NoWorker,
    ServiceFault,
    SettlementIdUsed,
    UnknownSettlement,
)
from interlock.client.runs import Run, Runs
from interlock.protocol import (
    Message,
    Outcome,
    SettlementEvent,
    SettlementReport,
    SignedCancellation,
    SignedOperatorOrder,
    SignedRedirection,
    SignedTerms,
    SignedWithdrawal,
    Stage,
    VerdictKind,
    trace_id_of,
)
from interlock.protocol.eip712 import keccak256
from interlock.protocol.instructions import Instructed
from interlock.protocol.names import CANCEL, ORDER, REDIRECT, WITHDRAW, recovery_workflow_id
from interlock.protocol.terms import Terms

EVENTS_EVERY_SECONDS = 0.5
GONE_TOO_FAR = frozenset({"already_ended", "already_voided"})
"""Refusals that may mean that what was asked for has been done."""


@dataclass(frozen=True)
class SettlementHandle:
    """A settlement: got from a client, cheap, may be kept as long as you like.

    `terms_hash` is None for one found by its settlement id. `instructed` is the answer to the instruction that this
    handle came from: whether both have signed, and else how the other side's terms differ.
    """

    settlement_id: str
    terms_hash: str | None
    workflow_id: str
    _runs: Runs
    terms: Terms | None = None
    instructed: Instructed | None = None
    _ended: Run | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it is known to have ended: `status` then needs no worker."""
        return self._ended is not None

    async def status(self) -> SettlementReport:
        """Where it stands now. Raises UnknownSettlement, NotReached, or NoWorker within about 5 seconds.

        Of a run that was terminated: what it last knew. Raises Interrupted if it knew nothing, for no worker had it.
        """
        return await self._status()

    async def outcome(self) -> SettlementReport:
        """Wait for the end, however long it takes, and return the final report: a report for every outcome.

        Goes on waiting when the settlement's run is terminated, until the next one ends. Raises only on faults, and
        SettlementIdUsed where other terms were matched under this settlement id, so that these can have no end.
        """
        if self.has_ended:
            return await self.status()
        report = await self._runs.end(self.workflow_id)
        if self.terms_hash in (None, report.terms_hash):
            return report
        if (elsewhere := await self._recovery_run()) is not None:
            return await self._runs.end(elsewhere.workflow_id)
        return self._as_proposed(await self._run(), report)

    async def cancel(self, signed: SignedCancellation) -> SettlementReport:
        """Give one party's signed consent to cancel; it takes effect when both have given it.

        Raises AlreadyEnded if it ended otherwise, InstructionRefused (`already_paid`, ...), InvalidInstruction.
        """
        return await self._tell(
            CANCEL, signed, lambda report: report.outcome is Outcome.CANCELLED or report.verdict is VerdictKind.VOIDED
        )

    async def withdraw(self, signed: SignedWithdrawal) -> SettlementReport:
        """Take the only party's proposal back. Raises InstructionRefused (`already_matched`, `not_a_proposal`)."""
        return await self._tell(
            WITHDRAW, signed, lambda report: report.outcome is Outcome.CANCELLED and report.verdict is None
        )

    async def order(self, signed: SignedOperatorOrder) -> SettlementReport:
        """Have two operators' order carried out: void it, unless it is paid, or look again now.

        Raises InstructionRefused (`already_paid`, `authority_invalid`, ...) and AlreadyEnded.
        """
        return await self._tell(
            ORDER,
            signed,
            lambda report: report.verdict is VerdictKind.VOIDED or signed.order.act == "resume",
        )

    async def redirect(self, signed: SignedRedirection) -> SettlementReport:
        """After PAID, have the units released to another account of the buyer's. Raises InstructionRefused."""
        return await self._tell(REDIRECT, signed, lambda report: report.outcome is Outcome.SETTLED)

    async def events(self) -> AsyncIterator[SettlementEvent]:
        """What happens to the settlement, from the start until its end.

        Goes on through terminated runs: a new run's story begins anew with what the ledgers show. Raises NoWorker,
        or Interrupted where the run was terminated, only if no worker has answered since the start.
        """
        told: list[SettlementEvent] = []
        while True:
            run = await self._run()
            try:
                events = await self._runs.events(run.workflow_id)
            except (NoWorker, Interrupted):
                if not told:
                    raise
            else:
                for event in events[_known(told, events) :]:
                    yield event
                told = events
                if run.completed:
                    return
            await asyncio.sleep(EVENTS_EVERY_SECONDS)

    async def proposals(self) -> tuple[SignedTerms, ...]:
        """The terms that parties have signed so far, oldest first; answered without a worker."""
        return tuple(await self._runs.proposals(await self._run()))

    async def _status(self, *, heard: bool = False) -> SettlementReport:
        """`heard`: the run has just listened to what was said of these terms, so that it knows them."""
        run = self._ended or await self._run()
        report = await self._runs.report(run)
        if self.terms_hash in (None, report.terms_hash):
            return report
        if (elsewhere := await self._recovery_run()) is not None:
            return await self._runs.report(elsewhere)
        return self._as_proposed(run, report, heard=heard)

    async def _run(self) -> Run:
        run = await self._runs.describe(self.workflow_id)
        if run is None:
            raise UnknownSettlement(f"no settlement {self.terms_hash or self.settlement_id} is known")
        return run

    async def _recovery_run(self) -> Run | None:
        """Where these terms are being finished while their workflow id is busy with others of the same parties."""
        if self.terms_hash is None:
            return None
        return await self._runs.describe(recovery_workflow_id(self.workflow_id, self.terms_hash))

    def _as_proposed(self, run: Run, report: SettlementReport, *, heard: bool = False) -> SettlementReport:
        """The report of a settlement of which these terms are one of several proposals."""
        ended_unmatched = report.outcome in (Outcome.EXPIRED, Outcome.CANCELLED) and report.verdict is None
        unmatched = report.stage is Stage.PROPOSED or ended_unmatched
        # what the run lists lags a step behind, and no longer has what was withdrawn
        proposed = heard or self.instructed is not None or self.terms_hash in run.terms_hashes
        if self.terms_hash is None or not (unmatched and proposed):
            raise SettlementIdUsed(
                f"settlement id {self.settlement_id} stands for other terms of these parties, {report.terms_hash}",
                field="settlement_id",
            )
        return report.model_copy(
            update={
                "terms_hash": self.terms_hash,
                "settle_by": self.terms.settle_by if self.terms else report.settle_by,
                "trace_id": trace_id_of(self.terms_hash),
            }
        )

    async def _tell(
        self, update: str, message: Message, is_done: Callable[[SettlementReport], bool]
    ) -> SettlementReport:
        """Send an update; where the settlement has gone too far to hear it, see whether what it asks for `is_done`."""
        # the same words again are the same update: asked twice, it is heard once
        update_id = f"{update}-{keccak256(message.model_dump_json().encode()).hex()[:32]}"
        recovered = await self._recovery_run()
        workflow_id = recovered.workflow_id if recovered else self.workflow_id
        try:
            answer = await self._runs.tell(workflow_id, update, message, update_id)
        except (UnknownSettlement, InstructionRefused) as error:
            if not isinstance(error, UnknownSettlement) and error.code not in GONE_TOO_FAR:
                raise
            run = await self._run()
            if isinstance(error, UnknownSettlement) and not run.completed:
                raise Interrupted(f"{self.settlement_id} has no run now; try again") from None
            report = await self.status()
            if is_done(report):
                return report
            if run.completed:
                raise AlreadyEnded(f"{self.settlement_id} has ended {report.outcome}") from None
            raise
        try:
            # the answer to repeated words is the first one's: things may have moved on
            return await self._status(heard=True)
        except ServiceFault:
            return answer


def _known(told: list[SettlementEvent], events: list[SettlementEvent]) -> int:
    """How many of these events have been told: all up to the last one told; none of a new run's."""
    if not told:
        return 0
    last = told[-1]
    return next((at + 1 for at in range(len(events) - 1, -1, -1) if events[at] == last), 0)

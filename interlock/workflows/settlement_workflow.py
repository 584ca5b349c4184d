"""What Temporal knows of a settlement: its run, and what can be said to it and asked of it while it runs.

Every message goes on to `Settlement`. It is no base class of this one: of every run's class the SDK looks at each
attribute, at each base's too, and so many cost a fourth of a settlement worker's time.
"""

from temporalio import workflow
from temporalio.common import RawValue

from interlock.workflows.settlement import Settlement

with workflow.unsafe.imports_passed_through():
    from interlock.protocol import (
        SettlementEvent,
        SettlementReport,
        SignedCancellation,
        SignedOperatorOrder,
        SignedRedirection,
        SignedTerms,
        SignedWithdrawal,
    )
    from interlock.protocol.instructions import Instructed
    from interlock.protocol.names import (
        CANCEL,
        EVENTS,
        INSTRUCT,
        LOOK_AGAIN,
        ORDER,
        RECORDS,
        REDIRECT,
        REPORT,
        SETTLEMENT_WORKFLOW,
        WITHDRAW,
    )
    from interlock.protocol.steps import Record
    from interlock.workflows.cancel_requests import outliving_cancel_requests
    from interlock.workflows.understood import understood


@workflow.defn(name=SETTLEMENT_WORKFLOW)
class SettlementWorkflow:
    """A settlement's workflow."""

    @workflow.init
    def __init__(self, run: RawValue) -> None:
        given = understood(run)
        self._begun: Settlement | Exception = given if isinstance(given, Exception) else Settlement(given)

    @property
    def _settlement(self) -> Settlement:
        """The settlement; nothing is heard or answered in one that was not understood."""
        if isinstance(self._begun, Exception):
            raise self._begun
        return self._begun

    @workflow.run
    async def run(self, run: RawValue) -> SettlementReport:  # noqa: ARG002 - workflow.init has taken it
        """Settle, and return the final report; a raw cancel request is recorded, shown and otherwise ignored."""
        settlement = self._settlement
        return await outliving_cancel_requests(settlement.settle_and_report(), settlement.note_cancel_request)

    @workflow.update(name=INSTRUCT)
    def instruct(self, signed: SignedTerms) -> Instructed:
        """Record signed terms; the first that both have signed are the match."""
        return self._settlement.instruct(signed)

    @instruct.validator
    def _may_instruct(self, signed: SignedTerms) -> None:
        self._settlement.may_instruct(signed)

    @workflow.update(name=WITHDRAW)
    def withdraw(self, signed: SignedWithdrawal) -> SettlementReport:
        """Take a proposal back; with none left the settlement ends CANCELLED."""
        return self._settlement.withdraw(signed)

    @withdraw.validator
    def _may_withdraw(self, signed: SignedWithdrawal) -> None:
        self._settlement.may_withdraw(signed)

    @workflow.update(name=CANCEL)
    def cancel(self, signed: SignedCancellation) -> SettlementReport:
        """Record one party's consent to cancel; it takes effect when both have given it."""
        return self._settlement.cancel(signed)

    @cancel.validator
    def _may_cancel(self, signed: SignedCancellation) -> None:
        self._settlement.may_cancel(signed)

    @workflow.update(name=ORDER)
    async def order(self, signed: SignedOperatorOrder) -> SettlementReport:
        """Carry out two operators' order: `resume` looks again now, `void` voids unless it is paid."""
        return await self._settlement.order(signed)

    @order.validator
    def _may_order(self, signed: SignedOperatorOrder) -> None:
        self._settlement.may_order(signed)

    @workflow.update(name=REDIRECT)
    def redirect(self, signed: SignedRedirection) -> SettlementReport:
        """After PAID: release to another account of the buyer's; the asset ledger judges it."""
        return self._settlement.redirect(signed)

    @redirect.validator
    def _may_redirect(self, signed: SignedRedirection) -> None:
        self._settlement.may_redirect(signed)

    @workflow.signal(name=LOOK_AGAIN)
    def look_again(self) -> None:
        """A ledger's worker says that something changed: ask the blocked step again now."""
        self._settlement.look_again()

    @workflow.query(name=REPORT)
    def report(self) -> SettlementReport:
        """Where the settlement stands."""
        return self._settlement.report()

    @workflow.query(name=RECORDS)
    def records(self) -> list[Record]:
        """The records that this run has written, for whoever finds that one never arrived."""
        return self._settlement.records.written

    @workflow.query(name=EVENTS)
    def events(self) -> list[SettlementEvent]:
        """What has happened, from the start."""
        return self._settlement.events()

"""The records of how a run's settlement and proposals ended: handed to the worker where that happens, and kept in the
run, so that whoever finds one missing later can ask for it. Decides nothing, and is no command: histories replay alike.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from interlock.protocol import SettlementEvent, SettlementReport, SignedTerms, Stage, trace_id_of
    from interlock.protocol.names import RECORD
    from interlock.protocol.steps import Record

Unmatched = Literal["passed over", "withdrawn", "expired"]


class Records:
    """What this run has written; a replay writes the same again, and hands nothing to anybody."""

    def __init__(self) -> None:
        self.written: list[Record] = []

    def write(self, signed: SignedTerms, report: SettlementReport, events: Iterable[SettlementEvent]) -> None:
        """How the settlement ended."""
        info = workflow.info()
        self._hand_over(
            Record(
                terms=signed.terms,
                report=report,
                events=tuple(events),
                workflow_id=info.workflow_id,
                run_id=info.run_id,
            )
        )

    def write_unmatched(
        self, signed: SignedTerms, why: Unmatched, events: Iterable[SettlementEvent], *, instead: SignedTerms | None
    ) -> None:
        """That a proposal cannot be matched in this settlement any more, and what was matched in its place."""
        info, terms_hash = workflow.info(), signed.terms_hash
        report = SettlementReport(
            settlement_id=signed.terms.settlement_id,
            terms_hash=terms_hash,
            stage=Stage.PROPOSED,
            settle_by=signed.terms.settle_by,
            trace_id=trace_id_of(terms_hash),
        )
        text = why if instead is None else f"{why}: terms {instead.terms_hash[:10]} are settled instead"
        its_own = [event for event in events if terms_hash[:10] in event.text]
        self._hand_over(
            Record(
                terms=signed.terms,
                report=report,
                events=(*its_own, _end(text, workflow.now())),
                unmatched=why,
                instead=instead.terms_hash if instead else None,
                workflow_id=info.workflow_id,
                run_id=info.run_id,
            )
        )

    def _hand_over(self, record: Record) -> None:
        self.written.append(record)
        if workflow.unsafe.is_replaying():
            return
        if (take := workflow.extern_functions().get(RECORD)) is not None:
            take(record)


def _end(text: str, now: datetime) -> SettlementEvent:
    return SettlementEvent(at=now, stage=Stage.PROPOSED, kind="end", text=text)

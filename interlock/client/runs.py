"""What Temporal knows of settlements' runs, in the client's words: its types and errors go no further than this file.

A settlement is one workflow id. Its runs may be terminated and started again, or continue as new; the latest speaks.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowHistoryEventFilterType,
    WorkflowUpdateStage,
)
from temporalio.common import (
    SearchAttributeKey,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from interlock.client.errors import NotReached, NoWorker, ServiceFault, UnknownSettlement
from interlock.client.faults import fault_of, own_errors
from interlock.client.patience import Patience
from interlock.client.understanding import misunderstood
from interlock.protocol import Blocker, Message, SettlementEvent, SettlementReport, SignedTerms
from interlock.protocol.instructions import Instructed, RunStart, SettlementStart
from interlock.protocol.names import (
    EVENTS,
    INSTRUCT,
    PARTIES,
    REPORT,
    SETTLEMENT_ID,
    SETTLEMENT_WORKFLOW,
    STAGE,
    TERMS_HASHES,
    WAITING_FOR,
    Role,
    workflow_id,
)
from interlock.protocol.summary import CLIENT_DETAILS, summary_of
from interlock.workflows.found import initial_attributes

QUERY_WITHIN = timedelta(seconds=5)
STARTED_WITHIN = timedelta(seconds=10)
CARRIED_OUT_WITHIN = timedelta(seconds=60)
"""How long a worker may take over what it has heard: an operators' order is answered when a ledger has answered."""

TERMINATED = Blocker(
    code="terminated",
    text="the settlement's run was terminated; the sweeper starts another for what is locked, "
    "so does `interlock recover`, or instruct again",
    who="sweeper",
)
"""What a settlement waits for whose run was ended from outside."""

NEXT_RUN_LOOKED_FOR = (0.25, 5.0)
"""Seconds between looks for the run that follows a terminated one: the first, and the longest."""

_ID, _HASHES = SearchAttributeKey.for_keyword(SETTLEMENT_ID), SearchAttributeKey.for_keyword_list(TERMS_HASHES)
_PARTIES, _STAGE = SearchAttributeKey.for_keyword_list(PARTIES), SearchAttributeKey.for_keyword(STAGE)
_WAITING_FOR = SearchAttributeKey.for_keyword(WAITING_FOR)
_OPEN = (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CONTINUED_AS_NEW)
_NO_SETTLEMENT = (WorkflowExecutionStatus.FAILED, WorkflowExecutionStatus.CANCELED)


@dataclass(frozen=True)
class Run:
    """The latest run of a settlement, as Temporal describes it."""

    workflow_id: str
    run_id: str
    status: WorkflowExecutionStatus | None
    settlement_id: str
    terms_hashes: tuple[str, ...]
    parties: tuple[str, ...]
    started_at: datetime
    closed_at: datetime | None
    stage: str | None = None
    """How far it was when it was last made findable: where it last waited, or its end."""
    waits_for: str | None = None

    @property
    def completed(self) -> bool:
        """Whether the settlement has come to one of its ends."""
        return self.status is WorkflowExecutionStatus.COMPLETED

    @property
    def is_interrupted(self) -> bool:
        """Whether it neither runs nor has ended: somebody stopped it."""
        return not self.completed and self.status not in _OPEN


def _run(execution: WorkflowExecution) -> Run:
    found = execution.typed_search_attributes
    return Run(
        workflow_id=execution.id,
        run_id=execution.run_id,
        status=execution.status,
        settlement_id=found.get(_ID) or execution.id.split(".", 1)[0],
        terms_hashes=tuple(found.get(_HASHES) or ()),
        parties=tuple(found.get(_PARTIES) or ()),
        started_at=execution.start_time,
        closed_at=execution.close_time,
        stage=found.get(_STAGE),
        waits_for=found.get(_WAITING_FOR),
    )


class _Shown(TypedDict):
    static_summary: str
    static_details: str
    search_attributes: TypedSearchAttributes


def _shown(signed: SignedTerms) -> _Shown:
    """What people see of a run, and find it by, before a worker has taken it up."""
    start = SettlementStart.of(signed.terms, signed.network)
    return {
        "static_summary": summary_of(signed.terms),
        "static_details": CLIENT_DETAILS,
        "search_attributes": initial_attributes(start, signed),
    }


class Runs:
    """Reads, tells and awaits settlements' runs. `answer_within` is how long an answer may take of workers not busy."""

    def __init__(self, temporal: Client, answer_within: timedelta, local_roles: tuple[Role, ...] = ()) -> None:
        self._temporal = temporal
        self._answer_within = answer_within
        self._local_roles = local_roles
        self._heard_at = -math.inf
        self._patience = Patience(temporal, answer_within)

    async def settle(self, signed: SignedTerms, update_id: str) -> Instructed | None:
        """Start the settlement of terms that both have signed; where it has been started, send them; None if ended."""
        try:
            with own_errors():
                run = await self._temporal.start_workflow(
                    SETTLEMENT_WORKFLOW,
                    self._start_of(signed, proposed=signed),
                    id=workflow_id(signed.terms, signed.network),
                    task_queue=Role.SETTLEMENT.task_queue,
                    result_type=SettlementReport,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    rpc_timeout=STARTED_WITHIN,
                    **_shown(signed),
                )
        except WorkflowAlreadyStartedError:
            return await self.instruct(signed, update_id)
        except NoWorker:  # no worker has been asked yet
            raise NotReached("the Temporal server does not answer") from None
        await self._patience.answered(lambda: self._taken_up(run), run.id)
        return Instructed(terms_hash=signed.terms_hash, matched=True)

    async def instruct(self, signed: SignedTerms, update_id: str) -> Instructed | None:
        """Send signed terms, starting the settlement where none runs; None if it has ended."""
        instructed = await self._instruct(signed, update_id)
        run = await self.describe(workflow_id(signed.terms, signed.network))
        while instructed is not None and run is not None and run.is_interrupted:
            # words that a stopped run had heard are answered from its history, and nothing is started: say them anew
            instructed = await self._instruct(signed, f"{update_id}-{run.run_id}")
            run = await self.describe(run.workflow_id)
        return instructed

    async def _instruct(self, signed: SignedTerms, update_id: str) -> Instructed | None:
        try:
            about = workflow_id(signed.terms, signed.network)
            answer = await self._patience.answered(lambda: self._started_and_told(signed, update_id), about)
        except (WorkflowAlreadyStartedError, UnknownSettlement):  # the latter: it ended while we were being answered
            return None
        self._heard()
        return answer if isinstance(answer, Instructed) else None

    async def _started_and_told(self, signed: SignedTerms, update_id: str) -> object:
        start = WithStartWorkflowOperation[object, SettlementReport](
            SETTLEMENT_WORKFLOW,
            self._start_of(signed),
            id=workflow_id(signed.terms, signed.network),
            task_queue=Role.SETTLEMENT.task_queue,
            result_type=SettlementReport,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            **_shown(signed),
        )
        try:
            return await self._temporal.execute_update_with_start_workflow(
                INSTRUCT,
                signed,
                id=update_id,
                start_workflow_operation=start,
                result_type=Instructed,
                rpc_timeout=self._answer_within,
            )
        finally:
            await _read(start)

    def _start_of(self, signed: SignedTerms, proposed: SignedTerms | None = None) -> RunStart:
        start = SettlementStart.of(signed.terms, signed.network)
        return RunStart.saying(start, local_roles=self._local_roles, proposed=proposed)

    async def _taken_up(self, run: WorkflowHandle[object, SettlementReport]) -> None:
        """Until a worker has taken the run up; not waited for if one was heard of lately. To be called in a timeout."""
        if time.monotonic() - self._heard_at < self._answer_within.total_seconds():
            return
        async for event in run.fetch_history_events(wait_new_event=True):
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
                self._heard()
                return

    def _heard(self) -> None:
        """Note that a worker has answered."""
        self._heard_at = time.monotonic()

    async def tell(self, workflow_id: str, update: str, message: Message, update_id: str) -> SettlementReport:
        """Send an update; raises UnknownSettlement where nothing runs."""
        heard = await self._patience.answered(
            lambda: self._handle(workflow_id).start_update(
                update,
                message,
                id=update_id,
                wait_for_stage=WorkflowUpdateStage.ACCEPTED,
                result_type=SettlementReport,
                rpc_timeout=self._answer_within,
            ),
            workflow_id,
        )
        with own_errors():
            async with asyncio.timeout(CARRIED_OUT_WITHIN.total_seconds()):
                report: SettlementReport = await heard.result()
        self._heard()
        return report

    async def describe(self, workflow_id: str) -> Run | None:
        """The latest run; None if there is none, or if it ended before anybody proposed anything."""
        try:
            run = _run(await self._handle(workflow_id).describe(rpc_timeout=QUERY_WITHIN))
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            if error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
                raise NotReached("the Temporal server does not answer") from None
            raise fault_of(error) from None
        if run.status is WorkflowExecutionStatus.FAILED:
            await self._raise_if_misunderstood(run)
        return None if run.status in _NO_SETTLEMENT else run

    async def _raise_if_misunderstood(self, run: Run) -> None:
        """Raise NotUnderstood if the run failed because its worker did not know what it was started with."""
        with own_errors():
            try:
                await self._temporal.get_workflow_handle(run.workflow_id, run_id=run.run_id).result()
            except WorkflowFailureError as error:
                if isinstance(error.cause, ApplicationError) and (older := misunderstood(error.cause)) is not None:
                    raise older from None

    async def report(self, run: Run) -> SettlementReport:
        """Where the settlement stands: the result of a run that has ended, else what the running one answers."""
        handle = self._handle(run.workflow_id)
        with own_errors():
            if run.completed:
                try:
                    return await handle.result()
                except WorkflowFailureError:  # another run took over since it was described
                    return await self.report(run if (now := await self.describe(run.workflow_id)) is None else now)
            report: SettlementReport = await handle.query(
                REPORT, result_type=SettlementReport, rpc_timeout=QUERY_WITHIN
            )
        self._heard()
        return report if run.status in _OPEN else _interrupted(report)

    async def events(self, workflow_id: str) -> list[SettlementEvent]:
        """What has happened, from the start."""
        with own_errors():
            events: list[SettlementEvent] = await self._handle(workflow_id).query(
                EVENTS, result_type=list[SettlementEvent], rpc_timeout=QUERY_WITHIN
            )
        return events

    async def proposals(self, run: Run) -> list[SignedTerms]:
        """The signed terms in the run's history, which needs no worker; none from runs that it was continued from."""
        found: dict[str, SignedTerms] = {}
        with own_errors():
            async for event in self._handle(run.workflow_id).fetch_history_events(
                event_filter_type=WorkflowHistoryEventFilterType.ALL_EVENT
            ):
                if (signed := await self._proposed_by(event)) is not None:
                    known = found.get(signed.terms_hash)
                    found[signed.terms_hash] = known.with_signatures(signed.signatures) if known else signed
        return list(found.values())

    async def _proposed_by(self, event: HistoryEvent) -> SignedTerms | None:
        """Terms that were proposed with this event: by an accepted update, or with the run's start."""
        converter = self._temporal.data_converter
        accepted = event.workflow_execution_update_accepted_event_attributes.accepted_request.input
        if accepted.name == INSTRUCT:
            (signed,) = await converter.decode(accepted.args.payloads, [SignedTerms])
            return SignedTerms.model_validate(signed)
        started = event.workflow_execution_started_event_attributes
        if not started.input.payloads or started.continued_execution_run_id:
            return None
        with suppress(ValueError):  # whoever may start a run may write anything there
            (start,) = await converter.decode(started.input.payloads, [RunStart])
            if start.proposed is not None:
                start.proposed.verify()
            return start.proposed if isinstance(start, RunStart) else None
        return None

    async def end(self, workflow_id: str) -> SettlementReport:
        """Wait for the settlement's end, through terminated runs, runs continued as new and new ones."""
        while True:
            with own_errors():
                try:
                    report = await self._handle(workflow_id).result()
                except WorkflowFailureError as error:
                    cause = error.cause
                else:
                    self._heard()
                    return report
            if isinstance(cause, ApplicationError):
                if cause.type == "no_proposal":
                    raise UnknownSettlement(f"nobody proposed terms in {workflow_id}")
                raise misunderstood(cause) or ServiceFault(f"the settlement's run failed: {cause.message}")
            await self._until_it_runs_again(workflow_id)

    async def find(self, query: str) -> list[Run]:
        """The latest run of every settlement that a list filter finds; the list lags behind by a moment."""
        latest: dict[str, Run] = {}
        whole = f"WorkflowType = '{SETTLEMENT_WORKFLOW}' AND ({query})"
        with own_errors():
            async for execution in self._temporal.list_workflows(whole, page_size=1000):
                if execution.status in (*_NO_SETTLEMENT, WorkflowExecutionStatus.CONTINUED_AS_NEW):
                    continue
                run = _run(execution)
                known = latest.get(run.workflow_id)
                if known is None or known.started_at < run.started_at:
                    latest[run.workflow_id] = run
        return sorted(latest.values(), key=lambda run: run.started_at)

    async def completed_since(self, moment: datetime) -> AsyncIterator[tuple[str, datetime]]:
        """The workflow ids of settlements that ended after a moment, and when; the list lags behind by a moment."""
        bound = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        query = f"WorkflowType = '{SETTLEMENT_WORKFLOW}' AND ExecutionStatus = 'Completed' AND CloseTime > '{bound}'"
        with own_errors():
            async for execution in self._temporal.list_workflows(query, page_size=1000):
                if execution.close_time is not None:
                    yield execution.id, execution.close_time

    def _handle(self, workflow_id: str) -> WorkflowHandle[object, SettlementReport]:
        return self._temporal.get_workflow_handle(workflow_id, result_type=SettlementReport)

    async def _until_it_runs_again(self, workflow_id: str) -> None:
        pause, longest = NEXT_RUN_LOOKED_FOR
        while True:
            run = await self.describe(workflow_id)
            if run is not None and (run.completed or run.status in _OPEN):
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)


async def _read(start: WithStartWorkflowOperation[object, SettlementReport]) -> None:
    """Temporal's client keeps a failure in the operation too; left unread, asyncio would print it."""
    with suppress(Exception, asyncio.CancelledError):
        async with asyncio.timeout(1.0):
            await start.workflow_handle()


def _interrupted(report: SettlementReport) -> SettlementReport:
    """What a terminated run last knew; the ledgers may have moved on."""
    return report.model_copy(update={"blocker": TERMINATED})

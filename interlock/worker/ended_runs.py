"""What Temporal still knows of runs that ended: which those were, and what they say of how they ended.

Starts no run. A run that goes on although the ledgers have ended its settlement is told to look again.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from temporalio.client import Client, RPCTimeoutOrCancelledError, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from interlock.protocol.names import LOOK_AGAIN, RECORDS, SETTLEMENT_WORKFLOW, TERMS_HASHES
from interlock.protocol.steps import Record

_ANSWER_WITHIN = timedelta(seconds=10)
_NOT_IN_TIME = (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)


@dataclass(frozen=True)
class EndedRun:
    """A run that completed, and the terms that it knew in the end."""

    workflow_id: str
    run_id: str
    closed_at: datetime
    terms_hashes: tuple[str, ...]

    @property
    def settlement_id(self) -> str:
        """The settlement's id, which the workflow's begins with."""
        return self.workflow_id.partition(".")[0]


class State(Enum):
    """What there is of a workflow of some id."""

    RUNNING = "running"
    COMPLETED = "completed"
    GONE = "gone"
    """Unknown to Temporal, or closed from outside: it never came to say how it ended."""


class EndedRuns:
    """Every method raises RPCError."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def closed(self, after: datetime, through: datetime) -> AsyncIterator[EndedRun]:
        """Settlements' runs that completed in this time, as Temporal's list has them."""
        among = f"CloseTime > '{after.isoformat()}' AND CloseTime <= '{through.isoformat()}'"
        asked = f"WorkflowType = '{SETTLEMENT_WORKFLOW}' AND ExecutionStatus = 'Completed' AND {among}"
        async for run in self._client.list_workflows(asked, page_size=200):
            hashes = run.typed_search_attributes.get(SearchAttributeKey.for_keyword_list(TERMS_HASHES)) or ()
            if run.close_time is not None:
                yield EndedRun(run.id, run.run_id, run.close_time, tuple(hashes))

    async def state_of(self, workflow_id: str) -> State:
        """Whether the newest run of this id goes on, has completed, or is not to be had."""
        try:
            found = await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return State.GONE
            raise
        if found.status is WorkflowExecutionStatus.RUNNING:
            return State.RUNNING
        return State.COMPLETED if found.status is WorkflowExecutionStatus.COMPLETED else State.GONE

    async def records_of(self, workflow_id: str, run_id: str | None = None) -> list[Record] | None:
        """What a run that completed has recorded, told again; nothing if it cannot be replayed or is forgotten.

        None if it does not answer in time.
        """
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        try:
            told: list[Record] = await handle.query(RECORDS, result_type=list[Record], rpc_timeout=_ANSWER_WITHIN)
        except WorkflowQueryFailedError:
            return []
        except (RPCError, RPCTimeoutOrCancelledError) as error:
            if isinstance(error, RPCTimeoutOrCancelledError) or error.status in _NOT_IN_TIME:
                return None
            if error.status is RPCStatusCode.NOT_FOUND:
                return []
            raise
        return told

    async def nudge(self, workflow_id: str) -> None:
        """Have a run look again at what it waits for."""
        try:
            await self._client.get_workflow_handle(workflow_id).signal(LOOK_AGAIN)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

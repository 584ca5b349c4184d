"""The sweeper's step on the settlement role: see that terms with something open have a running workflow.

Holds no ledger credential: the terms and signatures come from the ledgers' rows.
"""

from collections.abc import Callable, Sequence
from typing import Any

from temporalio import activity
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from interlock.protocol import SignedTerms
from interlock.protocol.instructions import Instructed, SettlementStart
from interlock.protocol.names import (
    INSTRUCT,
    SETTLEMENT_WORKFLOW,
    TERMS_HASHES,
    Role,
    recovery_workflow_id,
    workflow_id,
)
from interlock.protocol.steps import RECOVER
from interlock.protocol.summary import CLIENT_DETAILS, summary_of


class RecoveryActivities:
    """Starts workflows for terms that the ledgers show as open."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def all(self) -> Sequence[Callable[..., Any]]:
        """What a worker of role `settlement` registers beside the workflows."""
        return [self.recover]

    @activity.defn(name=RECOVER.name)
    async def recover(self, signed: SignedTerms) -> bool:
        """True if a workflow was started for these terms; False if one is at it already."""
        own = workflow_id(signed.terms)
        if not await self._runs(own):
            await self._start(own, signed)
            return True
        if await self._runs(own, signed.terms_hash):
            return False
        # the parties' workflow is busy with other terms of the same id: recover these beside it
        beside = recovery_workflow_id(signed.terms, signed.terms_hash)
        if await self._runs(beside):
            return False
        await self._start(beside, signed)
        return True

    async def _runs(self, name: str, terms_hash: str | None = None) -> bool:
        """Whether a workflow of this id runs (and is about these terms). Asks the server, not the lagging index."""
        try:
            found = await self._client.get_workflow_handle(name).describe()
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return False
            raise
        if found.status != WorkflowExecutionStatus.RUNNING:
            return False
        about = found.typed_search_attributes.get(SearchAttributeKey.for_keyword_list(TERMS_HASHES)) or ()
        return terms_hash is None or terms_hash in about

    async def _start(self, name: str, signed: SignedTerms) -> None:
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            SETTLEMENT_WORKFLOW,
            SettlementStart.of(signed.terms),
            id=name,
            task_queue=Role.SETTLEMENT.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=summary_of(signed.terms),
            static_details=CLIENT_DETAILS,
        )
        await self._client.execute_update_with_start_workflow(
            INSTRUCT, signed, start_workflow_operation=start, result_type=Instructed
        )

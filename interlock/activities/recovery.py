"""The sweeper's step on the settlement role: see that terms with something open have a running workflow.

Holds no ledger credential: the terms and signatures come from the ledgers' rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from temporalio import activity
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from interlock.protocol import SignedTerms, Stage
from interlock.protocol.instructions import Instructed, SettlementStart, Sighting
from interlock.protocol.names import (
    INSTRUCT,
    SETTLEMENT_WORKFLOW,
    STAGE,
    TERMS_HASHES,
    Role,
    recovery_workflow_id,
    workflow_id,
)
from interlock.protocol.steps import RECOVER, UNATTENDED, Sightings
from interlock.protocol.summary import CLIENT_DETAILS, summary_of


class RecoveryActivities:
    """Starts workflows for terms that the ledgers show as open."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def all(self) -> Sequence[Callable[..., Any]]:
        """What a worker of role `settlement` registers beside the workflows."""
        return [self.unattended, self.recover]

    @activity.defn(name=UNATTENDED.name)
    async def unattended(self, request: Sightings) -> list[str]:
        """Which of these terms have no running workflow that has taken them up."""
        return [seen.terms_hash for seen in request.sightings if not await self._attended(seen)]

    @activity.defn(name=RECOVER.name)
    async def recover(self, signed: SignedTerms) -> bool:
        """True if a workflow was told of these terms; False if one has taken them up meanwhile."""
        own = workflow_id(signed.terms, signed.network)
        about = await self._about(own)
        if about is None or (signed.terms_hash in about.terms_hashes and about.stage == Stage.PROPOSED):
            # a lock may land after a run has asked the ledgers and found none: tell it that both have signed
            await self._start(own, signed)
            return True
        if signed.terms_hash in about.terms_hashes:
            return False
        # the parties' workflow is busy with other terms of the same id: recover these beside it
        beside = recovery_workflow_id(own, signed.terms_hash)
        if await self._about(beside) is not None:
            return False
        await self._start(beside, signed)
        return True

    async def _attended(self, seen: Sighting) -> bool:
        about = await self._about(seen.workflow_id)
        if about is not None and seen.terms_hash in about.terms_hashes:
            return about.stage != Stage.PROPOSED
        return await self._about(recovery_workflow_id(seen.workflow_id, seen.terms_hash)) is not None

    async def _about(self, name: str) -> "_About | None":
        """What a running workflow of this id is about; None if none runs. Asks the server, not the lagging index."""
        try:
            found = await self._client.get_workflow_handle(name).describe()
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            raise
        if found.status != WorkflowExecutionStatus.RUNNING:
            return None
        shown = found.typed_search_attributes
        return _About(
            terms_hashes=tuple(shown.get(SearchAttributeKey.for_keyword_list(TERMS_HASHES)) or ()),
            stage=shown.get(SearchAttributeKey.for_keyword(STAGE)),
        )

    async def _start(self, name: str, signed: SignedTerms) -> None:
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            SETTLEMENT_WORKFLOW,
            SettlementStart.of(signed.terms, signed.network),
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


@dataclass(frozen=True)
class _About:
    """Which terms a running workflow knows, and how far it has come."""

    terms_hashes: tuple[str, ...]
    stage: str | None

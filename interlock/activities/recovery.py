"""Sees that terms with something open have a running workflow: the rule, and the sweeper's steps that follow it.

Holds no ledger credential: the terms and signatures come from the ledgers' rows.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from temporalio import activity
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from interlock.activities.attempts import faults_are_retried
from interlock.protocol import SignedTerms, Stage
from interlock.protocol.instructions import Instructed, RunStart, SettlementStart, Sighting
from interlock.protocol.names import (
    INSTRUCT,
    SETTLEMENT_WORKFLOW,
    STAGE,
    SUSPENDED,
    TERMS_HASHES,
    WAITING_FOR,
    Role,
    recovery_workflow_id,
    workflow_id,
)
from interlock.protocol.steps import RECOVER, UNATTENDED, Sightings
from interlock.protocol.summary import CLIENT_DETAILS, summary_of


@dataclass(frozen=True)
class Attending:
    """A running workflow, the terms that it knows, and what it last let itself be found by."""

    workflow_id: str
    terms_hashes: tuple[str, ...]
    stage: str | None
    waits_for: str | None
    suspended: bool


@dataclass(frozen=True)
class Recovered:
    """Where terms are being finished; `started` unless a workflow was at them already."""

    workflow_id: str
    started: bool


class Recovery:
    """Starts workflows for terms that a ledger shows as open; see `RunStart`. Every method raises RPCError."""

    def __init__(self, client: Client, local_roles: Iterable[Role] = ()) -> None:
        self._client = client
        self._local_roles = tuple(local_roles)

    async def attending(self, terms_hash: str, own: str) -> Attending | None:
        """The running workflow that has taken these terms up: the parties' own, or one beside it; None if none has."""
        names = (own, recovery_workflow_id(own, terms_hash))
        return _attending(terms_hash, names, {name: await self._about(name) for name in names})

    async def unattended(self, sightings: Sequence[Sighting]) -> list[str]:
        """Which of these terms no running workflow has taken up.

        The server's index answers for all of them at once. It lags: what it shows as running may have ended just now,
        which the next sweep sees; what it does not show is asked for by name.
        """
        names = {
            seen: (seen.workflow_id, recovery_workflow_id(seen.workflow_id, seen.terms_hash)) for seen in sightings
        }
        indexed = await self._indexed(name for both in names.values() for name in both)
        return [
            seen.terms_hash
            for seen, both in names.items()
            if _attending(seen.terms_hash, both, indexed) is None
            and await self.attending(seen.terms_hash, seen.workflow_id) is None
        ]

    async def recover(self, signed: SignedTerms) -> Recovered:
        """Have a workflow take up terms that both parties signed and a ledger has a row of, unless one has."""
        own = workflow_id(signed.terms, signed.network)
        about = await self._about(own)
        knows = about is not None and signed.terms_hash in about.terms_hashes
        if about is None or not about.terms_hashes or (knows and about.stage == Stage.PROPOSED):
            # a lock may land after a run has asked the ledgers and found none: tell it that both have signed; and a
            # run that knows nothing at all was started by somebody whom no worker had answered yet
            await self._start(own, signed)
            return Recovered(own, started=True)
        if knows:
            return Recovered(own, started=False)
        # the parties' workflow is busy with other terms of the same id: recover these beside it
        beside = recovery_workflow_id(own, signed.terms_hash)
        if await self._about(beside) is not None:
            return Recovered(beside, started=False)
        await self._start(beside, signed)
        return Recovered(beside, started=True)

    async def _about(self, name: str) -> Attending | None:
        """What a running workflow of this id is about; None if none runs. Asks the server, not its lagging index."""
        try:
            found = await self._client.get_workflow_handle(name).describe()
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            raise
        return _shown(found) if found.status == WorkflowExecutionStatus.RUNNING else None

    async def _indexed(self, ids: Iterable[str]) -> dict[str, Attending]:
        """What the workflows of these ids are about that the server's index shows as running."""
        among = ", ".join(f"'{name}'" for name in sorted(ids))
        found = self._client.list_workflows(f"ExecutionStatus = 'Running' AND WorkflowId IN ({among})")
        return {run.id: _shown(run) async for run in found}

    async def _start(self, name: str, signed: SignedTerms) -> None:
        start_of = SettlementStart.of(signed.terms, signed.network)
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            SETTLEMENT_WORKFLOW,
            RunStart.saying(start_of, local_roles=self._local_roles, proposed=signed),
            id=name,
            task_queue=Role.SETTLEMENT.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=summary_of(signed.terms),
            static_details=CLIENT_DETAILS,
        )
        try:
            await self._client.execute_update_with_start_workflow(
                INSTRUCT, signed, start_workflow_operation=start, result_type=Instructed
            )
        finally:
            # Temporal's client keeps a failure in the operation too; left unread, asyncio would print it
            with suppress(Exception, asyncio.CancelledError):
                async with asyncio.timeout(1.0):
                    await start.workflow_handle()


def _attending(terms_hash: str, names: tuple[str, str], running: Mapping[str, Attending | None]) -> Attending | None:
    """Which of the two that may be at these terms is: the parties' own workflow, or one beside it."""
    own, beside = (running.get(name) for name in names)
    if own is not None and terms_hash in own.terms_hashes:
        return own if own.stage != Stage.PROPOSED else None
    return beside


def _shown(found: WorkflowExecution) -> Attending:
    shown = found.typed_search_attributes
    return Attending(
        workflow_id=found.id,
        terms_hashes=tuple(shown.get(SearchAttributeKey.for_keyword_list(TERMS_HASHES)) or ()),
        stage=shown.get(SearchAttributeKey.for_keyword(STAGE)),
        waits_for=shown.get(SearchAttributeKey.for_keyword(WAITING_FOR)),
        suspended=bool(shown.get(SearchAttributeKey.for_bool(SUSPENDED))),
    )


class RecoveryActivities:
    """The sweeper's steps on the settlement role."""

    def __init__(self, client: Client, local_roles: Iterable[Role] = ()) -> None:
        self._recovery = Recovery(client, local_roles)

    @property
    def all(self) -> Sequence[Callable[..., Any]]:
        """What a worker of role `settlement` registers beside the workflows."""
        return [self.unattended, self.recover]

    @activity.defn(name=UNATTENDED.name)
    async def unattended(self, request: Sightings) -> list[str]:
        """Which of these terms have no running workflow that has taken them up."""
        with faults_are_retried("Temporal"):
            return await self._recovery.unattended(request.sightings)

    @activity.defn(name=RECOVER.name)
    async def recover(self, signed: SignedTerms) -> bool:
        """True if a workflow was told of these terms; False if one has taken them up meanwhile."""
        with faults_are_retried("Temporal"):
            return (await self._recovery.recover(signed)).started

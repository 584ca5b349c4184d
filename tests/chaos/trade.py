"""One trade of the chaos: how its end is awaited, and what is done where nobody is at it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from temporalio.client import RPCTimeoutOrCancelledError, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from interlock.client import InterlockError, ServiceFault, UnknownSettlement
from interlock.protocol import LockState, Stage
from interlock.protocol.names import STAGE, TERMS_HASHES
from tests.chaos.patience import insist
from tests.chaos.register import Claim
from tests.chaos.speaking import Speaking

LOOK_EVERY_SECONDS = 0.4
OUTCOME_ASKED_FOR_SECONDS = 20.0
"""How long an end is waited for before it is looked whether anything is at it still."""
DESCRIBED_WITHIN = timedelta(seconds=5)
TERMS_HASHES_KEY = SearchAttributeKey.for_keyword_list(TERMS_HASHES)
STAGE_KEY = SearchAttributeKey.for_keyword(STAGE)


class Trade(Speaking):
    """A trade, followed to its end."""

    async def touched(self, claim: Claim) -> bool:
        """Whether a ledger has a row of these terms."""
        market = self.floor.market
        lock = await insist(lambda: market.asset.lock_of(claim.terms_hash))
        return lock is not None or await insist(lambda: market.payment.verdict_of(claim.terms_hash)) is not None

    async def locked(self, claim: Claim) -> bool:
        """Wait until the units are in escrow; False if settle_by came first."""
        while datetime.now(UTC) < claim.terms.settle_by:
            lock = await insist(lambda: self.floor.market.asset.lock_of(claim.terms_hash))
            if lock is not None:
                return lock.state is LockState.LOCKED
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        return False

    async def seen_decided(self, claim: Claim) -> None:
        """Wait until its run reports a verdict or an outcome, at most until settle_by."""
        handle = self.floor.market.client.handle(claim.terms)
        while datetime.now(UTC) < claim.terms.settle_by:
            with suppress(InterlockError):
                report = await handle.status()
                if report.verdict is not None or report.outcome is not None:
                    return
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def ended(self, claim: Claim, again: Callable[[], Awaitable[None]] | None = None) -> None:
        """Wait for the end as an institution does: by the client, instructing again where a run was terminated.

        `again` is what is said anew as long as it lasts: what a run had heard that was terminated is lost with it.
        """
        handle = self.floor.market.client.handle(claim.terms)
        while claim.report is None:
            try:
                async with asyncio.timeout(OUTCOME_ASKED_FOR_SECONDS):
                    claim.report = await handle.outcome()
            except (TimeoutError, ServiceFault, UnknownSettlement):
                if await self._nobody_is_at_it(claim) and await self._nothing_can_come(claim):
                    break
                if again is not None:
                    await again()
            except InterlockError:  # the id stands for other terms
                break
        self.floor.register.under_way.pop(claim.workflow_id, None)

    async def ended_on_ledgers(self, claim: Claim) -> None:
        """Wait for the end with no workflow's word: until the lock row has ended, or nothing can come any more."""
        asset = self.floor.market.asset
        while True:
            lock = await insist(lambda: asset.lock_of(claim.terms_hash))
            if lock is not None and lock.state is not LockState.LOCKED:
                break
            if datetime.now(UTC) > claim.terms.settle_by and not await self.touched(claim):
                break
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        self.floor.register.under_way.pop(claim.workflow_id, None)

    async def _nobody_is_at_it(self, claim: Claim) -> bool:
        """Whether no run has taken it up: none is there, it was terminated, or what it was told was lost with one.

        The server knows without a worker: a query would have a run replayed whose worker was killed.
        """
        try:
            run = await self.floor.temporal.get_workflow_handle(claim.workflow_id).describe(
                rpc_timeout=DESCRIBED_WITHIN
            )
        except RPCError as error:
            return error.status is RPCStatusCode.NOT_FOUND
        except RPCTimeoutOrCancelledError:
            return False
        if run.status not in (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED):
            return True
        shown = run.typed_search_attributes
        half_heard = claim.matched_at is not None and shown.get(STAGE_KEY) == Stage.PROPOSED
        return half_heard or not shown.get(TERMS_HASHES_KEY)

    async def _nothing_can_come(self, claim: Claim) -> bool:
        """Where no run is at it: True if nothing can come of it any more; else it is sent again, or left to the sweep.

        What a ledger has a row of, the sweeper finds. What has none is the parties' to send again.
        """
        late = datetime.now(UTC) >= claim.terms.settle_by
        lock = await insist(lambda: self.floor.market.asset.lock_of(claim.terms_hash))
        if lock is not None and lock.state is not LockState.LOCKED:
            return True
        if await self.touched(claim):
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            return False
        if late or claim.matched_at is None:
            return True
        if not await self.settle(claim):
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        return False

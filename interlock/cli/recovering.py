"""Has settlements finished from the ledgers' rows, as the sweeper would: one at a time, now, and tells how it goes.

Reads no ledger, and decides nothing that a run decides.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from temporalio.client import Client

from interlock.activities.recovery import Attending, Recovered, Recovery
from interlock.cli.context import REACH_SECONDS, Context
from interlock.cli.quiet import quiet
from interlock.client import SettlementHandle
from interlock.client.faults import own_errors
from interlock.client.runs import Run, Runs
from interlock.protocol import SettlementReport, SignedTerms
from interlock.protocol.names import LOOK_AGAIN, workflow_id

LOOK_EVERY_SECONDS = 0.2
STILL_SECONDS = 5.0
"""A settlement that has waited for the same thing for so long waits for somebody else's act, not for its turn."""


@dataclass(frozen=True)
class Recovering:
    """What Temporal knows of settlements, and how to have it take up what it does not. Raises the client's errors."""

    temporal: Client
    runs: Runs
    recovery: Recovery

    @classmethod
    async def connect(cls, context: Context) -> Self:
        """Raises NotConfigured, NotReached."""
        quiet()
        temporal = await context.connection.open()
        local_roles = context.connection.local_roles
        return cls(temporal, Runs(temporal, timedelta(seconds=REACH_SECONDS)), Recovery(temporal, local_roles))

    async def attending(self, terms_hash: str, own: str) -> Attending | None:
        """The running workflow that has taken these terms up, if any; `own` is the parties' workflow id."""
        with own_errors():
            async with asyncio.timeout(REACH_SECONDS):
                return await self.recovery.attending(terms_hash, own)

    async def recover(self, signed: SignedTerms) -> Recovered:
        """Have a run take these terms up, unless one has. Raises NoWorker if none answers."""
        with own_errors():
            async with asyncio.timeout(REACH_SECONDS):
                return await self.recovery.recover(signed)

    async def look_again(self, workflow_id: str) -> None:
        """Have a run that waits ask now what it would ask later."""
        with own_errors():
            await self.temporal.get_workflow_handle(workflow_id).signal(LOOK_AGAIN)

    async def last_run(self, signed: SignedTerms) -> Run | None:
        """The parties' latest run, if Temporal has not forgotten it and it is, or was, about these terms."""
        run = await self.runs.describe(workflow_id(signed.terms, signed.network))
        return run if run is not None and signed.terms_hash in run.terms_hashes else None

    def handle(self, signed: SignedTerms, at: str) -> SettlementHandle:
        """The settlement of these terms where it is being finished."""
        return SettlementHandle(signed.terms.settlement_id, signed.terms_hash, at, self.runs, signed.terms)


async def until_still(handle: SettlementHandle) -> SettlementReport:
    """The report once the settlement has ended, or has waited for one and the same thing for a while."""
    loop = asyncio.get_running_loop()
    waits_for, since = "", loop.time()
    while True:
        report = await handle.status()
        code = report.blocker.code if report.blocker is not None else ""
        if code != waits_for:
            waits_for, since = code, loop.time()
        if report.outcome is not None or (code and loop.time() - since >= STILL_SECONDS):
            return report
        await asyncio.sleep(LOOK_EVERY_SECONDS)

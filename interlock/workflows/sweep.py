"""The sweep: finds open locks and unserved verdicts, and sees that each has a workflow that finishes it.

Runs on a schedule. It needs nothing but the ledgers: rows hold the terms and both signatures.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import takewhile

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from interlock.protocol import Verdict
    from interlock.protocol.instructions import Sweep, SweepResult
    from interlock.protocol.names import SWEEP_WORKFLOW
    from interlock.protocol.steps import (
        ENDED_OF,
        OPEN_LOCKS,
        RECOVER,
        VERDICT_OF,
        VERDICTS_AFTER,
        HashesRequest,
        OpenLocksRequest,
        TermsHash,
        VerdictsRequest,
    )
    from interlock.workflows.steps import Fault, call


PAGES = 20
"""How many batches of verdicts one sweep reads; the next one goes on from there."""


@workflow.defn(name=SWEEP_WORKFLOW)
class SweepWorkflow:
    """One sweep. Its result carries how far it has read and what is still unserved; the next one goes on from there."""

    @workflow.run
    async def run(self, sweep: Sweep) -> SweepResult:
        """Recover what has no workflow; a ledger that cannot be asked is left to the next sweep."""
        last = workflow.get_last_completion_result(SweepResult) or SweepResult()
        request = OpenLocksRequest(older_than_seconds=sweep.older_than_seconds, limit=sweep.batch)
        locks = await call(OPEN_LOCKS, request)
        position, unserved = await self._unserved(last, sweep)
        todo = {} if isinstance(locks, Fault) else {signed.terms_hash: signed for signed in locks}
        for terms_hash in unserved:
            verdict = await call(VERDICT_OF, TermsHash(terms_hash=terms_hash))
            if verdict is not None and not isinstance(verdict, Fault):
                todo[terms_hash] = verdict.signed
        recovered = [terms_hash for terms_hash, signed in todo.items() if await call(RECOVER, signed) is True]
        return SweepResult(position=position, unserved=tuple(unserved), recovered=tuple(recovered))

    async def _unserved(self, last: SweepResult, sweep: Sweep) -> tuple[int, list[str]]:
        """How far verdicts were read, and which of them, or of those known before, have a lock that has not ended."""
        position, unserved = last.position, list(last.unserved)
        for _ in range(PAGES):
            verdicts = await call(VERDICTS_AFTER, VerdictsRequest(position=position, limit=sweep.batch))
            # a young entry may be overtaken by one of a lower position that commits later: leave it to the next sweep
            old = [] if isinstance(verdicts, Fault) else list(takewhile(self._older_than(sweep), verdicts))
            if not old:
                break
            position = old[-1].receipt.position
            unserved = await self._still_open([*unserved, *(verdict.terms_hash for verdict in old)], sweep.batch)
        else:
            return position, unserved
        return position, await self._still_open(unserved, sweep.batch)

    async def _still_open(self, terms_hashes: list[str], batch: int) -> list[str]:
        ended = set[str]()
        for first in range(0, len(terms_hashes), batch):
            answer = await call(ENDED_OF, HashesRequest(terms_hashes=tuple(terms_hashes[first : first + batch])))
            ended |= set() if isinstance(answer, Fault) else set(answer)
        return [terms_hash for terms_hash in terms_hashes if terms_hash not in ended]

    def _older_than(self, sweep: Sweep) -> Callable[[Verdict], bool]:
        limit = workflow.now() - timedelta(seconds=sweep.older_than_seconds)
        return lambda verdict: verdict.receipt.at <= limit

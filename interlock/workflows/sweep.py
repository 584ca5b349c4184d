"""The sweep: finds open locks and unserved verdicts, and sees that each has a workflow that finishes it.

Runs on a schedule. It needs nothing but the ledgers: rows hold the terms and both signatures.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import takewhile

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from interlock.protocol import SignedTerms, Verdict
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
        todo = {} if isinstance(locks, Fault) else {signed.terms_hash: signed for signed in locks}
        if (read := await self._read_on(last, sweep)) is not None:
            last = read
            todo |= await self._signed(read.unserved)
        recovered = [terms_hash for terms_hash, signed in todo.items() if await call(RECOVER, signed) is True]
        return last.model_copy(update={"recovered": tuple(recovered)})

    async def _read_on(self, last: SweepResult, sweep: Sweep) -> SweepResult | None:
        """How far verdicts were read, and which of them, or of those known before, have no lock row that has ended.

        None if the asset ledger cannot say which: then nobody could serve them either, and none counts as read.
        """
        position, decided = last.position, list(last.unserved)
        for _ in range(PAGES):
            verdicts = await call(VERDICTS_AFTER, VerdictsRequest(position=position, limit=sweep.batch))
            # a young entry may be overtaken by one of a lower position that commits later: leave it to the next sweep
            old = [] if isinstance(verdicts, Fault) else list(takewhile(self._older_than(sweep), verdicts))
            if not old:
                break
            position = old[-1].receipt.position
            decided += [verdict.terms_hash for verdict in old]
        ended = set[str]()
        for first in range(0, len(decided), sweep.batch):
            answer = await call(ENDED_OF, HashesRequest(terms_hashes=tuple(decided[first : first + sweep.batch])))
            if isinstance(answer, Fault):
                return None
            ended |= set(answer)
        unserved = tuple(terms_hash for terms_hash in decided if terms_hash not in ended)
        return SweepResult(position=position, unserved=unserved)

    async def _signed(self, terms_hashes: tuple[str, ...]) -> dict[str, SignedTerms]:
        """What both parties signed, from the verdicts' rows."""
        found: dict[str, SignedTerms] = {}
        for terms_hash in terms_hashes:
            verdict = await call(VERDICT_OF, TermsHash(terms_hash=terms_hash))
            if isinstance(verdict, Fault):
                break
            if verdict is not None:
                found[terms_hash] = verdict.signed
        return found

    def _older_than(self, sweep: Sweep) -> Callable[[Verdict], bool]:
        limit = workflow.now() - timedelta(seconds=sweep.older_than_seconds)
        return lambda verdict: verdict.receipt.at <= limit

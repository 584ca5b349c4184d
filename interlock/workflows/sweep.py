"""The sweep: finds open locks and unserved verdicts, and sees that each has a workflow that finishes it.

Runs on a schedule. It needs nothing but the ledgers: rows hold the terms and both signatures.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import takewhile

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from interlock.protocol import LockState, SignedTerms
    from interlock.protocol.instructions import Sighting, Sweep, SweepResult
    from interlock.protocol.names import SWEEP_WORKFLOW
    from interlock.protocol.steps import (
        ENDED_OF,
        LOCK_OF,
        OPEN_LOCKS,
        RECOVER,
        UNATTENDED,
        VERDICT_OF,
        VERDICTS_AFTER,
        HashesRequest,
        OpenLocksRequest,
        Sightings,
        TermsHash,
        VerdictsRequest,
    )
    from interlock.workflows.steps import Fault, call

PAGES = 20
"""How many batches of verdicts, and of locks, one sweep reads at most; the next one goes on from there."""


@workflow.defn(name=SWEEP_WORKFLOW)
class SweepWorkflow:
    """One sweep. Its result carries how far it has read and what is still unserved; the next one goes on from there."""

    @workflow.run
    async def run(self, sweep: Sweep) -> SweepResult:
        """Recover what has no workflow; a ledger that cannot be asked is left to the next sweep."""
        last = workflow.get_last_completion_result(SweepResult) or SweepResult()
        recovered, locks_after = await self._recover_locks(last.locks_after, sweep)
        if (read := await self._read_on(last, sweep)) is not None:
            last = read
            for page in _pages(last.unserved, sweep.batch):
                recovered += await self._recover(page, self._signed_of_verdict)
        return last.model_copy(update={"locks_after": locks_after, "recovered": tuple(recovered)})

    async def _recover_locks(self, after: int, sweep: Sweep) -> tuple[list[str], int]:
        """Recover open locks, page by page; and where to go on next time, 0 once all were looked at.

        A page of which none had to be recovered is the last of this sweep: many settlements may wait, each with its
        workflow, and to ask for all of them at every sweep would cost more than they do.
        """
        recovered: list[str] = []
        for _ in range(PAGES):
            request = OpenLocksRequest(older_than_seconds=sweep.older_than_seconds, after=after, limit=sweep.batch)
            page = await call(OPEN_LOCKS, request)
            if isinstance(page, Fault):
                return recovered, after
            found = await self._recover(page, self._signed_of_lock)
            recovered += found
            if len(page) < sweep.batch:
                return recovered, 0
            after = page[-1].position
            if not found:
                break
        return recovered, after

    async def _recover(
        self, seen: Sequence[Sighting], signed_of: Callable[[str], Awaitable[SignedTerms | None]]
    ) -> list[str]:
        """See that each of these has a workflow; the terms hashes of those that had none."""
        recovered: list[str] = []
        unattended = await call(UNATTENDED, Sightings(sightings=tuple(seen))) if seen else []
        for terms_hash in [] if isinstance(unattended, Fault) else unattended:
            signed = await signed_of(terms_hash)
            if signed is not None and await call(RECOVER, signed) is True:
                recovered.append(terms_hash)
        return recovered

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
            position = old[-1].position
            decided += old
        ended = set[str]()
        for page in _pages(decided, sweep.batch):
            answer = await call(ENDED_OF, HashesRequest(terms_hashes=tuple(seen.terms_hash for seen in page)))
            if isinstance(answer, Fault):
                return None
            ended |= set(answer)
        unserved = tuple(seen for seen in decided if seen.terms_hash not in ended)
        return SweepResult(position=position, unserved=unserved)

    async def _signed_of_lock(self, terms_hash: str) -> SignedTerms | None:
        row = await call(LOCK_OF, TermsHash(terms_hash=terms_hash))
        # it may have ended since it was seen to be open
        return None if row is None or isinstance(row, Fault) or row.state is not LockState.LOCKED else row.signed

    async def _signed_of_verdict(self, terms_hash: str) -> SignedTerms | None:
        row = await call(VERDICT_OF, TermsHash(terms_hash=terms_hash))
        return None if row is None or isinstance(row, Fault) else row.signed

    def _older_than(self, sweep: Sweep) -> Callable[[Sighting], bool]:
        limit = workflow.now() - timedelta(seconds=sweep.older_than_seconds)
        return lambda seen: seen.at <= limit


def _pages(seen: Sequence[Sighting], batch: int) -> list[Sequence[Sighting]]:
    return [seen[first : first + batch] for first in range(0, len(seen), batch)]

"""From the first proposal to the match: waits for both signatures on the same terms.

Every run asks the ledgers first: a row there shows that both parties had signed, whatever this run has heard, and a
settlement ends unmatched only when neither ledger has one (hazard 21).
"""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from interlock.protocol import Outcome, SignedTerms, Stage
    from interlock.protocol.steps import LOCK_OF, VERDICT_OF, TermsHash
    from interlock.workflows import proposals
    from interlock.workflows.progress import Run
    from interlock.workflows.recording import Unmatched
    from interlock.workflows.steps import STRAIGHT_THROUGH, Fault
    from interlock.workflows.waiting import Waiting

EMPTY_RUN_LIVES = timedelta(minutes=10)
OTHER_SIDE_WITHIN = timedelta(seconds=1)


class Matching(Waiting):
    """A settlement that is looking for its match."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._moment: asyncio.Task[None] | None = None

    async def match(self) -> Outcome | None:
        """Wait until both parties have signed the same terms, or a ledger shows that they had: then None."""
        progress, asked = self.progress, set[str]()
        while progress.matched is None:
            if (both := proposals.matched(progress.proposals)) is not None:
                self._take_up(both, "both parties have signed the same terms")
                break
            if fresh := [proposal for proposal in progress.proposals if proposal.terms_hash not in asked]:
                if await self._other_side_is_quick():
                    continue
                if await self._standing(fresh[0]) is None:
                    asked.add(fresh[0].terms_hash)
                    self.publish()
                continue
            if progress.withdrawn and not progress.proposals:
                if await self._nothing_stands():
                    return Outcome.CANCELLED
                continue
            if progress.proposals and workflow.now() >= (last := self._last_deadline()):
                if await self._nothing_stands():
                    self.tell("end", f"settle_by {last:%Y-%m-%d %H:%M:%S}Z passed before both had signed")
                    return Outcome.EXPIRED
                continue
            await self._for_a_proposal()
        return None

    async def _other_side_is_quick(self) -> bool:
        """Whether anything is said within a moment of the first proposal: then the ledgers need not be asked twice."""
        if self._moment is None:
            self._moment = asyncio.create_task(
                workflow.sleep(OTHER_SIDE_WITHIN, summary="the other side, if it is quick")
            )
        moment, known = self._moment, list(self.progress.proposals)
        await workflow.wait_condition(lambda: moment.done() or self.progress.proposals != known)
        return self.progress.proposals != known

    async def _for_a_proposal(self) -> None:
        """Wait for the next thing that a party says, at most until the last proposal's settle_by."""
        known = list(self.progress.proposals)
        delay = self._last_deadline() - workflow.now() if known else EMPTY_RUN_LIVES
        try:
            await workflow.wait_condition(
                lambda: self.progress.proposals != known or self.history_is_long(),
                timeout=max(delay, timedelta()),
                timeout_summary="settle_by of the last proposal" if known else "nobody has proposed terms",
            )
        except TimeoutError:
            if not known:
                # failed, not completed: whoever has something to propose can start this settlement again
                raise ApplicationError("nobody proposed any terms", type="no_proposal", non_retryable=True) from None
        self.continue_if_long()

    async def _standing(self, proposal: SignedTerms) -> Fault | None:
        """Ask both ledgers for rows of a proposal's terms; if there is one, both had signed: take it up.

        The asset ledger first: whoever sees a lock that has ended there sees the verdict that ended it.
        """
        key = TermsHash(terms_hash=proposal.terms_hash, settlement=self.start)
        lock = await self.steps.take(LOCK_OF, key)
        verdict = lock if isinstance(lock, Fault) else await self.steps.take(VERDICT_OF, key)
        if isinstance(verdict, Fault):
            await self.wait(verdict)
            return verdict
        self.unblock()
        for row in (verdict, lock):
            if row is not None and not isinstance(row, Fault) and row.signed.is_matched:
                self._take_up(row.signed, "a ledger shows that both parties had signed")
                break
        return None

    async def _nothing_stands(self) -> bool:
        """Whether no ledger has a row of anything ever proposed here, and nothing was said while they were asked."""
        known = [*self.progress.proposals, *self.progress.withdrawn]
        for proposal in known:
            if await self._standing(proposal) is not None or self.progress.matched is not None:
                return False
        return known == [*self.progress.proposals, *self.progress.withdrawn]

    def _last_deadline(self) -> datetime:
        return max(proposal.terms.settle_by for proposal in self.progress.proposals)

    def leave_behind(self, but: SignedTerms, *, instead: SignedTerms | None) -> None:
        """Record that proposals other than these terms come to nothing here."""
        progress = self.progress
        known = [*progress.proposals, *(each for each in progress.withdrawn if each not in progress.proposals)]
        others = {each.terms_hash: each for each in known if each is not but}
        for terms_hash, each in others.items():
            if terms_hash == but.terms_hash:
                continue
            why: Unmatched = "withdrawn" if each in progress.withdrawn else "passed over" if instead else "expired"
            self.records.write_unmatched(each, why, progress.events, instead=instead)

    def _take_up(self, signed: SignedTerms, why: str) -> None:
        self.leave_behind(signed, instead=signed)
        self.progress.matched = signed
        self.progress.proposals = []
        self.reach(Stage.MATCHED, why)
        if not self.steps.are_here(STRAIGHT_THROUGH):  # else it is over in a moment, or waits, and says so then
            self.publish()

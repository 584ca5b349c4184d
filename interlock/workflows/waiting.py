"""How a settlement waits: visibly, for a nudge or until it is time to ask again; and what it shows meanwhile.

Holds nothing while it waits, and continues as new between steps when the server suggests it. No wait ends a settlement.
"""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from interlock.protocol import Blocker, Refusal, RefusalCode, SignedTerms, Stage, VerdictKind
    from interlock.protocol.refusals import ANNOUNCED
    from interlock.workflows.conversation import Conversation
    from interlock.workflows.found import attributes_of, changed
    from interlock.workflows.metrics import count_wait
    from interlock.workflows.plain import label
    from interlock.workflows.steps import Fault

FIRST_WAIT = timedelta(seconds=0.5)
LONGEST_WAIT = timedelta(seconds=30)
"""A fault is nobody's to announce: the end of one is found by asking."""

ANNOUNCED_WAIT = timedelta(hours=1)
"""How long to wait for what a ledger announces: its worker sees to it that nobody is forgotten, this makes sure."""


def back_off(waits: int) -> timedelta:
    """How long to wait before asking again, having waited so often: 0.5 s, doubling, at most 30 s."""
    return min(FIRST_WAIT * (1 << min(waits, 16)), LONGEST_WAIT)


class Waiting(Conversation):
    """A conversation that can wait, come to a stage, and be found."""

    async def wait(self, answer: Refusal | Fault) -> None:
        """Show what blocks, and wait: for a nudge, for settle_by, or until it is time to ask again."""
        progress, now = self.progress, workflow.now()
        self.block(
            answer.blocker
            if isinstance(answer, Fault)
            else Blocker(code=answer.code, text=self._in_words(answer), who=answer.who)
        )
        delay = self._patience(answer)
        if progress.matched is not None and progress.verdict is None:
            # an answer from before settle_by may be heard past it: to void is next then, whatever was waited for
            left = progress.matched.terms.settle_by - now
            delay = min(delay, left if left > timedelta() else back_off(progress.waits))
        progress.waits += 1
        progress.next_attempt = now + delay
        await self.sleep(delay)

    def _patience(self, answer: Refusal | Fault) -> timedelta:
        """How long to wait unless nudged: what is announced, or comes at a known time, is not asked for in between."""
        delay = back_off(self.progress.waits)
        match answer:
            case Refusal(code=code) if code in ANNOUNCED:
                return ANNOUNCED_WAIT
            case Refusal(code=RefusalCode.TOO_EARLY) if (not_before := self.signed.terms.not_before) is not None:
                return max(delay, not_before - workflow.now())
        return delay

    async def sleep(self, delay: timedelta) -> None:
        """Wait for a nudge, at most so long; then go on in a new run if this one's history has grown long."""
        self.show()
        blocker = self.progress.blocker
        again = label(f"ask again: {blocker.text}") if blocker is not None else None
        try:
            await workflow.wait_condition(lambda: self.nudged, timeout=delay, timeout_summary=again)
            self.progress.waits = 0
        except TimeoutError:
            pass
        self.nudged = False
        self.continue_if_long()

    def history_is_long(self) -> bool:
        """Whether the server suggests a new run, and nobody waits for an answer from this one.

        An order to void is answered by the next step, so to wait for its handler here would keep both waiting.
        """
        return workflow.info().is_continue_as_new_suggested() and workflow.all_handlers_finished()

    def continue_if_long(self) -> None:
        """Go on in a new run, which carries everything, if this one's history has grown long.

        It has no history to be replayed, so where workers are versioned it begins on the version that is current.
        """
        if self.history_is_long():
            workflow.continue_as_new(
                self._run.after(self.progress),
                initial_versioning_behavior=workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE,
            )

    def block(self, blocker: Blocker) -> None:
        """Show what the settlement waits for; the same blocker again is no news."""
        if blocker != self.progress.blocker:
            self.tell("wait", blocker.text)
            self.progress.waits = 0
            self.progress.blocker = blocker
            self.publish()
            count_wait(blocker.code)

    def reach(self, stage: Stage, text: str) -> None:
        """Come to a stage: nothing blocks any more."""
        self.progress.stage = stage
        self.unblock()
        self.tell("step", text)

    def unblock(self) -> None:
        """Nothing is waited for any more."""
        was_blocked = self.progress.blocker is not None
        self.progress.blocker = self.progress.next_attempt = None
        self.progress.waits = 0
        if was_blocked:
            self.publish()

    def _in_words(self, refusal: Refusal) -> str:
        paid = self.progress.verdict is VerdictKind.PAID
        return f"suspended: {refusal.text}" if paid and refusal.code is RefusalCode.NOT_ADMITTED else refusal.text

    def publish(self) -> None:
        """Search attributes, by which settlements are found; sends those that differ, in one command or none."""
        self.show()
        wanted = attributes_of(self.start, self.progress)
        if updates := changed(wanted, workflow.info().typed_search_attributes):
            workflow.upsert_search_attributes(updates)

    @property
    def signed(self) -> SignedTerms:
        """The terms that both parties signed."""
        assert self.progress.matched is not None  # noqa: S101 - no step is called before the match
        return self.progress.matched

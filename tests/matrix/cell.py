"""One cell of the matrix: brings a settlement to a step, lets a fault strike there, and judges the end by the ledgers.

A cell whose situation did not come about is wrong, however well its settlement ended.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Self

from temporalio.api.enums.v1 import TimeoutType

from interlock.protocol.steps import LOCK_OF
from tests.matrix.placement import Placement
from tests.matrix.room import Room
from tests.matrix.steps import Step, Way
from tests.matrix.switchboard import NOT_NOW, PATIENCE_SECONDS, Held, Said, When
from tests.matrix.trade import LOOK_EVERY_SECONDS, Trade, outcome_of, persisting
from tests.world import BUYER, CASH, SELLER

AN_HOUR = timedelta(hours=1).total_seconds()
OUTCOMES = {Way.SETTLES: "SETTLED", Way.VOIDS: "CANCELLED", Way.EXPIRES: "EXPIRED"}


class NotSo(Exception):  # noqa: N818 - the matrix's finding
    """A cell is wrong; the text says in what."""


def expect(so: bool, text: str) -> None:
    """Raise NotSo with the text unless it is so."""
    if not so:
        raise NotSo(text)


class Cell:
    """Use as an async context manager: what its parties are still saying at the end, they stop saying."""

    trade: Trade
    _on_ledgers: "asyncio.Task[None]"
    _in_full: "asyncio.Task[tuple[str | None, float]]"

    def __init__(self, step: Step, room: Room, placement: Placement) -> None:
        self.step = step
        self.placement = placement
        self.room = room
        self.lane = room.lane
        self.outcome = OUTCOMES[step.way]
        """What it has to end as; a fault that means another end says so."""
        self.settle_within = AN_HOUR
        self.not_before_ago: float | None = None
        self.way = step.way
        self.second_word_at_look = 1
        """In *match*: at which look at the ledgers, made on the first word, the second one comes."""
        self._struck_at = 0.0
        self._speaking: list[asyncio.Task[Any]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.silence()

    async def silence(self) -> None:
        """The parties say nothing more, not even what was not answered."""
        for task in self._speaking:
            task.cancel()
        await asyncio.gather(*self._speaking, return_exceptions=True)
        self._speaking.clear()

    async def held(self, when: When, verb: str | None = None) -> Held:
        """Bring the settlement to its step, and hold it there: whoever comes first, and whoever follows."""
        cash = 10 * CASH if self.way is Way.SETTLES else 0
        client = self.room.clients[self.placement]
        parties = await self.lane.market(client).parties(cash=cash)
        self.trade = Trade(self.room, client, parties, self.settle_within, self.not_before_ago)
        stop = self.room.switchboard.stop_at(verb or self.step.verb, self.trade.terms_hash, when)
        speaking = self.meanwhile(self._parties_speak())
        await asyncio.wait({stop, speaking}, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if speaking.done():
            speaking.result()
        await asyncio.wait({stop}, timeout=PATIENCE_SECONDS)
        expect(stop.done(), f"{verb or self.step.verb} was never there to be held")
        held = await stop
        expect(held.said.here is (self.placement is Placement.HERE), f"{held.said.verb} is not taken {self.placement}")
        return held

    def meanwhile(self, saying: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Something goes on beside the fault, until the cell ends."""
        task = asyncio.create_task(saying)
        self._speaking.append(task)
        return task

    async def _parties_speak(self) -> None:
        trade = self.trade
        if self.step.name == "match":
            # the first word makes the workflow look at the ledgers; the second comes while it does
            seller = self.meanwhile(trade.instruct(SELLER))
            await self.heard(self.step.verb, When.BEFORE, times=self.second_word_at_look)
            await asyncio.gather(seller, trade.instruct(BUYER))
            return
        await trade.settle()
        if self.way is Way.VOIDS:
            await self.heard("payment pay", When.AFTER, answer="insufficient_balance")
            await trade.consent(SELLER)
            await trade.consent(BUYER)

    async def heard(self, verb: str | None, when: When, *, answer: str = "", times: int = 1) -> Said:
        """The `times`-th such word about this settlement; any verb's if None."""

        def wanted(said: Said) -> bool:
            return verb in (None, said.verb) and said.when is when and answer in ("", said.answer)

        said = f"{verb or 'any verb'}, {when}{f', answered {answer}' if answer else ''}"
        return await self._heard(wanted, f"not {times} times heard: {said}", times)

    async def asked_again(self, held: Held) -> Said:
        """Another attempt is made than the one that was held; and what is answered then, or later."""
        verb = held.said.verb
        again = await self._heard(
            lambda said: said.follows(held.said) and said.when is When.BEFORE, f"no other attempt was made: {verb}"
        )
        return await self._heard(
            lambda said: (
                said.follows(held.said)
                and said.number > again.number
                and said.when is When.AFTER
                and said.answer not in NOT_NOW
            ),
            f"no other attempt was answered: {verb}",
        )

    async def _heard(self, wanted: Callable[[Said], bool], else_text: str, times: int = 1) -> Said:
        try:
            return await self.room.switchboard.heard(wanted, self.trade.terms_hash, times)
        except TimeoutError:
            raise NotSo(else_text) from None

    def strikes(self) -> None:
        """The fault strikes now: from here the time to recover counts, and the end is looked out for."""
        self._struck_at = asyncio.get_running_loop().time()
        self._on_ledgers = self.meanwhile(self._ends_on_ledgers())
        self._in_full = self.meanwhile(self._ends_in_full())

    async def given_up(self) -> None:
        """Until the engine has given up the attempt of the dead worker, and nobody is there to take the next.

        A step on its role's queue is an attempt of its own; one taken here is part of the workflow task's.
        """
        given_up = self._task_given_up if self.placement is Placement.HERE else self._step_given_up
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await given_up():  # noqa: ASYNC110 - asked of another process
                await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _step_given_up(self) -> bool:
        step = LOCK_OF.name if self.step.name == "match" else None
        found = await self.room.workflow(self.trade.handle.workflow_id).describe()
        pending = found.raw_description.pending_activities
        return any(each.attempt > 1 and step in (None, each.activity_type.name) for each in pending)

    async def _task_given_up(self) -> bool:
        history = await self.room.workflow(self.trade.handle.workflow_id).fetch_history()
        late = [event.workflow_task_timed_out_event_attributes for event in history.events]
        return any(each.timeout_type == TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE for each in late)

    async def ended(self) -> None:
        """Until the ledgers show the end, whoever brought it about. Raises NotSo if they show none for long."""
        await asyncio.wait({self._on_ledgers}, timeout=PATIENCE_SECONDS)
        expect(self._on_ledgers.done(), f"the ledgers show no end, {PATIENCE_SECONDS:g} s later")
        await self._on_ledgers

    async def ended_in_full(self) -> tuple[str | None, float]:
        """Until a workflow has ended as well: as what, and when. Raises NotSo if none does for long."""
        await asyncio.wait({self._in_full}, timeout=PATIENCE_SECONDS)
        expect(self._in_full.done(), f"no workflow has ended, {PATIENCE_SECONDS:g} s later")
        return await self._in_full

    async def _ends_on_ledgers(self) -> None:
        """Until the lock's row shows its end; of a rejected settlement there is none, and its report must do."""
        if self.outcome == "REJECTED":
            await persisting(self.trade.handle.outcome)
            return
        while not await self.trade.has_ended():  # noqa: ASYNC110 - asked of another process
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _ends_in_full(self) -> tuple[str | None, float]:
        await asyncio.shield(self._on_ledgers)
        report = await persisting(self.trade.handle.outcome)
        return report.outcome, asyncio.get_running_loop().time()

    async def judged(self) -> tuple[str, float]:
        """The outcome, from the ledgers alone, and the seconds from the fault to the end in full. Raises NotSo."""
        await self.ended()
        try:
            outcome = outcome_of(await self.trade.books())
        except ValueError as error:
            raise NotSo(str(error)) from error
        expect(outcome == self.outcome, f"it ended {outcome} where {self.outcome} is right")
        reported, at = await self.ended_in_full()
        expect(reported == outcome, f"the ledgers say {outcome}, the workflow ended {reported}")
        return outcome, at - self._struck_at

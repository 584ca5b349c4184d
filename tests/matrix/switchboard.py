"""The driver's end of the workers' lines: hears every verb before and after it is carried out, and may hold one there.

Nothing passes a stop unnoticed, and a stop that was never reached is a situation that never was: waiting for it fails.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from interlock.stack.ports import LOOPBACK

PATIENCE_SECONDS = 90.0

NOT_NOW = ("fault", "no_quorum")
"""Answers that say nothing about the settlement. On a machine that is short of breath they come unbidden."""


class When(StrEnum):
    """Where a verb is on its way: not yet done, done and not answered, done once more and not answered."""

    BEFORE = "before"
    AFTER = "after"
    AGAIN = "again"


class Then(StrEnum):
    """What becomes of it: it goes on, its answer is lost, or it is asked again and the second answer counts."""

    GO = "go"
    LOSE = "lose"
    AGAIN = "again"


@dataclass(frozen=True)
class Said:
    """One word of a worker's: `ask` is one execution of a verb in that worker, `text` the answer.

    `number` counts the words of all workers in the order in which they were heard; `here` says whether the step is
    taken in the process that runs the workflow.
    """

    number: int
    verb: str
    terms_hash: str
    when: When
    here: bool
    ask: str
    answer: str
    text: str

    def follows(self, said: "Said") -> bool:
        """Whether this is of another execution of the same verb, and was heard later."""
        return self.verb == said.verb and self.ask != said.ask and self.number > said.number


class Stop:
    """A place where verbs are held: the first one for the driver, those that follow it behind it."""

    def __init__(self) -> None:
        self.first: asyncio.Future[Held] = asyncio.get_running_loop().create_future()
        self._behind: list[Callable[[Then], None]] | None = []

    def hold(self, held: "Held", answer: Callable[[Then], None]) -> None:
        """Hold whoever comes, but nobody behind the first when these may pass."""
        if not self.first.done():
            self.first.set_result(held)
        elif self._behind is None:
            answer(Then.GO)
        else:
            self._behind.append(answer)

    def let_others(self) -> None:
        """From now on only the first is held."""
        behind, self._behind = self._behind or (), None
        for answer in behind:
            answer(Then.GO)


class Held:
    """A verb that waits for the driver's word, and behind it whatever attempts follow when this one is given up."""

    def __init__(self, switchboard: "Switchboard", stop: Stop, said: Said, answer: Callable[[Then], None]) -> None:
        self._switchboard = switchboard
        self._stop = stop
        self._answer = answer
        self.said = said

    def let(self, then: Then = Then.GO) -> None:
        """Let it go on, and everybody behind it; harmless if its worker is dead by now."""
        self._answer(then)
        self._stop.let_others()

    def let_others(self) -> None:
        """Let those that follow it pass, and hold this one alone."""
        self._stop.let_others()

    async def landed(self) -> Said:
        """What the ledger answered to this very request."""
        said = self.said
        return await self._switchboard.heard(
            lambda each: each.ask == said.ask and each.verb == said.verb and each.when is When.AFTER, said.terms_hash
        )


class Switchboard:
    """Listens on `port`. Use as an async context manager."""

    def __init__(self) -> None:
        self._said: list[Said] = []
        self._stops: dict[tuple[str, str, When], Stop] = {}
        self._changed = asyncio.Condition()
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._listen, LOOPBACK, 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()

    def stop_at(self, verb: str, terms_hash: str, when: When) -> "asyncio.Future[Held]":
        """Hold the next such verb, and if it is answered, with an answer; the future is done when it is held."""
        stop = self._stops[verb, terms_hash, when] = Stop()
        return stop.first

    def all_of(self, terms_hash: str) -> list[Said]:
        """Everything said so far about these terms, in order."""
        return [said for said in self._said if said.terms_hash == terms_hash]

    async def heard(self, wanted: Callable[[Said], bool], terms_hash: str, times: int = 1) -> Said:
        """The `times`-th word about these terms that is wanted. Raises TimeoutError if there is none for long."""

        def found() -> list[Said]:
            return [said for said in self.all_of(terms_hash) if wanted(said)][times - 1 :]

        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(found)
        return found()[0]

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                await self._hear(json.loads(line), writer)
        except ConnectionError:
            pass  # the worker was killed
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _hear(self, told: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        def answer(then: Then) -> None:
            if not writer.is_closing():
                writer.write(json.dumps({"number": told["number"], "then": then}).encode() + b"\n")

        said = Said(
            len(self._said),
            told["verb"],
            told["terms_hash"],
            When(told["when"]),
            told["here"],
            told["ask"],
            told.get("answer", ""),
            told.get("text", ""),
        )
        stop = self._stops.get((said.verb, said.terms_hash, said.when))
        if stop is None or said.answer in NOT_NOW:
            answer(Then.GO)
        else:
            stop.hold(Held(self, stop, said, answer), answer)
        async with self._changed:
            self._said.append(said)
            self._changed.notify_all()

"""Asks one attestor over HTTP; what is asked of it while it is busy goes together, in one request.

No timer gathers: what can go, goes at once. Believes nothing that it hears: whoever asked must verify.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import aiohttp
from pydantic import ValidationError

from interlock.attestors.answers import MAX_REQUESTS, Answered, Asked, NotSigned
from interlock.protocol import AttestRequest, SignedStatement

MAX_ANSWER_BYTES = 1024 * 1024
"""The longest answer that is read: more than MAX_REQUESTS of the longest statements need."""

MOST_UNDER_WAY = 2
"""How many requests to one attestor hold back what is asked next: one that it works on, one on the way."""

STALLED_SECONDS = 0.25
"""After so long without an answer, a request holds nothing back any more: the next may fare better."""

_BROKEN_CONNECTION = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class NoAnswer(Exception):  # noqa: N818 - it becomes a dissent
    """There is no usable answer; the text says why."""


class _Unusable(NoAnswer):
    """The attestor answered, with nothing that is of use; it may be because of one of many requests."""


Heard: TypeAlias = SignedStatement | NotSigned | NoAnswer


@dataclass
class Question:
    """One request. Once it is answered `hear` is called; `until`, in the event loop's time, nobody waits any more."""

    request: AttestRequest
    until: float
    hear: Callable[[Heard], None]
    withdrawn: bool = False


class Asking:
    """One attestor at its URL. `close` it in the end."""

    def __init__(
        self, url: str, *, most_requests: int = MAX_REQUESTS, report: Callable[[frozenset[str]], None] = lambda _: None
    ) -> None:
        """At most so many requests go together. `report` hears whom the attestor says to be left out, then the rest."""
        self._report = report
        self._url = f"{url.rstrip('/')}/statements"
        self._most_requests = self._fitting = most_requests
        self._waiting: deque[Question] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def ask(self, question: Question) -> None:
        """Send it with whatever else is asked in this moment, or with what is asked while the attestor is busy.

        One that is still unanswered when its time is over is not told so.
        """
        self._waiting.append(question)
        if len(self._waiting) == 1:  # whatever else is asked in this moment comes along
            asyncio.get_running_loop().call_soon(self._send)

    async def close(self) -> None:
        """Give up what is under way, and close the connections that are kept open between requests."""
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _send(self) -> None:
        while len(self._under_way) < MOST_UNDER_WAY and (questions := self._next()):
            task = asyncio.create_task(self._carry(questions))
            self._tasks.add(task)
            self._under_way.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(self._let_pass)
            asyncio.get_running_loop().call_later(STALLED_SECONDS, self._let_pass, task)

    def _let_pass(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._send()

    def _next(self) -> list[Question]:
        """What goes now: the longest waiting that somebody still waits for, as many as one request may ask for."""
        questions: list[Question] = []
        while self._waiting and len(questions) < self._fitting:
            if not (question := self._waiting.popleft()).withdrawn:
                questions.append(question)
        return questions

    async def _carry(self, questions: Sequence[Question]) -> None:
        """Have the questions answered, or asked again in smaller numbers if their number may be what was wrong."""
        answers: Sequence[Heard]
        try:
            async with asyncio.timeout_at(max(each.until for each in questions)):
                answers = await self._answers([each.request for each in questions])
        except TimeoutError:  # and so is the time of every question
            return
        except _Unusable as error:
            if len(questions) > 1:
                self._fitting = len(questions) // 2
                self._waiting.extendleft(reversed(questions))
                return
            answers = [error]
        except NoAnswer as error:
            answers = [error] * len(questions)
        else:
            self._fitting = min(max(self._fitting, 2 * len(questions)), self._most_requests)
        for question, answer in zip(questions, answers, strict=True):
            if not question.withdrawn:
                question.hear(answer)

    async def _answers(self, requests: Sequence[AttestRequest]) -> tuple[SignedStatement | NotSigned, ...]:
        """The attestor's answers, as many as requests. Raises NoAnswer with the reason, or TimeoutError."""
        body = Asked(requests=tuple(requests)).model_dump_json().encode()
        try:
            try:
                status, raw = await self._post(body)
            except _BROKEN_CONNECTION:  # a kept connection whose other end was restarted; asking twice is harmless
                status, raw = await self._post(body)
        except TimeoutError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoAnswer(f"no connection: {type(error).__name__}") from error
        if status != 200:
            raise _Unusable(f"it answered HTTP {status}")
        try:
            answered = Answered.model_validate_json(raw)
        except ValidationError as error:
            raise _Unusable("its answer cannot be understood") from error
        if len(answered.answers) != len(requests):
            raise _Unusable(f"{len(answered.answers)} answers to {len(requests)} requests")
        self._report(frozenset(answered.left_out))
        return answered.answers

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(),
            )
        async with self._session.post(self._url, data=body, allow_redirects=False) as response:
            raw = bytearray()
            async for chunk in response.content.iter_any():
                raw += chunk
                if len(raw) > MAX_ANSWER_BYTES:
                    raise _Unusable("its answer is too long")
            return response.status, bytes(raw)

"""The coordinator: asks all attestors at once and takes the first quorum whose signatures verify.

Nothing that a single attestor does or fails to do is an exception here: it is a dissent, recorded and counted.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Self

import aiohttp
from pydantic import ValidationError

from interlock.attestors.answers import Answered, Asked, NotSigned, SignedStatement
from interlock.protocol import (
    Attested,
    Attestors,
    AttestRequest,
    Certificate,
    Dissent,
    DissentKind,
    Fact,
    NotAttested,
    Refusal,
    RefusalCode,
    Signature,
    SignatureInvalid,
    Statement,
    verify,
)

ASK_TIMEOUT_SECONDS = 1.5
"""How long one attestor may take; below a local activity's limit, above an attestor's own look at a ledger."""

GRACE_SECONDS = 0.1
"""How long the others may still answer once a quorum is there, so that their dissent is recorded."""

MAX_ANSWER_BYTES = 1024 * 1024
_TEXT_LENGTH = 300
_BROKEN_CONNECTION = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class Collector:
    """Asks the attestors of one set, each at its own address. Use as an async context manager, or `close` it."""

    def __init__(
        self,
        endpoints: Mapping[str, str],
        attestors: Attestors,
        network: str,
        *,
        timeout_seconds: float = ASK_TIMEOUT_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        """`endpoints` maps an attestor's address to its URL; one of the set that is missing counts as unreachable.

        Raises ValueError for an endpoint of a key that is not in the set.
        """
        if strangers := sorted(set(endpoints) - set(attestors.keys)):
            raise ValueError(f"{strangers[0]} is not in attestor set {attestors.name} epoch {attestors.epoch}")
        self._endpoints = {address: url.rstrip("/") for address, url in endpoints.items()}
        self._attestors = attestors
        self._coordinator = attestors.identity
        self._network = network
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._grace_seconds = grace_seconds
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections that are kept open between requests."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def collect(self, fact: Fact, terms_hash: str, ledger: str) -> Attested | NotAttested:
        """A certificate of this fact from the first quorum, or why there is none; harmless to repeat."""
        request = AttestRequest(fact=fact, terms_hash=terms_hash, ledger=ledger)
        votes = _Votes(self._attestors, request)
        asking = {asyncio.create_task(self._ask_one(address, request)) for address in self._attestors.keys}
        pending = asking
        deadline: float | None = None
        loop = asyncio.get_running_loop()
        try:
            while pending:
                wait_seconds = None if deadline is None else max(0.0, deadline - loop.time())
                done, pending = await asyncio.wait(pending, timeout=wait_seconds, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    break
                for task in done:
                    votes.count(task.result())
                if deadline is None and votes.quorum is not None:
                    deadline = loop.time() + self._grace_seconds
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        return votes.result()

    async def _ask_one(self, address: str, request: AttestRequest) -> "SignedStatement | Dissent":
        """One attestor's verified word on one request. Gathering many requests into one `_ask` would go in here."""

        def dissent(kind: DissentKind, text: str) -> Dissent:
            return Dissent(attestor=address, fact=request.fact, kind=kind, text=text[:_TEXT_LENGTH])

        try:
            [answer] = await self._ask(address, (request,))
        except _NoAnswer as error:
            return dissent(DissentKind.UNREACHABLE, str(error))
        if isinstance(answer, NotSigned):
            return dissent(DissentKind.DECLINED, f"{answer.declined.code}: {answer.declined.text}")
        statement, signature = answer.statement, answer.signature
        if signature.signer != address:
            return dissent(DissentKind.BAD_SIGNATURE, f"signed by {signature.signer}")
        try:
            verify(statement, self._network, signature)
        except SignatureInvalid as error:
            return dissent(DissentKind.BAD_SIGNATURE, str(error))
        about = AttestRequest(fact=statement.fact, terms_hash=statement.terms_hash, ledger=statement.ledger)
        if about != request or statement.coordinator != self._coordinator:
            return dissent(DissentKind.OTHER_STATEMENT, f"not what was asked: {_said(statement)}")
        return answer

    async def _ask(self, address: str, requests: Sequence[AttestRequest]) -> tuple[SignedStatement | NotSigned, ...]:
        """One attestor's answers, as many as requests. Raises _NoAnswer with the reason."""
        if address not in self._endpoints:
            raise _NoAnswer("no endpoint of it is known")
        url = f"{self._endpoints[address]}/statements"
        body = Asked(requests=tuple(requests)).model_dump_json().encode()
        try:
            try:
                status, raw = await self._post(url, body)
            except _BROKEN_CONNECTION:  # a kept connection whose other end was restarted; asking twice is harmless
                status, raw = await self._post(url, body)
        except TimeoutError as error:
            raise _NoAnswer(f"no answer within {self._timeout.total} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _NoAnswer(f"no connection: {type(error).__name__}") from error
        if status != 200:
            raise _NoAnswer(f"it answered HTTP {status}")
        try:
            answers = Answered.model_validate_json(raw).answers
        except ValidationError as error:
            raise _NoAnswer("its answer cannot be understood") from error
        if len(answers) != len(requests):
            raise _NoAnswer(f"{len(answers)} answers to {len(requests)} requests")
        return answers

    async def _post(self, url: str, body: bytes) -> tuple[int, bytes]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), headers={"Content-Type": "application/json"}
            )
        async with self._session.post(url, data=body, timeout=self._timeout, allow_redirects=False) as response:
            raw = bytearray()
            async for chunk in response.content.iter_any():
                raw += chunk
                if len(raw) > MAX_ANSWER_BYTES:
                    raise ValueError("its answer is too long")
            return response.status, bytes(raw)


class _NoAnswer(Exception):  # noqa: N818 - it becomes a dissent
    """There is no usable answer; the text says why."""


class _Votes:
    """The words of one set on one request, as they come in."""

    def __init__(self, attestors: Attestors, request: AttestRequest) -> None:
        self._attestors = attestors
        self._request = request
        self._signed: dict[Statement, list[Signature]] = {}
        self._dissents: list[Dissent] = []
        self.quorum: Statement | None = None

    def count(self, word: SignedStatement | Dissent) -> None:
        if isinstance(word, Dissent):
            self._dissents.append(word)
            return
        signatures = self._signed.setdefault(word.statement, [])
        signatures.append(word.signature)
        if self.quorum is None and len(signatures) >= self._attestors.quorum:
            self.quorum = word.statement

    def result(self) -> Attested | NotAttested:
        if self.quorum is not None:
            signatures = sorted(self._signed[self.quorum], key=lambda signature: signature.signer.lower())
            certificate = Certificate(statement=self.quorum, signatures=tuple(signatures))
            return Attested(certificate=certificate, dissents=self._dissents_from(self.quorum))
        most = max(self._signed, key=lambda statement: len(self._signed[statement]), default=None)
        dissents = self._dissents_from(most)
        agreed = len(self._signed[most]) if most is not None else 0
        missing = "; ".join(f"{dissent.attestor} {dissent.kind}: {dissent.text}" for dissent in dissents)
        text = (
            f"{agreed} of {len(self._attestors.keys)} attestors signed {self._request.fact}, "
            f"the quorum is {self._attestors.quorum} ({missing})"
        )
        refusal = Refusal(code=RefusalCode.NO_QUORUM, text=text, who="coordinator's attestors")
        return NotAttested(refusal=refusal, dissents=dissents)

    def _dissents_from(self, statement: Statement | None) -> tuple[Dissent, ...]:
        others = [
            Dissent(
                attestor=signature.signer,
                fact=self._request.fact,
                kind=DissentKind.OTHER_STATEMENT,
                text=_said(other),
            )
            for other, signatures in self._signed.items()
            if other != statement
            for signature in signatures
        ]
        return tuple(sorted(self._dissents + others, key=lambda dissent: dissent.attestor.lower()))


def _said(statement: Statement) -> str:
    return (
        f"{statement.fact} of {statement.terms_hash} on ledger {statement.ledger} "
        f"at {statement.position} ({statement.reference})"
    )

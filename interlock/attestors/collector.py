"""The coordinator: asks all attestors at once and takes the first quorum whose signatures verify.

Nothing that a single attestor does or fails to do is an exception here: it is a dissent, recorded and counted.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Self

from interlock.attestors.answers import MAX_REQUESTS, NotSigned
from interlock.attestors.asking import Asking, Heard, NoAnswer, Question
from interlock.attestors.contradictions import Contradictions
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
    SignedStatement,
    Statement,
    verify,
)

ASK_TIMEOUT_SECONDS = 1.5
"""How long one attestor may take; below a local activity's limit, above an attestor's own look at a ledger."""

GRACE_SECONDS = 0.1
"""How long the others may still answer once a quorum is there, so that their dissent is recorded."""

_TEXT_LENGTH = 300


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
        most_requests: int = MAX_REQUESTS,
    ) -> None:
        """`endpoints` maps an attestor's address to its URL; one of the set that is missing counts as unreachable.

        What is collected at the same time is asked for together, at most so many statements in one request.
        Raises ValueError for an endpoint of a key that is not in the set.
        """
        self._reported: dict[str, frozenset[str]] = {}
        if strangers := sorted(set(endpoints) - set(attestors.keys)):
            raise ValueError(f"{strangers[0]} is not in attestor set {attestors.name} epoch {attestors.epoch}")
        self._asking = {
            address: Asking(url, most_requests=most_requests, report=partial(self._reported.__setitem__, address))
            for address, url in endpoints.items()
        }
        self._contradictions = Contradictions(network)
        self._attestors = attestors
        self._coordinator = attestors.identity
        self._network = network
        self._timeout_seconds = timeout_seconds
        self._grace_seconds = grace_seconds

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections that are kept open between requests."""
        for asking in self._asking.values():
            await asking.close()

    async def collect(self, fact: Fact, terms_hash: str, ledger: str) -> Attested | NotAttested:
        """A certificate of this fact from the first quorum, or why there is none; harmless to repeat."""
        request = AttestRequest(fact=fact, terms_hash=terms_hash, ledger=ledger)
        votes = _Votes(self._attestors, request, self._grace_seconds, self._left_out)
        loop = asyncio.get_running_loop()
        until = loop.time() + self._timeout_seconds
        questions: list[Question] = []
        for address in self._attestors.keys:
            question = Question(request, until, partial(self._count, votes, address))
            if address in self._asking:
                self._asking[address].ask(question)
                questions.append(question)
            else:
                question.hear(NoAnswer("no endpoint of it is known"))
        limit = loop.call_at(until, votes.give_up, f"no answer within {self._timeout_seconds} s")
        try:
            await votes.complete
        finally:
            limit.cancel()
            for question in questions:
                question.withdrawn = True
        answer = votes.result()
        found = self._contradictions.untold(self._left_out())
        return answer.model_copy(update={"misconduct": found}) if found else answer

    def _left_out(self) -> frozenset[str]:
        """Whom so many others report to be left out for misconduct that one of those is honest."""
        faulty = (len(self._attestors.keys) - 1) // 3
        reports = Counter(who for by, reported in self._reported.items() for who in reported - {by})
        return frozenset(who for who, count in reports.items() if count > faulty)

    def _count(self, votes: "_Votes", address: str, heard: Heard) -> None:
        votes.count(address, self._word(votes.request, address, heard))

    def _word(self, request: AttestRequest, address: str, heard: Heard) -> "SignedStatement | Dissent":
        """One attestor's word on one request, verified."""

        def dissent(kind: DissentKind, text: str) -> Dissent:
            return Dissent(attestor=address, fact=request.fact, kind=kind, text=text[:_TEXT_LENGTH])

        if isinstance(heard, NoAnswer):
            return dissent(DissentKind.UNREACHABLE, str(heard))
        if isinstance(heard, NotSigned):
            return dissent(DissentKind.DECLINED, f"{heard.declined.code}: {heard.declined.text}")
        statement, signature = heard.statement, heard.signature
        if signature.signer != address:
            return dissent(DissentKind.BAD_SIGNATURE, f"signed by {signature.signer}")
        try:
            verify(statement, self._network, signature)
        except SignatureInvalid as error:
            return dissent(DissentKind.BAD_SIGNATURE, str(error))
        self._contradictions.hear(heard)
        about = (statement.fact, statement.terms_hash, statement.ledger, statement.coordinator)
        if about != (request.fact, request.terms_hash, request.ledger, self._coordinator):
            return dissent(DissentKind.OTHER_STATEMENT, f"not what was asked: {_said(statement)}")
        return heard


class _Votes:
    """The words of one set on one request, as they come in; `complete` once there is nothing more to wait for."""

    def __init__(
        self,
        attestors: Attestors,
        request: AttestRequest,
        grace_seconds: float,
        left_out: Callable[[], frozenset[str]],
    ) -> None:
        """`left_out` says whose signatures do not count, as far as is known by now."""
        self.request = request
        self.complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._attestors = attestors
        self._grace_seconds = grace_seconds
        self._left_out = left_out
        self._silent = set(attestors.keys)
        self._signed: dict[Statement, list[Signature]] = {}
        self._dissents: list[Dissent] = []
        self._in_grace = False

    def count(self, attestor: str, word: SignedStatement | Dissent) -> None:
        """One attestor's word; its first one counts."""
        if attestor not in self._silent:
            return
        self._silent.remove(attestor)
        if isinstance(word, Dissent):
            self._dissents.append(word)
        else:
            self._signed.setdefault(word.statement, []).append(word.signature)
        if not self._silent:
            self._conclude()
        elif not self._in_grace and self._has_quorum():
            self._in_grace = True
            asyncio.get_running_loop().call_later(self._grace_seconds, self._end_grace)

    def give_up(self, why: str) -> None:
        """Count all that have said nothing as unreachable."""
        for attestor in tuple(self._silent):
            said = Dissent(attestor=attestor, fact=self.request.fact, kind=DissentKind.UNREACHABLE, text=why)
            self.count(attestor, said)

    def _end_grace(self) -> None:
        """Whoever answered meanwhile may have reported one of the quorum: then others' words are waited for."""
        self._in_grace = False
        if self._has_quorum():
            self._conclude()

    def _conclude(self) -> None:
        if not self.complete.done():
            self.complete.set_result(None)

    def result(self) -> Attested | NotAttested:
        """The certificate, of those that count; or why there is none."""
        most = self._most_agreed()
        signatures = self._counting(most)
        dissents = self._dissents_from(most)
        if most is not None and len(signatures) >= self._attestors.quorum:
            return Attested(certificate=Certificate(statement=most, signatures=signatures), dissents=dissents)
        left_out = self._left_out().intersection(self._attestors.keys)
        missing = "; ".join(
            [f"{dissent.attestor} {dissent.kind}: {dissent.text}" for dissent in dissents]
            + [f"{attestor} is left out for misconduct" for attestor in sorted(left_out)]
        )
        text = (
            f"{len(signatures)} of {len(self._attestors.keys)} attestors signed {self.request.fact}, "
            f"the quorum is {self._attestors.quorum} ({missing})"
        )
        is_possible = len(self._attestors.keys) - len(left_out) >= self._attestors.quorum
        who = "coordinator's attestors" if is_possible else "operators: re-admit one, or register a successor set"
        refusal = Refusal(code=RefusalCode.NO_QUORUM, text=text, who=who)
        return NotAttested(refusal=refusal, dissents=dissents)

    def _has_quorum(self) -> bool:
        return len(self._counting(self._most_agreed())) >= self._attestors.quorum

    def _most_agreed(self) -> Statement | None:
        return max(self._signed, key=lambda statement: len(self._counting(statement)), default=None)

    def _counting(self, statement: Statement | None) -> tuple[Signature, ...]:
        """The signatures on a statement, in order, without those of attestors that are left out."""
        left_out, given = self._left_out(), self._signed.get(statement, []) if statement is not None else []
        counting = [signature for signature in given if signature.signer not in left_out]
        return tuple(sorted(counting, key=lambda signature: signature.signer.lower()))

    def _dissents_from(self, statement: Statement | None) -> tuple[Dissent, ...]:
        others = [
            Dissent(
                attestor=signature.signer,
                fact=self.request.fact,
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

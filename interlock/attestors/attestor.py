"""One attestor: looks at a ledger for itself and signs what it sees, or says why not.

It believes no caller and no row: what it reads must be the terms' own, signed by both parties, on its network, for
its set. It never signs both verdicts of the same terms; its vote is on the disk before its signature leaves.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from interlock.attestors.answers import DeclineCode, Declined, Kept
from interlock.attestors.left_out import LeftOut
from interlock.attestors.votes import Conflict, VoteStore
from interlock.ledgers.ledger import LedgerReader
from interlock.protocol import (
    Attestors,
    AttestorSet,
    AttestRequest,
    Fact,
    Lock,
    LockState,
    Operation,
    Receipt,
    SignatureInvalid,
    SignedStatement,
    SignedTerms,
    Signer,
    Statement,
    Verdict,
)

LOOK_TIMEOUT_SECONDS = 1.0
"""How long a look may take, with its wait for a turn, before the ledger counts as unreachable."""

LOOKS_AT_ONCE = 8
"""How many looks at one ledger are under way together, so that a large request leaves a reader connections."""

_Row: TypeAlias = Lock | Verdict
_Read: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, _Row]]]
_log = logging.getLogger(__name__)
_OPERATIONS = {Fact.LOCKED: Operation.LOCK, Fact.PAID: Operation.PAY, Fact.VOIDED: Operation.VOID}


class Attestor:
    """A key, the set it belongs to, the ledgers it can read and the votes it has cast."""

    def __init__(
        self,
        signer: Signer,
        network: str,
        attestors: Attestors,
        readers: Mapping[str, LedgerReader],
        votes: VoteStore,
        *,
        predecessors: Sequence[AttestorSet] = (),
    ) -> None:
        """`predecessors` are the sets that this one succeeds: it answers for terms that name them, in its own name.

        Raises ValueError if the signer's key is not in the set.
        """
        if signer.address not in attestors.keys:
            raise ValueError(f"{signer.address} is not in attestor set {attestors.name} epoch {attestors.epoch}")
        self.network = network
        self.coordinator = attestors.identity
        self._signer = signer
        self._answers_for = frozenset({self.coordinator, *predecessors})
        self._readers = dict(readers)
        self._votes = votes
        self._left_out = LeftOut(readers)
        self._looking = {ledger: asyncio.Semaphore(LOOKS_AT_ONCE) for ledger in readers}
        self._unreachable: set[str] = set()

    @property
    def address(self) -> str:
        """Whose signatures these are."""
        return self._signer.address

    @property
    def signed(self) -> int:
        """How many different statements it has voted for."""
        return self._votes.count

    async def left_out(self) -> tuple[str, ...]:
        """The attestors whose signatures do not count on a ledger that it reads, as it saw within a second or so."""
        return await self._left_out.known()

    async def close(self) -> None:
        """Stop looking."""
        await self._left_out.close()

    async def attest(self, request: AttestRequest) -> SignedStatement | Declined:
        """Look, vote, sign; or say why not. Raises sqlite3.Error if the vote could not be kept: nothing is signed."""
        return (await self.attest_all((request,)))[0]

    async def attest_all(self, requests: Sequence[AttestRequest]) -> list[SignedStatement | Declined]:
        """The same for many requests, in their order, with one commit of all votes."""
        seen = await self._look_at(requests)
        statements = [each for each in seen if isinstance(each, Statement)]
        conflicts = iter(await self._votes.record(statements) if statements else ())
        return [each if isinstance(each, Declined) else self._conclude(each, next(conflicts)) for each in seen]

    async def votes_after(self, number: int, limit: int) -> list[Kept]:
        """What it has voted for, in the order of voting."""
        return [Kept(number=each, signed=self._sign(vote)) for each, vote in await self._votes.after(number, limit)]

    async def votes_about(self, ledger: str, position: int, number: int, limit: int) -> list[Kept]:
        """What it has voted for on one ledger, by position, then number, from the one after these two.

        It is what a restored ledger must hold again before it opens (hazard 22).
        """
        votes = await self._votes.about(ledger, position, number, limit)
        return [Kept(number=each, signed=self._sign(vote)) for each, vote in votes]

    def _conclude(self, statement: Statement, conflict: Conflict | None) -> SignedStatement | Declined:
        if conflict is None:
            return self._sign(statement)
        voted = conflict.place or conflict.standing
        if conflict.place or statement.fact is not Fact.LOCKED:  # a ledger changed what is final: somebody must look
            _log.error("ledger says %s of %s: voted %s", statement.said, statement.terms_hash, voted)
        return _declined(DeclineCode.CONTRADICTS_VOTE, f"this attestor has voted {voted} on these terms")

    def _sign(self, statement: Statement) -> SignedStatement:
        return SignedStatement(statement=statement, signature=self._signer.sign(statement, self.network))

    async def _look_at(self, requests: Sequence[AttestRequest]) -> list[Statement | Declined]:
        """What it may say on each request, in their order; what is asked of one ledger's locks is one look at them."""
        asked: dict[tuple[str, bool], list[str]] = {}
        for request in requests:
            asked.setdefault(_shelf(request), []).append(request.terms_hash)
        rows = await asyncio.gather(*(self._look(*shelf, hashes) for shelf, hashes in asked.items()))
        seen = dict(zip(asked, rows, strict=True))
        return [self._judge(request, seen[_shelf(request)].get(request.terms_hash)) for request in requests]

    async def _look(self, ledger: str, at_locks: bool, terms_hashes: Sequence[str]) -> Mapping[str, _Row | Declined]:
        """The locks of these terms on a ledger, else their verdicts, or why they cannot be seen."""
        reader = self._readers.get(ledger)
        if reader is None:
            text = f"this attestor reads no ledger named {ledger}"
            return dict.fromkeys(terms_hashes, _declined(DeclineCode.UNKNOWN_LEDGER, text))
        read: _Read = reader.locks_of if at_locks else reader.verdicts_of
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_SECONDS):
                rows = await self._read(read, ledger, terms_hashes)
        except Exception as error:  # whatever kept it from reading: it has not seen, so does not sign
            return dict.fromkeys(terms_hashes, self._cannot_read(ledger, error))
        return rows

    async def _read(self, read: _Read, ledger: str, terms_hashes: Sequence[str]) -> Mapping[str, _Row | Declined]:
        """Read the rows together; where one cannot be understood, in halves, so that it spoils no other."""
        try:
            async with self._looking[ledger]:
                rows = await read(terms_hashes)
        except ValueError as error:
            if len(terms_hashes) == 1:
                return {terms_hashes[0]: self._cannot_read(ledger, error)}
            middle = len(terms_hashes) // 2
            halves = [await self._read(read, ledger, half) for half in (terms_hashes[:middle], terms_hashes[middle:])]
            return {**halves[0], **halves[1]}
        self._unreachable.discard(ledger)
        return rows

    def _judge(self, request: AttestRequest, row: _Row | Declined | None) -> Statement | Declined:
        """The statement that a row proves, or why it proves none."""
        if row is None:
            return _absent(request)
        if isinstance(row, Declined):
            return row
        receipt = _receipt_of(request, row)
        if isinstance(receipt, Declined):
            return receipt
        return self._doubt(request, row.signed, row.terms_hash, receipt) or Statement(
            fact=request.fact,
            coordinator=self.coordinator,
            terms_hash=request.terms_hash,
            ledger=request.ledger,
            reference=receipt.reference,
            position=receipt.position,
        )

    def _cannot_read(self, ledger: str, error: Exception) -> Declined:
        if ledger not in self._unreachable:  # once, until it can be read again
            self._unreachable.add(ledger)
            _log.warning("ledger %s cannot be read: %s", ledger, type(error).__name__)
        return _declined(DeclineCode.LEDGER_UNREACHABLE, f"ledger {ledger} cannot be read: {type(error).__name__}")

    def _doubt(self, request: AttestRequest, signed: SignedTerms, row_hash: str, receipt: Receipt) -> Declined | None:
        """Why the row does not prove what was asked, if so."""
        if signed.network != self.network:
            return _declined(DeclineCode.WRONG_NETWORK, "the stored terms were signed for another network")
        if not request.terms_hash == row_hash == receipt.terms_hash == signed.terms_hash:
            return _declined(DeclineCode.TERMS_MISMATCH, "the stored terms have another hash than the one asked for")
        leg = signed.terms.delivery if request.fact is Fact.LOCKED else signed.terms.payment
        if not request.ledger == leg.ledger == receipt.ledger or receipt.operation is not _OPERATIONS[request.fact]:
            return _declined(DeclineCode.WRONG_LEDGER, f"the terms' own ledger for {request.fact} is {leg.ledger}")
        if signed.terms.coordinator not in self._answers_for:
            named = f"{signed.terms.coordinator.name} epoch {signed.terms.coordinator.epoch}"
            return _declined(DeclineCode.UNKNOWN_COORDINATOR, f"the terms name attestor set {named}, not this one")
        try:
            signed.verify()
        except SignatureInvalid as error:
            return _declined(DeclineCode.SIGNATURE_INVALID, str(error))
        if not signed.is_matched:
            return _declined(DeclineCode.SIGNATURE_INVALID, "the stored terms lack a party's signature")
        return None


def _shelf(request: AttestRequest) -> tuple[str, bool]:
    """Where the row is that a request is about: a ledger, and whether it is among the locks there."""
    return request.ledger, request.fact is Fact.LOCKED


def _receipt_of(request: AttestRequest, row: Lock | Verdict) -> Receipt | Declined:
    """The receipt of the fact that was asked about, if the row says that fact."""
    if isinstance(row, Verdict):
        if row.verdict.value != request.fact.value:
            return _declined(DeclineCode.OTHER_VERDICT, f"the verdict is {row.verdict}")
        return row.receipt
    if row.state is not LockState.LOCKED or row.locked is None:
        return _declined(DeclineCode.NOT_LOCKED, f"the units are not in escrow any more: {row.state}")
    return row.locked


def _absent(request: AttestRequest) -> Declined:
    if request.fact is Fact.LOCKED:
        return _declined(DeclineCode.NO_LOCK, f"ledger {request.ledger} has no lock for these terms")
    return _declined(DeclineCode.NO_VERDICT, f"ledger {request.ledger} has no verdict on these terms")


def _declined(code: DeclineCode, text: str) -> Declined:
    return Declined(code=code, text=text)

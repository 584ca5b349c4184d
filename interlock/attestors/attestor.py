"""One attestor: looks at a ledger for itself and signs what it sees, or says why not.

It believes no caller and no row: what it reads must be the terms' own, signed by both parties, on its network, for
its set. It never signs both verdicts of the same terms; its vote is on the disk before its signature leaves.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from interlock.attestors.answers import DeclineCode, Declined, Kept, SignedStatement
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
    SignedTerms,
    Signer,
    Statement,
    Verdict,
)

LOOK_TIMEOUT_SECONDS = 1.0
"""How long a look may take, with its wait for a turn, before the ledger counts as unreachable."""

LOOKS_AT_ONCE = 8
"""How many looks at one ledger are under way together, so that a large request leaves a reader connections."""

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

    async def attest(self, request: AttestRequest) -> SignedStatement | Declined:
        """Look, vote, sign; or say why not. Raises sqlite3.Error if the vote could not be kept: nothing is signed."""
        return (await self.attest_all((request,)))[0]

    async def attest_all(self, requests: Sequence[AttestRequest]) -> list[SignedStatement | Declined]:
        """The same for many requests, in their order, with one commit of all votes."""
        seen = await asyncio.gather(*(self._look(request) for request in requests))
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
        if statement.fact is not Fact.LOCKED:  # a ledger changed what is final: somebody must look at it
            standing, ledger = conflict.standing, statement.ledger
            _log.error("ledger %s now says %s of %s: voted %s", ledger, statement.fact, statement.terms_hash, standing)
        return _declined(DeclineCode.CONTRADICTS_VOTE, f"this attestor has voted {conflict.standing} on these terms")

    def _sign(self, statement: Statement) -> SignedStatement:
        return SignedStatement(statement=statement, signature=self._signer.sign(statement, self.network))

    async def _look(self, request: AttestRequest) -> Statement | Declined:
        reader = self._readers.get(request.ledger)
        if reader is None:
            return _declined(DeclineCode.UNKNOWN_LEDGER, f"this attestor reads no ledger named {request.ledger}")
        row: Lock | Verdict | None
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_SECONDS), self._looking[request.ledger]:
                if request.fact is Fact.LOCKED:
                    row = await reader.lock_of(request.terms_hash)
                else:
                    row = await reader.verdict_of(request.terms_hash)
        except Exception as error:  # whatever kept it from reading: it has not seen, so does not sign
            return self._cannot_read(request.ledger, error)
        self._unreachable.discard(request.ledger)
        if row is None:
            return _absent(request)
        receipt = _receipt_of(request, row)
        if isinstance(receipt, Declined):
            return receipt
        doubt = self._doubt(request, row.signed, row.terms_hash, receipt)
        return doubt or Statement(
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

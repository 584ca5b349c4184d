"""What a ledger does, whoever keeps it: Postgres, memory, later a chain.

A ledger is one kind of thing; *asset* and *payment* are roles that terms give it: `lock`, `release`, `refund` serve
terms whose delivery leg names this ledger, `pay` and `void` those whose payment leg does. Every operation verifies its
own evidence, has its effect in one transaction, and answers a repeated request with the first receipt. Refusals are
values; an exception means that it is not known what happened.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from interlock.protocol import (
    AccountState,
    Answer,
    Asset,
    Attempt,
    Attestors,
    Certificate,
    Check,
    JournalLine,
    Lock,
    Misconduct,
    SignedLedgerOrder,
    SignedOperatorOrder,
    SignedRedirection,
    SignedTerms,
    Terms,
    Verdict,
    VoidAuthority,
)


class LedgerReader(Protocol):
    """The read side: what attestors, the sweeper and people look at. Only committed, flushed facts."""

    async def lock_of(self, terms_hash: str) -> Lock | None: ...
    async def verdict_of(self, terms_hash: str) -> Verdict | None: ...

    async def locks_of(self, terms_hashes: Sequence[str]) -> Mapping[str, Lock]:
        """The locks that there are of these terms. Raises ValueError if one of the rows cannot be understood."""
        ...

    async def verdicts_of(self, terms_hashes: Sequence[str]) -> Mapping[str, Verdict]:
        """The verdicts that there are on these terms. Raises ValueError if one of the rows cannot be understood."""
        ...

    async def left_out(self) -> frozenset[str]:
        """The attestors whose signatures do not count here now, for misconduct."""
        ...


class Ledger(LedgerReader, Protocol):
    """One ledger of one network."""

    @property
    def name(self) -> str:
        """The name by which legs refer to this ledger."""
        ...

    async def check(self, signed: SignedTerms) -> Check:
        """What already stands here for the terms, else whether this ledger would do its part; writes nothing."""
        ...

    async def lock(self, signed: SignedTerms, attempt: Attempt) -> Answer:
        """Move the deliverer's units into the lock's own escrow account."""
        ...

    async def release(
        self,
        terms: Terms,
        certificate: Certificate,
        attempt: Attempt,
        redirection: SignedRedirection | None = None,
    ) -> Answer:
        """Escrow to the receiver, on a PAID certificate; to another account of the buyer's with a redirection."""
        ...

    async def refund(self, terms: Terms, certificate: Certificate, attempt: Attempt) -> Answer:
        """Escrow back to the deliverer, on a VOIDED certificate; with no lock there, a tombstone."""
        ...

    async def pay(self, signed: SignedTerms, certificate: Certificate, attempt: Attempt) -> Answer:
        """Payer to payee and the verdict PAID, on a LOCKED certificate."""
        ...

    async def void(self, signed: SignedTerms, authority: VoidAuthority, attempt: Attempt) -> Answer:
        """The verdict VOIDED, on one of the three authorities."""
        ...

    async def resume(self, order: SignedOperatorOrder, attempt: Attempt) -> Answer:
        """Journal two operators' order to look again now (act `resume`); moves nothing."""
        ...

    async def order(self, order: SignedLedgerOrder, attempt: Attempt) -> Answer:
        """Carry out two operators' order about accounts, assets or attestors."""
        ...

    async def accuse(self, misconduct: Misconduct, attempt: Attempt) -> Answer:
        """Leave an attestor out of every quorum from now on, on the proof of its misconduct."""
        ...

    async def now(self) -> datetime:
        """The ledger's own clock."""
        ...

    async def attestors_of(self, terms: Terms) -> Attestors | None:
        """The set whose certificates count for these terms: the one they name, or its successor."""
        ...

    async def accounts(self) -> Sequence[AccountState]:
        """Every party's account, by name."""
        ...

    async def journal(self, account: str) -> Sequence[JournalLine] | None:
        """An account's postings, oldest first; None if there is no such account."""
        ...

    async def asset(self, code: str) -> Asset | None:
        """An asset that this ledger keeps."""
        ...

    async def locks_by_settlement(self, settlement_id: str) -> Sequence[Lock]:
        """The locks of all terms that use this settlement id."""
        ...

    async def verdicts_by_settlement(self, settlement_id: str) -> Sequence[Verdict]:
        """The verdicts on all terms that use this settlement id."""
        ...

    async def open_locks(self, older_than_seconds: float, limit: int, after: int = 0) -> Sequence[Lock]:
        """Locks still `locked`, by position from `after` on, that have stood for so long on the ledger's clock."""
        ...

    async def verdicts_after(self, position: int, limit: int) -> Sequence[Verdict]:
        """Verdicts whose journal position is greater, in order of position."""
        ...

    async def ended_of(self, terms_hashes: Sequence[str]) -> frozenset[str]:
        """Which of these terms have a lock row that is released or refunded."""
        ...

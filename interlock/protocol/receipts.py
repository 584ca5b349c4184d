"""What ledgers answer with: receipts of effects, and the rows that stand for terms."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from interlock.protocol.authority import SignedTerms
from interlock.protocol.eip712 import Message
from interlock.protocol.growing import Told
from interlock.protocol.refusals import Refusal
from interlock.protocol.words import AccountName, Address, AssetCode, Digest, LedgerName, UtcTime


class Operation(StrEnum):
    """The effects that a ledger can have: on terms, one of each per terms hash at most; by order; on an accusation."""

    LOCK = "lock"
    RELEASE = "release"
    REFUND = "refund"
    PAY = "pay"
    VOID = "void"
    ORDER = "order"
    ACCUSE = "accuse"


class Attempt(Message):
    """Who asked, and the trace and span of the attempt (hex, 16 and 8 bytes): stored with the effect it made."""

    actor: Annotated[str, Field(max_length=200)]
    trace_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    span_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class Receipt(Told):
    """The journal entry of an effect. Asking again returns this same one.

    `terms_hash` is the digest of the order or of the misconduct where the effect is on no terms.
    """

    kind: Literal["receipt"] = "receipt"
    ledger: LedgerName
    operation: Operation
    terms_hash: Digest
    reference: str
    position: int
    at: UtcTime


class LockState(StrEnum):
    """Where a lock's units are: in escrow, with the receiver, or back (a tombstone reads refunded)."""

    LOCKED = "locked"
    RELEASED = "released"
    REFUNDED = "refunded"


class Lock(Message):
    """The asset ledger's row for terms. `locked` is None for a tombstone; `ended` is None while locked."""

    terms_hash: Digest
    state: LockState
    signed: SignedTerms
    locked: Receipt | None
    ended: Receipt | None


class VerdictKind(StrEnum):
    """The two possible verdicts."""

    PAID = "PAID"
    VOIDED = "VOIDED"


class Verdict(Message):
    """The one row that decides terms: PAID or VOIDED. `authority` says what it relied on."""

    terms_hash: Digest
    verdict: VerdictKind
    signed: SignedTerms
    authority: Literal["certificate", "consent", "time", "operators"]
    receipt: Receipt


class Check(Message):
    """A ledger's answer to `check`: what already stands, else whether it would do its part (no refusal: it would)."""

    lock: Lock | None = None
    verdict: Verdict | None = None
    refusal: Refusal | None = None


Answer = Annotated[Receipt | Refusal, Field(discriminator="kind")]
"""What an operation answers: the receipt of its one effect, or why not."""


class AccountState(Message):
    """An account as its ledger sees it; balances in smallest units, by asset."""

    ledger: LedgerName
    account: AccountName
    owner: Address
    admitted: bool
    frozen: bool
    balances: dict[AssetCode, int]


class JournalLine(Message):
    """One posting to an account: quantity signed (smallest units), and the balance after it."""

    position: int
    at: UtcTime
    operation: str
    settlement_id: str
    terms_hash: str
    asset: AssetCode
    quantity: int
    balance: int
    reason: str

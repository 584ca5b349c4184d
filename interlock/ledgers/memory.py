"""A ledger in this process's memory, for unit tests of whoever asks ledgers. It answers as the Postgres one does, and
passes the same tests; it keeps nothing when the process ends, and is no ledger to hold value on.

No operation awaits anything between its first look and its last write, so each is one transaction.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from interlock.ledgers import rules
from interlock.ledgers.books import Account, Books, Movement, escrow_of, issuance_of
from interlock.ledgers.evidence import (
    Identity,
    RegisteredSet,
    SetKey,
    effective,
    unauthorised,
    uncertified,
    unmatched,
    unordered,
    unordered_here,
    unredirected,
    valid_until,
)
from interlock.ledgers.ledger import Genesis
from interlock.ledgers.refusals import refusal
from interlock.protocol import (
    AccountOrder,
    AccountState,
    Answer,
    Asset,
    Attempt,
    Attestors,
    Certificate,
    Check,
    CloseAttestors,
    Fact,
    JournalLine,
    Leg,
    Lock,
    LockState,
    Message,
    Mint,
    OpenAccount,
    Receipt,
    Refusal,
    RefusalCode,
    RegisterAsset,
    RegisterAttestors,
    SignedLedgerOrder,
    SignedOperatorOrder,
    SignedRedirection,
    SignedTerms,
    Terms,
    Verdict,
    VerdictKind,
    VoidAuthority,
)
from interlock.protocol.eip712 import digest_of

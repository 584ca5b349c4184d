"""Checks the invariants on two real ledgers, from what they have stored. Repairs nothing, trusts no conclusion of theirs.

Works on any connection that may read everything: an auditor's, or the writer's. The ledgers may be in use meanwhile.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import batched

from interlock.ledgers import evidence
from interlock.ledgers.evidence import effective
from interlock.ledgers.queries import folder, query
from interlock.ledgers.reader import PostgresReader
from interlock.ledgers.reverify import Entry, Reverifier
from interlock.protocol import Message, SignedTerms

MOST_VIOLATIONS = 100
_CHUNK = 1000


class InvariantResult(Message):
    """What a check of one invariant found: how many facts it looked at, and a sentence for each violation (at most 100)."""

    ok: bool
    checked: int
    violations: tuple[str, ...]

"""Which attestors are left out for misconduct, as the ledgers that one attestor reads show it. Judges nothing.

Answers are not kept waiting: it looks once in a while, and says what it last saw of each ledger.
"""

import asyncio
import logging
from collections.abc import Mapping

from interlock.ledgers.ledger import LedgerReader

LOOK_EVERY_SECONDS = 1.0
FIRST_LOOK_SECONDS = 0.25
"""How long an answer waits for the first look at a ledger."""

_log = logging.getLogger(__name__)


class LeftOut:
    """What the ledgers say of attestors; whoever is left out on one of them is left out."""

    def __init__(self, readers: Mapping[str, LedgerReader], *, look_every_seconds: float = LOOK_EVERY_SECONDS) -> None:
        self._readers = readers
        self._look_every_seconds = look_every_seconds
        self._seen: dict[str, frozenset[str]] = {}
        self._unreadable: set[str] = set()
        self._looking: asyncio.Task[None] | None = None
        self._due = 0.0

    async def known(self) -> tuple[str, ...]:
        """Their addresses, sorted. A ledger that cannot be read says what it said before, at first nobody."""
        now = asyncio.get_running_loop().time()
        if now >= self._due and (self._looking is None or self._looking.done()):
            self._due = now + self._look_every_seconds
            self._looking = asyncio.create_task(self._look())
            if len(self._seen) + len(self._unreadable) < len(self._readers):
                await asyncio.wait({self._looking}, timeout=FIRST_LOOK_SECONDS)
        return tuple(sorted(frozenset().union(*self._seen.values())))

    async def close(self) -> None:
        """Give up the look under way."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        await asyncio.gather(*(self._look_at(ledger, reader) for ledger, reader in self._readers.items()))

    async def _look_at(self, ledger: str, reader: LedgerReader) -> None:
        try:
            self._seen[ledger] = await reader.left_out()
        except Exception as error:  # whatever kept it from reading, also a grant that an older installation lacks
            if ledger not in self._unreadable:
                _log.warning("who is left out on ledger %s cannot be read: %s", ledger, type(error).__name__)
            self._unreadable.add(ledger)
        else:
            self._unreadable.discard(ledger)

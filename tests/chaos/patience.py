"""Asking again: what every participant does when a server is away. Harmless, as every request may be repeated."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from interlock.client import ServiceFault
from interlock.ledgers.faults import LedgerFault

PATIENCE_SECONDS = 240.0
AGAIN_AFTER_SECONDS = (0.2, 2.0)
"""The first pause, and the longest."""

_Answer = TypeVar("_Answer")


async def insist(ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """The answer, however often it has to be asked for; refusals and the client's other errors come through at once."""
    pause, longest = AGAIN_AFTER_SECONDS
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except (ServiceFault, LedgerFault):
            if time.monotonic() > until:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, longest)

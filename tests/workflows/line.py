"""The line between a role's worker and its ledger, which tests break from outside: the ledger itself stays whole."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, cast

from interlock.ledgers.faults import LedgerUnreachable
from interlock.ledgers.ledger import Ledger
from interlock.ledgers.memory import MemoryLedger


class Line:
    """Counts what is asked; may be cut, lose answers after the commit, or hold requests back until they are let go."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self.is_cut = False
        self.asked: Counter[str] = Counter()
        self.loses: Counter[str] = Counter()
        """How many of a verb's answers are lost, after the ledger has done what was asked."""
        self.instead: dict[str, list[Any]] = {}
        """What a verb's next requests are answered in the ledger's stead, without its being asked."""
        self._held: dict[str, asyncio.Event] = {}
        self._arrived: dict[str, asyncio.Event] = {}

    @property
    def end(self) -> Ledger:
        """What the worker holds of it."""
        return cast(Ledger, self)

    def hold(self, verb: str) -> None:
        """Keep requests on their way."""
        self._held[verb], self._arrived[verb] = asyncio.Event(), asyncio.Event()

    def let_go(self, verb: str) -> None:
        """Let what is on its way arrive, and everything after it pass."""
        self._held.pop(verb).set()

    async def until_holding(self, verb: str) -> None:
        """Return once a request of this verb is on its way."""
        await self._arrived[verb].wait()

    def __getattr__(self, verb: str) -> Any:
        asked = getattr(self._ledger, verb)
        return self._over_the_line(verb, asked) if asyncio.iscoroutinefunction(asked) else asked

    def _over_the_line(self, verb: str, ask: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def asked(*evidence: Any) -> Any:
            self.asked[verb] += 1
            if self.is_cut:
                raise LedgerUnreachable("the line is cut")
            if (held := self._held.get(verb)) is not None:
                self._arrived[verb].set()
                await held.wait()
            if self.instead.get(verb):
                return self.instead[verb].pop(0)
            answer = await ask(*evidence)
            if self.loses[verb] > 0:
                self.loses[verb] -= 1
                raise LedgerUnreachable("the answer was lost on its way")
            return answer

        return asked

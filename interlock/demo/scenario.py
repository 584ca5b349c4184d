"""What a scenario is: its name, what happens, how it must end, and when it may be played. Plays and judges nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

from interlock.demo.trade import Start, Trade
from interlock.protocol import LockState, Outcome, VerdictKind


class Phase(Enum):
    """When a scenario may be played. The order is that of the demo."""

    FIRST = auto()
    TOGETHER = auto()
    """Beside all others: it breaks nothing that they share."""
    IN_TURN = auto()
    """Beside the others, but one after the other: it takes one attestor away, and the others can do without one."""
    ALONE = auto()
    """It takes away what the others need."""


@dataclass(frozen=True)
class Ending:
    """How a settlement ends: what the SDK's report says, and the rows of both ledgers."""

    outcome: Outcome | None
    verdict: VerdictKind | None = None
    lock: LockState | None = None

    def __str__(self) -> str:
        return ", ".join(word.value if word else "null" for word in (self.outcome, self.verdict, self.lock))


SETTLED = Ending(Outcome.SETTLED, VerdictKind.PAID, LockState.RELEASED)
EXPIRED = Ending(Outcome.EXPIRED, VerdictKind.VOIDED, LockState.REFUNDED)
CANCELLED = Ending(Outcome.CANCELLED, VerdictKind.VOIDED, LockState.REFUNDED)


@dataclass(frozen=True)
class Scenario:
    """One scenario. `play` does what happens, and raises NotAsTold where something happens otherwise.

    The trade's end is awaited and judged after it, always in the same way.
    """

    name: str
    text: str
    ending: Ending
    play: Callable[[Trade], Awaitable[None]]
    start: Start
    phase: Phase = Phase.TOGETHER


@dataclass(frozen=True)
class Result:
    """How a scenario ended; `reason` says why it is not as told, and is empty if it is."""

    scenario: Scenario
    settlement_id: str
    seen: Ending
    reason: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether everything was as told."""
        return not self.reason

    def document(self) -> dict[str, object]:
        """What scripts are told of it."""
        return {
            "name": self.scenario.name,
            "settlement_id": self.settlement_id,
            "expected": str(self.scenario.ending),
            "outcome": self.seen.outcome,
            "verdict": self.seen.verdict,
            "lock": self.seen.lock,
            "ok": self.ok,
        }

"""The rows of the matrix: the steps of a settlement, as the design has them, and where each can be stopped."""

from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """How a settlement comes to a step: undisturbed; or for want of cash both parties cancel, or settle_by comes."""

    SETTLES = "settles"
    VOIDS = "voids"
    EXPIRES = "expires"


@dataclass(frozen=True)
class Step:
    """A step: its verb on the line, the ledger that it changes or looks at, and the table it is in the middle of."""

    name: str
    verb: str
    ledger: str
    way: Way
    table: str
    writes: bool = False
    """Whether its effect is on a ledger."""
    too_late: str = "receipt"
    """What it is answered when it comes after the settlement has ended the other way, or, if that is impossible,
    after it has ended."""

    @property
    def asks_attestors(self) -> bool:
        """Whether it is the attestors that look at the ledger."""
        return self.verb.startswith("attest")


STEPS = (
    Step("match", "asset lock_of", "asset", Way.SETTLES, "locks", too_late="refunded"),
    Step("check", "asset check", "asset", Way.SETTLES, "locks", too_late="checked"),
    Step("lock", "asset lock", "asset", Way.SETTLES, "locks", writes=True, too_late="terms_closed"),
    Step("attest", "attest LOCKED", "asset", Way.SETTLES, "locks", too_late="no_quorum"),
    Step("pay", "payment pay", "payment", Way.SETTLES, "verdicts", writes=True, too_late="already_voided"),
    Step("void", "payment void", "payment", Way.VOIDS, "verdicts", writes=True, too_late="already_paid"),
    Step("attest PAID", "attest PAID", "payment", Way.SETTLES, "verdicts", too_late="attested"),
    Step("attest VOIDED", "attest VOIDED", "payment", Way.VOIDS, "verdicts", too_late="attested"),
    Step("release", "asset release", "asset", Way.SETTLES, "locks", writes=True),
    Step("refund", "asset refund", "asset", Way.VOIDS, "locks", writes=True),
)
ROWS = {step.name: step for step in STEPS}

DECIDED = ("attest PAID", "attest VOIDED", "release", "refund")
"""Steps after the verdict: it cannot end the other way any more."""

"""What a checker says of a proof: claim by claim, proven, not proven, or untrue."""

from enum import StrEnum

from interlock.protocol import Message, Outcome
from interlock.protocol.words import Digest, SettlementId


class Untrue(Exception):  # noqa: N818 - a finding, not a fault
    """Something in the file contradicts what it should prove; the text says what. The file is rejected."""


class State(StrEnum):
    """How a claim stands."""

    PROVEN = "proven"
    NOT_PROVEN = "not_proven"
    UNTRUE = "untrue"


class Verdict(StrEnum):
    """How the file stands: all that is essential is proven, or some of it is not, or something is untrue."""

    PROVEN = "proven"
    INCOMPLETE = "incomplete"
    REJECTED = "rejected"


class Claim(Message):
    """One thing that a proof is to show. `why` it is not proven, or what is untrue; empty where it is proven."""

    name: str
    text: str
    essential: bool
    state: State
    why: str = ""


class Report(Message):
    """All claims, in the order in which they were looked at; what the proof is of, if it can be read."""

    verdict: Verdict
    settlement_id: SettlementId | None = None
    terms_hash: Digest | None = None
    outcome: Outcome | None = None
    claims: tuple[Claim, ...]

    @property
    def reason(self) -> str:
        """Why it is not proven: of the untrue claim, else of the first essential one that is open; empty if it is."""
        wanted = State.UNTRUE if self.verdict is Verdict.REJECTED else State.NOT_PROVEN
        return next((each.why for each in self.claims if each.essential and each.state is wanted), "")

    def claim(self, name: str) -> Claim:
        """The claim of that name. Raises KeyError for an unknown one."""
        found = {each.name: each for each in self.claims}
        return found[name]

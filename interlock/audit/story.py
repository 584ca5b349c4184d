"""A settlement's story: acts and waits, in order, and how it stands. Knows no record that it is told from."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Lane = Literal["seller", "buyer", "operators", "asset ledger", "attestors", "payment ledger", "settlement"]
Kind = Literal["signed", "step", "effect", "certificate", "refusal", "fault", "dissent", "order", "recovery", "end"]

LANES: tuple[Lane, ...] = (
    "seller",
    "buyer",
    "operators",
    "asset ledger",
    "attestors",
    "payment ledger",
    "settlement",
)
"""Whose acts there are; operators' only where they acted."""


@dataclass(frozen=True)
class Act:
    """One thing that happened. `sides` are the parties that it is an act of, or whose money or units it moved."""

    at: datetime
    until: datetime
    lane: Lane
    kind: Kind
    what: str
    who: str = ""
    authority: tuple[str, ...] = ()
    sides: tuple[Lane, ...] = ()
    step: str = ""
    attempt: int | None = None
    code: str = ""
    ledger: str = ""
    position: int | None = None
    reference: str = ""
    span_id: str = ""
    reconstructed: bool = False


@dataclass(frozen=True)
class Wait:
    """A time in which nothing could happen: why, who had to act, and how often it was tried. No end: it goes on."""

    since: datetime
    until: datetime | None
    code: str
    text: str
    who: str
    attempts: int

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken until now."""
        return ((self.until or now) - self.since).total_seconds()


@dataclass(frozen=True)
class Amount:
    """What a leg moves where. Without the asset's decimals the amount is in smallest units, and says so."""

    ledger: str
    asset: str
    quantity: str
    amount: str
    deliverer: str = ""
    receiver: str = ""


@dataclass(frozen=True)
class Story:
    """Everything that is known of one settlement's terms, in order."""

    settlement_id: str
    terms_hash: str
    trace_id: str
    seller: str
    buyer: str
    state: str
    outcome: str | None
    settle_by: str
    delivery: Amount | None
    payment: Amount | None
    reason: str
    ended: bool
    acts: tuple[Act, ...]
    waits: tuple[Wait, ...]
    entries: int

    @property
    def dissents(self) -> tuple[Act, ...]:
        """Whatever an attestor did otherwise than the others."""
        return tuple(act for act in self.acts if act.kind == "dissent")

    @property
    def retries(self) -> int:
        """How many attempts were refused or broke."""
        return sum(act.kind in ("refusal", "fault") for act in self.acts)

    @property
    def beginning(self) -> datetime | None:
        """When the first thing happened."""
        return self.acts[0].at if self.acts else None

    @property
    def document(self) -> dict[str, Any]:
        """The story for programs: JSON values, times in UTC."""
        found: dict[str, Any] = _jsonable(asdict(self))
        return found


def listed(words: Iterable[str]) -> str:
    """Words as a sentence lists them: "a, b and c"."""
    *most, last = [*words] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _jsonable(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case dict():
            return {name: _jsonable(each) for name, each in value.items()}
        case list() | tuple():
            return [_jsonable(each) for each in value]
    return value

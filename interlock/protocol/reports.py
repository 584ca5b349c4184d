"""What people and programs are told about a settlement: one report, from whatever source could answer."""

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from interlock.protocol.growing import Growing, Told
from interlock.protocol.receipts import LockState, VerdictKind
from interlock.protocol.statements import Dissent
from interlock.protocol.words import Digest, SettlementId, UtcTime


class Stage(Growing):
    """How far a settlement has come; the last four are its ends."""

    PROPOSED = "PROPOSED"
    MATCHED = "MATCHED"
    LOCKED = "LOCKED"
    ATTESTED = "ATTESTED"
    PAID = "PAID"
    VOIDED = "VOIDED"
    SETTLED = "SETTLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


class Outcome(Growing):
    """The only ends of a settlement."""

    SETTLED = "SETTLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


class Blocker(Told):
    """What a settlement waits for, or why it was rejected: a stable code, a sentence, and who must act."""

    code: str
    text: str
    who: str


Act = Literal["instruct", "withdraw", "cancel", "resume", "void"]


def _known(acts: object) -> object:
    """Without the acts of a later version, which this one could not do."""
    return tuple(act for act in acts if act in get_args(Act)) if isinstance(acts, list) else acts


class SettlementReport(Told):
    """Where a settlement stands. `next_attempt` is when the blocked step is asked again (UTC)."""

    settlement_id: SettlementId
    terms_hash: Digest
    stage: Stage
    outcome: Outcome | None = None
    verdict: VerdictKind | None = None
    lock: LockState | None = None
    blocker: Blocker | None = None
    next_attempt: UtcTime | None = None
    settle_by: UtcTime
    allowed: Annotated[tuple[Act, ...], BeforeValidator(_known)] = ()
    dissents: tuple[Dissent, ...] = ()
    trace_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


EventKind = Literal["signed", "withdrawn", "step", "wait", "consent", "order", "dissent", "cancel_request", "end"]


class SettlementEvent(Told):
    """One thing that happened to a settlement, in words."""

    at: UtcTime
    stage: Stage
    kind: EventKind | Annotated[str, Field(max_length=64)]
    """One of those, or one of a later version."""
    text: str


def trace_id_of(terms_hash: str) -> str:
    """The trace that everything about these terms belongs to: the first 16 bytes of their hash, as hex."""
    return terms_hash[2:34]


def root_span_id_of(terms_hash: str) -> str:
    """The span that all others of that trace are children of: the next 8 bytes of the hash, as hex."""
    return terms_hash[34:50]

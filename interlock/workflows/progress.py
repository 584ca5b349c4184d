"""How far a settlement has come: all that a run carries into the next, and nothing that can be derived from it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
)

from interlock.protocol import (
    Blocker,
    Certificate,
    Dissent,
    LockState,
    Outcome,
    Receipt,
    SettlementEvent,
    SettlementReport,
    SignedCancellation,
    SignedOperatorOrder,
    SignedRedirection,
    SignedTerms,
    Stage,
    VerdictKind,
    trace_id_of,
)
from interlock.protocol.growing import Growing, Sparing
from interlock.protocol.instructions import SettlementStart
from interlock.protocol.names import Role
from interlock.protocol.reports import Act

EVENTS_KEPT = 400


def _known(name: Growing) -> Growing:
    if not name.is_known:
        raise ValueError(f"{name} is a name of a later version")
    return name


class Progress(Sparing, BaseModel):
    """The state of one settlement; who goes on from it must understand all of it."""

    model_config = ConfigDict(extra="forbid")

    proposals: list[SignedTerms] = []
    withdrawn: list[SignedTerms] = []
    matched: SignedTerms | None = None
    checked: bool = False
    stage: Annotated[Stage, AfterValidator(_known)] = Stage.PROPOSED
    outcome: Annotated[Outcome, AfterValidator(_known)] | None = None

    lock: LockState | None = None
    lock_certificate: Certificate | None = None
    verdict: VerdictKind | None = None
    voided_by: Literal["consent", "time", "operators"] | None = None
    verdict_certificate: Certificate | None = None
    receipts: list[Receipt] = []

    cancellations: list[SignedCancellation] = []
    void_order: SignedOperatorOrder | None = None
    redirection: SignedRedirection | None = None
    deadline_seen: bool = False

    blocker: Blocker | None = None
    waits: int = 0
    next_attempt: datetime | None = None
    dissents: list[Dissent] = []
    events: list[SettlementEvent] = []

    @property
    def subject(self) -> SignedTerms | None:
        """The terms that a report speaks of: the matched ones, else the oldest proposal, else what was withdrawn."""
        return self.matched or next(iter([*self.proposals, *self.withdrawn]), None)

    @property
    def suspended(self) -> bool:
        """Paid, and the release is refused: only people can make it go on (hazard 9)."""
        return self.verdict is VerdictKind.PAID and self.blocker is not None and self.blocker.code == "not_admitted"

    def record(self, event: SettlementEvent) -> None:
        """Keep an event; the middle of a very long story is dropped, its beginning and end stay."""
        self.events.append(event)
        if len(self.events) > EVENTS_KEPT:
            del self.events[EVENTS_KEPT // 2]

    def keep(self, receipt: Receipt) -> None:
        """Keep the receipt of an effect, to be shown; there is one of each operation."""
        self.receipts = [known for known in self.receipts if known.operation is not receipt.operation] + [receipt]

    def note_dissents(self, dissents: tuple[Dissent, ...]) -> list[Dissent]:
        """Keep those not known yet, and return them."""
        new = [dissent for dissent in dissents if dissent not in self.dissents]
        self.dissents = (self.dissents + new)[:64]
        return new

    @property
    def allowed(self) -> tuple[Act, ...]:
        """What a party or operator may do now."""
        if self.outcome is not None:
            return ()
        if self.matched is None:
            return ("instruct", "withdraw")
        acts: list[Act] = []
        if self.verdict is None:
            acts += ["cancel", "void"]
        if self.blocker is not None:
            acts.append("resume")
        return tuple(acts)

    def report(self) -> SettlementReport | None:
        """The report; None while no terms are known."""
        if (subject := self.subject) is None:
            return None
        return SettlementReport(
            settlement_id=subject.terms.settlement_id,
            terms_hash=subject.terms_hash,
            stage=self.stage,
            outcome=self.outcome,
            verdict=self.verdict,
            lock=self.lock,
            blocker=self.blocker,
            next_attempt=self.next_attempt,
            settle_by=subject.terms.settle_by,
            allowed=self.allowed,
            dissents=tuple(self.dissents),
            trace_id=trace_id_of(subject.terms_hash),
        )


class Run(Sparing, BaseModel):
    """A run's one input: a RunStart, as it was sent, and how far the run before has come."""

    model_config = ConfigDict(extra="forbid")

    network: str
    settlement_id: str
    seller: str
    buyer: str
    local_roles: tuple[Role, ...] = ()
    proposed: SignedTerms | None = None
    progress: Progress | None = None

    @property
    def start(self) -> SettlementStart:
        """Which settlement this is."""
        return SettlementStart.model_validate(self.model_dump(exclude={"local_roles", "proposed", "progress"}))

    def after(self, progress: Progress) -> "Run":
        """The input of the run that goes on from here."""
        return self.model_copy(update={"proposed": None, "progress": progress})

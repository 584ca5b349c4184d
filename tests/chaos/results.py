"""What a run came to, for people and for scripts. Looks at nothing itself."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.audit.completeness import TraceResult
from tests.chaos.register import Claim, Register
from tests.chaos.saboteur import Hit


@dataclass(frozen=True)
class Recovery:
    """How long a settlement took to its end, from the first fault after it was matched; none of it was waiting."""

    settlement_id: str
    seconds: float
    fault: str


@dataclass(frozen=True)
class Results:
    """The figures of one run, and everything that was wrong, with the settlements that it is about."""

    seed: int
    settlements: int
    claims: int
    faults: Counter[str]
    endings: Counter[str]
    could_settle: int
    """How many waited for nobody but the service, and how many of these it settled in time."""
    did_settle: int
    not_in_time: tuple[str, ...]
    """These others: what became of each, and what its parties were told."""
    frozen: int
    plots: Counter[str]
    slowest: Recovery | None
    slowest_terminated: Recovery | None
    longest_life_seconds: float
    looks: int
    looks_away: int
    verified: dict[str, int]
    traces: TraceResult
    seconds: float
    wrong: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was wrong."""
        return not self.wrong

    def document(self) -> dict[str, object]:
        """All of it, for a file."""
        return {
            "ok": self.ok,
            "seed": self.seed,
            "settlements": self.settlements,
            "terms": self.claims,
            "faults": sum(self.faults.values()),
            "faults_by_kind": dict(self.faults.most_common()),
            "outcomes": dict(self.endings.most_common()),
            "waited_for_nobody": self.could_settle,
            "of_these_settled": self.did_settle,
            "not_settled_in_time": list(self.not_in_time),
            "accounts_frozen_for_a_while": self.frozen,
            "plots": dict(self.plots.most_common()),
            "slowest_recovery": vars(self.slowest) if self.slowest else None,
            "slowest_recovery_of_a_terminated_run": vars(self.slowest_terminated) if self.slowest_terminated else None,
            "longest_life_seconds": self.longest_life_seconds,
            "observer_looks": self.looks,
            "observer_met_a_server_away": self.looks_away,
            "invariants_checked": self.verified,
            "traces": self.traces.model_dump(mode="json"),
            "duration_seconds": self.seconds,
            "wrong": list(self.wrong),
        }

    def lines(self) -> Iterator[str]:
        """All of it, for people."""
        yield f"settlements  {self.settlements:,} of {len(self.plots)} kinds ({self.claims:,} terms signed)"
        yield f"faults       {sum(self.faults.values()):,}: {_listed(self.faults)}"
        yield f"             and {self.frozen:,} times an account of many trades' was frozen for a while"
        yield f"outcomes     {_listed(self.endings)}"
        yield f"             {self.did_settle:,} of {self.could_settle:,} that waited for nobody settled in time"
        if self.slowest is not None:
            yield (
                f"recovery     slowest {self.slowest.seconds:.1f} s, from the first fault after its match "
                f"({self.slowest.fault}) to its end: {self.slowest.settlement_id}"
            )
        if self.slowest_terminated is not None:
            yield (
                f"             slowest of a terminated run {self.slowest_terminated.seconds:.1f} s: "
                f"{self.slowest_terminated.settlement_id}"
            )
        yield f"             longest from match to end {self.longest_life_seconds:.1f} s"
        yield f"observer     {self.looks:,} looks, and {self.looks_away:,} while a server was away"
        yield f"verified     {', '.join(f'{name} {count:,}' for name, count in self.verified.items())}"
        told = self.traces
        yield (
            f"traces       {told.settlements:,} terms: {told.complete:,} complete, {told.still_open:,} still open; "
            f"{told.orphans:,} orphans, {told.holes:,} holes, {told.effects_without_span:,} effects without a span"
        )
        yield f"             {told.reconstructed:,} of {told.spans:,} spans were lost with a process, and made again"
        yield f"duration     {self.seconds:.0f} s"
        yield f"seed         {self.seed}"
        yield from (f"WRONG        {text}" for text in self.wrong)
        yield "nothing lost, nothing doubled, nothing stuck" if self.ok else f"{len(self.wrong)} things are WRONG"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common())


def recoveries(register: Register, hits: Sequence[Hit]) -> Iterator[tuple[Claim, Recovery]]:
    """For settlements with nothing to wait for but the service, that were hit while they were matched and not ended."""
    for claim in register.claims.values():
        if not claim.waits_for_nobody or claim.matched_at is None or claim.ended_at is None:
            continue
        if (hit := first_hit(claim, claim.matched_at, claim.ended_at, hits)) is not None:
            seconds = (claim.ended_at - hit.at).total_seconds()
            yield claim, Recovery(claim.terms.settlement_id, round(seconds, 2), hit.kind)


def first_hit(claim: Claim, matched_at: datetime, ended_at: datetime, hits: Sequence[Hit]) -> Hit | None:
    """The first fault that a settlement met: one of the whole service, or one aimed at it."""
    for hit in hits:
        if matched_at <= hit.at < ended_at and hit.workflow_id in (None, claim.workflow_id):
            return hit
    return None


def not_in_time(register: Register) -> Iterator[str]:
    """Of the settlements that had nothing to wait for but the service: those that settle_by came upon."""
    for claim in register.claims.values():
        if claim.waits_for_nobody and not claim.settled:
            told = claim.report.outcome if claim.report else "nothing"
            yield f"{claim.terms.settlement_id} ({claim.plot}): {claim.ending}, told {told}"


def slowest(found: Sequence[tuple[Claim, Recovery]]) -> Recovery | None:
    """The longest recovery."""
    return max((recovery for _, recovery in found), key=lambda recovery: recovery.seconds, default=None)


def longest_life(register: Register) -> float:
    """The longest time from match to end of a settlement with nothing to wait for, in seconds."""
    lives = [
        (claim.ended_at - claim.matched_at).total_seconds()
        for claim in register.claims.values()
        if claim.waits_for_nobody and claim.matched_at and claim.ended_at
    ]
    return round(max(lives, default=0.0), 2)

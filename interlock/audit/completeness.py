"""Judges whether traces are whole: one settlement, one tree, from instruction to outcome, and every effect in it.

Compares the spans of the audit trail with the entries of both ledgers' journals; docs/tracing.md says what a hole is.
Pure but for `traces`, which reads. Repairs nothing, and verifies no signature and no seal.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.audit.due import ANSWERS, CHECKS, Due, Entry, all_due, run_of
from interlock.protocol import Message
from interlock.protocol.reports import root_span_id_of, trace_id_of

MOST_VIOLATIONS = 100
YOUNG = timedelta(seconds=60)
"""What is younger is not held to be lost: its process may still send it, and else it is made again in that time."""

_ENDS = {"release": {"SETTLED"}, "refund": {"CANCELLED", "EXPIRED"}}


class TraceResult(Message):
    """What was looked at, and what is wrong with it: numbers, and a sentence for each violation (at most 100).

    `complete` ended and are whole; `still_open` have not ended and lack nothing so far; `young` lack something that may
    still come. `proposals` are those of the complete and open ones that were proposed and never matched.
    """

    ok: bool
    settlements: int = 0
    complete: int = 0
    still_open: int = 0
    young: int = 0
    incomplete: int = 0
    proposals: int = 0
    spans: int = 0
    reconstructed: int = 0
    effects: int = 0
    orphans: int = 0
    holes: int = 0
    effects_without_span: int = 0
    contradictions: int = 0
    violations: tuple[str, ...] = ()


@dataclass(frozen=True)
class SpanInShort:
    """What of a span says whether its trace is whole."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    written_at: datetime
    terms_hash: str | None
    settlement_id: str | None
    workflow_id: str | None
    answer: str | None
    reference: str | None
    outcome: str | None
    unmatched: str | None
    reconstructed: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "SpanInShort":
        """A row of the query spans_in_short."""
        return cls(**row)


@dataclass
class Judged:
    """One trace: what is wrong with it, in words, by kind."""

    ended: bool = False
    proposal: bool = False
    orphans: list[str] = field(default_factory=list)
    holes: list[str] = field(default_factory=list)
    effects_without_span: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """All of it."""
        return [*self.effects_without_span, *self.holes, *self.orphans, *self.contradictions]


def judge(
    terms_hash: str, spans: Sequence[SpanInShort], entries: Sequence[Entry], ended_runs: Collection[str]
) -> Judged:
    """One trace of these terms. `ended_runs` are workflows of the settlement that some root says have ended."""
    if not terms_hash:
        return Judged(orphans=[f"span {span.span_id} ({span.name}) speaks of no terms" for span in spans])
    root_id = root_span_id_of(terms_hash)
    roots = [span for span in spans if span.parent_span_id is None]
    operations = {entry.operation: entry for entry in entries}
    found = Judged(proposal=not entries and all(span.unmatched for span in roots) and not _were_checked(spans))
    why = _why_ended(spans, operations, ended_runs)
    found.ended = bool(roots) or why is not None
    if not roots and why is not None:
        found.holes.append(f"no root, and {why}")
    elif _ENDS.keys() & operations.keys() and not any(span.outcome for span in spans):
        found.holes.append(f"no outcome, and {why}")
    known = {span.span_id for span in spans}
    found.orphans += (
        f"span {span.span_id} ({span.name}) has no parent here"
        for span in spans
        if span.parent_span_id is not None
        and span.parent_span_id not in known
        and (span.parent_span_id != root_id or found.ended)
    )
    for due in all_due(entries):
        if not any(_is(span, due) for span in spans):
            place = f"entry {due.entry.position} of ledger {due.entry.role}"
            if due.kind == "effect":
                found.effects_without_span.append(f"no span of {due.name}, {place}")
            else:
                found.holes.append(f"no span {due.name} before {place}")
    found.contradictions += _contradictions(terms_hash, roots, spans, operations)
    return found


def _why_ended(
    spans: Sequence[SpanInShort], operations: Mapping[str, Entry], ended_runs: Collection[str]
) -> str | None:
    for operation in _ENDS:
        if operation in operations:
            return f"the asset ledger has its {operation}"
    if operations:
        return None
    if any(span.name in CHECKS and span.answer == "refusal" for span in spans):
        return "a ledger said no to what was checked"
    if any(span.workflow_id in ended_runs for span in spans if run_of(span.workflow_id)):
        return "the run that looked after it has ended"
    return None


def _were_checked(spans: Iterable[SpanInShort]) -> bool:
    return any(span.name in CHECKS for span in spans)


def _is(span: SpanInShort, due: Due) -> bool:
    if span.name != due.name:
        return False
    if due.kind != "effect":
        return span.answer == ANSWERS[due.kind]
    return span.span_id in (due.named_id, due.span_id) and span.reference in (None, due.entry.reference)


def _contradictions(
    terms_hash: str, roots: Sequence[SpanInShort], spans: Sequence[SpanInShort], operations: Mapping[str, Entry]
) -> Iterator[str]:
    if strangers := {span.terms_hash for span in spans} - {terms_hash, None}:
        yield f"its trace speaks of other terms too: {sorted(filter(None, strangers))[0]}"
    if any(span.trace_id != trace_id_of(terms_hash) for span in spans):
        yield f"it has spans in trace {spans[0].trace_id}, which is not its own"
    for root in roots:
        if root.span_id != root_span_id_of(terms_hash):
            yield f"span {root.span_id} ({root.name}) stands beside the root"
    ends = next((outcomes for operation, outcomes in _ENDS.items() if operation in operations), None)
    outcomes = {span.outcome for span in spans if span.outcome}
    if ends is None and "SETTLED" in outcomes:
        yield "its root says SETTLED, and the ledgers have not settled it"
    # a run may have ended with nothing on the ledgers, and somebody have moved it afterwards: both are told then
    if ends is not None and outcomes and not outcomes & ends:
        yield f"its root says {' and '.join(sorted(outcomes))}, and the ledgers {' or '.join(sorted(ends))}"


class Findings:
    """Adds up what was judged."""

    def __init__(self, now: datetime | None = None, young: timedelta = YOUNG) -> None:
        self._young_after = (now or datetime.now(UTC)) - young
        self._counts: dict[str, int] = {}
        self._violations: list[str] = []

    def add(
        self, terms_hash: str, spans: Sequence[SpanInShort], entries: Sequence[Entry], ended_runs: Collection[str]
    ) -> None:
        """Judge one trace."""
        judged = judge(terms_hash, spans, entries, ended_runs)
        youngest = max([*(span.written_at for span in spans), *(entry.at for entry in entries)])
        self._count("settlements", 1)
        self._count("spans", len(spans))
        self._count("reconstructed", sum(span.reconstructed for span in spans))
        self._count("effects", len(entries))
        if judged.wrong and youngest > self._young_after:
            self._count("young", 1)
            return
        for kind in ("orphans", "holes", "effects_without_span", "contradictions"):
            self._count(kind, len(getattr(judged, kind)))
        self._count("proposals", judged.proposal)
        self._count("incomplete" if judged.wrong else "complete" if judged.ended else "still_open", 1)
        name = next((span.settlement_id for span in spans if span.settlement_id), "a settlement")
        room = MOST_VIOLATIONS - len(self._violations)
        self._violations += [f"{name} ({terms_hash[:10]}): {text}" for text in judged.wrong][: max(0, room)]

    def _count(self, what: str, more: int) -> None:
        self._counts[what] = self._counts.get(what, 0) + more

    @property
    def result(self) -> TraceResult:
        """All of it."""
        return TraceResult(ok=not self._violations, violations=tuple(self._violations), **self._counts)


Advance = Callable[[int], None]
"""Is told how many more settlements were looked at."""

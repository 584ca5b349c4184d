"""Reads what completeness is judged from: the trail's spans and both ledgers' entries, in stretches; in time that grows
with what there is, and with memory for one stretch and the hashes of all terms. Needs readers' logins; changes nothing.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby

from interlock.audit.completeness import YOUNG, Advance, Findings, SpanInShort, TraceResult
from interlock.audit.due import Entry, run_of
from interlock.audit.install import ROOM
from interlock.audit.journals import Journal
from interlock.ledgers.connections import Connections
from interlock.ledgers.queries import query
from interlock.protocol.names import Role
from interlock.protocol.reports import trace_id_of

STRETCH = 5_000
"""Spans, or entries, read in one statement."""

_FIRST = ("", "")

Trace = tuple[str, list[SpanInShort]]


async def settlements_to_judge(trail: Connections) -> int:
    """How many `traces` looks at, more or less: for a progress bar. Raises LedgerUnreachable."""
    return int(await trail.value(query("count_traces", ROOM)))


async def traces(
    trail: Connections,
    journals: Mapping[str, Journal],
    *,
    terms_hash: str | None = None,
    young: timedelta = YOUNG,
    advance: Advance = lambda _: None,
) -> TraceResult:
    """Judge every settlement's trace, or that of these terms. `journals` are the ledgers' (others in it do not matter).

    What is younger than `young` and lacks something is counted as such, and is no violation. Raises LedgerUnreachable.
    """
    ledgers = [journals[role] for role in (Role.ASSET, Role.PAYMENT) if role in journals]
    findings, seen = Findings(young=young), set[str]()
    async for stretch in _one(trail, terms_hash) if terms_hash is not None else _all(trail):
        await _judge(trail, ledgers, stretch, findings)
        seen |= {each for each, _ in stretch}
        advance(len(stretch))
    if terms_hash is None:
        await _without_spans(ledgers, seen, findings, advance)
    return findings.result


async def _judge(trail: Connections, ledgers: Sequence[Journal], stretch: Sequence[Trace], findings: Findings) -> None:
    entries = await _entries(ledgers, [terms_hash for terms_hash, _ in stretch if terms_hash])
    unrooted = {
        span.settlement_id
        for terms_hash, spans in stretch
        if not entries.get(terms_hash) and all(span.parent_span_id for span in spans)
        for span in spans
        if span.settlement_id and run_of(span.workflow_id)
    }
    rows = await trail.rows(query("ended_runs_of", ROOM), list(unrooted)) if unrooted else []
    ended_runs = {row["workflow_id"] for row in rows}
    for terms_hash, spans in stretch:
        if spans or entries.get(terms_hash):
            findings.add(terms_hash, spans, entries.get(terms_hash, []), ended_runs)


async def _entries(ledgers: Sequence[Journal], terms_hashes: Sequence[str]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for journal in ledgers:
        rows = await journal.connections.rows(query("entries_in_short_of"), list(terms_hashes))
        for row in rows:
            entry = Entry.from_row(Role(journal.name), dict(row))
            found.setdefault(entry.terms_hash, []).append(entry)
    return found


async def _one(trail: Connections, terms_hash: str) -> AsyncIterator[list[Trace]]:
    yield [(terms_hash, await _whole(trail, trace_id_of(terms_hash)))]


async def _whole(trail: Connections, trace_id: str) -> list[SpanInShort]:
    rows = await trail.rows(query("spans_in_short_of", ROOM), trace_id)
    return [SpanInShort.from_row(dict(row)) for row in rows]


async def _all(trail: Connections) -> AsyncIterator[list[Trace]]:
    """All traces of terms, each whole: what a stretch cuts off is read again with the next."""
    last = _FIRST
    while rows := await trail.rows(query("spans_in_short", ROOM), *last, STRETCH):
        spans = [SpanInShort.from_row(dict(row)) for row in rows]
        by_trace = [list(group) for _, group in groupby(spans, key=lambda span: span.trace_id)]
        if len(spans) == STRETCH:
            cut_off = by_trace.pop()
            if not by_trace:  # one that is longer than a stretch
                by_trace = [await _whole(trail, cut_off[0].trace_id)]
        last = (by_trace[-1][-1].trace_id, by_trace[-1][-1].span_id)
        yield [(next((span.terms_hash for span in each if span.terms_hash), ""), each) for each in by_trace]


async def _without_spans(ledgers: Sequence[Journal], seen: set[str], findings: Findings, advance: Advance) -> None:
    """Terms that a ledger has entries of, and the trail knows nothing of at all."""
    for journal in ledgers:
        position = 0
        while rows := await journal.connections.rows(query("terms_after"), position, STRETCH):
            position = rows[-1]["position"]
            unknown = {row["terms_hash"]: None for row in rows if row["terms_hash"] not in seen | {None}}
            for terms_hash, entries in (await _entries(ledgers, list(unknown))).items():
                findings.add(terms_hash, [], entries, ())
                advance(1)
            seen |= unknown.keys()

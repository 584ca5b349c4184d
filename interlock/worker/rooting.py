"""Sees that every settlement that has ended, and every proposal that came to nothing, has the root of its trace: where
the process died with it, the run tells it again; where no run can, the spans of the trace do. An open one has none yet.

Reads the trail with its keeper's login, and no ledger.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from temporalio.client import Client

from interlock.audit.completing import Trail
from interlock.audit.due import run_of
from interlock.audit.ending import Ending, ending_of, is_told, unmatched_ending
from interlock.audit.install import ROOM
from interlock.audit.keeping import KeptJournal
from interlock.audit.reader import SpanReader
from interlock.audit.spans import StoredSpan
from interlock.ledgers.queries import query
from interlock.protocol import Outcome
from interlock.protocol.reports import root_span_id_of, trace_id_of
from interlock.protocol.seals import AUDIT_JOURNAL
from interlock.protocol.steps import Record
from interlock.worker.completing import Emit, opened, rounds, stored
from interlock.worker.ended_runs import EndedRun, EndedRuns, State
from interlock.worker.roots import Roots
from interlock.worker.settings import WorkerSettings
from interlock.worker.telemetry import Telemetry

STRETCH = 5_000
"""Spans looked at in one statement."""

RUNS_AT_ONCE = TRACES_AT_ONCE = 100
WAITING_AT_MOST = 1_000
"""Ended traces whose root has to wait: for a run that goes on, or for a span that is still to come."""

LIST_LAG = timedelta(seconds=15)
"""How late Temporal's list may show that a run has closed."""

LIST_ANYWAY = timedelta(seconds=60)
"""How often Temporal is asked for closed runs while the trail stands still: who ends adds spans to it, but for those
that nobody lived to tell of."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@asynccontextmanager
async def rooting(settings: WorkerSettings, client: Client, telemetry: Telemetry) -> AsyncIterator[None]:
    """Complete roots for as long as the block lasts, if this process may read the trail and add to it."""
    if settings.audit_keeper_dsn is None or settings.audit_dsn is None:
        yield
        return
    after_seconds = settings.reconstruct_after_seconds
    async with AsyncExitStack() as held:
        trail = KeptJournal(AUDIT_JOURNAL, await opened(held, settings.audit_keeper_dsn.get_secret_value()))
        rooter = Rooter(
            trail, EndedRuns(client), Roots(telemetry.resource), telemetry.emit, after_seconds=after_seconds
        )
        async with rounds(rooter, rooter.trail, AUDIT_JOURNAL, after_seconds):
            yield


class Rooter:
    """Goes through the trail, and through the runs that Temporal lists as completed, once; goes on where any process
    has left off."""

    def __init__(
        self, journal: KeptJournal, runs: EndedRuns, roots: Roots, emit: Emit, *, after_seconds: float
    ) -> None:
        """`journal` is the trail, with its keeper's login and one connection; spans are looked at once so old."""
        self.trail = Trail(journal.connections)
        self._journal = journal
        self._reader = SpanReader(journal.connections)
        self._runs = runs
        self._roots = roots
        self._emit = emit
        self._after_seconds = after_seconds
        self._done = -1  # as far as this process knows, with nothing left to wait for
        self._grown_to, self._grown_at = -1, _EPOCH
        self._listed_through = _EPOCH
        self.has_news = True

    async def complete(self) -> int:
        """Look at all that is new and old enough; how many roots were made again."""
        position = (await self._journal.sight()).position
        if position != self._grown_to:
            self._grown_to, self._grown_at = position, datetime.now(UTC)
        self.has_news = position != self._done
        if not self.has_news and not self._is_to_list():
            return 0
        async with self.trail.turn(AUDIT_JOURNAL) as is_ours:
            if not is_ours:
                return 0
            place = await self.trail.place(AUDIT_JOURNAL)
            made = await self._ended_on_ledgers(place)
            if self._is_to_list():
                made += await self._ended_runs(place)
            self._done = -1 if place.get("waiting") else place.get("position", -1)
            return made

    def _is_to_list(self) -> bool:
        return self._listed_through < max(self._grown_at, self._closed_by() - LIST_ANYWAY)

    def _closed_by(self) -> datetime:
        """All runs that closed until then are in Temporal's list, and have had time to tell of themselves."""
        return datetime.now(UTC) - max(LIST_LAG, timedelta(seconds=self._after_seconds))

    # what the ledgers have ended, as the trail shows

    async def _ended_on_ledgers(self, place: dict[str, Any]) -> int:
        sight = await self._journal.sight()  # later than the place: whoever had the turn may have seen more
        after = int(place.get("position", 0))
        if after > sight.position:  # another trail, or one that was restored
            after = 0
        before: list[str] = list(place.get("waiting", ()))
        waiting: list[str] = []
        made = 0
        if after < sight.position:
            await self._journal.settled(sight)
        while True:
            row = await self._journal.connections.row(
                query("ends_after", ROOM), after, sight.position, STRETCH, self._after_seconds
            )
            through, fresh = (row["through"], row["trace_ids"]) if row else (None, [])
            unready, roots = await self._looked_at(list(dict.fromkeys([*before, *fresh])))
            made += await self._send(roots)
            before, waiting = [], [*waiting, *unready]
            if len(waiting) > WAITING_AT_MOST:  # go on here once some of them have their root
                return made
            after = through or after
            noted = {"position": after, "waiting": waiting}
            if any(place.get(name) != value for name, value in noted.items()):
                place |= noted
                await self.trail.note(AUDIT_JOURNAL, place)
            if through is None or row is None or row["looked_at"] < STRETCH:
                return made

    async def _looked_at(self, trace_ids: Sequence[str]) -> tuple[list[str], dict[str, ReadableSpan]]:
        """Which of these still have to wait, and the roots of those that need not, by terms hash."""
        waiting: list[str] = []
        roots: dict[str, ReadableSpan] = {}
        async for trace_id, spans in self._traces(trace_ids):
            if not spans or is_told(spans):
                continue
            terms_hash = str(spans[0].attributes["interlock.terms.hash"])
            found = await self._roots_of(terms_hash, spans)
            if terms_hash not in found:
                waiting.append(trace_id)
            elif any(span.parent_span_id is None for span in spans):
                found[terms_hash] = self._roots.beneath(found[terms_hash], terms_hash)
            roots |= found
        return waiting, roots

    async def _traces(self, trace_ids: Sequence[str]) -> AsyncIterator[tuple[str, list[StoredSpan]]]:
        for first in range(0, len(trace_ids), TRACES_AT_ONCE):
            found = await self._reader.spans_of_each(trace_ids[first : first + TRACES_AT_ONCE])
            for trace_id, spans in found.items():
                yield trace_id, spans

    async def _roots_of(self, terms_hash: str, spans: Sequence[StoredSpan]) -> dict[str, ReadableSpan]:
        """All that the run has recorded that ended it; else its root as the spans tell it.

        Nothing while a run goes on, or a span is still to come.
        """
        asked = {run_of(span.attributes.get("interlock.workflow.id")) for span in spans} - {None}
        states = {workflow_id: await self._runs.state_of(workflow_id) for workflow_id in asked if workflow_id}
        going_on = [workflow_id for workflow_id, state in states.items() if state is State.RUNNING]
        for workflow_id in going_on:
            await self._runs.nudge(workflow_id)
        if going_on:
            return {}
        ending = ending_of(spans)
        for workflow_id, state in states.items():
            if state is not State.COMPLETED:
                continue
            if (records := await self._runs.records_of(workflow_id)) is None:
                return {}
            recorded = {each.report.terms_hash: each for each in records}
            if terms_hash in recorded and (ending is None or _agrees(recorded[terms_hash], ending)):
                return {each: self._roots.of_record(record) for each, record in recorded.items()}
        return {terms_hash: self._roots.of_ending(ending)} if ending else {}

    # what ended without the ledgers, or left proposals behind

    async def _ended_runs(self, place: dict[str, Any]) -> int:
        through = self._closed_by()
        after = datetime.fromisoformat(place["closed"]) if "closed" in place else _EPOCH
        if through <= after:
            self._listed_through = after
            return 0
        made, seen, page = 0, False, list[EndedRun]()
        waiting: list[str] = place.get("waiting", [])
        async for run in self._runs.closed(after, through):
            seen = True
            page.append(run)
            if len(page) == RUNS_AT_ONCE:
                made += await self._see_to(page, waiting)
                page = []
        made += await self._see_to(page, waiting)
        if seen or through - after > timedelta(minutes=10):  # an idle system notes little
            noted = {"closed": through.isoformat(), "waiting": waiting}
            await self.trail.note(AUDIT_JOURNAL, place | noted)
        self._listed_through = through
        return made

    async def _see_to(self, runs: Sequence[EndedRun], waiting: list[str]) -> int:
        """Send the roots that these runs should have left and that are not there; wait for a run that does not tell."""
        if not runs:
            return 0
        hashes = {trace_id_of(each): each for run in runs for each in run.terms_hashes}
        lacking = await self.trail.missing_roots({trace: root_span_id_of(each) for trace, each in hashes.items()})
        known = [run.settlement_id for run in runs], [run.workflow_id for run in runs]
        unrooted: dict[str, set[str]] = {}
        for row in await self._journal.connections.rows(query("unrooted_of", ROOM), *known):
            unrooted.setdefault(row["workflow_id"], set()).add(row["terms_hash"])
        roots: dict[str, ReadableSpan] = {}
        for run in runs:
            wanted = unrooted.get(run.workflow_id, set())
            wanted |= {each for each in run.terms_hashes if trace_id_of(each) in lacking}
            if not wanted:
                continue
            if (records := await self._runs.records_of(run.workflow_id, run.run_id)) is None:
                waiting += (trace_id_of(each) for each in wanted)
            else:
                roots |= await self._roots_by(run, records, wanted)
        return await self._send(roots)

    async def _roots_by(self, run: EndedRun, told: Sequence[Record], wanted: set[str]) -> Mapping[str, ReadableSpan]:
        """What a run has recorded; and of a proposal that it does not remember, that it came to nothing there."""
        records = {each.report.terms_hash: each for each in told}
        roots = {each: self._roots.of_record(record) for each, record in records.items()}
        instead = next((each for each, record in records.items() if _was_matched(record)), None)
        for terms_hash in wanted - records.keys():
            spans = await self._reader.spans_of(trace_id_of(terms_hash))
            ending = ending_of(spans) or (unmatched_ending(spans, run.closed_at, instead) if records else None)
            if ending is not None:
                roots[terms_hash] = self._roots.of_ending(ending)
        return roots

    async def _send(self, roots: Mapping[str, ReadableSpan]) -> int:
        """Send those that are not there, and wait until they are; how many."""
        asked = {trace_id_of(each): StoredSpan.of(root).span_id for each, root in roots.items()}
        lacking = await self.trail.missing_roots(asked) if asked else set()
        if not lacking:
            return 0
        for terms_hash, root in roots.items():
            if trace_id_of(terms_hash) in lacking:
                self._emit(root)

        async def still_missing() -> bool:
            return bool(await self.trail.missing_roots(asked))

        await stored(still_missing)
        return len(lacking)


def _agrees(record: Record, ending: Ending) -> bool:
    """Whether a run ended as the spans show: or somebody else moved the settlement after it had ended without."""
    return str(record.report.outcome) == str(ending.attributes["interlock.outcome"])


def _was_matched(record: Record) -> bool:
    """Whether both parties had signed the terms that a run ended with."""
    report = record.report
    return record.unmatched is None and (report.verdict is not None or report.outcome is Outcome.REJECTED)

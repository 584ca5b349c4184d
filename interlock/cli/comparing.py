"""Compares what the ledgers hold with what the runs show, and names what is out of step. Writes and starts nothing.

Ledgers and runs go on meanwhile, so whatever looks wrong is looked at again, and named only if it still is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from interlock.activities.recovery import Attending
from interlock.cli.from_ledgers import contradiction, stage_of
from interlock.cli.output import Output
from interlock.cli.recovering import Recovering
from interlock.client.runs import Run
from interlock.ledgers.overview import Standing, overview, row_count
from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol import Outcome, SignedTerms, Stage, Verdict, VerdictKind
from interlock.protocol.names import SETTLEMENT_ID, workflow_id, workflow_id_between

AT_ONCE = 25
LOOKS, BETWEEN_LOOKS_SECONDS = 3, 0.7
"""How often something is looked at before it is named, and how long what is on its way has in between."""

ANY_SETTLEMENT = f"{SETTLEMENT_ID} IS NOT NULL"
_FAR = {
    Stage.PROPOSED: 0,
    Stage.MATCHED: 1,
    Stage.LOCKED: 2,
    Stage.ATTESTED: 2,
    Stage.PAID: 3,
    Stage.VOIDED: 3,
}
_ENDED = 4
_MOVED = frozenset({Stage.LOCKED, Stage.ATTESTED, Stage.PAID, Stage.VOIDED})
_OPEN = frozenset({Stage.LOCKED, Stage.PAID, Stage.VOIDED})
_Item = TypeVar("_Item")


class Kind(StrEnum):
    """What a finding is; the first five are out of step. Names are stable."""

    NO_RUN = "no_run"
    """A lock is open, or a verdict is not served, and no run is at it."""
    BEHIND = "behind"
    """A run waits for what the ledgers show has happened."""
    CLOSED_OTHERWISE = "closed_otherwise"
    """A run has ended otherwise than the ledgers say."""
    MISSING = "missing"
    """A run saw it, or attestors signed it, and the ledger does not hold it."""
    CONTRADICTION = "contradiction"
    """Rows that may never stand beside each other, or a run that shows the other verdict."""
    WAITING = "waiting"
    SUSPENDED = "suspended"
    INTERRUPTED = "interrupted"
    """A run was stopped, and nothing of its settlement is open on a ledger."""


IN_STEP = frozenset({Kind.WAITING, Kind.SUSPENDED, Kind.INTERRUPTED})
REPAIRABLE = frozenset({Kind.NO_RUN, Kind.BEHIND, Kind.CLOSED_OTHERWISE})


@dataclass(frozen=True)
class Finding:
    """One thing found: about which terms, in words. `signed` and `workflow_id` are there where a repair needs them."""

    kind: Kind
    settlement_id: str
    terms_hash: str
    text: str
    signed: SignedTerms | None = None
    workflow_id: str = ""
    lost: tuple[tuple[str, str | int], ...] = ()
    """Of a fact that attestors signed: which it is, of which ledger, and which entry of its journal it was."""


@dataclass
class Compared:
    """What was looked at, and what was found."""

    settlements: int = 0
    runs: int = 0
    findings: list[Finding] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """The settlement id of every terms hash that a ledger or a run knows."""


class Comparing:
    """One comparison of ledgers and runs."""

    def __init__(self, ledgers: Sequence[PostgresLedger], recovering: Recovering, network: str, output: Output) -> None:
        self._ledgers = ledgers
        self._recovering = recovering
        self._network = network
        self._output = output

    async def compared(self) -> Compared:
        """Look at everything once, and at what looks wrong again. Raises LedgerUnreachable and the client's errors."""
        with self._output.progress("reading the ledgers", await row_count(self._ledgers)) as advance:
            standing = await overview(self._ledgers, advance)
        runs = await self._recovering.runs.find(ANY_SETTLEMENT)
        found = Compared(settlements=len(standing), runs=len(runs))
        found.names = {terms_hash: run.settlement_id for run in runs for terms_hash in run.terms_hashes}
        found.names |= {each.terms_hash: each.settlement_id for each in standing.values()}
        judged: dict[str, Finding] = {}

        async def judge(terms_hash: str, known: Standing | None, run: Run | None) -> None:
            if (finding := await self._judged(terms_hash, known, run)) is not None:
                judged[terms_hash] = finding

        closed = {run.terms_hashes[0]: run for run in runs if run.terms_hashes and self._is_ours(run)}
        subjects = {**dict.fromkeys(standing), **dict.fromkeys(closed)}
        with self._output.progress("comparing with the runs", len(subjects)) as advance:
            await in_flight(
                list(subjects), lambda each: judge(each, standing.get(each), closed.get(each)), lambda: advance(1)
            )
        found.findings = sorted(judged.values(), key=lambda each: (each.kind, each.settlement_id, each.terms_hash))
        return await self._looked_at_again(found, closed)

    async def _looked_at_again(self, found: Compared, closed: dict[str, Run]) -> Compared:
        """Only what is out of step at every look is; what was on its way has arrived meanwhile."""
        for _ in range(LOOKS - 1):
            suspects = [each for each in found.findings if each.kind not in IN_STEP]
            if not suspects:
                break
            await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
            latest: dict[str, Finding | None] = {}

            async def look(suspect: Finding, latest: dict[str, Finding | None] = latest) -> None:
                terms_hash = suspect.terms_hash
                run = closed.get(terms_hash)
                now = await self._recovering.runs.describe(run.workflow_id) if run else None
                latest[terms_hash] = await self._judged(terms_hash, await self._standing(terms_hash), now)

            with self._output.progress("looking again", len(suspects)) as advance:
                await in_flight(suspects, look, lambda: advance(1))
            findings = [latest.get(each.terms_hash, each) for each in found.findings]
            found.findings = [each for each in findings if each is not None]
        return found

    async def _standing(self, terms_hash: str) -> Standing | None:
        """What stands of these terms now. Verdicts are read between two looks at locks: neither is older than both."""
        verdicts: list[Verdict] = []
        for read_verdicts in (True, False):
            locks = [lock for each in self._ledgers if (lock := await each.lock_of(terms_hash)) is not None]
            if read_verdicts:
                verdicts = [found for each in self._ledgers if (found := await each.verdict_of(terms_hash)) is not None]
        lock, verdict = next(iter(locks), None), next(iter(verdicts), None)
        row = lock or verdict
        if row is None:
            return None
        by_time = verdict is not None and verdict.authority == "time"
        return Standing(
            terms_hash,
            row.signed.terms.settlement_id,
            lock.state if lock else None,
            verdict.verdict if verdict else None,
            by_time,
        )

    async def _judged(self, terms_hash: str, known: Standing | None, run: Run | None) -> Finding | None:
        """What is to be said of these terms; None if nothing. `run` is the latest that is about them, if listed."""
        if known is None:
            return await self._of_run_alone(terms_hash, run) if run is not None else None
        broken = contradiction(known.lock, known.verdict)
        if broken is not None:
            return Finding(Kind.CONTRADICTION, known.settlement_id, terms_hash, broken)
        stage = _stage(known)
        if stage in _OPEN:
            return await self._of_open(known, stage, run)
        if run is None:
            return None
        if run.completed and run.stage != stage:
            text = f"it has ended {stage} on the ledgers, and its run ended {run.stage}"
            return await self._with_terms(Kind.CLOSED_OTHERWISE, known, text)
        if run.is_interrupted:
            text = f"it has ended {stage} on the ledgers; its run was stopped before it could say so"
            return Finding(Kind.INTERRUPTED, known.settlement_id, terms_hash, text)
        attending = await self._recovering.attending(terms_hash, run.workflow_id) if not run.completed else None
        return of_running(known, attending) if attending else None

    async def _of_open(self, known: Standing, stage: Stage, run: Run | None) -> Finding | None:
        signed = await self._signed(known.terms_hash)
        if signed is None:
            return None  # gone since: looked at again, it is
        own = workflow_id(signed.terms, signed.network)
        attending = await self._recovering.attending(known.terms_hash, own)
        if attending is not None:
            return of_running(known, attending)
        what = "units are in escrow" if stage is Stage.LOCKED else f"the verdict {stage} is not served"
        why = "no run is at it"
        if run is not None and run.completed:
            why = f"its run has ended {run.stage}"
        elif run is not None and run.is_interrupted:
            why = "its run was stopped"
        elif run is not None:
            why = "its run has not taken it up"
        return Finding(Kind.NO_RUN, known.settlement_id, known.terms_hash, f"{what}, and {why}", signed, own)

    async def _of_run_alone(self, terms_hash: str, run: Run) -> Finding | None:
        """A run of which the ledgers hold nothing: it may not have come to a lock or a verdict yet, nor ended so."""
        name, moved = run.settlement_id, run.stage in _MOVED
        text = f"its run has come to {run.stage}, and no ledger has a row of it: was one restored from a backup?"
        if run.completed:
            report = await self._recovering.runs.report(run) if run.stage != Outcome.REJECTED else None
            moved = report is not None and (report.verdict is not None or report.lock is not None)
        if moved:
            return Finding(Kind.MISSING, name, terms_hash, text)
        if run.is_interrupted:
            text = f"its run was stopped at {run.stage}, and nothing has moved: the parties may instruct again"
            return Finding(Kind.INTERRUPTED, name, terms_hash, text)
        if run.completed or run.waits_for is None:
            return None
        return Finding(Kind.WAITING, name, terms_hash, f"at {run.stage}: {run.waits_for}", workflow_id=run.workflow_id)

    async def _with_terms(self, kind: Kind, known: Standing, text: str) -> Finding:
        signed = await self._signed(known.terms_hash)
        return Finding(kind, known.settlement_id, known.terms_hash, text, signed)

    async def _signed(self, terms_hash: str) -> SignedTerms | None:
        for ledger in self._ledgers:
            row = await ledger.lock_of(terms_hash) or await ledger.verdict_of(terms_hash)
            if row is not None:
                return row.signed
        return None

    def _is_ours(self, run: Run) -> bool:
        """Whether a run is of this network: others may use the same Temporal."""
        sides = [run.parties, run.parties[::-1]]
        ours = [workflow_id_between(run.settlement_id, *pair, self._network) for pair in sides if len(pair) == 2]
        return any(run.workflow_id == own or run.workflow_id.startswith(f"{own}.") for own in ours)


def of_running(known: Standing, attending: Attending) -> Finding | None:
    """A run that is on its way shows where it last waited; what it waits for now, it shows exactly."""
    stage, shown = _stage(known), Stage(attending.stage or Stage.PROPOSED)
    name, terms_hash, at = known.settlement_id, known.terms_hash, attending.workflow_id
    other = {Stage.PAID: VerdictKind.VOIDED, Stage.VOIDED: VerdictKind.PAID}.get(shown)
    if other is not None and known.verdict is other:
        return Finding(Kind.CONTRADICTION, name, terms_hash, f"its run shows {shown}, and the verdict is {other}")
    if _far(shown) > _far(stage):
        text = f"its run has come to {shown}, and the ledgers show {stage}: was one restored from a backup?"
        return Finding(Kind.MISSING, name, terms_hash, text)
    if attending.waits_for is None:
        return None
    if _far(shown) < _far(stage) and attending.waits_for != "unreachable":
        text = f"its run waits at {shown} ({attending.waits_for}), and the ledgers show {stage}"
        return Finding(Kind.BEHIND, name, terms_hash, text, workflow_id=at)
    kind = Kind.SUSPENDED if attending.suspended else Kind.WAITING
    return Finding(kind, name, terms_hash, f"at {shown}: {attending.waits_for}", workflow_id=at)


def _stage(known: Standing) -> Stage:
    return stage_of(known.lock, known.verdict, by_time=known.by_time)


def _far(stage: Stage) -> int:
    return _FAR.get(stage, _ENDED)


async def in_flight(items: Sequence[_Item], act: Callable[[_Item], Awaitable[None]], done: Callable[[], None]) -> None:
    """Act on every item, some at a time. The first error ends it."""
    waiting = iter(items)

    async def lane() -> None:
        for each in waiting:
            await act(each)
            done()

    async with asyncio.TaskGroup() as lanes:
        for _ in range(min(AT_ONCE, len(items))):
            lanes.create_task(lane())

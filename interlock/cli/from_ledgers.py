"""A settlement's report from the ledgers alone: for when no worker answers, or Temporal has forgotten or is gone.

What is on the ledgers is certain; who waits for what, only a running settlement knows. Writes nothing.
"""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack

from interlock.cli.context import Context
from interlock.ledgers.ledger import Ledger
from interlock.protocol import (
    Blocker,
    Lock,
    LockState,
    Outcome,
    SettlementReport,
    SignedTerms,
    Stage,
    Verdict,
    VerdictKind,
    trace_id_of,
)
from interlock.protocol.reports import Act

LEDGER_SECONDS = 4.0


def report_of(lock: Lock | None, verdict: Verdict | None, blocker: Blocker | None = None) -> SettlementReport | None:
    """What the two rows for the same terms say; None if neither ledger has one. The blocker is shown as it is given."""
    row = verdict or lock
    if row is None:
        return None
    stage = stage_of(lock.state if lock else None, verdict.verdict if verdict else None, by_time=_by_time(verdict))
    outcome = Outcome(stage.value) if stage.value in Outcome.__members__ else None
    return report_on(row.signed, stage, outcome=outcome, lock=lock, verdict=verdict, blocker=blocker)


def report_on(
    signed: SignedTerms,
    stage: Stage,
    *,
    outcome: Outcome | None = None,
    lock: Lock | None = None,
    verdict: Verdict | None = None,
    blocker: Blocker | None = None,
) -> SettlementReport:
    """A report of signed terms at a stage."""
    return SettlementReport(
        settlement_id=signed.terms.settlement_id,
        terms_hash=signed.terms_hash,
        stage=stage,
        outcome=outcome,
        verdict=verdict.verdict if verdict else None,
        lock=lock.state if lock else None,
        blocker=blocker,
        settle_by=signed.terms.settle_by,
        allowed=_allowed(stage, verdict),
        trace_id=trace_id_of(signed.terms_hash),
    )


def stage_of(lock: LockState | None, verdict: VerdictKind | None, *, by_time: bool) -> Stage:
    """How far terms with these rows have come; one of the two stands. `by_time`: settle_by is why they are voided."""
    if lock is LockState.RELEASED:
        return Stage.SETTLED
    if lock is LockState.REFUNDED:
        if verdict is None:  # the refund shows that there is one, on a payment ledger that could not be read
            return Stage.VOIDED
        return Stage.EXPIRED if by_time else Stage.CANCELLED
    if verdict is None:
        return Stage.LOCKED
    return Stage.PAID if verdict is VerdictKind.PAID else Stage.VOIDED


def contradiction(lock: LockState | None, verdict: VerdictKind | None) -> str | None:
    """How the two rows for the same terms contradict each other, in words; None if they do not."""
    match lock, verdict:
        case LockState.RELEASED, VerdictKind.PAID:
            return None
        case LockState.REFUNDED, VerdictKind.VOIDED:
            return None
        case ((LockState.RELEASED | LockState.REFUNDED), _):
            return f"the lock is {lock}, and the verdict is {verdict or 'missing'}"
        case None, VerdictKind.PAID:
            return "the verdict is PAID, and there is no lock"
    return None


def _by_time(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.authority == "time"


def _allowed(stage: Stage, verdict: Verdict | None) -> tuple[Act, ...]:
    if stage is Stage.PROPOSED:
        return ("instruct", "withdraw")
    return ("cancel", "void") if verdict is None and stage in (Stage.MATCHED, Stage.LOCKED) else ()


async def rows(context: Context, name: str) -> dict[str, tuple[Lock | None, Verdict | None]]:
    """The lock and verdict of all terms that a settlement id or terms hash stands for, by terms hash.

    Raises CliError (exit 3) where a ledger is not reached.
    """
    async with AsyncExitStack() as opened, asyncio.timeout(LEDGER_SECONDS):
        ledgers = [await opened.enter_async_context(context.ledger(each)) for each in context.ledger_names()]
        by_hash = name.startswith("0x")
        return await (_by_hash(ledgers, name.lower()) if by_hash else _by_settlement(ledgers, name))


async def _by_hash(ledgers: Iterable[Ledger], terms_hash: str) -> dict[str, tuple[Lock | None, Verdict | None]]:
    locks = [lock for ledger in ledgers if (lock := await ledger.lock_of(terms_hash)) is not None]
    verdicts = [verdict for ledger in ledgers if (verdict := await ledger.verdict_of(terms_hash)) is not None]
    return _paired(locks, verdicts)


async def _by_settlement(ledgers: Iterable[Ledger], name: str) -> dict[str, tuple[Lock | None, Verdict | None]]:
    locks = [lock for ledger in ledgers for lock in await ledger.locks_by_settlement(name)]
    verdicts = [verdict for ledger in ledgers for verdict in await ledger.verdicts_by_settlement(name)]
    return _paired(locks, verdicts)


def _paired(locks: list[Lock], verdicts: list[Verdict]) -> dict[str, tuple[Lock | None, Verdict | None]]:
    lock_of = {lock.terms_hash: lock for lock in locks}
    verdict_of = {verdict.terms_hash: verdict for verdict in verdicts}
    return {key: (lock_of.get(key), verdict_of.get(key)) for key in {**lock_of, **verdict_of}}

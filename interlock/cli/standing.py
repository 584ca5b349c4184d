"""Where a settlement stands, from whoever can say: its own run, else the ledgers, else what its history holds.

The ledgers are asked while Temporal is still being waited for, so that an answer comes within 10 seconds.
"""

import asyncio

from interlock.cli import from_ledgers
from interlock.cli.context import Context
from interlock.cli.errors import CliError
from interlock.client import (
    AmbiguousSettlement,
    Candidate,
    Interrupted,
    NotConfigured,
    NotReached,
    NoWorker,
    ServiceFault,
    SettlementHandle,
    UnknownSettlement,
)
from interlock.client.runs import TERMINATED
from interlock.protocol import Blocker, Lock, SettlementReport, Stage, Verdict

Rows = dict[str, tuple[Lock | None, Verdict | None]]
SOURCE = "this is what the ledgers say"
NO_WORKER_ANSWERS = "no worker answers for settlements; start one with `interlock up` or `interlock worker`"
NO_SERVER_ANSWERS = "the Temporal server does not answer; is it running? `interlock up` starts one"
NO_WORKER = Blocker(code="no_worker", text=f"no worker answers; {SOURCE}", who="operator of the settlement worker")
PATIENCE_SECONDS, LAST_SECONDS = 1.5, 4.5
"""How long the service alone is waited for, and how long after that: 6 seconds, of the 10 that are promised."""


async def report_on(context: Context, name: str) -> SettlementReport:
    """The report on a settlement id or terms hash. Raises UnknownSettlement, AmbiguousSettlement, CliError."""
    found = asyncio.Event()
    service = asyncio.create_task(_from_service(context, name, found))
    ledgers: asyncio.Task[SettlementReport | None] | None = None
    try:
        await asyncio.wait({service}, timeout=PATIENCE_SECONDS)
        if not service.done():
            ledgers = asyncio.create_task(_from_ledgers(context, name))
            await asyncio.wait({service}, timeout=LAST_SECONDS)
        try:
            if not service.done():
                raise NoWorker(NO_WORKER_ANSWERS) if found.is_set() else NotReached(NO_SERVER_ANSWERS)
            return service.result()
        except (UnknownSettlement, ServiceFault, CliError) as error:
            report = await (ledgers or _from_ledgers(context, name))
            if report is None:
                report = await _from_history(context, name, error)
            if report is None:
                raise
            return report.model_copy(update={"blocker": _why(error, report)})
    finally:
        tasks = [task for task in (service, ledgers) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def ledger_rows(context: Context, name: str) -> Rows:
    """What the ledgers have for a name; nothing where they cannot be asked. Raises AmbiguousSettlement."""
    from interlock.ledgers.faults import LedgerFault  # noqa: PLC0415 - only when the service did not answer

    try:
        rows = await from_ledgers.rows(context, name)
    except (CliError, LedgerFault, TimeoutError, OSError):
        return {}
    if len(rows) > 1:
        raise AmbiguousSettlement(name, tuple(Candidate(name, (terms_hash,), ()) for terms_hash in rows))
    return rows


async def without_worker(
    context: Context, handle: SettlementHandle, why: Blocker = NO_WORKER
) -> SettlementReport | None:
    """What the ledgers say, else what was signed, of a settlement that no worker reports on: it waits for `why`."""
    proposals = await handle.proposals()
    subject = next((each for each in proposals if each.is_matched), proposals[0] if proposals else None)
    if subject is None:
        return None
    report = await _from_ledgers(context, subject.terms_hash)
    if report is None:
        report = from_ledgers.report_on(subject, Stage.MATCHED if subject.is_matched else Stage.PROPOSED)
    return report.model_copy(update={"blocker": why})


async def _from_service(context: Context, name: str, found: asyncio.Event) -> SettlementReport:
    handle = await (await context.client()).find(name)
    found.set()
    return await handle.status()


async def _from_ledgers(context: Context, name: str) -> SettlementReport | None:
    for lock, verdict in (await ledger_rows(context, name)).values():
        return from_ledgers.report_of(lock, verdict)
    return None


async def _from_history(context: Context, name: str, error: Exception) -> SettlementReport | None:
    """What was signed, if Temporal answers though no worker does."""
    if not isinstance(error, ServiceFault) or isinstance(error, NotReached):
        return None
    return await without_worker(context, await (await context.client()).find(name))


def _why(error: Exception, report: SettlementReport) -> Blocker | None:
    """What is said of a report that comes from the ledgers alone."""
    if isinstance(error, NoWorker):
        return NO_WORKER
    if isinstance(error, Interrupted):
        return TERMINATED
    if isinstance(error, CliError | NotReached | NotConfigured):
        return Blocker(code="unreachable", text=f"Temporal does not answer; {SOURCE}", who="operator of Temporal")
    if isinstance(error, ServiceFault):
        return Blocker(code=error.code, text=f"{error.message}; {SOURCE}", who="operator of the settlement worker")
    if report.outcome is not None:
        return None
    return Blocker(
        code="no_run", text=f"nothing is at work on it; {SOURCE}; the sweeper goes on with it", who="sweeper"
    )

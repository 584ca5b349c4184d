"""Have a settlement finished from what the ledgers hold: the terms and both signatures are stored in their rows.

ID is a settlement id or a terms hash. Starts a run where none is at it, as the sweeper does, and follows it until it
ends or waits for somebody. Repeating it is harmless.
"""

import argparse
import asyncio
from collections.abc import Mapping

from interlock.cli import from_ledgers, reports
from interlock.cli.context import Context
from interlock.cli.errors import DONE, CliError
from interlock.cli.recovering import Recovering, until_still
from interlock.client import AmbiguousSettlement, Candidate, UnknownSettlement
from interlock.client.finding import settlement_filter
from interlock.client.settlement_client import LIST_LAG_SECONDS
from interlock.protocol import Lock, SettlementReport, SignedTerms, Verdict

Rows = tuple[Lock | None, Verdict | None]


def configure(parser: argparse.ArgumentParser) -> None:
    """ID, and whether to follow it."""
    parser.add_argument("id", metavar="ID", help="a settlement id or a terms hash")
    parser.add_argument("--no-wait", action="store_true", help="return once a run has taken it up")


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0 once a run is at it, or has ended it; 1 where nothing stands, or the id is of several open ones."""
    name = arguments.id
    query = settlement_filter(name)  # what can be no id is told before any server is asked for
    rows = await _rows(context, name)
    recovering = await Recovering.connect(context)
    if not rows:
        return _answer(context, await _without_rows(recovering, name, query), started=False)
    lock, verdict = chosen(name, rows)
    signed = recoverable(lock, verdict)
    report = from_ledgers.report_of(lock, verdict)
    if report is not None and report.outcome is not None:
        last = await recovering.last_run(signed)
        if last is None or not last.is_interrupted:
            return _answer(context, report, started=False)
        context.output.note("it has ended on the ledgers; its run was stopped before it could say so")
    recovered = await recovering.recover(signed)
    handle = recovering.handle(signed, recovered.workflow_id)
    return _answer(
        context, await (handle.status() if arguments.no_wait else until_still(handle)), started=recovered.started
    )


async def _rows(context: Context, name: str) -> Mapping[str, Rows]:
    for ledger in context.ledger_names():
        async with context.ledger(ledger) as opened:
            if opened.network != context.network:
                text = f"ledger {ledger} is of network {opened.network}, the service of {context.network}"
                raise CliError("wrong_network", text, "network")
    rows = await from_ledgers.rows(context, name)
    if any(_broken(*both) for both in rows.values()):  # or written while the other ledger was read
        rows = await from_ledgers.rows(context, name)
    return rows


def _broken(lock: Lock | None, verdict: Verdict | None) -> str | None:
    return from_ledgers.contradiction(lock.state if lock else None, verdict.verdict if verdict else None)


def chosen(name: str, rows: Mapping[str, Rows]) -> Rows:
    """The only terms of this name that have not ended; where all have, those that did so last."""
    by_ending = sorted(rows.values(), key=_ended_at)
    still_open = [both for both in by_ending if _ended_at(both) == 0]
    if len(still_open) > 1:
        candidates = [(both[0] or both[1]) for both in still_open]
        raise AmbiguousSettlement(
            name,
            tuple(
                Candidate(name, (row.terms_hash,), (row.signed.terms.seller, row.signed.terms.buyer))
                for row in candidates
                if row is not None
            ),
        )
    return (still_open or by_ending[-1:])[0]


def _ended_at(both: Rows) -> float:
    lock, _ = both
    return lock.ended.at.timestamp() if lock is not None and lock.ended is not None else 0


def recoverable(lock: Lock | None, verdict: Verdict | None) -> SignedTerms:
    """The terms to recover. Refuses rows that contradict each other."""
    row = lock or verdict
    if row is None:
        raise CliError("nothing_to_recover", "neither ledger has a row of it")
    if (broken := _broken(lock, verdict)) is not None:
        text = f"the ledgers contradict each other, and nothing may repair that: {broken}; `interlock ledger verify`"
        raise CliError("contradiction", text)
    return row.signed


async def _without_rows(recovering: Recovering, name: str, query: str) -> SettlementReport:
    """The report of a settlement that no ledger knows, if a run is at it or has ended it; else there is nothing."""
    nothing = f"nothing to recover: neither ledger has a row of {name}, so nothing of it has moved"
    if not (listed := await recovering.runs.find(query)):
        await asyncio.sleep(LIST_LAG_SECONDS)
        listed = await recovering.runs.find(query)
    found = [now for run in listed if (now := await recovering.runs.describe(run.workflow_id)) is not None]
    for run in found:
        if not run.is_interrupted:
            try:
                return await recovering.runs.report(run)
            except UnknownSettlement:  # nobody has proposed anything
                continue
    if found:
        raise CliError("nothing_to_recover", f"{nothing}; its run was stopped: the parties may instruct again", "id")
    raise CliError("nothing_to_recover", f"{nothing}, and the service knows none of that name", "id")


def _answer(context: Context, report: SettlementReport, *, started: bool) -> int:
    context.output.document(reports.document(report) | {"recovered": started})
    if started:
        context.output.line("taken up again, from what the ledgers hold")
    else:
        state = f"it has ended {report.outcome}" if report.outcome is not None else "a run is at it already"
        context.output.line(f"nothing to recover: {state}")
    reports.show(context.output, report)
    return DONE

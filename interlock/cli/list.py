"""The settlements that the service remembers, oldest first. Those that no worker reports on, the ledgers do."""

import argparse
import asyncio
from collections.abc import Sequence

from interlock.cli import reports
from interlock.cli.context import Context
from interlock.cli.errors import DONE, CliError
from interlock.cli.standing import NO_WORKER, without_worker
from interlock.client import Interrupted, NoWorker, SettlementHandle, UnknownSettlement
from interlock.client.runs import TERMINATED
from interlock.protocol import Outcome, SettlementReport

AT_ONCE = 50


def configure(parser: argparse.ArgumentParser) -> None:
    """`--open`."""
    parser.add_argument("--open", action="store_true", help="only those that have not ended")


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0."""
    found = await _reports(context, await (await context.client()).list())
    if arguments.open:
        found = [report for report in found if report.outcome is None]
    context.output.document({"settlements": [reports.document(report) for report in found]})
    if found:
        reports.table(context.output, found)
    counts = reports.totals(found)
    going_on = sum(report.outcome is None for report in found)
    summary = [f"{counts[outcome]} {outcome}" for outcome in Outcome if outcome in counts]
    context.output.line(", ".join([*summary, *([f"{going_on} going on"] if going_on else [])]) or "no settlements")
    return DONE


async def _reports(context: Context, handles: Sequence[SettlementHandle]) -> list[SettlementReport]:
    gate = asyncio.Semaphore(AT_ONCE)
    no_worker = asyncio.Event()

    async def report(handle: SettlementHandle) -> SettlementReport | None:
        async with gate:
            why = NO_WORKER
            try:
                if not no_worker.is_set() or handle.has_ended:
                    return await handle.status()
            except UnknownSettlement:  # nobody has proposed anything yet
                return None
            except NoWorker:
                no_worker.set()  # the others need not wait to learn the same
            except Interrupted:
                why = TERMINATED
            try:
                return await without_worker(context, handle, why)
            except CliError:
                return None

    found = await asyncio.gather(*(report(handle) for handle in handles))
    return [each for each in found if each is not None]

"""Settle a trade or a blotter, signing with both parties' local keys. A repeated run changes nothing.

FILE is one trade (a JSON object) or a blotter: JSON lines of the same, or CSV with the header
settlement_id,seller,buyer,asset,quantity,currency,amount,settle_by. Exit 0 only if every trade settled.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from interlock.cli import reports
from interlock.cli.blotter import BadRow, Blotter, read
from interlock.cli.context import Context
from interlock.cli.errors import DONE, REFUSED, CliError
from interlock.cli.output import Output
from interlock.cli.prepared import Prepared, books, prepare
from interlock.cli.settling import Settling, checked
from interlock.cli.trades import BadTrade
from interlock.protocol import Outcome, SettlementReport

ROWS_SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """FILE, and how far to go with it."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a trade file or a blotter")
    parser.add_argument("--no-wait", action="store_true", help="return once every trade is recorded")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be refused; send nothing")


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0 if all settled; with --no-wait if all were recorded, with --dry-run if all are valid."""
    blotter, prepared = await _prepared(context, arguments.file)
    if arguments.dry_run:
        refused = await checked(context, prepared)
        return _answer(context.output, blotter, [], [*blotter.rejected, *refused], len(prepared) - len(refused))
    settling = Settling(context, prepared)
    if prepared:
        await settling.instruct()
        await (settling.look() if arguments.no_wait else settling.wait())
    return _answer(context.output, blotter, settling.reports, [*blotter.rejected, *settling.rejected])


async def _prepared(context: Context, path: Path) -> tuple[Blotter, list[Prepared]]:
    try:
        blotter = read(path)
    except BadTrade as error:
        raise CliError(error.code, error.reason, error.field) from None
    if not blotter.rows:
        return blotter, []
    known = await books(context, [row.trade for row in blotter.rows])
    prepared, rejected = prepare(context, blotter.rows, known)
    blotter.rejected += rejected
    return blotter, prepared


def _answer(
    output: Output,
    blotter: Blotter,
    settlements: Sequence[SettlementReport],
    rejected: Sequence[BadRow],
    valid: int | None = None,
) -> int:
    if blotter.is_single and rejected:
        raise CliError(rejected[0].code, rejected[0].reason, rejected[0].field)
    rejected = sorted(rejected, key=lambda row: row.line)
    ok = not rejected and (valid is not None or all(_as_wanted(report) for report in settlements))
    output.document(_document(ok, settlements, rejected))
    _summary(output, settlements, rejected, valid)
    return DONE if ok else REFUSED


def _as_wanted(report: SettlementReport) -> bool:
    """Settled; or recorded and going on, which only --no-wait returns with."""
    return report.outcome in (None, Outcome.SETTLED)


def _document(ok: bool, settlements: Sequence[SettlementReport], rejected: Sequence[BadRow]) -> dict[str, Any]:
    return {
        "ok": ok,
        "settlements": [reports.document(report) for report in settlements],
        "rejected_rows": [{name: value for name, value in asdict(row).items() if name != "code"} for row in rejected],
        "totals": reports.totals(settlements),
    }


def _summary(
    output: Output, settlements: Sequence[SettlementReport], rejected: Sequence[BadRow], valid: int | None
) -> None:
    if len(settlements) == 1:
        reports.show(output, settlements[0])
    elif settlements:
        notable = [report for report in settlements if report.outcome is not Outcome.SETTLED] or settlements
        reports.table(output, notable[:ROWS_SHOWN])
        if len(notable) > ROWS_SHOWN:
            output.line(f"... and {len(notable) - ROWS_SHOWN} more; --json lists all")
    for row in rejected:
        field = f" {row.field}:" if row.field else ""
        output.line(f"line {row.line}:{field} {row.reason}", "red")
    counts = [f"{count} {outcome}" for outcome, count in sorted(reports.totals(settlements).items())]
    open_ones = sum(report.outcome is None for report in settlements)
    counts += [f"{open_ones} recorded"] if open_ones else []
    counts += [f"{valid} valid, nothing sent"] if valid is not None else []
    counts += [f"{len(rejected)} refused"] if rejected else []
    if len(settlements) != 1 or rejected:
        output.line(", ".join(counts) or "nothing to settle")

"""Sign a trade as one party and send it. It matches when the other party has signed the same terms.

Returns once recorded, also while the other side is missing; says where the other side's terms differ.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

from interlock.cli import reports
from interlock.cli.blotter import read
from interlock.cli.context import Context
from interlock.cli.errors import DONE, CliError
from interlock.cli.prepared import signature_of, terms_in
from interlock.cli.trades import BadTrade
from interlock.protocol import SettlementReport, Stage, Terms
from interlock.protocol.amounts import format_units, grouped
from interlock.protocol.instructions import Difference


def configure(parser: argparse.ArgumentParser) -> None:
    """FILE and the party."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a trade file: one JSON object")
    parser.add_argument("--as", dest="name", metavar="NAME", required=True, help="the party's key")


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0 once recorded."""
    context.keystore.load(arguments.name)  # a wrong name is told before any server is asked for
    try:
        blotter = read(arguments.file)
        if not blotter.is_single:
            raise CliError("invalid_file", "instruct takes one trade: a JSON object", "file")
        terms = await terms_in(context, blotter.rows[0].trade)
    except BadTrade as error:
        raise CliError(error.code, error.reason, error.field) from None
    signature = signature_of(context, arguments.name, terms)
    handle = await (await context.client()).instruct(terms, signature)
    report = await handle.status()
    answer = handle.instructed
    differences = answer.differences if answer else ()
    matched = (answer is not None and answer.matched) or _went_on(report)
    context.output.document(
        reports.document(report)
        | {"matched": matched, "differences": [each.model_dump(mode="json") for each in differences]}
    )
    reports.show(context.output, report)
    if matched:
        context.output.line("both parties have signed")
    elif differences:
        context.output.line("the other party has signed other terms:", "yellow")
        context.output.table(
            ["field", "yours", "theirs"], [(each.field, *_shown(each, terms, differences)) for each in differences]
        )
    else:
        context.output.line("waiting for the other party's signature")
    return DONE


def _shown(one: Difference, terms: Terms, differences: Iterable[Difference]) -> tuple[str, str]:
    """Both sides' values for people: quantities in whole units, each by its own side's decimals."""
    if not one.field.endswith(".quantity"):
        return one.yours, one.theirs
    leg = terms.delivery if one.field.startswith("delivery.") else terms.payment
    decimals = one.field.replace(".quantity", ".asset.decimals")
    theirs = next((each.theirs for each in differences if each.field == decimals), leg.asset.decimals)
    return (
        grouped(format_units(int(one.yours), leg.asset.decimals)),
        grouped(format_units(int(one.theirs), int(theirs))),
    )


def _went_on(report: SettlementReport) -> bool:
    """The answer to a repeated instruction is the first one's: whether they match by now, the report says."""
    ended_unmatched = report.stage in (Stage.EXPIRED, Stage.CANCELLED) and report.verdict is None
    return report.stage is not Stage.PROPOSED and not ended_unmatched

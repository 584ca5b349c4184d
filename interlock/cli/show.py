"""Where a settlement stands: stage, what it waits for, who must act. Answers from the ledgers when no worker runs.

ID is a settlement id or a terms hash.
"""

import argparse

from interlock.cli import reports
from interlock.cli.context import Context
from interlock.cli.errors import DONE
from interlock.cli.standing import report_on


def configure(parser: argparse.ArgumentParser) -> None:
    """ID."""
    parser.add_argument("id", metavar="ID", help="a settlement id or a terms hash")


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0; 1 for an unknown id, or one that stands for several: those are listed."""
    report = await report_on(context, arguments.id)
    context.output.document(reports.document(report))
    reports.show(context.output, report)
    return DONE

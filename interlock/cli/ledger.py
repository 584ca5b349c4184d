"""`interlock ledger`: the ledgers' accounts and books, two operators' orders, evidence sent by hand.

LEDGER is `asset` or `payment`. Orders are signed with the keys of two operators in the data folder.
"""

import argparse

from interlock.cli import ledger_attestors, ledger_books, ledger_evidence, ledger_orders, ledger_verify
from interlock.cli.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """One sub-verb for each thing that is asked or ordered of a ledger."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="VERB")
    for module in (ledger_books, ledger_verify, ledger_orders, ledger_attestors, ledger_evidence):
        module.configure(acts)


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """What the sub-verb says."""
    return int(await arguments.call(arguments, context))

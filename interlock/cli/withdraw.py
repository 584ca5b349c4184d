"""Withdraw a proposal that the other party has not signed, as the party that made it.

ID is a settlement id or a terms hash.
"""

import argparse

from interlock.cli import reports
from interlock.cli.context import Context
from interlock.cli.errors import DONE
from interlock.cli.proposals import subject_of
from interlock.protocol import SignedWithdrawal, Withdrawal


def configure(parser: argparse.ArgumentParser) -> None:
    """ID and the party."""
    parser.add_argument("id", metavar="ID", help="a settlement id or a terms hash")
    parser.add_argument("--as", dest="name", metavar="NAME", required=True, help="the party's key")


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0 once recorded."""
    key = context.keystore.load(arguments.name)
    handle, subject = await subject_of(await context.client(), arguments.id, key.address)
    word = Withdrawal(terms_hash=subject.terms_hash)
    report = await handle.withdraw(SignedWithdrawal(withdrawal=word, signature=key.sign(word, context.network)))
    context.output.document(reports.document(report))
    reports.show(context.output, report)
    return DONE

"""Consent to cancel a trade, as one party. It takes effect when both have consented, unless it is paid by then.

ID is a settlement id or a terms hash. The consent is valid until the trade's settle_by.
"""

import argparse

from interlock.cli import reports
from interlock.cli.context import Context
from interlock.cli.errors import DONE
from interlock.cli.proposals import subject_of
from interlock.protocol import Cancellation, SignedCancellation


def configure(parser: argparse.ArgumentParser) -> None:
    """ID and the party."""
    parser.add_argument("id", metavar="ID", help="a settlement id or a terms hash")
    parser.add_argument("--as", dest="name", metavar="NAME", required=True, help="the party's key")


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0 once recorded, also while the other party has not consented."""
    key = context.keystore.load(arguments.name)
    handle, subject = await subject_of(await context.client(), arguments.id, key.address)
    consent = Cancellation(terms_hash=subject.terms_hash, valid_until=subject.settle_by)
    signed = SignedCancellation(cancellation=consent, signature=key.sign(consent, context.network))
    report = await handle.cancel(signed)
    context.output.document(reports.document(report))
    reports.show(context.output, report)
    return DONE

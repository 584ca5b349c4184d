"""Two operators' orders about one settlement: signed with their local keys, and carried out by its run.

Where nothing runs, a void goes straight to the payment ledger, which judges it all the same.
"""

import argparse
from datetime import UTC, datetime, timedelta
from typing import Literal

from interlock.cli import reports
from interlock.cli.context import Context
from interlock.cli.errors import DONE, CliError
from interlock.cli.operators import add_operators, attempt, signed_by, signers
from interlock.cli.standing import ledger_rows, report_on
from interlock.client import InterlockError, ServiceFault, UnknownSettlement
from interlock.protocol import (
    ByOperators,
    LocalSigner,
    OperatorOrder,
    Receipt,
    SettlementReport,
    SignedOperatorOrder,
    SignedTerms,
)

ORDER_VALID_FOR = timedelta(hours=1)

Act = Literal["void", "resume"]


def configure(parser: argparse.ArgumentParser) -> None:
    """ID, the operators and their reason."""
    parser.add_argument("id", metavar="ID", help="a settlement id or a terms hash")
    parser.add_argument("--reason", metavar="TEXT", required=True, help="journalled")
    add_operators(parser, required=True)


async def run(arguments: argparse.Namespace, context: Context, act: Act) -> int:
    """Exit 0 once carried out or recorded; 1 where the settlement or the ledger refuses."""
    keys = signers(arguments, context)
    report = await _carried_out(context, arguments.id, act, arguments.reason, keys)
    context.output.document(reports.document(report))
    reports.show(context.output, report)
    return DONE


async def _carried_out(context: Context, name: str, act: Act, reason: str, keys: list[LocalSigner]) -> SettlementReport:
    try:
        handle = await (await context.client()).find(name)
        terms_hash = (await handle.status()).terms_hash
        return await handle.order(_signed(context, terms_hash, act, reason, keys))
    except (UnknownSettlement, ServiceFault, CliError) as error:
        if act != "void":
            raise
        signed = await _on_a_ledger(context, name)
        if signed is None:
            raise
        await _void(context, signed, _signed(context, signed.terms_hash, act, reason, keys), error)
    return await report_on(context, signed.terms_hash)


def _signed(context: Context, terms_hash: str, act: Act, reason: str, keys: list[LocalSigner]) -> SignedOperatorOrder:
    until = datetime.now(UTC) + ORDER_VALID_FOR
    order = OperatorOrder(terms_hash=terms_hash, act=act, reason=reason, valid_until=until)
    return SignedOperatorOrder(order=order, signatures=signed_by(keys, order, context.network))


async def _on_a_ledger(context: Context, name: str) -> SignedTerms | None:
    """The terms that a ledger has a row for, with both signatures; None if there is none."""
    rows = await ledger_rows(context, name)
    return next((row.signed for both in rows.values() for row in both if row is not None), None)


async def _void(
    context: Context, signed: SignedTerms, order: SignedOperatorOrder, error: InterlockError | CliError
) -> None:
    context.output.note(f"{error}; asking the payment ledger itself")
    async with context.ledger(signed.terms.payment.ledger, write=True) as ledger:
        answer = await ledger.void(signed, ByOperators(order=order), attempt())
    if not isinstance(answer, Receipt):
        raise CliError(answer.code, answer.text, answer.field)

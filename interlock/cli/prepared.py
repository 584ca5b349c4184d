"""Written trades made into signed terms: what the ledgers know of their accounts, and the parties' local keys.

Sends nothing. A trade that cannot be prepared is a bad row, and the others are prepared all the same.
"""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from interlock.cli.blotter import BadRow, Row
from interlock.cli.context import Context
from interlock.cli.errors import CliError
from interlock.cli.trades import BadTrade, LedgerBook, WrittenTrade, terms_of
from interlock.client.keystore import KeystoreError
from interlock.protocol import LocalSigner, Signature, SignedTerms, Terms


@dataclass(frozen=True)
class Prepared:
    """A row's terms with both parties' signatures."""

    row: Row
    signed: SignedTerms


async def books(context: Context, trades: Iterable[WrittenTrade]) -> dict[str, LedgerBook]:
    """What each ledger knows of its accounts, and of the assets that these trades name."""
    codes = sorted({leg.asset for trade in trades for leg in (trade.delivery, trade.payment)})
    found: dict[str, LedgerBook] = {}
    async with AsyncExitStack() as opened:
        for name in context.ledger_names():
            ledger = await opened.enter_async_context(context.ledger(name))
            accounts = {state.account: state for state in await ledger.accounts()}
            assets = {code: asset for code in codes if (asset := await ledger.asset(code)) is not None}
            found[name] = LedgerBook(accounts=accounts, assets=assets)
    return found


def prepare(context: Context, rows: Iterable[Row], known: dict[str, LedgerBook]) -> tuple[list[Prepared], list[BadRow]]:
    """Terms and both signatures for every row that can have them, once for the same terms; and the rows that cannot."""
    prepared: dict[Terms, Prepared] = {}
    rejected: list[BadRow] = []
    for row in rows:
        try:
            terms = terms_of(row.trade, known, context.coordinator)
            if terms in prepared:
                continue
            signatures = tuple(
                _key(context, field, address).sign(terms, context.network)
                for field, address in (("delivery.deliverer", terms.seller), ("payment.deliverer", terms.buyer))
            )
        except BadTrade as error:
            rejected.append(row.bad(error.field, error.reason, error.code))
        else:
            signed = SignedTerms(network=context.network, terms=terms, signatures=signatures)
            prepared[terms] = Prepared(row, signed)
    return list(prepared.values()), rejected


async def terms_in(context: Context, trade: WrittenTrade) -> Terms:
    """One trade's terms; raises BadTrade."""
    return terms_of(trade, await books(context, [trade]), context.coordinator)


def signature_of(context: Context, name: str, terms: Terms) -> Signature:
    """The signature of a local key that must be a party's; refused otherwise."""
    key = context.keystore.load(name)
    if key.address not in (terms.seller, terms.buyer):
        raise CliError("wrong_signer", f"`{name}` owns neither side of this trade", "as")
    return key.sign(terms, context.network)


def _key(context: Context, field: str, address: str) -> LocalSigner:
    try:
        return context.keystore.by_address(address)
    except KeystoreError as error:
        raise BadTrade(field, f"its owner's key cannot sign here: {error}", error.code) from None

"""`ledger open`, `mint`, `admit`, `freeze` and the like: orders that two operators sign and one ledger carries out.

The ledger checks the operators, verifies the signatures and journals the order; nothing of that is decided here.
"""

import argparse
from collections.abc import Callable
from typing import Any

from interlock.cli import ledger_attestors
from interlock.cli.context import Context
from interlock.cli.errors import CliError
from interlock.cli.operators import ORDER_VALID_FOR, add_operators, attempt, nonce, signed_by, signers
from interlock.client.keystore import KeystoreError
from interlock.ledgers.ledger import Ledger
from interlock.protocol import (
    AccountOrder,
    Asset,
    Attestors,
    CloseAttestors,
    LedgerOrder,
    Mint,
    OpenAccount,
    Readmit,
    Receipt,
    RegisterAsset,
    RegisterAttestors,
    SignedLedgerOrder,
)
from interlock.protocol.amounts import parse_units

ACCOUNT_ACTS = {
    "admit": "let an account receive",
    "expel": "let an account receive no more",
    "freeze": "let an account be debited no more",
    "unfreeze": "let an account be debited again",
}


def configure(acts: Any) -> None:
    """Add every order, each with `--reason` and `--as`."""
    opening = _add(acts, "open", "open an account", _open, "ACCOUNT", reason="opened from the command line")
    opening.add_argument("--owner", required=True, metavar="NAME|ADDRESS", help="a key's name, or an address")
    opening.add_argument("--not-admitted", action="store_true", help="it may not receive until it is admitted")
    reason = "issued from the command line"
    mint = _add(acts, "mint", "issue units of an asset into an account", _mint, "ACCOUNT", "ASSET", reason=reason)
    mint.add_argument("quantity", metavar="QUANTITY", help='whole units, exact: "2500.00"')
    for act, text in ACCOUNT_ACTS.items():
        _add(acts, act, text, _account, "ACCOUNT")
    reason = "registered from the command line"
    asset = _add(acts, "asset", "register an asset", _asset, "CODE", reason=reason)
    asset.add_argument("decimals", metavar="DECIMALS", type=int)
    _add(acts, "readmit", "let the signatures of an attestor that was left out count again", _readmit, "ATTESTOR")
    sets = acts.add_parser("attestors", help="the attestor sets: list them, register one, close one to new terms")
    kinds = sets.add_subparsers(dest="kind", required=True, metavar="list|register|close")
    ledger_attestors.add_list(kinds)
    register = _add(kinds, "register", "register an attestor set", _register, "NAME", reason=reason)
    register.add_argument("epoch", metavar="EPOCH", type=int)
    register.add_argument("attestors", metavar="ADDRESS", nargs="+", help="every attestor's address")
    register.add_argument("--quorum", type=int, metavar="N", help="2f+1 of 3f+1 unless given")
    register.add_argument("--succeeds", type=int, metavar="EPOCH", help="the lost or stolen epoch that it replaces")
    _add(kinds, "close", "close an epoch to new terms", _close, "NAME").add_argument("epoch", metavar="EPOCH", type=int)


def _add(
    acts: Any, name: str, text: str, order: Callable[..., Any], *places: str, reason: str | None = None
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = acts.add_parser(name, help=text, description=f"Two operators order: {text}.")
    parser.add_argument("ledger", metavar="LEDGER", help="asset or payment")
    for place in places:
        parser.add_argument(place.lower(), metavar=place)
    parser.add_argument("--reason", metavar="TEXT", required=reason is None, default=reason, help="journalled")
    add_operators(parser)

    async def call(arguments: argparse.Namespace, context: Context) -> int:
        return await _send(arguments, context, order)

    parser.set_defaults(call=call, order=name)
    return parser


async def _send(arguments: argparse.Namespace, context: Context, order: Callable[..., Any]) -> int:
    context.ledger_dsn(arguments.ledger, write=True)  # an unknown ledger is told before keys are asked for
    keys = signers(arguments, context)
    async with context.ledger(arguments.ledger, write=True) as ledger:
        said = {
            "ledger": ledger.name,
            "reason": arguments.reason,
            "nonce": nonce(),
            "valid_until": await ledger.now() + ORDER_VALID_FOR,
        }
        message: LedgerOrder = await order(arguments, context, ledger, said)
        signed = SignedLedgerOrder(order=message, signatures=signed_by(keys, message, ledger.network))
        answer = await ledger.order(signed, attempt())
    if not isinstance(answer, Receipt):
        raise CliError(answer.code.value, answer.text, answer.field)
    context.output.document({"receipt": answer.model_dump(mode="json")})
    context.output.line(f"done: {arguments.order} on the {answer.ledger} ledger, journal entry {answer.position}")
    return 0


async def _open(arguments: argparse.Namespace, context: Context, _: Ledger, said: dict[str, Any]) -> OpenAccount:
    try:
        owner = context.keystore.resolve(arguments.owner)
    except KeystoreError as error:
        raise CliError(error.code, error.message, "owner") from error
    return OpenAccount(**said, account=arguments.account, owner=owner, admitted=not arguments.not_admitted)


async def _mint(arguments: argparse.Namespace, _: Context, ledger: Ledger, said: dict[str, Any]) -> Mint:
    asset = await ledger.asset(arguments.asset)
    if asset is None:
        raise CliError("unknown_asset", f"the {ledger.name} ledger keeps no `{arguments.asset}`", "asset")
    try:
        quantity = parse_units(arguments.quantity, asset.decimals)
    except ValueError as error:
        raise CliError("invalid_quantity", str(error), "quantity") from error
    return Mint(**said, account=arguments.account, asset=asset.code, quantity=quantity)


async def _account(arguments: argparse.Namespace, _: Context, __: Ledger, said: dict[str, Any]) -> AccountOrder:
    return AccountOrder(**said, act=arguments.act, account=arguments.account)


async def _asset(arguments: argparse.Namespace, _: Context, __: Ledger, said: dict[str, Any]) -> RegisterAsset:
    return RegisterAsset(**said, asset=Asset(code=arguments.code, decimals=arguments.decimals))


async def _register(arguments: argparse.Namespace, _: Context, __: Ledger, said: dict[str, Any]) -> RegisterAttestors:
    keys = Attestors.of(arguments.name, arguments.epoch, tuple(arguments.attestors), arguments.quorum)
    return RegisterAttestors(
        **said,
        name=keys.name,
        epoch=keys.epoch,
        attestors=keys.keys,
        quorum=keys.quorum,
        succeeds=arguments.succeeds,
    )


async def _readmit(arguments: argparse.Namespace, _: Context, __: Ledger, said: dict[str, Any]) -> Readmit:
    return Readmit(**said, attestor=arguments.attestor)


async def _close(arguments: argparse.Namespace, _: Context, __: Ledger, said: dict[str, Any]) -> CloseAttestors:
    return CloseAttestors(**said, name=arguments.name, epoch=arguments.epoch)

"""Two operators' signatures with the keys in the data folder, for orders about ledgers and settlements.

Decides nothing about what is ordered; a ledger checks who its operators are.
"""

import argparse
import secrets
from datetime import timedelta

from interlock.cli.context import Context
from interlock.cli.errors import CliError, UsageError
from interlock.protocol import Attempt, LocalSigner, Message, Signature

DEFAULT_OPERATORS = ("operator-1", "operator-2")
ORDER_VALID_FOR = timedelta(minutes=5)
"""How long an order may take to arrive; measured from the ledger's own clock."""


def add_operators(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Add `--as OP1 --as OP2`."""
    unless = "" if required else "; operator-1 and operator-2 unless given"
    parser.add_argument(
        "--as",
        dest="operators",
        action="append",
        metavar="OPERATOR",
        required=required,
        help=f"a key to sign with, given twice{unless}",
    )


def signers(arguments: argparse.Namespace, context: Context) -> list[LocalSigner]:
    """The keys of two distinct operators; a usage error for any other number of them."""
    names = list(arguments.operators or DEFAULT_OPERATORS)
    if len(names) < 2 or len(set(names)) != len(names):
        raise UsageError("an order needs two distinct operators: --as OP1 --as OP2", "as")
    keys = [context.keystore.load(name) for name in names]
    if len({key.address for key in keys}) != len(keys):
        raise CliError("authority_invalid", "two names, but one key: an order needs two distinct operators", "as")
    return keys


def signed_by(keys: list[LocalSigner], message: Message, network: str) -> tuple[Signature, ...]:
    """Each key's signature."""
    return tuple(key.sign(message, network) for key in keys)


def nonce() -> str:
    """32 random bytes, which tell two equal orders apart."""
    return "0x" + secrets.token_hex(32)


def attempt() -> Attempt:
    """Who asks: this command, under a trace of its own."""
    return Attempt(actor="cli", trace_id=secrets.token_hex(16), span_id=secrets.token_hex(8))

"""`interlock environment new`: a new environment's variables, as a `.env` file on stdout. Needs no running stack.

It holds every password of the environment: keep it to yourself (`umask 077`). Nothing makes the same one again.
"""

import argparse

from interlock.cli.context import Context
from interlock.cli.errors import CliError
from interlock.stack.new_environment import dotenv, new_environment


def configure(parser: argparse.ArgumentParser) -> None:
    """`environment new ATTESTOR ... --operator ADDRESS --operator ADDRESS`."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="new")
    new = acts.add_parser("new", help="make a new environment", description=__doc__)
    new.add_argument(
        "attestors", metavar="ATTESTOR", nargs="+", help="the address that `attestor new` printed, of each"
    )
    new.add_argument(
        "--operator",
        dest="operators",
        action="append",
        required=True,
        metavar="ADDRESS",
        help="who may order on the ledgers; give two at least",
    )


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0; addresses that will not do are refused (exit 1)."""
    try:
        variables = new_environment(arguments.attestors, arguments.operators)
    except ValueError as error:
        raise CliError("invalid_address", str(error)) from error
    context.output.document(variables)
    context.output.line(dotenv(variables).rstrip())
    return 0

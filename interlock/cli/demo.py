"""`interlock demo`: trades that settle, and that fail in every ordinary way, on a stack of the demo's own."""

import argparse

from interlock.cli.context import Context
from interlock.cli.quiet import quiet
from interlock.demo.catalogue import NAMES
from interlock.demo.run import run as play


def configure(parser: argparse.ArgumentParser) -> None:
    """`--keep`, `--only`."""
    parser.add_argument("--keep", action="store_true", help="leave the stack running until Ctrl-C")
    names = ", ".join(NAMES)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=(), choices=NAMES, help=f"these alone: {names}")


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 1 if one scenario or invariant fails."""
    quiet()
    return await play(keep=arguments.keep, only=tuple(arguments.only), output=context.output)

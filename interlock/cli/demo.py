"""`interlock demo`: trades that settle, and that fail in every ordinary way, on a stack of the demo's own. Thin."""

import argparse

from interlock.cli.context import Context
from interlock.demo.main import run as run_demo


def configure(parser: argparse.ArgumentParser) -> None:
    """`--keep`, `--only`."""
    parser.add_argument("--keep", action="store_true", help="leave the stack running until Ctrl-C")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=(), help="these scenarios alone")


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 1 if one scenario or invariant fails."""
    return await run_demo(keep=arguments.keep, only=tuple(arguments.only), output=context.output)

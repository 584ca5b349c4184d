"""Two operators order a settlement that waits or is suspended to look again now.

ID is a settlement id or a terms hash.
"""

import argparse

from interlock.cli import orders
from interlock.cli.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """ID, the operators and their reason."""
    orders.configure(parser)


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0 once carried out or recorded."""
    return await orders.run(arguments, context, "resume")

"""`interlock up`: the embedded stack in the foreground, and where everything is once it is ready. Starts no part."""

import argparse

from interlock.cli.context import Context
from interlock.cli.operators import DEFAULT_OPERATORS
from interlock.cli.quiet import quiet
from interlock.client.keystore import Keystore
from interlock.stack.up import Announcement, up


def configure(_: argparse.ArgumentParser) -> None:
    """The data folder is the global --data-dir, ./.interlock unless given."""


async def run(_: argparse.Namespace, context: Context) -> int:
    """Runs until Ctrl-C or SIGTERM, which stop all of it: exit 0. A second one on the same folder: exit 1."""

    def announce(where: Announcement) -> None:
        said = where.model_dump(mode="json")
        context.output.document(said)
        width = max(len(name) for name in said)
        context.output.line("Interlock is ready. Ctrl-C stops it.", "bold green")
        for name, value in said.items():
            parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
            context.output.line(f"  {name.replace('_', ' ').ljust(width)}  {'  '.join(map(str, parts))}")

    quiet()
    operators = tuple(_kept(context.keystore, name) for name in DEFAULT_OPERATORS)
    return await up(context.home, operators, announce)


def _kept(keys: Keystore, name: str) -> str:
    """The address of the operator's key, which a new stack's folder is given."""
    known = dict(keys.list())
    return known[name] if name in known else keys.create(name).address

"""`interlock up`: the embedded stack in the foreground, and where everything is once it is ready. Starts no part."""

import argparse

from interlock.cli.context import Context
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
            text = ", ".join(map(str, value)) if isinstance(value, list) else value
            context.output.line(f"  {name.replace('_', ' ').ljust(width)}  {text}")

    return await up(context.home, announce)

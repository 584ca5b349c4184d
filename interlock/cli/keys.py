"""`interlock keys`: make keys and list them. Needs no running stack; never prints a secret."""

import argparse

from interlock.cli.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """`keys new NAME`, `keys list`."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="new|list")
    new = acts.add_parser("new", help="make a key", description="Make a key in the data folder.")
    new.add_argument("name", metavar="NAME", help="a-z, 0-9, `.`, `_`, `-`")
    acts.add_parser("list", help="list the keys", description="List the keys in the data folder.")


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0; a name that is taken or will not do is refused (exit 1)."""
    if arguments.act == "new":
        signer = context.keystore.create(arguments.name)
        context.output.document({"name": arguments.name, "address": signer.address})
        context.output.line(f"{arguments.name}  {signer.address}")
        return 0
    keys = context.keystore.list()
    context.output.document({"keys": [{"name": name, "address": address} for name, address in keys]})
    context.output.table(["name", "address"], keys)
    return 0

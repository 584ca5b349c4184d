"""`interlock cluster`: what an operator of Temporal does: register search attributes, and steer versions of workers.

`prepare` adds what is missing and nothing else; to repeat it is harmless. `up` does the same by itself. The other acts
are in `cluster_versions`.
"""

import argparse
import asyncio
from typing import TYPE_CHECKING

from interlock.cli import cluster_versions
from interlock.cli.context import Context
from interlock.cli.errors import DONE, REFUSED, CliError, unreachable
from interlock.protocol.names import SEARCH_ATTRIBUTES

if TYPE_CHECKING:  # a third of a second: imported when the verb runs
    from temporalio.client import Client

CONNECT_WITHIN_SECONDS = 7.0


def configure(parser: argparse.ArgumentParser) -> None:
    """`prepare`, with `--check` to change nothing; and what is done with versions."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    prepare = acts.add_parser("prepare", help="register the search attributes that the namespace lacks")
    prepare.add_argument("--check", action="store_true", help="only say what is missing; exit 1 if something is")
    cluster_versions.configure(acts)


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0 once it is done; 1 if it is refused or not as expected; 3 with no server."""
    client = await connected(context)
    if arguments.act == "prepare":
        return await _prepare(arguments, context, client)
    return await cluster_versions.run(arguments, context, client)


async def _prepare(arguments: argparse.Namespace, context: Context, client: "Client") -> int:
    """Exit 0 once all are there; 1 if some are missing, of another type, or may not be added."""
    from interlock.worker import search_attributes  # noqa: PLC0415 - it imports temporalio

    try:
        found = await (search_attributes.standing if arguments.check else search_attributes.register)(client)
    except search_attributes.NotAnOperator as error:
        commands = "; ".join(
            f"temporal operator search-attribute create --name {name} --type {kind}"
            for name, kind in SEARCH_ATTRIBUTES.items()
        )
        raise CliError(
            "not_permitted",
            f"this connection may not register search attributes ({error}). On Temporal Cloud use its web page or "
            f"tcld, elsewhere: {commands}",
        ) from error
    if found.mistyped:
        kinds = ", ".join(f"{name} should be {SEARCH_ATTRIBUTES[name]}" for name in found.mistyped)
        raise CliError("wrong_type", f"namespace {client.namespace} has search attributes of another type: {kinds}")
    added = () if arguments.check else found.missing
    missing = found.missing if arguments.check else ()
    context.output.document(
        {
            "namespace": client.namespace,
            "ok": not missing,
            "added": list(added),
            "missing": list(missing),
            "search_attributes": SEARCH_ATTRIBUTES,
        }
    )
    context.output.table(
        ("search attribute", "type", "state"),
        (
            (name, kind, "missing" if name in missing else "added" if name in added else "there")
            for name, kind in SEARCH_ATTRIBUTES.items()
        ),
        title=f"namespace {client.namespace}",
    )
    return REFUSED if missing else DONE


async def connected(context: Context) -> "Client":
    """Where the data folder or TEMPORAL_* say; an operator of Temporal needs neither network nor coordinator."""
    from temporalio.client import Client  # noqa: PLC0415
    from temporalio.envconfig import ClientConfig  # noqa: PLC0415

    from interlock.cli.quiet import quiet  # noqa: PLC0415

    if context.data_dir is not None:
        connection = context.connection
        options = {**connection.options, "target_host": connection.address, "namespace": connection.namespace}
    else:
        options = {"target_host": "localhost:7233", **ClientConfig.load_client_connect_config()}
    quiet()
    try:
        async with asyncio.timeout(CONNECT_WITHIN_SECONDS):
            return await Client.connect(**options)
    except (TimeoutError, RuntimeError) as error:
        address = options["target_host"]
        raise unreachable(
            f"no Temporal server answers at {address}; say with TEMPORAL_ADDRESS where it is, or start `interlock up`"
        ) from error

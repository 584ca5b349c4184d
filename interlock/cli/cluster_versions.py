"""`interlock cluster versions|promote|rollback|drained|move`: which version of the workers new settlements begin on.

docs/operations.md says in what order. Where workers have no INTERLOCK_DEPLOYMENT there are no versions to steer.
"""

# ruff: noqa: PLC0415 - temporalio is imported when the verb runs

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from interlock.cli.context import Context
from interlock.cli.errors import DONE, REFUSED, CliError, UsageError, unreachable

if TYPE_CHECKING:
    from temporalio.client import Client

    from interlock.worker.versions import Deployment, Versions

LOOKS_EVERY_SECONDS = 1.0
MOVED_WITHIN_SECONDS = 30.0
COLUMNS = ("version", "state", "of new", "open", "workers")


def configure(acts: "argparse._SubParsersAction[Any]") -> None:
    """The acts, each with the deployment that it is about."""
    versions = acts.add_parser("versions", help="the workers' versions, and how many open settlements stay with each")
    promote = acts.add_parser("promote", help="have new settlements begin on a version")
    promote.add_argument("build", metavar="BUILD", help="its workers' INTERLOCK_BUILD_ID")
    promote.add_argument("--ramp", type=_percent, metavar="PERCENT", help="only so many of them; without it all")
    rollback = acts.add_parser("rollback", help="end a ramp, or go back to the version that was current before")
    drained = acts.add_parser("drained", help="whether a version's workers may be stopped; exit 1 if not")
    drained.add_argument("build", metavar="BUILD")
    drained.add_argument("--wait", action="store_true", help="until they may")
    move = acts.add_parser("move", help="have open settlements go on on another version, from where they stand")
    move.add_argument("ids", metavar="ID", nargs="*", help="settlement ids or terms hashes")
    move.add_argument("--from", dest="source", metavar="BUILD", help="all that stay with this version")
    move.add_argument("--to", dest="target", metavar="BUILD", required=True)
    for act in (versions, promote, rollback, drained, move):
        act.add_argument("--deployment", metavar="NAME", help="default: INTERLOCK_DEPLOYMENT")


async def run(arguments: argparse.Namespace, context: Context, client: "Client") -> int:
    """Exit 0 once it is done; 1 if it cannot be, or a version is not drained, or not all were moved."""
    from temporalio.service import RPCError, RPCStatusCode

    from interlock.worker.versions import NotPossible, Versions

    name = arguments.deployment or os.environ.get("INTERLOCK_DEPLOYMENT")
    if not name:
        raise UsageError("which deployment? say --deployment NAME, or set INTERLOCK_DEPLOYMENT", "deployment")
    versions = Versions(client, name)
    try:
        match arguments.act:
            case "promote":
                await versions.promote(arguments.build, 100.0 if arguments.ramp is None else arguments.ramp)
            case "rollback":
                await versions.roll_back()
            case "drained":
                return await _drained(arguments, context, versions)
            case "move":
                return await _move(arguments, context, versions)
        _show(context, await versions.read())
    except NotPossible as error:
        raise CliError(error.code, str(error)) from error
    except RPCError as error:
        text = f"Temporal answers {error.status.name}: {error.message}"
        if error.status in (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED):
            raise unreachable(text) from error
        denied = error.status is RPCStatusCode.PERMISSION_DENIED
        raise CliError("not_permitted" if denied else "fault", text) from error
    return DONE


async def _drained(arguments: argparse.Namespace, context: Context, versions: "Versions") -> int:
    """Two looks in a row that find nothing: the index, by which is counted, lags behind by a moment."""
    found = await versions.read()
    at_first = max(found.version(arguments.build).open, 1)
    with context.output.progress(f"drains {arguments.build}", at_first) as advance:
        looks, left = 0, at_first
        while True:
            now = found.version(arguments.build).open
            advance(max(left - now, 0))
            left = min(left, now)
            looks = looks + 1 if _is_done_with(found, arguments.build) else 0
            if looks > 1 or not (looks or arguments.wait):
                break
            await asyncio.sleep(LOOKS_EVERY_SECONDS)
            found = await versions.read()
    _show(context, found)
    return DONE if looks else REFUSED


def _is_done_with(found: "Deployment", build: str) -> bool:
    """Whether nothing new comes to a version, and nothing open stays with it."""
    return build not in found.receiving and found.version(build).open == 0


async def _move(arguments: argparse.Namespace, context: Context, versions: "Versions") -> int:
    if bool(arguments.ids) == bool(arguments.source):
        raise UsageError("which settlements? name them, or --from BUILD", "id")
    target = arguments.target
    ids = await (_named(arguments.ids, versions) if arguments.ids else versions.pinned(arguments.source))
    waiting = set(ids)
    with context.output.progress(f"moves to {target}", 2 * len(ids)) as advance:
        async for _ in versions.move(ids, target):
            advance(1)
        until = time.monotonic() + MOVED_WITHIN_SECONDS
        while waiting and time.monotonic() < until:
            there = {each for each in waiting if await versions.stays_with(each) == target}
            waiting -= there
            advance(len(there))
            if waiting:
                await asyncio.sleep(LOOKS_EVERY_SECONDS)
    moved = sorted(set(ids) - waiting)
    context.output.document({"to": target, "moved": moved, "waiting": sorted(waiting)})
    context.output.table(("settlement", "goes on on"), [(each, target) for each in moved])
    if waiting:
        listed = ", ".join(sorted(waiting)[:5]) + (", ..." if len(waiting) > 5 else "")
        context.output.note(
            f"{len(waiting)} have taken no task on {target} yet ({listed}): no worker of it is free, or its code cannot"
            f" carry them on (`interlock replay --open` says which); move those back to where they were"
        )
    return REFUSED if waiting else DONE


async def _named(names: Sequence[str], versions: "Versions") -> list[str]:
    """The workflow ids of the open settlements of these names."""
    from interlock.client.finding import settlement_filter

    ids: list[str] = []
    for name in names:
        found = await versions.found(settlement_filter(name))
        if not found:
            raise CliError("unknown_settlement", f"no open settlement {name} is known", "id")
        ids += found
    return ids


def _show(context: Context, found: "Deployment") -> None:
    context.output.document(
        {
            "deployment": found.name,
            "current": found.current,
            "ramping": found.ramping,
            "percent": found.percent,
            "unversioned_open": found.unversioned,
            "versions": [
                {
                    "build": each.build,
                    "status": each.status,
                    "percent": each.percent,
                    "open": each.open,
                    "workers": each.workers,
                }
                for each in found.versions
            ],
        }
    )
    context.output.table(
        COLUMNS,
        [(each.build, each.status, f"{each.percent:g} %", each.open, each.workers) for each in found.versions],
        title=f"deployment {found.name}",
        right=COLUMNS[2:],
    )
    if found.current is None:
        context.output.line("no version is current: new settlements go to workers without a version", "yellow")
    if found.unversioned:
        context.output.line(f"{found.unversioned} open settlements are of no version yet")
    for each in found.versions:
        if each.open and not each.workers:
            context.output.line(f"{each.open} open settlements wait for a worker of {each.build}", "bold red")


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = -1.0
    if not 0 < percent < 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage above 0 and below 100")
    return percent

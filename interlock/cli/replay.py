"""Replay histories against the installed workflows, before deploying: would open settlements go on with this code?

Histories come from files (Temporal's JSON, also gzipped), from folders of them, or straight from the server: --open,
--closed-since. Nothing is written anywhere, and no span or metric leaves. Exit 0 when all replay; 1 where one does not.
"""

import argparse
import gzip
import json
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.cli.cluster import connected
from interlock.cli.context import Context
from interlock.cli.errors import DONE, REFUSED, CliError, UsageError, unreachable

if TYPE_CHECKING:  # a third of a second: imported when the verb runs
    from temporalio.client import Client, WorkflowHistory

    from interlock.worker.replaying import Replayed

SHOWN = 20
SUFFIXES = (".json", ".json.gz")


def configure(parser: argparse.ArgumentParser) -> None:
    """Where the histories come from, and whether to go on after the first that parts."""
    parser.add_argument("paths", nargs="*", type=Path, metavar="FILE", help="a history, or a folder of histories")
    parser.add_argument("--open", action="store_true", help="every open settlement and sweep on the server")
    parser.add_argument(
        "--closed-since", metavar="TIME", help="and those that were closed since, e.g. 2026-11-23T00:00Z"
    )
    parser.add_argument("--all", action="store_true", help="go on after the first that does not replay")


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0 when every history replays; 1 on one that does not; 3 where no server is reached."""
    since = _moment(arguments.closed_since)
    if not arguments.paths and not arguments.open and since is None:
        raise UsageError("what is to be replayed? name files or folders, or say --open or --closed-since TIME", "paths")
    from interlock.cli.quiet import quiet  # noqa: PLC0415
    from interlock.worker.replaying import replayed  # noqa: PLC0415

    quiet()
    logging.getLogger("temporalio").setLevel(logging.CRITICAL)  # what fails is in the answer
    files = _files(arguments.paths)
    client, runs = None, list[tuple[str, str]]()
    if arguments.open or since is not None:
        client = await connected(context)
        runs = await _runs(client, open_ones=arguments.open, since=since)
    sources = _Sources(files, client, runs)
    found: list[tuple[str, Replayed]] = []
    with context.output.progress("replaying", len(files) + len(runs)) as advance:
        async with aclosing(replayed(sources.histories())) as results:
            async for result in results:
                found.append((sources.names[len(found)], result))
                advance(1)
                if result.parting is not None and not arguments.all:
                    break
    return _told(context, found, len(files) + len(runs) - sources.gone)


def _told(context: Context, found: Sequence[tuple[str, "Replayed"]], asked: int) -> int:
    output = context.output
    parted = [(where, each, each.parting) for where, each in found if each.parting is not None]
    same = [(where, each.workflow, each.events) for where, each in found if each.parting is None]
    results = [_document(where, each) for where, each in found]
    output.document({"ok": not parted, "histories": asked, "replayed": len(found), "results": results})
    if parted:
        rows = [(where, parting.event_id or "?", parting.event, parting.wanted) for where, _, parting in parted]
        output.table(["does not replay", "event", "the history has", "this code wants"], rows, right=["event"])
        for where, each, parting in parted[:SHOWN]:
            output.note(f"{where}, run {each.run_id}: {parting.said}")
    if same:
        output.table(["replays", "workflow", "events"], same[:SHOWN], right=["events"])
        if len(same) > SHOWN:
            output.line(f"... and {len(same) - SHOWN} more; --json lists all")
    if parted:
        left = f"; {asked - len(found)} not tried, --all goes on" if asked > len(found) else ""
        output.line(f"NOT COMPATIBLE: {len(parted)} of {len(found)} histories part from this code{left}", "bold red")
        return REFUSED
    output.line(f"all {len(found)} histories replay" if found else "no histories", "bold green" if found else "")
    return DONE


def _document(where: str, each: "Replayed") -> dict[str, Any]:
    parting = each.parting
    return {
        "source": where,
        "workflow_id": each.workflow_id,
        "run_id": each.run_id,
        "workflow": each.workflow,
        "events": each.events,
        "replays": parting is None,
        "parting": None
        if parting is None
        else {"event_id": parting.event_id, "event": parting.event, "wanted": parting.wanted, "said": parting.said},
    }


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--closed-since: {text} is no time such as 2026-11-23T00:00Z", "closed_since") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and those in the folders named. Raises CliError for what is not there."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.name.endswith(SUFFIXES))
            if not inside:
                raise CliError("no_histories", f"{path} holds no history ({' or '.join(SUFFIXES)})", "paths")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise CliError("file", f"{path} is not there", "paths")
    return found


class _Sources:
    """Reads one history after the other, and notes where each is from."""

    def __init__(self, files: Sequence[Path], client: "Client | None", runs: Sequence[tuple[str, str]]) -> None:
        self._files, self._client, self._runs = files, client, runs
        self.names: list[str] = []
        self.gone = 0
        """Runs that the server has forgotten since it listed them."""

    async def histories(self) -> AsyncIterator["WorkflowHistory"]:
        """Those of the files, then those of the server's runs."""
        for file in self._files:
            self.names.append(str(file))
            yield _history_in(file)
        for name, run_id in self._runs:
            if (history := await self._fetched(name, run_id)) is not None:
                self.names.append(name)
                yield history

    async def _fetched(self, name: str, run_id: str) -> "WorkflowHistory | None":
        from temporalio.service import RPCError, RPCStatusCode  # noqa: PLC0415

        assert self._client is not None  # noqa: S101 - there are no runs without one
        try:
            return await self._client.get_workflow_handle(name, run_id=run_id).fetch_history()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise unreachable(f"the history of {name} cannot be read: {error}") from error
            self.gone += 1
            return None


def _history_in(file: Path) -> "WorkflowHistory":
    from google.protobuf.json_format import ParseError  # noqa: PLC0415
    from temporalio.client import WorkflowHistory  # noqa: PLC0415

    data = file.read_bytes()
    try:
        text = (gzip.decompress(data) if file.name.endswith(".gz") else data).decode()
        started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
        return WorkflowHistory.from_json(str(started.get("workflowId") or file.name), text)
    except (OSError, EOFError, ValueError, LookupError, TypeError, ParseError) as error:
        raise CliError(
            "invalid_file", f"{file} is no workflow history in Temporal's JSON: {type(error).__name__} {error}", "paths"
        ) from error


async def _runs(client: "Client", *, open_ones: bool, since: datetime | None) -> list[tuple[str, str]]:
    """The runs of our workflows that are asked for, oldest first: their workflows' ids and their own."""
    from interlock.protocol.names import SETTLEMENT_WORKFLOW, SWEEP_WORKFLOW  # noqa: PLC0415

    which = ["ExecutionStatus = 'Running'"] if open_ones else []
    which += [f"CloseTime >= '{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}'"] if since is not None else []
    query = f"WorkflowType IN ('{SETTLEMENT_WORKFLOW}', '{SWEEP_WORKFLOW}') AND ({' OR '.join(which)})"
    from temporalio.service import RPCError  # noqa: PLC0415

    try:
        runs = [(run.start_time, run.id, run.run_id) async for run in client.list_workflows(query)]
    except RPCError as error:
        raise unreachable(f"the server does not list its settlements: {error}") from error
    return [(name, run_id) for _, name, run_id in sorted(runs)]

"""`audit show ID`: the settlement's story in order. ID is a settlement id or a terms hash. Changes nothing.

Who did what, when, on whose authority; what was refused, waited for and tried again; how the attestors answered. Times
are UTC.
"""

# ruff: noqa: PLC0415 - the audit room needs the server's extra

import argparse
import contextlib
import os
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.cli.context import LEDGERS, Context
from interlock.cli.errors import DONE, CliError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interlock.audit.journals import Journal
    from interlock.audit.reader import SpanReader
    from interlock.audit.story import Act, Story, Wait
    from interlock.protocol.records import Record

_HASH = re.compile(r"0x[0-9a-f]{64}")
_STYLES = {"effect": "bold", "refusal": "yellow", "fault": "red", "dissent": "magenta", "end": "bold", "order": "cyan"}


def configure(acts: Any) -> None:
    """Add `show`."""
    parser = acts.add_parser("show", help="a settlement's story, in order", description=__doc__)
    parser.add_argument("id", metavar="ID", help="a settlement id or a terms hash")
    parser.add_argument("--terms", metavar="HASH", help="which terms, where the id stands for several")
    parser.add_argument("--html", metavar="FILE", help="write the story as a page of its own, to read and to print")
    parser.set_defaults(call=_show)


async def _show(arguments: argparse.Namespace, context: Context) -> int:
    from interlock.audit.reader import SpanReader
    from interlock.audit.telling import tell
    from interlock.protocol.reports import trace_id_of

    async with context.audit() as connections, contextlib.AsyncExitStack() as held:
        reader = SpanReader(connections)
        journals = await _journals(context, held)
        terms_hash = await terms_hash_of(arguments, reader, journals)
        entries, sizes = await _entries(journals, terms_hash)
        spans = await reader.spans_of(trace_id_of(terms_hash))
        if not spans and not entries:
            raise CliError("unknown_settlement", f"nothing is recorded of terms {terms_hash}", "id")
        story = tell(terms_hash, spans, entries, sizes)
        evidence = await _evidence(reader, journals, story)
    if arguments.html is not None:
        from interlock.cli.audit_page import page

        write_whole(Path(arguments.html), page(story, evidence, datetime.now(UTC)))
    document = story.document | {"evidence": [{"record": record, "state": state} for record, state in evidence]}
    context.output.document(document | ({"html": arguments.html} if arguments.html is not None else {}))
    if arguments.html is not None:
        context.output.line(f"{story.settlement_id}  {story.state}: written to {arguments.html}")
    else:
        show(context, story, evidence)
    return DONE


async def _journals(context: Context, held: contextlib.AsyncExitStack) -> "dict[str, Journal]":
    """The journals, if their databases can be read; else a note says that authorities and postings are missing."""
    try:
        return await held.enter_async_context(context.journals())
    except CliError as error:
        context.output.note(f"the ledgers' journals cannot be read, so no authority is shown: {error.message}")
        return {}


async def terms_hash_of(arguments: argparse.Namespace, reader: "SpanReader", journals: "dict[str, Journal]") -> str:
    """The hash of the terms that ID, with --terms, stands for; refused where it is none, or several."""
    from interlock.ledgers.queries import query

    if arguments.terms is not None and not _HASH.fullmatch(arguments.terms.lower()):
        raise UsageError("--terms is a terms hash: 0x and 64 hex digits", "terms")
    wanted: str | None = arguments.terms.lower() if arguments.terms is not None else None
    if _HASH.fullmatch(arguments.id.lower()):
        found = {arguments.id.lower()}
    else:
        found = set(await reader.terms_of(arguments.id))
        for ledger in LEDGERS:
            if ledger in journals:
                rows = await journals[ledger].connections.rows(query("terms_of_settlement"), arguments.id)
                found |= {row["terms_hash"] for row in rows}
    if not found:
        raise CliError("unknown_settlement", f"nothing is recorded of settlement {arguments.id}", "id")
    if wanted is not None and wanted not in found:
        raise CliError("unknown_terms", f"{arguments.id} has no terms {wanted}; it has {_listed(found)}", "terms")
    if wanted is None and len(found) > 1:
        text = f"{arguments.id} stands for several terms: name one with --terms: {_listed(found)}"
        raise CliError("ambiguous_settlement", text, "terms")
    return wanted or found.pop()


def _listed(hashes: set[str]) -> str:
    return ", ".join(sorted(hashes))


async def _entries(
    journals: "dict[str, Journal]", terms_hash: str
) -> "tuple[list[tuple[str, Record]], dict[tuple[str, int], int]]":
    from interlock.ledgers.queries import query

    entries: list[tuple[str, Record]] = []
    sizes: dict[tuple[str, int], int] = {}
    for ledger in LEDGERS:
        if ledger in journals:
            entries += [(ledger, record) for record in await journals[ledger].records_of_terms(terms_hash)]
            rows = await journals[ledger].connections.rows(query("attestor_set_sizes"))
            sizes |= {(row["name"], row["epoch"]): row["size"] for row in rows}
    return entries, sizes


async def _evidence(reader: "SpanReader", journals: "dict[str, Journal]", story: "Story") -> list[tuple[str, str]]:
    """In which block each record is sealed."""
    from interlock.protocol.seals import AUDIT_JOURNAL

    found = []
    for act in story.acts:
        if act.position is not None and act.ledger in journals and act.kind in ("effect", "order"):
            state = await _sealed(journals[act.ledger], [act.position])
            found.append((f"{act.ledger} ledger, journal entry {act.position} ({act.step})", state))
    if AUDIT_JOURNAL in journals:
        positions = await reader.positions_of(story.trace_id)
        if positions:
            found.append((f"audit trail, {len(positions)} spans", await _sealed(journals[AUDIT_JOURNAL], positions)))
    return found


async def _sealed(journal: "Journal", positions: "Sequence[int]") -> str:
    blocks: dict[int, None] = {}
    pending = 0
    for position in positions:
        block = await journal.block_of(position)
        if block is None:
            pending += 1
        elif position in block.positions:
            blocks[block.signed.seal.number] = None
        else:
            return f"in no block: position {position} is passed over by block {block.signed.seal.number}"
    said = f"sealed in block {', '.join(map(str, blocks))}" if blocks else ""
    not_yet = f"{pending} not yet sealed" if blocks and pending else "not yet sealed" if pending else ""
    return "; ".join(each for each in (said, not_yet) if each)


def write_whole(path: Path, text: str, field: str = "html") -> None:
    """Write a file, or leave what is there as it is. Raises CliError where it cannot be written."""
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            part = Path(file.name)
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                umask = os.umask(0)
                os.umask(umask)
                part.chmod(0o666 & ~umask)
                part.replace(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise CliError("file", f"{path} cannot be written: {error.strerror or error}", field) from error


def show(context: Context, story: "Story", evidence: "Sequence[tuple[str, str]]") -> None:
    """The story as a tree."""
    if context.as_json:
        return
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    from interlock.cli.audit_page import counted, rows_of, time

    now = datetime.now(UTC)
    tree = Tree(Text.assemble((f"{story.settlement_id}  ", "bold"), (story.state, "bold"), f"  {story.terms_hash}"))
    for line in _headlines(story):
        tree.add(Text(line))
    waits = tree.add(Text(counted(len(story.waits), "wait"), "bold")) if story.waits else None
    for wait in story.waits:
        assert waits is not None  # noqa: S101 - there are waits
        waits.add(Text(_waited(wait, now), "yellow"))
    happened = tree.add(Text("what happened (UTC)", "bold"))
    for row in rows_of(story.acts):
        act = row.act
        times = f"  \N{MULTIPLICATION SIGN}{row.times}, until {time(row.last)}" if row.times > 1 else ""
        branch = happened.add(
            Text.assemble((time(act.until), "dim"), f"  {act.lane}: ", (act.what + times, _STYLES.get(act.kind, "")))
        )
        for detail in _details(act):
            branch.add(Text(detail, "dim"))
    if evidence:
        sealed = tree.add(Text("evidence", "bold"))
        for record, state in evidence:
            sealed.add(Text(f"{record}: {state}"))
    wide = sys.stdout.isatty()
    Console(highlight=False, width=None if wide else 240, soft_wrap=not wide).print(tree)


def _headlines(story: "Story") -> list[str]:
    lines = [f"seller {story.seller}", f"buyer {story.buyer}"]
    for name, leg in (("delivery", story.delivery), ("payment", story.payment)):
        if leg is not None:
            way = f" from {leg.deliverer} to {leg.receiver}" if leg.deliverer else ""
            lines.append(f"{name} {leg.amount}{way} on ledger {leg.ledger}")
    if story.settle_by:
        lines.append(f"settle by {story.settle_by}")
    if story.reason:
        lines.append(f"because {story.reason}")
    if not story.ended:
        lines.append("its end is not recorded: it is open, or has just ended")
    return lines


def _waited(wait: "Wait", now: datetime) -> str:
    from interlock.cli.audit_page import lasting, time

    until = f"until {time(wait.until)}" if wait.until else "and goes on"
    who = f" ({wait.who})" if wait.who else ""
    tried = f", tried {wait.attempts} times" if wait.attempts > 1 else ""
    return f"{lasting(wait.seconds(now))} from {time(wait.since)} {until}: {wait.text} [{wait.code}]{who}{tried}"


def _details(act: "Act") -> list[str]:
    said = [f"by {act.who}"] if act.who and act.who not in act.what and act.who != act.lane else []
    said += [f"attempt {act.attempt}"] if act.attempt and act.attempt > 1 else []
    said += [f"journal entry {act.position} of {act.ledger}, {act.reference}"] if act.position and act.ledger else []
    said += [f"on {each}" for each in act.authority]
    return said + (["reconstructed from the ledger's entry: the span itself was lost"] if act.reconstructed else [])

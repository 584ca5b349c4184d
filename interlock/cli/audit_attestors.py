"""`audit attestors`: compare all that the attestors have signed, and write a proof of each contradiction.

Reads every certificate in both journals and every attestor's votes. Each misconduct becomes a file that anybody can
check (`audit misconduct FILE`); --accuse sends it to the ledgers, which leave that attestor out of quorums.
"""

# ruff: noqa: PLC0415 - what looks at databases and attestors needs the server's extra

import argparse
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.cli.audit_misconduct import described
from interlock.cli.context import Context
from interlock.cli.errors import DONE, REFUSED
from interlock.protocol import Misconduct

if TYPE_CHECKING:
    from interlock.attestors.past_words import PastWords
    from interlock.ledgers.postgres import PostgresLedger

MOST_STATEMENTS = 1_000_000
READ_SECONDS = 60.0


def configure(acts: Any) -> None:
    """Add `attestors`."""
    parser = acts.add_parser("attestors", help="find attestors that contradicted themselves", description=__doc__)
    parser.add_argument("--folder", metavar="DIR", default=".", help="where proofs are written; here unless given")
    parser.add_argument("--accuse", action="store_true", help="send what is found to both ledgers")
    parser.set_defaults(call=_find)


@dataclass
class _Found:
    """One misconduct, the file of its proof, and the entry of each ledger that has judged it."""

    misconduct: Misconduct
    file: Path
    entries: dict[str, int]


async def _find(arguments: argparse.Namespace, context: Context) -> int:
    from interlock.attestors.past_words import PastWords
    from interlock.cli.ledger_attestors import accuse
    from interlock.ledgers.overview import accusations

    async with AsyncExitStack() as held:
        ledgers = [
            await held.enter_async_context(context.ledger(name, write=arguments.accuse))
            for name in context.ledger_names()
        ]
        words = PastWords(ledgers[0].network)
        certificates = await _hear_journals(context, ledgers, words)
        answered, silent = await _hear_attestors(context, ledgers, words)
        found = [_written(Path(arguments.folder), each) for each in words.misconduct()]
        for ledger in ledgers:
            judged = await accusations(ledger, [each.misconduct.digest for each in found])
            for each in found:
                if each.misconduct.digest in judged:
                    each.entries[ledger.name] = judged[each.misconduct.digest]
                elif arguments.accuse:
                    each.entries[ledger.name] = (await accuse(ledger, each.misconduct)).position
        names = [ledger.name for ledger in ledgers]
    is_done = all(each.entries.keys() == set(names) for each in found)
    heard = {"signatures": words.count, "certificates": certificates, "answered": answered, "silent": silent}
    documents = [described(each.misconduct) | {"file": str(each.file), "entries": each.entries} for each in found]
    context.output.document({"ok": is_done, **heard, "misconduct": documents})
    _show(context, found, names)
    if silent:
        context.output.note(f"not asked, or no answer: {', '.join(silent)}; of these only certificates were read")
    summary = f"{words.count:,} signatures of {len(answered)} attestors and {certificates:,} certificates"
    headline = f"{len(found)} misconduct" if found else "no misconduct"
    context.output.line(f"{headline}: {summary}", "bold green" if is_done else "bold red")
    return DONE if is_done else REFUSED


async def _hear_attestors(
    context: Context, ledgers: "list[PostgresLedger]", words: "PastWords"
) -> tuple[list[str], list[str]]:
    """Who said all that it has signed, and who did not."""
    from interlock.attestors.statements import StatementReader
    from interlock.ledgers.overview import registered

    urls, attestors = context.attestor_urls(), await registered(ledgers, context.coordinator)
    keys = attestors.keys if attestors is not None else ()
    answered = []
    if attestors is not None and urls:
        reader = StatementReader(urls, attestors, most_statements=MOST_STATEMENTS, timeout_seconds=READ_SECONDS)
        async with reader:
            for said in await reader.all():
                for each in said.signed:
                    words.hear(each.statement, (each.signature,))
                if said.complete:
                    answered.append(said.attestor)
    return answered, [key for key in keys if key not in answered]


async def _hear_journals(context: Context, ledgers: "list[PostgresLedger]", words: "PastWords") -> int:
    """How many certificates the journals hold."""
    from interlock.ledgers.overview import certificates, row_count

    count = 0
    with context.output.progress("reading the journals", await row_count(ledgers)) as advance:
        for ledger in ledgers:
            async for chunk in certificates(ledger):
                for certificate in chunk:
                    words.hear(certificate.statement, certificate.signatures)
                count += len(chunk)
                advance(len(chunk))
    return count


def _written(folder: Path, misconduct: Misconduct) -> _Found:
    """The proof in a file named by attestor and digest: found again, it is the same file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"misconduct-{misconduct.attestor[2:10].lower()}-{misconduct.digest[2:10]}.json"
    file.write_text(misconduct.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return _Found(misconduct, file, {})


def _show(context: Context, found: list[_Found], names: list[str]) -> None:
    if not found:
        return
    rows = [
        (
            each.misconduct.attestor,
            each.misconduct.first.statement.said,
            each.misconduct.second.statement.said,
            str(each.file),
            *(f"entry {each.entries[name]}" if name in each.entries else "not accused" for name in names),
        )
        for each in found
    ]
    context.output.table(["attestor", "signed", "and", "proof", *names], rows)

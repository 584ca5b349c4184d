"""`audit verify`: the journals against their seals and witnesses, the tables against the journals, the traces against
both. Repairs nothing.

Whatever was changed, removed, inserted or moved since it was sealed is found and named, whoever did it; what is
younger than the last seal is counted as not covered yet. A settlement whose trace has a hole is named, too. Works while
the service is running. Exit 1 if something is wrong.
"""

# ruff: noqa: PLC0415 - the audit room needs the server's extra

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock.cli.context import Context
from interlock.cli.errors import DONE, REFUSED
from interlock.cli.output import Output

if TYPE_CHECKING:
    from interlock.audit.journals import Journal
    from interlock.audit.verify import InvariantsResult, TablesResult
    from interlock.audit.verify_journal import JournalResult
    from interlock.ledgers.processes import Hands

SHOWN = 10
"""How many findings of one part people are shown; --json has up to a hundred."""

_COLUMNS = ("part", "looked at", "not covered yet", "wrong")


@dataclass(frozen=True)
class Asked:
    """What every part of the verification is given."""

    journals: "Mapping[str, Journal]"
    network: str
    keepers: Mapping[str, str]
    hands: "Hands"
    advance: Callable[[int], None]


@dataclass(frozen=True)
class Part:
    """What one part found: its name and value in the document, lines of the table, and findings in words."""

    name: str
    document: Any
    ok: bool
    rows: Sequence[Sequence[object]]
    findings: Sequence[tuple[str, Sequence[str], int]]
    """Of what, the first hundred in words, and how many there are in all."""


def configure(acts: Any) -> None:
    """Add `verify`."""
    parser = acts.add_parser("verify", help="find whatever was changed since it was sealed", description=__doc__)
    parser.set_defaults(call=_verify)


async def _verify(_: argparse.Namespace, context: Context) -> int:
    from interlock.audit.tracing import settlements_to_judge
    from interlock.audit.verify import invariant_readers, records_to_verify
    from interlock.ledgers.processes import hands
    from interlock.ledgers.verify import rows_to_verify
    from interlock.protocol.seals import AUDIT_JOURNAL

    network, keepers = context.network, context.keepers
    async with context.journals() as journals:
        total = await records_to_verify(journals) + await rows_to_verify(*invariant_readers(journals, network))
        total += await settlements_to_judge(journals[AUDIT_JOURNAL].connections)
        with hands(total) as several, context.output.progress("verifying", total) as advance:
            asked = Asked(journals, network, keepers, several, advance)
            parts = [await part(asked) for part in (_journals, _tables, _invariants, _traces)]
    ok = all(part.ok for part in parts)
    context.output.document({"ok": ok} | {part.name: part.document for part in parts})
    _show(context.output, parts, ok=ok)
    return DONE if ok else REFUSED


async def _journals(asked: Asked) -> Part:
    from interlock.audit.verify import verify_journals

    results = await verify_journals(
        asked.journals, asked.network, asked.keepers, hands=asked.hands, advance=asked.advance
    )
    return Part(
        "journals",
        results,
        all(each.ok for each in results.values()),
        [_journal_row(name, each) for name, each in results.items()],
        [(f"journal {name}", [each.text for each in found.findings], found.count) for name, found in results.items()],
    )


async def _tables(asked: Asked) -> Part:
    from interlock.audit.verify import verify_tables

    results: Mapping[str, TablesResult] = await verify_tables(asked.journals)
    return Part(
        "tables",
        results,
        all(each.ok for each in results.values()),
        [(f"tables of {name}", "", "", each.count or "") for name, each in results.items()],
        [(f"tables of {name}", [each.text for each in found.findings], found.count) for name, found in results.items()],
    )


async def _invariants(asked: Asked) -> Part:
    from interlock.audit.verify import verify_invariants

    result: InvariantsResult = await verify_invariants(
        asked.journals, asked.network, hands=asked.hands, advance=asked.advance
    )
    texts = [f"{name}: {text}" for name, each in result.invariants.items() for text in each.violations]
    texts += [f"they could not be looked at: {result.fault}"] if result.fault else []
    checked = sum(each.checked for each in result.invariants.values())
    row = ("invariants of the ledgers", f"{checked:,} facts", "", len(texts) or "")
    return Part("invariants", result, result.ok, [row], [("invariants", texts, len(texts))])


async def _traces(asked: Asked) -> Part:
    from interlock.audit.tracing import traces
    from interlock.protocol.seals import AUDIT_JOURNAL

    found = await traces(asked.journals[AUDIT_JOURNAL].connections, asked.journals, advance=asked.advance)
    looked_at = (
        f"{found.settlements:,} settlements, {found.complete:,} complete, {found.still_open:,} open; "
        f"{found.effects:,} effects, {found.spans:,} spans, {found.reconstructed:,} of them reconstructed"
    )
    wrong = found.orphans + found.holes + found.effects_without_span + found.contradictions
    row = ("traces", looked_at, f"{found.young:,} settlements" if found.young else "", f"{wrong:,}" if wrong else "")
    return Part("traces", found, found.ok, [row], [("traces", found.violations, wrong)])


def _journal_row(name: str, found: "JournalResult") -> Sequence[object]:
    looked_at = f"{found.records:,} records, {found.witnessed:,} witnessed, {found.seals:,} seals"
    young = []
    if found.not_covered.records:
        young.append(f"{found.not_covered.records:,} records since {found.not_covered.since}")
    if found.not_covered.witnessed:
        young.append(f"{found.not_covered.witnessed:,} witnessed")
    young += [f"{each.seals:,} seals not in {place}" for place, each in found.not_witnessed.items()]
    return (f"journal {name}", looked_at, "; ".join(young), f"{found.count:,}" if found.count else "")


def _show(output: Output, parts: Sequence[Part], *, ok: bool) -> None:
    output.table(_COLUMNS, [row for part in parts for row in part.rows])
    for of_what, texts, count in (each for part in parts for each in part.findings):
        for text in texts[:SHOWN]:
            output.line(f"{of_what}: {text}", "red")
        if count > SHOWN:
            output.line(f"{of_what}: and {count - SHOWN:,} more")
    output.line(
        "everything that is sealed is as it was sealed, and every trace is whole" if ok else "NOT as it has to be",
        "green" if ok else "bold red",
    )

"""Compare the ledgers with the runs, and with what the attestors signed; name everything that is out of step.

Exit 0 when all is in step, or --repair has started all that was needed. What contradicts itself, or is missing on a
ledger, is named and never repaired.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from interlock.cli.comparing import IN_STEP, REPAIRABLE, Compared, Comparing, Finding, Kind, in_flight
from interlock.cli.context import Context
from interlock.cli.errors import DONE, REFUSED, CliError
from interlock.cli.recovering import Recovering
from interlock.cli.signed_facts import Asked, ask
from interlock.client import InterlockError, NotReached, NoWorker

SHOWN_IN_STEP = 20
SHORT = 18


def configure(parser: argparse.ArgumentParser) -> None:
    """`--repair`."""
    parser.add_argument("--repair", action="store_true", help="start what is needed, as `recover` does")


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0 when nothing is left out of step; 1 when something is; 3 where a server is not reached."""
    async with AsyncExitStack() as opened:
        names = context.ledger_names()
        ledgers = [await opened.enter_async_context(context.ledger(name)) for name in names]
        if strange := [each.name for each in ledgers if each.network != context.network]:
            raise CliError("wrong_network", f"ledger {strange[0]} is of another network than the service", "network")
        recovering = await Recovering.connect(context)
        found = await Comparing(ledgers, recovering, context.network, context.output).compared()
        asked = await ask(context, ledgers)
    found.findings += _missing(asked, found)
    wrong = [each for each in found.findings if each.kind not in IN_STEP]
    repaired = await _repaired(context, recovering, wrong) if arguments.repair else {}
    ok = all(repaired.get(each) == "" for each in wrong)
    context.output.document(_document(ok, found, asked, repaired))
    _show(context, found, asked, repaired, ok=ok)
    return DONE if ok else REFUSED


def _missing(asked: Asked, found: Compared) -> list[Finding]:
    return [
        Finding(
            Kind.MISSING,
            found.names.get(missing.terms_hash, ""),
            missing.terms_hash,
            f"attestors signed {missing.fact}, and ledger {ledger} does not hold it: "
            f"entry {missing.position}, {missing.reference}",
            lost=(
                ("fact", missing.fact.value),
                ("ledger", ledger),
                ("position", missing.position),
                ("reference", missing.reference),
            ),
        )
        for ledger, look in asked.looks.items()
        for missing in look.missing
    ]


async def _repaired(context: Context, recovering: Recovering, wrong: Sequence[Finding]) -> dict[Finding, str]:
    """Start what is needed. What became of each that can be repaired: "" if it was, else why it was not."""
    repaired: dict[Finding, str] = {}
    nobody = ""  # once nobody answers, the others need not wait to learn the same
    needed = [each for each in wrong if each.kind in REPAIRABLE]

    async def repair(finding: Finding) -> None:
        nonlocal nobody
        try:
            if nobody:
                repaired[finding] = nobody
            elif finding.signed is not None:
                await recovering.recover(finding.signed)
            else:
                await recovering.look_again(finding.workflow_id)
        except InterlockError as error:
            repaired[finding] = error.message
            nobody = error.message if isinstance(error, NoWorker | NotReached) else nobody
        else:
            repaired.setdefault(finding, "")

    with context.output.progress("starting", len(needed)) as advance:
        await in_flight(needed, repair, lambda: advance(1))
    return repaired


def _document(ok: bool, found: Compared, asked: Asked, repaired: dict[Finding, str]) -> dict[str, Any]:
    return {
        "ok": ok,
        "settlements": found.settlements,
        "runs": found.runs,
        "attestors": {
            name: {"answered": look.answered, "needed": look.needed, "missing": len(look.missing)}
            for name, look in asked.looks.items()
        },
        "out_of_step": [
            _said(each) | {"repaired": repaired.get(each) == ""} for each in found.findings if each.kind not in IN_STEP
        ],
        "in_step": [_said(each) for each in found.findings if each.kind in IN_STEP],
    }


def _said(finding: Finding) -> dict[str, str | int | bool]:
    return {
        "kind": finding.kind,
        "settlement_id": finding.settlement_id,
        "terms_hash": finding.terms_hash,
        "text": finding.text,
        **dict(finding.lost),
    }


def _show(context: Context, found: Compared, asked: Asked, repaired: dict[Finding, str], *, ok: bool) -> None:
    output = context.output
    wrong = [each for each in found.findings if each.kind not in IN_STEP]
    others = [each for each in found.findings if each.kind in IN_STEP]
    if wrong:
        rows = [(each.kind, each.settlement_id or "?", _short(each), _ending(each, repaired)) for each in wrong]
        output.table(["out of step", "settlement", "terms", "what"], rows)
    if others:
        rows = [(each.kind, each.settlement_id, _short(each), each.text) for each in others]
        output.table(["in step", "settlement", "terms", "what"], rows[:SHOWN_IN_STEP])
        if len(others) > SHOWN_IN_STEP:
            output.line(f"... and {len(others) - SHOWN_IN_STEP} more; --json lists all")
    for name, look in asked.looks.items():
        if look.answered < look.needed:
            output.note(
                f"{look.answered} attestors say what they have signed about ledger {name}, {look.needed} are needed: "
                "something may be missing that nobody speaks of"
            )
    if asked.why_not:
        output.note(f"the attestors were not asked what they have signed: {asked.why_not}")
    counts = Counter(each.kind.value for each in found.findings)
    started = sum(not why for why in repaired.values())
    summary = [f"{found.settlements:,} settlements on the ledgers, {found.runs:,} known to Temporal"]
    summary += [f"{count} {kind}" for kind, count in sorted(counts.items())]
    summary += [f"{started} of {len(repaired)} repaired"] if repaired else []
    headline = ("in step again" if repaired else "all in step") if ok else "OUT OF STEP"
    output.line(f"{headline}: {', '.join(summary)}", "bold green" if ok else "bold red")
    if not ok and not repaired and any(each.kind in REPAIRABLE for each in wrong):
        output.line("`interlock reconcile --repair` starts what is needed")


def _short(finding: Finding) -> str:
    """A terms hash as tables show it: whole where nobody knows the settlement's id."""
    return finding.terms_hash[:SHORT] if finding.settlement_id else finding.terms_hash


def _ending(finding: Finding, repaired: dict[Finding, str]) -> str:
    if finding not in repaired:
        return finding.text
    done = "told to look again" if finding.kind is Kind.BEHIND else "started again"
    return f"{finding.text}; {f'not repaired: {why}' if (why := repaired[finding]) else done}"

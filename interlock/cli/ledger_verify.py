"""`ledger verify`: every invariant checked on the real ledgers, every stored signature once more. Repairs nothing."""

# ruff: noqa: PLC0415 - the other ledger verbs do not pay for the checks

import argparse
from typing import Any

from interlock.cli.context import LEDGERS, Context
from interlock.cli.errors import DONE, REFUSED

SHOWN = 5
"""How many violations of one invariant people are shown; --json has them all."""


def configure(acts: Any) -> None:
    """Add `verify`."""
    parser = acts.add_parser("verify", help="check the invariants on the real ledgers", description=__doc__)
    parser.set_defaults(call=_verify)


async def _verify(_: argparse.Namespace, context: Context) -> int:
    from interlock.ledgers.processes import hands
    from interlock.ledgers.verify import rows_to_verify, verify

    async with context.ledger(LEDGERS[0]) as asset, context.ledger(LEDGERS[1]) as payment:
        rows = await rows_to_verify(asset, payment)
        with hands(rows) as several, context.output.progress("verifying", rows) as advance:
            results = await verify(asset, payment, hands=several, advance=advance)
    ok = all(invariant.ok for invariant in results.values())
    context.output.document({"ok": ok, "invariants": results})
    for name, invariant in results.items():
        word, style = ("holds", "green") if invariant.ok else ("BROKEN", "bold red")
        context.output.line(f"{word.ljust(7)} {name} ({invariant.checked:,} checked)", style)
        for violation in invariant.violations[:SHOWN]:
            context.output.line(f"        {violation}", "red")
        if (more := len(invariant.violations) - SHOWN) > 0:
            context.output.line(f"        and {more:,} more")
    return DONE if ok else REFUSED

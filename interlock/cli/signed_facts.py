"""Asks the attestors what they have signed, and names what the ledgers do not hold of it. Believes no single one.

Where the attestors are, `client.json` says, or INTERLOCK_ATTESTOR_URLS; where nobody says so, they are not asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock.attestors.statements import StatementReader
from interlock.cli.context import Context
from interlock.ledgers.overview import registered
from interlock.ledgers.postgres import PostgresLedger
from interlock.worker.opening import Look, look_at

MOST_STATEMENTS = 1_000_000
READ_SECONDS = 60.0
"""An operator wants to know all that is missing, and waits for it; a role that opens must not."""


@dataclass(frozen=True)
class Asked:
    """What each ledger lacks of what was signed, by its name; `why_not` says why the attestors were not asked."""

    looks: Mapping[str, Look]
    why_not: str = ""


async def ask(context: Context, ledgers: Sequence[PostgresLedger]) -> Asked:
    """Compare every ledger with what was signed about it. Raises LedgerUnreachable."""
    urls = context.attestor_urls()
    if not urls:
        where = "client.json names none" if context.data_dir is not None else "INTERLOCK_ATTESTOR_URLS names none"
        return Asked({}, f"where the attestors are is not known here: {where}")
    attestors = await registered(ledgers, context.coordinator)
    if attestors is None:
        return Asked({}, f"no ledger knows the attestor set {context.coordinator.name}/{context.coordinator.epoch}")
    reader = StatementReader(urls, attestors, most_statements=MOST_STATEMENTS, timeout_seconds=READ_SECONDS)
    async with reader:
        return Asked({each.name: await look_at(each, reader, attestors, context.network) for each in ledgers})

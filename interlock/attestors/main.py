"""The attestor process on real ledgers: settings from the environment, a Postgres reader for each ledger.

What goes wrong at start is one line each on stderr; it writes no traceback for a wrong setting or lost votes.
"""

import asyncio
import sys
from contextlib import AsyncExitStack

from interlock.attestors.process import serve
from interlock.attestors.settings import AttestorSettings, SettingsInvalid
from interlock.attestors.votes import VotesLost
from interlock.ledgers.faults import LedgerMismatch, LedgerUnreachable
from interlock.ledgers.ledger import LedgerReader
from interlock.ledgers.reader import PostgresReader

LOOKS_AT_ONCE = 8
"""Connections to each ledger; the attestor looks at no more facts than this at once."""

_RETRY_SECONDS = 1.0


def run() -> int:
    """Be an attestor until told to stop: 0. 2 for wrong settings; 1 for lost votes or an address that is taken."""
    try:
        asyncio.run(_attest(AttestorSettings.load()))
    except SettingsInvalid as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (VotesLost, LedgerMismatch, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _attest(settings: AttestorSettings) -> None:
    async with AsyncExitStack() as stack:
        readers: dict[str, LedgerReader] = {}
        for ledger, dsn in settings.read_dsns.items():
            readers[ledger] = await stack.enter_async_context(await _reader(ledger, dsn.get_secret_value()))
        await serve(settings, readers)


async def _reader(ledger: str, dsn: str) -> PostgresReader:
    """Connect, waiting for a database that is not there yet: an attestor that cannot look has nothing to say."""
    told = False
    while True:
        try:
            return await PostgresReader.connect(dsn, pool_size=LOOKS_AT_ONCE)
        except LedgerUnreachable:
            if not told:
                sys.stderr.write(f"ledger {ledger} cannot be reached; waiting for it\n")
                told = True
            await asyncio.sleep(_RETRY_SECONDS)


if __name__ == "__main__":
    sys.exit(run())

"""The attestor process on real ledgers: settings from the environment, a Postgres reader for each ledger.

What goes wrong at start is one line each on stderr; it writes no traceback for a wrong setting or lost votes.
"""

import asyncio
import sys
from contextlib import AsyncExitStack

from interlock.attestors.process import serve
from interlock.attestors.settings import AttestorSettings, SettingsInvalid
from interlock.attestors.votes import VotesLost
from interlock.ledgers.ledger import LedgerReader
from interlock.ledgers.reader import PostgresReader


def run() -> int:
    """Be an attestor until told to stop: 0. 2 for wrong settings; 1 for lost votes or an address that is taken."""
    try:
        asyncio.run(_attest(AttestorSettings.load()))
    except SettingsInvalid as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (VotesLost, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _attest(settings: AttestorSettings) -> None:
    async with AsyncExitStack() as stack:
        readers: dict[str, LedgerReader] = {}
        for ledger, dsn in settings.read_dsns.items():
            reader = PostgresReader(dsn.get_secret_value())
            stack.push_async_callback(reader.close)
            readers[ledger] = reader
        await serve(settings, readers)


if __name__ == "__main__":
    sys.exit(run())

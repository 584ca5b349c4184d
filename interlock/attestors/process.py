"""One attestor's life: open its votes, listen, say so on stdout, stop on SIGTERM or SIGINT.

It never creates a vote file: whoever installs a new attestor does that, once, with `VoteStore.create`.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping

from interlock.attestors.attestor import Attestor
from interlock.attestors.server import AttestorServer
from interlock.attestors.settings import AttestorSettings
from interlock.attestors.votes import VoteStore
from interlock.ledgers.ledger import LedgerReader


async def serve(settings: AttestorSettings, readers: Mapping[str, LedgerReader]) -> None:
    """Serve until SIGTERM or SIGINT. Raises VotesLost, or OSError if the address cannot be had."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    votes = VoteStore.open(settings.attestor_votes, settings.signer.address)
    try:
        attestor = Attestor(
            settings.signer,
            settings.network,
            settings.attestors,
            readers,
            votes,
            predecessors=settings.attestor_predecessors,
        )
        server = AttestorServer(attestor, *settings.listen)
        try:
            await server.start()
            ready = {"ready": True, "address": attestor.address, "url": server.url}
            sys.stdout.write(json.dumps(ready) + "\n")
            sys.stdout.flush()
            await stop.wait()
        finally:
            await server.stop()
    finally:
        await votes.close()

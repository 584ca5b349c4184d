"""What sealing costs: the ledgers' calls with keepers at work beside them and without, and records sealed a CPU second.

`python -m bench.sealing [TRANSACTIONS]` writes one JSON document. The keepers run in this process, which
otherwise waits.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from bench.evidence import signers
from bench.ledgers import ACCOUNTS, SPREAD, Bench
from bench.place import Place, opened
from bench.sizes import Sizes
from interlock.audit.keeping import KeptJournal, Relay
from interlock.ledgers.connections import Connections
from interlock.protocol import LocalSigner
from interlock.stack.identity import AUDIT, LEDGERS
from interlock.worker.sealing import Keeper

CLIENTS = (1, 8)


@asynccontextmanager
async def keepers(place: Place) -> AsyncIterator[dict[str, Keeper]]:
    """A keeper for each ledger, at rest."""
    identity = place.stack.identity
    async with AsyncExitStack() as held:

        async def connections(dsn: str) -> Connections:
            made = await Connections.open(dsn, size=1, timeout_s=60.0)
            held.push_async_callback(made.close)
            return made

        yield {
            ledger: Keeper(
                KeptJournal(ledger, await connections(place.stack.dsn(ledger, f"{ledger}_writer"))),
                LocalSigner(identity.seal_keys[ledger]),
                identity.network,
                identity.keepers,
                Relay(await connections(place.stack.dsn(AUDIT, f"{AUDIT}_writer"))),
            )
            for ledger in LEDGERS
        }


@asynccontextmanager
async def at_work(kept: dict[str, Keeper]) -> AsyncIterator[None]:
    """The keepers go their rounds for as long as the block lasts."""
    tasks = [asyncio.create_task(keeper.keep()) for keeper in kept.values()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def main(transactions: int) -> dict[str, Any]:
    """Each call without keepers, then with them, at each number of connections."""
    sizes = Sizes(transactions=transactions)
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as folder, signers() as pool:
        async with opened(Path(folder), parties=ACCOUNTS) as place, keepers(place) as kept:
            bench = Bench(place, sizes, pool, "")
            found: list[dict[str, Any]] = []
            sealed = seconds = 0.0
            for clients in CLIENTS:
                for keeping in (False, True):
                    async with at_work(kept) if keeping else contextlib.nullcontext():
                        samples = await bench.calls(f"S{clients}-{int(keeping)}", SPREAD, clients)
                    found += [{**sample, "keepers": keeping} for sample in samples]
                    for keeper in kept.values():  # what is left, with nothing else going on
                        sight = await keeper.journal.sight()
                        before = time.process_time()
                        await keeper.seal()
                        seconds += time.process_time() - before
                        sealed += sight.position - sight.sealed_through
            return {"calls": found, "records": sealed, "cpu_seconds": seconds, "records_a_cpu_second": sealed / seconds}


if __name__ == "__main__":
    found = asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 3000))
    sys.stdout.write(json.dumps(found, default=str) + "\n")

"""What evidence and sealing cost a ledger's calls: with entries that keep nothing of what they relied on, with entries
as they are, and with keepers at work beside them; and how many records a keeper seals in a CPU second.

`python -m bench.sealing [TRANSACTIONS] [REPEATS]` writes one JSON document. The three ways are measured in turn, each
repeat beginning with another. The keepers run in this process, which otherwise waits.
"""

import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.evidence import signers
from bench.ledgers import ACCOUNTS, SPREAD, Bench
from bench.place import opened
from bench.results import Sample
from bench.sealed import keepers
from bench.sizes import Sizes
from interlock.ledgers.queries import folder
from interlock.stack.identity import LEDGERS
from interlock.worker.sealing import Keeper

CLIENTS = (1, 8)
WAYS = BARE, EVIDENCE, SEALED = "without evidence", "with evidence", "with evidence, and keepers at work"
_SAID = "_authority,\n        _attempt"


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


async def keep_evidence(bench: Bench, kept: bool) -> None:
    """Have entries keep what they relied on, as they do, or nothing of it."""
    written = folder("functions")["write_entry"]
    if written.count(_SAID) != 1:
        raise RuntimeError("write_entry is written otherwise than this bench knows it")
    for ledger in LEDGERS:
        async with bench.owner(ledger) as owner:
            await owner.execute(written if kept else written.replace(_SAID, _SAID.replace("_authority", "'{}'::jsonb")))


async def main(transactions: int, repeats: int) -> dict[str, Any]:
    """Each call in the three ways, at each number of connections, as often as said; medians, and ratios."""
    sizes = Sizes(transactions=transactions)
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as name, signers() as pool:
        async with opened(Path(name), parties=ACCOUNTS) as place, keepers(place, LEDGERS) as kept:
            bench = Bench(place, sizes, pool, "")
            found: list[Sample] = []
            sealed = seconds = 0.0
            for repeat in range(repeats):
                for clients in CLIENTS:
                    for number, way in enumerate(WAYS[repeat % 3 :] + WAYS[: repeat % 3]):
                        await keep_evidence(bench, way != BARE)
                        async with at_work(kept) if way == SEALED else contextlib.nullcontext():
                            samples = await bench.calls(f"S{repeat}-{clients}-{number}", SPREAD, clients)
                        found += [{**sample, "way": way} for sample in samples]
                    for keeper in kept.values():  # what is left, with nothing else going on
                        sight = await keeper.journal.sight()
                        before = time.process_time()
                        await keeper.seal()
                        seconds += time.process_time() - before
                        sealed += sight.position - sight.sealed_through
            return {
                "calls": list(_summed(found)),
                "records": sealed,
                "cpu_seconds": seconds,
                "records_a_cpu_second": sealed / seconds,
            }


def _summed(samples: Sequence[Sample]) -> Iterator[dict[str, Any]]:
    """Of each call at each number of connections: calls a second and Postgres's CPU a call, beside the first way's."""
    for clients, what in sorted({(sample["clients"], sample["what"]) for sample in samples}):
        ways = {}
        for way in WAYS:
            same = [each for each in samples if (each["clients"], each["what"], each["way"]) == (clients, what, way)]
            rate = statistics.median(each["rate"] for each in same)
            ways[way] = {"rate": rate, "cpu": statistics.median(each["cpu"]["postgres"] for each in same)}
        yield {
            "call": what,
            "connections": clients,
            **{
                way: {
                    "calls_a_second": round(said["rate"]),
                    "rate_ratio": round(said["rate"] / ways[BARE]["rate"], 3),
                    "cpu_ms": round(said["cpu"] * 1000, 3),
                    "cpu_ratio": round(said["cpu"] / ways[BARE]["cpu"], 3),
                }
                for way, said in ways.items()
            },
        }


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:3]]
    with contextlib.redirect_stdout(sys.stderr):
        document = asyncio.run(main(*[*numbers, *(3000, 3)[len(numbers) :]]))
    sys.stdout.write(json.dumps(document, default=str) + "\n")

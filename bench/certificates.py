"""The part `certificates`: what a certificate costs the attestors and whoever collects it, alone and under load.

Asked about payments that no attestor has been asked about before, so that each reads, votes and signs. This process is
the coordinator.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.bulk import BulkLoad
from bench.driving import drive
from bench.evidence import signers
from bench.figures import percentile
from bench.place import Place, opened
from bench.progress import say
from bench.results import Results, Sample
from bench.sizes import Sizes
from bench.usage import CLIENT, cpu_of
from interlock.attestors.collector import Collector
from interlock.protocol import Attested, Fact

PART = "certificates"
ATTESTORS = "attestors"
COORDINATOR = "coordinator"

_PAID = "SELECT terms_hash FROM ledger.verdicts ORDER BY terms_hash"


async def measure(sizes: Sizes, results: Results) -> None:
    """As many as `sizes` says at once, and a tenth of them one at a time; each repeat asks about others."""
    if results.has(repeat=sizes.repeats):
        return
    count, alone = sizes.certificates, max(1, sizes.certificates // 10)
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as folder, signers() as pool:
        async with opened(Path(folder)) as place:
            await BulkLoad(place, pool).up_to((count + alone + sizes.at_once) * sizes.repeats)
            rows = await place.market.payment.connections.rows(_PAID)
            asked = iter([row["terms_hash"] for row in rows])
            for repeat in range(1, sizes.repeats + 1):
                async with Collector(
                    place.stack.attestor_urls, place.stack.identity.attestors, place.market.client.network
                ) as collector:
                    await _collected(place, collector, [next(asked) for _ in range(sizes.at_once)], sizes.at_once)
                    for at_once, many in ((1, alone), (sizes.at_once, count)):
                        sample = await _collected(place, collector, [next(asked) for _ in range(many)], at_once)
                        results.add([{"repeat": repeat, **sample}])


async def _collected(place: Place, collector: Collector, hashes: Sequence[str], at_once: int) -> Sample:
    """A certificate of each. Raises RuntimeError if there is none."""

    async def certify(terms_hash: str) -> None:
        answer = await collector.collect(Fact.PAID, terms_hash, "payment")
        if not isinstance(answer, Attested):
            raise RuntimeError(answer.refusal.text)

    before = cpu_of(place.servers)
    timed = await drive(certify, hashes, at_once)
    used = {name: (seconds - before[name]) / len(hashes) for name, seconds in cpu_of(place.servers).items()}
    used[COORDINATOR] = used.pop(CLIENT)
    own = used[ATTESTORS] + used[COORDINATOR]
    say(f"certificates, {at_once} at once: {len(hashes) / timed.seconds:.0f}/s, {own * 1000:.2f} ms of CPU each")
    return {
        "at_once": at_once,
        "certificates": len(hashes),
        "rate": len(hashes) / timed.seconds,
        "p50": percentile(timed.each, 50),
        "p99": percentile(timed.each, 99),
        "cpu": used,
    }

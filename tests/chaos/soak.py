"""The soak: thousands of undisturbed settlements in one run, to see whether a process's memory grows with their number.

The stack is as `interlock up` starts it: one worker has all roles, the sweeper's among them.

`python -m tests.chaos.soak` (`make soak`); SOAK_SETTLEMENTS, SOAK_AT_ONCE. Exit 1 if a settlement did not settle, a
ledger does not verify, or a process of ours holds more than GROWTH times what it held at the first sample.
"""

import asyncio
import functools
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from interlock.ledgers.verify import verify
from interlock.stack.embedded import EmbeddedStack
from tests.chaos.patience import insist
from tests.chaos.trading import Market
from tests.world import OPERATORS

SETTLEMENTS = int(os.environ.get("SOAK_SETTLEMENTS", "20000"))
AT_ONCE = int(os.environ.get("SOAK_AT_ONCE", "40"))
SAMPLES = 20
GROWTH = 1.25
"""How many times its first sample a process of ours may hold at the last one."""
PARTIES = 24
SWEEP_EVERY_SECONDS = 5.0


@dataclass
class Soak:
    """One run: how far it has come, how settlements ended, and what each process held at each sample, in bytes."""

    stack: EmbeddedStack
    market: Market
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, SETTLEMENTS + 1)))
    outcomes: Counter[str] = field(default_factory=Counter)
    samples: dict[int, dict[str, int]] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Settle them all, so many at once."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._settle_in_turn())

    async def _settle_in_turn(self) -> None:
        for number in self.numbers:
            seller, buyer = (self.market.parties[(number + step) % PARTIES] for step in (0, 1 + number // PARTIES % 11))
            terms = self.market.terms(
                f"SOAK-{number:06d}",
                seller,
                buyer,
                units=1 + number % 7,
                dollars=100 + number % 13,
                settle_by=datetime.now(UTC) + timedelta(hours=2),
            )
            signatures = [each.key.sign(terms, self.market.client.network) for each in (seller, buyer)]
            settle = functools.partial(self.market.client.settle, terms, signatures)
            handle = await insist(settle)  # a loaded machine's service may take longer to answer than a client waits
            report = await insist(handle.outcome)
            self.outcomes[str(report.outcome)] += 1
            if (done := self.outcomes.total()) % (SETTLEMENTS // SAMPLES) == 0:
                self.sample(done)

    def sample(self, done: int) -> None:
        """What every process holds now; printed as well."""
        self.samples[done] = {name: _held(pid) for name, pid in sorted(self._pids())}
        held = ", ".join(f"{name} {size / 2**20:.0f}" for name, size in self.samples[done].items())
        print(f"{done:>6} settled after {time.monotonic() - self.began:.0f} s; MB: {held}", flush=True)

    def grown(self) -> list[str]:
        """A sentence for each process of ours that holds too much more at the last sample than at the first."""
        first, *_, last = (self.samples[done] for done in sorted(self.samples))
        return [
            f"{name} holds {last[name] / 2**20:.0f} MB, {last[name] / first[name]:.2f} times what it held at first"
            for name in self.stack.processes
            if last[name] > GROWTH * first[name]
        ]

    def _pids(self) -> Iterator[tuple[str, int]]:
        yield "this client", os.getpid()
        yield from ((name, process.pid) for name, process in self.stack.processes.items())
        if self.stack.temporal.process is not None:
            yield "temporal", self.stack.temporal.process.pid


def _held(pid: int) -> int:
    """Bytes that belong to this process: shared pages counted in proportion."""
    return int(psutil.Process(pid).memory_full_info().pss)


async def soak() -> int:
    """Run it on a stack in a folder of its own; the exit code."""
    with tempfile.TemporaryDirectory(prefix="interlock-soak-") as folder:
        stack = EmbeddedStack(
            Path(folder), tuple(each.address for each in OPERATORS[:2]), sweep_every_seconds=SWEEP_EVERY_SECONDS
        )
        await stack.start()
        try:
            async with Market.on(Path(folder), PARTIES) as market:
                await market.open()
                run = Soak(stack, market)
                await run.run()
                return await judged(run)
        finally:
            await stack.stop()


async def judged(run: Soak) -> int:
    """What the run comes to: every settlement settled, invariants hold, memory flat; 1 if not."""
    wrong = run.grown()
    if run.outcomes != {"SETTLED": SETTLEMENTS}:
        wrong.append(f"outcomes: {dict(run.outcomes)}")
    for invariant, result in (await verify(run.market.asset, run.market.payment)).items():
        print(f"{invariant}: {'holds' if result.ok else 'BROKEN'}, {result.checked} facts looked at")
        wrong += result.violations
    seconds = time.monotonic() - run.began
    print(f"{SETTLEMENTS} settlements, {AT_ONCE} at once, in {seconds:.0f} s: {SETTLEMENTS / seconds:.1f} a second")
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(soak()))

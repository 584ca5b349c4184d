"""The part `engine`: every contestant at one at a time and at many at once, in turn, repeat by repeat."""

import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import contestants
from bench.contestants import Contestant, Recorded, Running, RunningOurs
from bench.figures import percentile
from bench.place import Place, opened
from bench.progress import say
from bench.results import Results, Sample
from bench.sizes import Sizes
from bench.usage import cpu_of

PART = "engine"
TWO_SIDED = 5


async def measure(sizes: Sizes, results: Results, who: Sequence[Contestant] = contestants.CONTESTANTS) -> None:
    """All of them, as often as `sizes` says; what is there already is not measured again."""
    left = [
        (repeat, contestant)
        for repeat in range(1, sizes.repeats + 1)
        for contestant in who
        if not results.has(contestant=contestant.name, repeat=repeat)
    ]
    if not left:
        return
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as folder:
        async with opened(Path(folder)) as place:
            for repeat, contestant in left:
                if why := contestant.missing():
                    say(f"{contestant.name} is left out: {why}")
                    results.add([{"contestant": contestant.name, "repeat": repeat, "missing": why}])
                    continue
                results.add(await samples_of(contestant, place, sizes, repeat))


async def samples_of(contestant: Contestant, place: Place, sizes: Sizes, repeat: int) -> list[Sample]:
    """Start it, warm it up, measure it both ways, stop it."""
    tag = f"B{secrets.token_hex(4).upper()}"
    samples: list[Sample] = []
    async with contestant.running(place) as running:
        await running.prepare(f"{tag}-WARM", sizes.warm_up)
        await running.run(sizes.at_once)
        for at_once, count in ((1, sizes.alone), (sizes.at_once, sizes.settlements)):
            found = await _Measured.of(running, place, f"{tag}-{at_once}", count, at_once)
            sample = {"contestant": contestant.name, "repeat": repeat, **found.document()}
            say(f"{contestant.name}, {at_once} at once: {sample['rate']:.1f}/s, p50 {sample['p50'] * 1000:.0f} ms")
            samples.append(sample)
        if isinstance(running, RunningOurs):
            two_sided = await running.two_sided(f"{tag}-TWO", min(TWO_SIDED, sizes.alone))
            samples[-1] |= {"two_sided_events": two_sided.events, "two_sided_bytes": two_sided.bytes}
    return samples


@dataclass(frozen=True)
class _Measured:
    at_once: int
    each: tuple[float, ...]
    seconds: float
    cpu: dict[str, float]
    counted: dict[str, float]
    recorded: Recorded | None

    @classmethod
    async def of(cls, running: Running, place: Place, tag: str, count: int, at_once: int) -> "_Measured":
        await running.prepare(tag, count)
        processes = {**place.servers, **running.processes}
        counted, cpu = await place.counts(), cpu_of(processes)
        timed = await running.run(at_once)
        used = {name: seconds - cpu[name] for name, seconds in cpu_of(processes).items()}
        added = (await place.counts()).since(counted)
        return cls(at_once, timed.each, timed.seconds, used, vars(added), await running.recorded())

    def document(self) -> Sample:
        """Per settlement; times in seconds."""
        count = len(self.each)
        return {
            "at_once": self.at_once,
            "settlements": count,
            "seconds": self.seconds,
            "rate": count / self.seconds,
            "p50": percentile(self.each, 50),
            "p99": percentile(self.each, 99),
            "cpu": {name: used / count for name, used in self.cpu.items()},
            "counted": {name: number / count for name, number in self.counted.items()},
            "events": self.recorded.events if self.recorded else None,
            "bytes": self.recorded.bytes if self.recorded else None,
        }

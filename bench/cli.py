"""The part `cli`: how long the command line takes to start, in turn with a Python that does nothing."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.contestants import Ours
from bench.place import opened
from bench.progress import say
from bench.results import Results
from bench.sizes import Sizes

PART = "cli"
NOTHING, HELP, SHOW = "python -c pass", "interlock --help", "interlock show"


async def measure(sizes: Sizes, results: Results) -> None:
    """Each command as often as `sizes` says, beside a stack on which one trade has settled."""
    if results.has(command=SHOW):
        return
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as folder:
        async with opened(Path(folder), parties=2) as place, Ours("cli").running(place) as running:
            await running.prepare("CLI", 1)
            await running.run(1)
            settlement_id = running.trades[0].terms.settlement_id
            ours = program()
            commands = {
                NOTHING: [sys.executable, "-c", "pass"],
                HELP: [*ours, "--help"],
                SHOW: [*ours, "show", settlement_id, "--data-dir", str(place.stack.data_dir)],
            }
            seconds: dict[str, list[float]] = {name: [] for name in commands}
            for _ in range(sizes.starts + 1):
                for name, command in commands.items():
                    seconds[name].append(await asyncio.to_thread(_run, command))
    for name, each in seconds.items():
        say(f"{name}: {sorted(each[1:])[len(each) // 2 - 1] * 1000:.0f} ms")
        results.add([{"command": name, "seconds": each[1:]}])  # the first of each filled the caches


def program() -> list[str]:
    """The command beside this Python, as it was installed."""
    found = shutil.which("interlock", path=str(Path(sys.executable).parent))
    if found is None:
        raise RuntimeError("the command `interlock` is not installed beside this Python")
    return [found]


def _run(command: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun

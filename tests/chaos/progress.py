"""Shows how far a run is: a bar on a terminal, else a line every so often. Knows nothing of what it shows."""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

BAR_EVERY_SECONDS = 0.5
LINE_EVERY_SECONDS = 10.0


async def show(total: int, ended: Callable[[], int], told: Callable[[], str], *, quiet: bool) -> None:
    """Show until cancelled; `told` is what stands beside the number of settlements that have ended."""
    on_terminal = sys.stdout.isatty() and not quiet
    begun = time.monotonic()
    with _bar() if on_terminal else nullcontext() as bar:
        task = bar.add_task("settlements", total=total, told="") if bar else None
        while True:
            if bar is not None and task is not None:
                bar.update(task, completed=ended(), told=told())
            elif not quiet:
                print(f"{time.monotonic() - begun:6.0f} s  {ended():,} of {total:,} ended  {told()}", flush=True)
            await asyncio.sleep(BAR_EVERY_SECONDS if on_terminal else LINE_EVERY_SECONDS)


def _bar() -> AbstractContextManager[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TextColumn("{task.fields[told]}"))

"""`make matrix`: drive every cell that is not finished, show how far it is, and write docs/crash-matrix.md.

Exit code 1 if a cell is missing or wrong, or an invariant is violated; then no page is written.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from interlock.cli.quiet import quiet
from tests.matrix.campaign import ALL, Campaign, Place, Result
from tests.matrix.page import page
from tests.matrix.placement import Placement
from tests.matrix.store import KEPT, ROOT, Store, tree

PAGE = ROOT / "docs" / "crash-matrix.md"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        metavar="STEP:FAULT",
        help="cells, by a step and the beginning of a fault; either may be empty",
    )
    parser.add_argument("--placement", choices=Placement, type=Placement, help="cells of this one only")
    parser.add_argument("--fresh", action="store_true", help="forget what was finished before")
    parser.add_argument("--lanes", type=int, default=int(os.environ.get("MATRIX_LANES", "2")), help="environments")
    parser.add_argument("--rooms", type=int, default=int(os.environ.get("MATRIX_ROOMS", "5")), help="rooms in each")
    return parser.parse_args()


def _wanted(only: Sequence[str], placement: Placement | None) -> list[Place]:
    asked = [each.partition(":") for each in only] or [("", ":", "")]
    return [
        (where, step, fault)
        for where, step, fault in ALL
        if placement in (None, where)
        and any(its_step in ("", step) and fault.startswith(its_fault) for its_step, _, its_fault in asked)
    ]


@contextmanager
def _progress(total: int, done: int) -> Iterator[Callable[[Result], None]]:
    """Shows results as they come: a bar on a terminal, a line each elsewhere; a wrong one is a line anywhere."""
    console = Console(highlight=False, markup=False)
    bar = Progress(
        TextColumn("cells"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.fields[last]}"),
        console=console, disable=not console.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task("cells", total=total, completed=done, last="")
        count = done

        def tell(result: Result) -> None:
            nonlocal count
            count += 1
            name = ": ".join(result.place)
            said = f"{name}: " + (result.wrong or f"{result.outcome} {result.seconds:.1f} s")
            bar.update(task, advance=1, last=name)
            if result.wrong or not console.is_terminal:
                console.print(f"{count}/{total} {'WRONG ' if result.wrong else ''}{said}", soft_wrap=True)

        yield tell


async def _drive(campaign: Campaign, lanes: int, rooms: int) -> bool:
    """Drive, unless told to stop: then everything that was started is stopped first. Whether it came to its end."""
    driving = asyncio.ensure_future(campaign.run(lanes, rooms))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, driving.cancel)
    await asyncio.wait({driving})
    if not driving.cancelled():
        driving.result()
    return not driving.cancelled()


def run() -> int:
    """Drive what is asked for and not finished; 0 if everything is there and right."""
    asked = _arguments()
    wanted = _wanted(asked.only or (), asked.placement)
    if not wanted:
        sys.stderr.write("no such cell\n")
        return 2
    quiet()  # its servers are killed on purpose
    store = Store(KEPT, tree(), fresh=asked.fresh)
    left = store.missing(wanted)
    with _progress(len(wanted), len(wanted) - len(left)) as tell:

        def heard(result: Result) -> None:
            store.keep(result)
            tell(result)

        campaign = Campaign(left, heard)
        if left and not asyncio.run(_drive(campaign, asked.lanes, asked.rooms)):
            sys.stderr.write("interrupted; what is finished is kept\n")
            return 1
    wrong = [*map(": ".join, store.missing(wanted)), *campaign.violations]
    for each in wrong:
        sys.stdout.write(f"wrong: {each}\n")
    if not wrong and not store.missing(ALL):
        PAGE.write_text(page(store.results), encoding="utf-8")
        sys.stdout.write(f"{PAGE.relative_to(ROOT)} is written\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    code = run()
    sys.stdout.flush()
    # the native client may abort at interpreter shutdown; everything is closed and flushed by now
    os._exit(code)

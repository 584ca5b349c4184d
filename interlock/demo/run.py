"""`interlock demo`: starts a stack of its own, plays the scenarios, shows the books, and checks the invariants.

Whatever happens, it stops all that it started, and removes its folder unless it is to be kept.
"""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from interlock.demo import books
from interlock.demo.board import board_of
from interlock.demo.catalogue import chosen
from interlock.demo.playing import play_all
from interlock.demo.scenario import Result
from interlock.demo.trade import CASH, NAV_CENTS, UNITS
from interlock.demo.world import World, opened
from interlock.ledgers.verify import InvariantResult, verify
from interlock.stack.embedded import ASSETS

INTERRUPTED = 130


class Output(Protocol):
    """What the demo tells its reader with: one document for scripts, or lines and tables for people."""

    @property
    def as_json(self) -> bool: ...
    def document(self, value: Any) -> None: ...
    def line(self, text: str = "", style: str = "") -> None: ...
    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "", right: Sequence[str] = ()
    ) -> None: ...


async def run(*, keep: bool, only: tuple[str, ...], output: Output) -> int:
    """Play the demo: 0 if all was as told and every invariant holds, else 1; 130 when interrupted before that.

    SIGINT and SIGTERM end it, once everything that runs is stopped; a second one hurries nothing.
    """
    folder = Path(tempfile.mkdtemp(prefix="interlock-demo-"))
    told, staying = asyncio.Event(), asyncio.Event()
    playing = asyncio.ensure_future(_demo(folder, only, output, told if keep else None, staying))

    def stop() -> None:
        if not told.is_set() and not staying.is_set():
            playing.cancel()
        told.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        return await playing
    except asyncio.CancelledError:
        output.line("interrupted; everything is stopped")
        return INTERRUPTED
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


async def _demo(
    folder: Path, only: tuple[str, ...], output: Output, until_told: asyncio.Event | None, staying: asyncio.Event
) -> int:
    output.line(f"Starting Temporal, Postgres, four attestors and two workers in {folder} ...")
    async with opened(folder) as world:
        output.line(f"They run; the Web UI is at {world.stack.temporal.ui_url}")
        output.line(
            f"The story: {_units(UNITS, 'asset')} OUSG against {_units(CASH, 'payment')} USD "
            f"of deposit tokens, at a NAV of {_units(NAV_CENTS, 'payment')} USD.\n"
        )
        ok = await _show(world, only, output)
        web_ui = world.stack.temporal.ui_url
        if until_told is not None:
            _say_how_to_use(world, output)
            staying.set()
            await until_told.wait()
    if until_told is None:
        output.line(
            f"\nThe Web UI was at {web_ui}. `interlock demo --keep` (make demo DEMO_FLAGS=--keep) leaves it running."
        )
    else:
        output.line(f"\nEverything is stopped; `interlock up --data-dir {folder}` starts it again.")
    return 0 if ok else 1


async def _show(world: World, only: tuple[str, ...], output: Output) -> bool:
    scenarios = chosen(only)
    with board_of(scenarios, as_json=output.as_json) as board:
        results = await play_all(world, scenarios, board)
    output.line()
    output.table(books.COLUMNS, await books.rows(world), title=books.TITLE, right=books.COLUMNS[1:])
    invariants = await verify(world.asset, world.payment)
    output.line()
    _show_invariants(invariants, output)
    ok = all(result.ok for result in results) and all(found.ok for found in invariants.values())
    output.document(
        {
            "ok": ok,
            "scenarios": [result.document() for result in results],
            "invariants": {name: found.model_dump(mode="json") for name, found in invariants.items()},
        }
    )
    _show_sum(results, ok, output)
    return ok


def _show_invariants(invariants: Mapping[str, InvariantResult], output: Output) -> None:
    output.line("The invariants, checked on both ledgers")
    for name, found in invariants.items():
        word, style = ("holds ", "green") if found.ok else ("BROKEN", "bold red")
        output.line(f"{word}  {name.replace('_', ' ')} ({found.checked:,} checked)", style)
        for violation in found.violations:
            output.line(f"        {violation}", "red")


def _show_sum(results: Sequence[Result], ok: bool, output: Output) -> None:
    output.line()
    for result in results:
        if not result.ok:
            output.line(f"{result.scenario.name} is not as told ({result.scenario.ending}): {result.reason}", "red")
    as_told = sum(result.ok for result in results)
    output.line(f"{as_told} of {len(results)} scenarios ended as told.", "bold green" if ok else "bold red")


def _say_how_to_use(world: World, output: Output) -> None:
    output.line(f"\nThe stack stays up until Ctrl-C. Web UI: {world.stack.temporal.ui_url}")
    output.line(f"  interlock --data-dir {world.folder} list")
    output.line(f"  interlock --data-dir {world.folder} ledger accounts")


def _units(quantity: int, ledger: str) -> str:
    return books.grouped(quantity, ASSETS[ledger].decimals)

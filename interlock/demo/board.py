"""Shows scenarios as they are played: a live table on a terminal, else a line for each; scripts are shown nothing."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from interlock.demo.scenario import Result, Scenario


class Board(Protocol):
    """Is told when a scenario begins and how it ended."""

    def begin(self, scenario: Scenario) -> None: ...
    def end(self, result: Result) -> None: ...


class _Silence:
    def begin(self, scenario: Scenario) -> None: ...
    def end(self, result: Result) -> None: ...


class _Lines:
    """One line for each scenario, when it has ended: for logs and pipes."""

    def __init__(self, scenarios: Sequence[Scenario]) -> None:
        self._width = max(len(scenario.name) for scenario in scenarios)

    def begin(self, scenario: Scenario) -> None:
        """Nothing yet."""

    def end(self, result: Result) -> None:
        name = result.scenario.name.ljust(self._width)
        word = "ok    " if result.ok else "FAILED"
        sys.stdout.write(f"{word}  {name}  {str(result.seen).ljust(27)}  {result.seconds:5.1f} s  ")
        sys.stdout.write(result.scenario.text if result.ok else f"not as told: {result.reason}")
        sys.stdout.write("\n")
        sys.stdout.flush()


class _Table:
    """The live table: drawn anew by rich several times a second."""

    def __init__(self, scenarios: Sequence[Scenario]) -> None:
        self._scenarios = scenarios
        self._begun: dict[str, float] = {}
        self._results: dict[str, Result] = {}
        self._spinner = Spinner("dots")

    def begin(self, scenario: Scenario) -> None:
        self._begun[scenario.name] = time.monotonic()

    def end(self, result: Result) -> None:
        self._results[result.scenario.name] = result

    def __rich__(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("", "scenario", "what happens", "ends (outcome, verdict, lock)"):
            table.add_column(column, no_wrap=column == "scenario")
        table.add_column("seconds", justify="right")
        for scenario in self._scenarios:
            table.add_row(*self._row(scenario))
        return table

    def _row(self, scenario: Scenario) -> tuple[Text | Spinner, Text, Text, Text, Text]:
        name, text = Text(scenario.name), Text(scenario.text, style="dim")
        result, begun = self._results.get(scenario.name), self._begun.get(scenario.name)
        if result is not None:
            mark = Text("✓", style="green") if result.ok else Text("✗", style="bold red")
            ending = Text(str(result.seen), style="green") if result.ok else Text(result.reason, style="red")
            return mark, name, text, ending, Text(f"{result.seconds:.1f}")
        if begun is not None:
            return self._spinner, name, text, Text(""), Text(f"{time.monotonic() - begun:.1f}", style="dim")
        return Text(""), Text(scenario.name, style="dim"), text, Text(""), Text("")


@contextmanager
def board_of(scenarios: Sequence[Scenario], *, as_json: bool) -> Iterator[Board]:
    """The board for whoever is looking."""
    if as_json:
        yield _Silence()
    elif not sys.stdout.isatty():
        yield _Lines(scenarios)
    else:
        table = _Table(scenarios)
        with Live(table, console=Console(highlight=False), refresh_per_second=8):
            yield table

"""What the command prints: one JSON document for scripts, or lines and tables for people; knows no settlement.

stdout carries the answer and nothing else; diagnostics go to stderr. Colours and bars only on a terminal. rich draws
them; where it is not installed, plain aligned text does.
"""

# ruff: noqa: PLC0415 - rich is imported only when it draws, and may not be installed

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from interlock.cli.errors import CliError, UsageError

BAR_AFTER_SECONDS = 1.0


class Output:
    """Where a verb's answer goes. `as_json`: exactly one document on stdout, and none of the lines and tables."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._answered = False

    def document(self, value: Any) -> None:
        """The one JSON document of this run, with --json; without it, nothing. A second one is a bug."""
        if not self.as_json:
            return
        if self._answered:
            raise RuntimeError("a second JSON document on stdout")
        self._answered = True
        sys.stdout.write(json.dumps(value, default=_jsonable) + "\n")
        sys.stdout.flush()

    def line(self, text: str = "", style: str = "") -> None:
        """A line for people on stdout; nothing with --json. `style` is rich's, e.g. "bold green"."""
        if not self.as_json:
            _print(text, style, sys.stdout)

    def note(self, text: str, style: str = "") -> None:
        """A diagnostic line on stderr, with --json too."""
        _print(text, style, sys.stderr)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "", right: Sequence[str] = ()
    ) -> None:
        """A table for people on stdout; `right` names the columns to align right. Nothing with --json."""
        if self.as_json:
            return
        cells = [[str(cell) for cell in row] for row in rows]
        if sys.stdout.isatty() and _rich_table(columns, cells, title, right):
            return
        if title:
            self.line(title)
        for text in _aligned(columns, cells, right):
            self.line(text)

    @contextlib.contextmanager
    def progress(self, description: str, total: int) -> Iterator[Callable[[int], None]]:
        """Yields `advance(n)`; draws a bar on stderr, on a terminal, once the work has taken a second."""
        bar = _Bar(description, total)
        timer = asyncio.get_running_loop().call_later(BAR_AFTER_SECONDS, bar.show)
        try:
            yield bar.advance
        finally:
            timer.cancel()
            bar.close()

    def failure(self, error: CliError) -> None:
        """The error: a sentence on stderr; with --json also the document, unless the answer is out already."""
        if isinstance(error, UsageError) and error.usage and not self.as_json:
            self.note(error.usage.rstrip())
        where = f" ({error.field})" if error.field and error.field not in error.message else ""
        self.note(f"interlock: {error.message}{where}", "red")
        if self.as_json and not self._answered:
            self.document({"error": {"code": error.code, "field": error.field, "message": error.message}})


class _Bar:
    """A rich progress bar that may never be shown."""

    def __init__(self, description: str, total: int) -> None:
        self._description, self._total, self._done = description, total, 0
        self._progress: Any = None
        self._task: Any = None

    def show(self) -> None:
        if not sys.stderr.isatty():
            return
        with contextlib.suppress(ModuleNotFoundError):
            from rich.console import Console
            from rich.progress import Progress

            self._progress = Progress(console=Console(stderr=True), transient=True)
            self._task = self._progress.add_task(self._description, total=self._total, completed=self._done)
            self._progress.start()

    def advance(self, count: int = 1) -> None:
        self._done += count
        if self._progress is not None:
            self._progress.update(self._task, completed=self._done)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()


def _print(text: str, style: str, stream: Any) -> None:
    if style and stream.isatty():
        with contextlib.suppress(ModuleNotFoundError):
            from rich.console import Console

            Console(file=stream, highlight=False, markup=False, soft_wrap=True).print(text, style=style)
            return
    stream.write(text + "\n")
    stream.flush()


def _rich_table(columns: Sequence[str], rows: list[list[str]], title: str, right: Sequence[str]) -> bool:
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ModuleNotFoundError:
        return False
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)
    return True


def _aligned(columns: Sequence[str], rows: list[list[str]], right: Sequence[str]) -> Iterator[str]:
    lines = [list(columns), *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    for line in lines:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        ]
        yield "  ".join(cells).rstrip()


def _jsonable(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, set | frozenset | tuple):
        return sorted(value)
    return str(value)

"""The report's plots."""

from collections.abc import Iterator

from bench import engine, ledgers
from bench.figures import Figure
from bench.ledgers import CLIENTS
from bench.measured import Measured
from bench.plots import Bar, chart
from bench.sections import CALLS, WHO, label, processes, ways


def pictures(measured: Measured) -> Iterator[tuple[str, str]]:
    """Names and SVG, of what was measured."""
    if counts := ways(measured):
        few, many = counts[0], counts[-1]
        yield "rate", chart(f"Settlements a second, {many} at once", _bars(measured, "rate", many, 1, 1.0))
        yield "latency", chart(f"p50 at {few} at once, ms", _bars(measured, "p50", few, 0, 1e3))
        yield "cpu", chart(f"CPU a settlement, {many} at once, ms", _cpu_bars(measured, many))
    found = [
        (label(what, where), measured.figure(ledgers.PART, "rate", what=what, where=where, clients=CLIENTS[-1]))
        for what, where in CALLS
    ]
    if bars := [_bar(name, figure, 0, 1.0) for name, figure in found if figure is not None]:
        yield "ledgers", chart(f"Transactions a second, {CLIENTS[-1]} connections", bars)


def _bars(measured: Measured, field: str, at_once: int, digits: int, factor: float) -> list[Bar]:
    found = [(who, measured.figure(engine.PART, field, contestant=who, at_once=at_once)) for who in WHO]
    return [_bar(who, figure, digits, factor) for who, figure in found if figure is not None]


def _bar(name: str, figure: Figure, digits: int, factor: float) -> Bar:
    spread = (figure.least * factor, figure.greatest * factor)
    return Bar(name, [("", figure.median * factor)], figure.text(digits, factor), spread)


def _cpu_bars(measured: Measured, at_once: int) -> list[Bar]:
    bars = []
    for who in WHO:
        key = {"contestant": who, "at_once": at_once}
        found = [(name, measured.figure(engine.PART, f"cpu.{name}", **key)) for name in processes(measured, at_once)]
        if parts := [(name, figure.median * 1e3) for name, figure in found if figure is not None]:
            bars.append(Bar(who, parts, f"{sum(value for _, value in parts):.1f}"))
    return bars

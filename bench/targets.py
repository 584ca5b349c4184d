"""What the figures must show, and whether they do. The limits are the project's; each stands here once."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import certificates, cli, engine, ledgers, scale, still
from bench.contestants import DBOS, FLOOR, TOGETHER, TOGETHER_UNSANDBOXED
from bench.figures import Figure
from bench.ledgers import CLIENTS, HOT, PAY, SIMPLE, SPREAD
from bench.measured import Measured
from bench.results import Sample
from bench.tables import NOT_MEASURED


@dataclass(frozen=True)
class Target:
    """A limit, and what was measured: the median counts. `digits` and `unit` are for showing both."""

    text: str
    limit: float
    measured: Figure | None
    at_least: bool = False
    unit: str = ""
    digits: int = 2

    @property
    def row(self) -> tuple[str, str, str, str]:
        """For a table: what, measured, asked for, reached."""
        asked = f"at {'least' if self.at_least else 'most'} {self.limit:g}{self.unit}"
        if self.measured is None:
            return self.text, NOT_MEASURED, asked, ""
        met = self.measured.median >= self.limit if self.at_least else self.measured.median <= self.limit
        return self.text, self.measured.text(self.digits) + self.unit, asked, "yes" if met else "**no**"


def targets(measured: Measured) -> list[Target]:
    """All of them, in the order in which they were set."""
    many = next(
        (each["at_once"] for each in measured.samples(engine.PART, contestant=FLOOR) if each["at_once"] > 1), 50
    )
    return [
        *_engine(measured, many),
        *_certificates(measured),
        *_ledgers(measured),
        *_scale(measured),
        *_still(measured),
        *_cli(measured),
    ]


def _engine(measured: Measured, many: int) -> list[Target]:
    def rate(who: str, other: str, limit: float) -> Target:
        over = {"contestant": other}
        ratio = measured.ratio(engine.PART, "rate", over, contestant=who, at_once=many)
        return Target(f"rate at {many} at once, {who}, of {other}", limit, ratio, at_least=True)

    def events(text: str, field: str, limit: float) -> Target:
        found = measured.figure(engine.PART, field, contestant=TOGETHER, at_once=many)
        return Target(text, limit, found, digits=1)

    alone = measured.ratio(engine.PART, "p50", {"contestant": FLOOR}, contestant=TOGETHER, at_once=1)
    return [
        rate(TOGETHER, FLOOR, 1.2),
        rate(TOGETHER_UNSANDBOXED, FLOOR, 1.5),
        rate(TOGETHER, DBOS, 1.0),
        rate(TOGETHER_UNSANDBOXED, DBOS, 1.2),
        Target(f"p50 one at a time, {TOGETHER}, of {FLOOR} (aim: 0.5)", 0.6, alone),
        events("events of history, `settle`", "events", 16),
        events("events of history, two-sided", "two_sided_events", 20),
    ]


def _certificates(measured: Measured) -> list[Target]:
    def own(sample: Sample) -> float | None:
        if sample["at_once"] == 1:
            return None
        return float(sample["cpu"][certificates.ATTESTORS] + sample["cpu"][certificates.COORDINATOR]) * 1000

    found = measured.figure(certificates.PART, own)
    return [Target("CPU of attestors and coordinator a certificate, under load", 1.5, found, unit=" ms")]


def _ledgers(measured: Measured) -> list[Target]:
    def pay(clients: int, over: dict[str, str]) -> Figure | None:
        return measured.ratio(ledgers.PART, "rate", over, what=PAY, where=SPREAD, clients=clients)

    beside = [
        Target(f"{PAY} at {clients} connections, of {SIMPLE}", 1.0, pay(clients, {"what": SIMPLE}), at_least=True)
        for clients in CLIENTS
    ]
    spread = [
        Target(f"{PAY} spread at {clients} connections, of all on one hot account", 3.0, pay(clients, {"where": HOT}))
        for clients in CLIENTS
    ]
    return [*beside, *spread]


def _scale(measured: Measured) -> list[Target]:
    counts = sorted({sample["trades"] for sample in measured.samples(scale.PART) if "trades" in sample})
    if len(counts) != 2:
        return [Target("rate and p50 with a million settled trades, of those with a thousand", 1.2, None)]
    few, lots = counts
    ways = sorted({sample["at_once"] for sample in measured.samples(scale.PART, trades=few)})
    slower = [
        Target(
            f"how much slower with {lots:,} settled trades than with {few:,}: rate at {at_once} at once",
            1.2,
            measured.ratio(scale.PART, "rate", {"trades": lots}, trades=few, at_once=at_once),
        )
        for at_once in ways
    ]
    longer = [
        Target(
            f"the same: p50 at {at_once} at once",
            1.2,
            measured.ratio(scale.PART, "p50", {"trades": few}, trades=lots, at_once=at_once),
        )
        for at_once in ways
    ]
    return [*slower, *longer]


def _still(measured: Measured) -> list[Target]:
    def used(sample: Sample) -> float:
        return float(sum(sample["cores"]["then"].values())) * 100

    found = []
    for what, limit in ((still.UNMATCHED, 2.0), (still.NO_CASH, 5.0)):
        figure = measured.figure(still.PART, used, what=what)
        count = next((sample["open"] for sample in measured.samples(still.PART, what=what)), 10_000)
        text = f"of one core, by servers, attestors and worker, with {count:,} {what}"
        found.append(Target(text, limit, figure, unit=" %"))
    woken = measured.figure(still.PART, lambda sample: max(sample["woken"]), what=still.NO_CASH)
    return [*found, Target("from its cash to its outcome, the slowest woken", 1.0, woken, unit=" s")]


def _cli(measured: Measured) -> list[Target]:
    def of_nothing(command: str) -> Figure | None:
        found = {sample["command"]: sample["seconds"] for sample in measured.samples(cli.PART)}
        if command not in found:
            return None
        nothing = statistics.median(found[cli.NOTHING])
        return Figure(*(take(found[command]) / nothing for take in _MEDIAN_AND_SPREAD))

    return [
        Target(f"`{command}`, of `{cli.NOTHING}`", limit, of_nothing(command), digits=1)
        for command, limit in ((cli.HELP, 20), (cli.SHOW, 70))
    ]


_MEDIAN_AND_SPREAD: tuple[Callable[[Sequence[float]], float], ...] = (statistics.median, min, max)

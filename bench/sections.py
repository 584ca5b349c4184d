"""The report's sections: for each part its ratios, then its figures. Decides nothing about them."""

from collections.abc import Iterator, Sequence

from bench import certificates, cli, engine, ledgers, scale, still
from bench.contestants import CONTESTANTS, FLOOR, FLOOR_UNSANDBOXED, LOOKED_AT, TOGETHER_UNSANDBOXED
from bench.figures import Figure
from bench.ledgers import CLIENTS, HOT, SIMPLE, SPREAD, TPCB
from bench.measured import Measured
from bench.tables import NOT_MEASURED, table, text

WHO = [each.name for each in CONTESTANTS]
CALLS = [
    *((what, SPREAD) for what in (SIMPLE, TPCB)),
    *((what, where) for what in (ledgers.LOCK, ledgers.PAY, ledgers.RELEASE) for where in (SPREAD, HOT)),
]
_CALLING = (("rate", 0, 1.0), ("p50", 1, 1e3), ("p99", 1, 1e3))
"""Figures, their digits, and what they are multiplied with."""
_SETTLING = (("rate", 1, 1.0), ("p50", 0, 1e3), ("p99", 0, 1e3))
_WHO_IS_WHO = """
- **floor**: the engine's own: a workflow of six regular activities that do nothing, its worker set up as ours is.
- **together**: this project, every role in one worker process. **apart**: a process for each role.
- **dbos**: the same calls on ledgers and attestors as a DBOS workflow of six steps, its system database on the ledgers'
  Postgres; started in the process that carries it out, without tracing, and so with no hop from a client.
- **no engine**: the same calls one after the other, and nothing that would carry a settlement on. The ledgers' and
  attestors' own limit.

Real ledgers, attestors over HTTP in processes of their own, tracing on into the audit database, Temporal on its
database file. Times are from start to outcome, as whoever started it sees them.
"""


def ways(measured: Measured) -> list[int]:
    """How many at once the engines were measured at."""
    return sorted({sample["at_once"] for sample in measured.samples(engine.PART) if "at_once" in sample})


def processes(measured: Measured, at_once: int) -> list[str]:
    """Every process that any contestant used."""
    return list(dict.fromkeys(name for each in measured.samples(engine.PART, at_once=at_once) for name in each["cpu"]))


def label(what: str, where: str) -> str:
    """How a call of the ledgers' part is named."""
    return what if what in (SIMPLE, TPCB) else f"{what}, {where}"


def of_engine(measured: Measured) -> Iterator[str]:
    """Everybody beside the floor."""
    if not (counts := ways(measured)):
        yield f"{NOT_MEASURED.capitalize()}.\n"
        return
    yield _WHO_IS_WHO
    yield from (f"![](img/bench-{name}.svg)\n" for name in ("rate", "latency", "cpu"))
    heads = [f"{what} at {at_once}, of {FLOOR}" for at_once in counts for what in ("rate", "p50")]
    yield from table(("", *heads), ((who, *_to_floor(measured, who, counts)) for who in WHO))
    yield from _unsandboxed(measured, counts)
    for at_once in counts:
        yield from _at(measured, at_once)
    left_out = {each["contestant"]: each["missing"] for each in measured.samples(engine.PART) if "missing" in each}
    yield (
        f"Events and bytes are of {LOOKED_AT} settlements' histories (DBOS: its rows). Requests are the engine's to "
        "its own database; commits are of all databases on the ledgers' server.\n"
    )
    yield from (f"Left out: {who}, because {why}.\n" for who, why in left_out.items())


def _to_floor(measured: Measured, who: str, counts: Sequence[int]) -> Iterator[str]:
    for at_once in counts:
        for field in ("rate", "p50"):
            over = {"contestant": FLOOR}
            yield text(measured.ratio(engine.PART, field, over, contestant=who, at_once=at_once), 2)


def _unsandboxed(measured: Measured, counts: Sequence[int]) -> Iterator[str]:
    over = {"contestant": FLOOR_UNSANDBOXED}
    for at_once in counts:
        ratio = measured.ratio(engine.PART, "rate", over, contestant=TOGETHER_UNSANDBOXED, at_once=at_once)
        if ratio is not None:
            yield f"Rate of {TOGETHER_UNSANDBOXED} at {at_once} at once, of {FLOOR_UNSANDBOXED}: {ratio.text(2)}.\n"


def _at(measured: Measured, at_once: int) -> Iterator[str]:
    yield f"At {at_once} at once:\n"
    heads = ("", "settlements/s", "p50 ms", "p99 ms", "events", "bytes", "engine's requests", "ledgers' commits")
    yield from table(heads, ((who, *_figures(measured, who, at_once)) for who in WHO))
    yield f"CPU of each process, ms a settlement, at {at_once} at once:\n"
    names = processes(measured, at_once)
    yield from table(("", *names, "all"), ((who, *_cpu(measured, who, at_once, names)) for who in WHO))


def _figures(measured: Measured, who: str, at_once: int) -> Iterator[str]:
    more = (("events", 1, 1.0), ("bytes", 0, 1.0), ("counted.persistence", 1, 1.0), ("counted.commits", 1, 1.0))
    for field, digits, factor in (*_SETTLING, *more):
        yield text(measured.figure(engine.PART, field, contestant=who, at_once=at_once), digits, factor)


def _cpu(measured: Measured, who: str, at_once: int, names: Sequence[str]) -> Iterator[str]:
    key = {"contestant": who, "at_once": at_once}
    yield from (text(measured.figure(engine.PART, f"cpu.{name}", **key), 1, 1e3) for name in names)
    yield text(measured.figure(engine.PART, lambda sample: float(sum(sample["cpu"].values())), **key), 1, 1e3)


def of_ledgers(measured: Measured) -> Iterator[str]:
    """Our calls beside pgbench's scripts."""
    if why := next((sample["missing"] for sample in measured.samples(ledgers.PART) if "missing" in sample), ""):
        yield f"Left out: {why}.\n"
        return
    yield "![](img/bench-ledgers.svg)\n"
    yield (
        "Each call is one SQL statement, sent by pgbench itself, prepared; all that it needs was signed beforehand and "
        "stands in a table. *Hot*: one seller and one buyer in every trade.\n"
    )
    heads = ("", f"rate, of {SIMPLE}", "per second", "p50 ms", "p99 ms", "server's CPU ms", "WAL bytes")
    for clients in CLIENTS:
        yield f"At {clients} connections:\n"
        yield from table(heads, ((label(*call), *_call(measured, *call, clients)) for call in CALLS))


def _call(measured: Measured, what: str, where: str, clients: int) -> Iterator[str]:
    key = {"what": what, "where": where, "clients": clients}
    yield text(measured.ratio(ledgers.PART, "rate", {"what": SIMPLE, "where": SPREAD}, **key), 2)
    for field, digits, factor in (*_CALLING, ("cpu.postgres", 2, 1e3), ("wal_bytes", 0, 1.0)):
        yield text(measured.figure(ledgers.PART, field, **key), digits, factor)


def of_certificates(measured: Measured) -> Iterator[str]:
    """What one costs."""
    used = (certificates.ATTESTORS, certificates.COORDINATOR, "postgres")
    fields = (*_CALLING, *((f"cpu.{name}", 2, 1e3) for name in used))
    rows = [
        (
            str(at_once),
            *(
                text(measured.figure(certificates.PART, name, at_once=at_once), digits, factor)
                for name, digits, factor in fields
            ),
        )
        for at_once in sorted({sample["at_once"] for sample in measured.samples(certificates.PART)})
    ]
    heads = (
        "at once",
        "per second",
        "p50 ms",
        "p99 ms",
        "CPU ms of the attestors",
        "of the coordinator",
        "of Postgres",
    )
    yield from table(heads, rows)


def of_scale(measured: Measured) -> Iterator[str]:
    """With few and with many trades in the ledgers."""
    keys = sorted({(each["trades"], each["at_once"]) for each in measured.samples(scale.PART) if "trades" in each})
    rows = [
        (
            f"{trades:,}",
            str(at_once),
            *(
                text(measured.figure(scale.PART, name, trades=trades, at_once=at_once), digits, factor)
                for name, digits, factor in _SETTLING
            ),
        )
        for trades, at_once in keys
    ]
    yield from table(("settled trades in the ledgers", "at once", "settlements/s", "p50 ms", "p99 ms"), rows)
    for sample in measured.samples(scale.PART):
        if "verified" in sample:
            found = f"of {sample['verified']:,} trades and {sample['facts']:,} facts"
            yield f"`ledger verify` finds every invariant to hold, {found}, in {sample['seconds']:,.0f} s.\n"


def of_still(measured: Measured) -> Iterator[str]:
    """What waiting costs."""
    rows = []
    for sample in measured.samples(still.PART):
        cores = [f"{sum(sample['cores'][when].values()):.1%}" for when in ("idle", "first", "then")]
        woken = ", ".join(f"{seconds:.2f}" for seconds in sample.get("woken", ())) or "-"
        held = f"{sample['memory_per_1000'] / 2**20:.1f}"
        rows.append((f"{sample['open']:,} {sample['what']}", *cores, held, woken))
    heads = ("", "of one core: none open", "at first", "later", "worker's MiB per 1,000 open", "s from cash to outcome")
    yield from table(heads, rows)


def of_cli(measured: Measured) -> Iterator[str]:
    """How long a command takes."""
    found = list(measured.samples(cli.PART))
    yield from table(("", "ms"), ((f"`{each['command']}`", Figure.of(each["seconds"]).text(0, 1e3)) for each in found))

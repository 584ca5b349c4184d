"""Writes docs/benchmarks.md and its plots, of whatever has been measured: ratios first, for only they mean anything."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.measured import Measured
from bench.pictures import pictures
from bench.progress import say
from bench.sections import of_certificates, of_cli, of_engine, of_ledgers, of_scale, of_still
from bench.sizes import Sizes
from bench.tables import table
from bench.targets import targets

DOCS = Path("docs")
_HEAD = """# Benchmarks

Written by `make bench`; [`bench/`](../bench) is how. Whatever stands in one part was measured in turn on one machine,
on the same servers with the same settings, on one commit. Absolute figures are this machine's; **the ratios are what
is meant to hold elsewhere**. A ratio is taken within each repeat; shown are the median of the repeats and, in brackets,
the least and the greatest.
"""
_SECTIONS = {
    "Beside the engine's floor, DBOS and no engine": of_engine,
    "The ledgers beside pgbench": of_ledgers,
    "Certificates": of_certificates,
    "With a million settled trades": of_scale,
    "Standing still": of_still,
    "The command line": of_cli,
}


def write(measured: Measured, docs: Path = DOCS) -> None:
    """The page, and a picture for each part that has one."""
    images = docs / "img"
    images.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures(measured):
        (images / f"bench-{name}.svg").write_text(picture, encoding="utf-8")
    (docs / "benchmarks.md").write_text("\n".join(_page(measured)), encoding="utf-8")
    say(f"the report is {docs / 'benchmarks.md'}")


def _page(measured: Measured) -> Iterator[str]:
    yield _HEAD
    yield "## What is asked for\n"
    yield from table(("", "measured", "asked for", "reached"), (target.row for target in targets(measured)))
    for title, section in _SECTIONS.items():
        yield f"## {title}\n"
        yield from section(measured)
    yield "## Measured on\n"
    yield from table(("part", "commit", "machine", "sizes other than usual"), _conditions(measured))


def _conditions(measured: Measured) -> Iterator[Sequence[str]]:
    usual = Sizes().document()
    for name, part in measured.parts.items():
        machine = ", ".join(f"{what} {said}" for what, said in part["machine"].items())
        unusual = [f"{size} {value:,}" for size, value in part["sizes"].items() if value != usual.get(size)]
        yield name, part["commit"], machine, ", ".join(unusual) or "-"

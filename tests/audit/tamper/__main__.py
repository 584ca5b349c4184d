"""The full form: `python -m tests.audit.tamper [RANDOM] [SEED]` tampers with a real stack and writes docs/tamper.md."""

import asyncio
import random
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from tests.audit.tamper.altering import Alteration, Catalogue
from tests.audit.tamper.stage import staged
from tests.audit.tamper.tampering import Tally, Tamperer, unknown

PAGE = Path("docs/tamper.md")
TEMPLATE = Path(__file__).with_name("page.md")
ROWS_EACH = 2


async def tamper(count: int, seed: int) -> tuple[Tally, list[str]]:
    """Everything; what came of it, and the columns that nobody knows."""
    with tempfile.TemporaryDirectory(prefix="interlock-tamper-") as folder:
        async with staged(Path(folder) / "stack") as stage:
            tamperer = Tamperer(stage, await Catalogue.of(stage), random.Random(seed))
            odd = unknown(tamperer.catalogue)
            for name, alterations in (
                ("columns", tamperer.columns(ROWS_EACH)),
                ("rows", tamperer.rows(ROWS_EACH)),
                ("blocks", tamperer.blocks()),
                ("at random", tamperer.at_random(count)),
            ):
                await _all(tamperer, name, alterations)
    return tamperer.tally, odd


def main(count: int, seed: int) -> int:
    """Exit code 1 if anything went unnoticed."""
    tally, odd = asyncio.run(tamper(count, seed))
    PAGE.write_text(page(tally, seed), encoding="utf-8")
    for text in (*odd, *tally.missed):
        print(f"NOT FOUND  {text}")
    return 1 if odd or tally.missed else 0


async def _all(tamperer: Tamperer, name: str, alterations: AsyncIterator[Alteration]) -> None:
    async for alteration in alterations:
        await tamperer.attempt(alteration)
    tally = tamperer.tally
    print(f"{name}: {tally.found.total():,} of {tally.tried.total():,} found so far", flush=True)


def page(tally: Tally, seed: int) -> str:
    """docs/tamper.md."""
    lines = [f"| {what} | {tried:,} | {tally.found[what]:,} |" for what, tried in tally.tried.items()]
    examples = [
        f"| {_cell(text)} | {_cell(finding)} |"
        for what, (text, finding) in tally.examples.items()
        if what != "at random"
    ]
    missed = "".join(f"\nNot found: {text}\n" for text in tally.missed)
    return TEMPLATE.read_text("utf-8").format(
        seed=seed,
        rows_each=ROWS_EACH,
        lines="\n".join(lines),
        tried=tally.tried.total(),
        found=tally.found.total(),
        examples="\n".join(examples),
        missed=missed,
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    told = [int(text) for text in sys.argv[1:3]]
    sys.exit(main(*(told + [1000, 1][len(told) :])))

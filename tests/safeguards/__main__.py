"""`python -m tests.safeguards` (`make safeguards`): takes out each safeguard in turn, and writes docs/safeguards.md.

Exits 1 when one is missed by every check that must notice, when a check is red with nothing removed, or when a removal
no longer applies. Goes on where it was broken off; `--fresh` begins again, `--only NAME` asks about some.
"""

import argparse
import shutil
import signal
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.safeguards.catalogue import SAFEGUARDS
from tests.safeguards.checks import Check, Kind
from tests.safeguards.removal import ROOT, DoesNotApply, Safeguard
from tests.safeguards.report import PAGE, judged, page
from tests.safeguards.results import NOTHING_REMOVED, Result, Results
from tests.safeguards.running import ask, tree_without

KEPT = ROOT / "build" / "safeguards.json"
OUTPUTS = ROOT / "build" / "safeguards"
"""What checks said that were red or could not be asked, in full."""
_ORDER = list(Kind)


def main(arguments: list[str]) -> int:
    """What was asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.safeguards", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="safeguards whose names hold this")
    parser.add_argument(
        "--kind", action="append", choices=[str(kind) for kind in Kind], help="checks of this kind only"
    )
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs found")
    told = parser.parse_args(arguments)
    if told.fresh:
        KEPT.unlink(missing_ok=True)
    chosen = [each for each in SAFEGUARDS if not told.only or any(word in each.name for word in told.only)]
    kinds = [Kind(kind) for kind in told.kind or _ORDER]
    results, console = Results(KEPT), Console()
    to_do = _plan(chosen, kinds, results)
    wrong: list[str] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("safeguards", total=sum(len(checks) for _, checks in to_do))
        for safeguard, checks in to_do:
            name = safeguard.name if safeguard else NOTHING_REMOVED
            try:
                with tree_without(safeguard) as root:
                    for check in checks:
                        progress.update(task, description=f"{name}: {check.kind}")
                        result = ask(check, root)
                        results.keep(safeguard, check, result)
                        if result.noticed or result.broken:
                            OUTPUTS.mkdir(parents=True, exist_ok=True)
                            kept = OUTPUTS / f"{name} - {check.kind} {check.name}.txt".replace("/", ".")
                            shutil.copyfile(root / "output", kept)
                        wrong += _told(safeguard, check, result)
                        progress.advance(task)
                        console.print(_line(name, check, result), markup=False, highlight=False, soft_wrap=True)
            except DoesNotApply as error:
                wrong.append(str(error))
    PAGE.write_text(page(SAFEGUARDS, results))
    for safeguard in chosen:
        complete, noticed = judged(safeguard, results)
        if complete and not noticed:
            wrong.append(f"{safeguard.name}: nobody noticed that it was gone")
    for text in wrong:
        console.print(f"WRONG  {text}", markup=False, highlight=False, soft_wrap=True)
    return 1 if wrong else 0


def _plan(chosen: list[Safeguard], kinds: list[Kind], results: Results) -> list[tuple[Safeguard | None, list[Check]]]:
    """For each tree, the checks not run yet, cheapest first. With nothing removed: every check of all of them once."""
    every = list(dict.fromkeys(check for each in chosen for check in each.checks if not check.own_rules))
    trees: list[tuple[Safeguard | None, list[Check]]] = [(None, every), *((each, list(each.checks)) for each in chosen)]
    left = [
        (tree, sorted((c for c in checks if c.kind in kinds and results.of(tree, c) is None), key=_cost))
        for tree, checks in trees
    ]
    return [(tree, checks) for tree, checks in left if checks]


def _cost(check: Check) -> int:
    return _ORDER.index(check.kind)


def _told(safeguard: Safeguard | None, check: Check, result: Result) -> list[str]:
    name = safeguard.name if safeguard else NOTHING_REMOVED
    if result.broken:
        return [f"{name}: {check.kind} {check.name} could not be asked: {result.broken}"]
    if safeguard is None and result.noticed:
        return [f"{NOTHING_REMOVED}: {check.kind} {check.name} is red: {result.noticed}"]
    return []


def _line(name: str, check: Check, result: Result) -> str:
    said = f"BROKEN {result.broken}" if result.broken else f"red    {result.noticed}" if result.noticed else "green"
    return f"{name} | {check.kind} {check.name} | {result.seconds:.0f} s | {said}"


if __name__ == "__main__":
    # what is started in a shell's background ignores it, and so would every check, which is ended with it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))

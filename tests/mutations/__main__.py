"""`python -m tests.mutations` (`make mutations`): changes the workflows as people do, and writes who noticed.

Each mutation that breaks open settlements must be noticed by the fingerprint or a replay, and each harmless one by
neither; else exits 1. Goes on where it was broken off; `--fresh` begins again, `--only WORD` asks about some.
"""

import argparse
import json
import sys
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.mutations import taking_over
from tests.mutations.catalogue import MUTATIONS
from tests.mutations.looking import ROOT, CouldNotAsk, Seen, look
from tests.mutations.mutation import Mutation, key
from tests.mutations.report import PAGE, with_table
from tests.safeguards.removal import DoesNotApply

KEPT = ROOT / "build" / "mutations.json"


def main(arguments: list[str]) -> int:
    """What was asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--only", action="append", metavar="WORD", help="mutations that hold this word")
    parser.add_argument("--table", action="store_true", help="ask nothing, and write down what is known")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs found")
    told = parser.parse_args(arguments)
    kept = {} if told.fresh or not KEPT.is_file() else json.loads(KEPT.read_text())
    chosen = (
        []
        if told.table
        else [each for each in MUTATIONS if not told.only or any(word in each.what for word in told.only)]
    )
    console, wrong = Console(soft_wrap=True, highlight=False, markup=False), []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        for each in progress.track(chosen, description="mutations"):
            try:
                seen = Seen(**kept[key(each)]) if key(each) in kept else look(each)
            except (CouldNotAsk, DoesNotApply) as error:
                wrong.append(f"{each.what}: {error}")
                continue
            kept[key(each)] = asdict(seen)
            KEPT.parent.mkdir(parents=True, exist_ok=True)
            KEPT.write_text(json.dumps(kept, indent=1))
            console.print(f"{'right' if right(each, seen) else 'WRONG'}  {each.what}: {seen}")
            if not right(each, seen):
                wrong.append(f"{each.what}: {'nobody noticed' if each.breaks else 'noticed, and is harmless'}: {seen}")
    results = [(each, Seen(**kept[key(each)]) if key(each) in kept else None) for each in MUTATIONS]
    met = taking_over.kept()
    PAGE.write_text(with_table(PAGE.read_text(), results, {each.what: met.get(key(each)) for each in MUTATIONS}))
    for text in wrong:
        console.print(f"WRONG  {text}")
    return 1 if wrong else 0


def right(mutation: Mutation, seen: Seen) -> bool:
    """Whether it was judged as it is: by the fingerprint or a replay, whatever the linter says."""
    return bool(seen.fingerprint or seen.replay) is mutation.breaks


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m tests.protocol_model`: sizes and properties; `--weaken NAME` or `--weaken all`: the counterexamples.

Exits 1 when a property does not hold on the real rules, or a weakening breaks less than it is said to break.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from tests.protocol_model.rules import REAL, WEAKENINGS, Rules, Weakening
from tests.protocol_model.search import RECOVERABILITY, explore
from tests.protocol_model.worlds import WORLDS, World, world_named


def hold(worlds: Sequence[World], rules: Rules) -> bool:
    """Search worlds, and say what was found. True if everything that they promise holds."""
    holds = True
    for world in worlds:
        began = time.process_time()
        found = explore(world.build(rules))
        spent = time.process_time() - began
        print(f"{world.name}: {world.text}")
        print(
            f"  {len(found.states):,} states, {found.steps:,} steps, {found.ends:,} ends, "
            f"farthest {found.depth} steps away; {spent:.1f} s of CPU"
        )
        promised = [*found.model.properties, *([RECOVERABILITY] if world.ends else [])]
        broken = [name for name in promised if name in found.violations]
        print(f"  {'hold' if not broken else 'searched for'}: {', '.join(promised)}")
        for name in broken:
            print(f"  {name} DOES NOT HOLD:", *found.counterexample(name), sep="\n")
        holds = holds and not broken
    return holds


def weaken(weakening: Weakening) -> bool:
    """Search with one rule missing and tell how it goes wrong. True if all that was expected to break does."""
    print(f"{weakening.name}: {weakening.text}")
    found = explore(world_named(weakening.world).build(weakening.rules), weakening.breaks)
    missing = [name for name in weakening.breaks if name not in found.violations]
    if missing:
        print(f"  NOT BROKEN: {', '.join(missing)}")
        return False
    first, *others = weakening.breaks
    print(f"  breaks {first}, in the shortest way:")
    print(*found.counterexample(first), sep="\n")
    if others:
        print(f"  breaks {', '.join(others)} too")
    return True


def main(arguments: list[str]) -> int:
    """What was asked for on the command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.protocol_model", description=__doc__)
    names = [weakening.name for weakening in WEAKENINGS]
    parser.add_argument("--weaken", metavar="NAME", choices=[*names, "all"], help=f"all, or one of {', '.join(names)}")
    asked = parser.parse_args(arguments).weaken
    if asked is None:
        return 0 if hold(WORLDS, REAL) else 1
    chosen = [weakening for weakening in WEAKENINGS if asked in (weakening.name, "all")]
    return 0 if False not in [weaken(weakening) for weakening in chosen] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

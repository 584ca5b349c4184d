"""`make upgrade`: the upgrade under load in full, judged, and its results written into docs/upgrade-runs.md.

UPGRADE_WAITING (200), UPGRADE_PER_SECOND (4), UPGRADE_AT_ONCE (12) and UPGRADE_A_STEP (60) say how much of everything.
"""

import asyncio
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from interlock.cli.quiet import quiet
from tests.safeguards.removal import ROOT
from tests.upgrade.judging import by_builds
from tests.upgrade.test_upgrade import assert_upgraded
from tests.upgrade.upgrade import NEW, OLD, Sizes, Upgraded, upgrade

PAGE = ROOT / "docs" / "upgrade-runs.md"


def page(done: Upgraded, sizes: Sizes) -> str:
    """The page: what was done, and who carried what on."""
    rows = (
        ("waiting for cash through all of it", done.waited),
        ("begun while the new build was rolled back", done.after_rollback),
        ("begun once the new build was current", done.at_the_end),
        ("all that flowed", done.flowed),
    )
    lines = [
        "# An upgrade under load",
        "",
        "Written by `make upgrade`; what was typed stands in [operations.md](operations.md). The new build's code",
        "checks in another order, so it could not carry on what the old one began. It was ramped to 10 %, rolled back,",
        "ramped to 10 and 50 %, made current, and the old one drained and stopped, while",
        f"{sizes.per_second:g} settlements a second were begun, with no more than {sizes.at_once} under way, and",
        f"{sizes.waiting} waited for cash until the old build was being drained.",
        "",
        "| settlements | count | on the old build | on the new | on both | tasks failed | run again | settled |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for what, all_carried in rows:
        builds: Counter[tuple[str, ...]] = by_builds(all_carried)
        old, new = builds[(OLD,)], builds[(NEW,)]
        failed, again = sum(len(each.failures) for each in all_carried), sum(each.runs > 1 for each in all_carried)
        count, settled = len(all_carried), sum(done.outcomes[each.workflow_id] == "SETTLED" for each in all_carried)
        lines.append(f"| {what} | {count} | {old} | {new} | {count - old - new} | {failed} | {again} | {settled} |")
    lines += ["", "`interlock ledger verify` held at the end.", ""]
    return "\n".join(lines)


def main() -> int:
    """Do it; 0 if all is as it must be, and only then is anything written."""
    quiet()
    sizes = Sizes(
        per_second=float(os.environ.get("UPGRADE_PER_SECOND", "4")),
        at_once=int(os.environ.get("UPGRADE_AT_ONCE", "12")),
        waiting=int(os.environ.get("UPGRADE_WAITING", "200")),
        settled_a_step=int(os.environ.get("UPGRADE_A_STEP", "60")),
    )
    with tempfile.TemporaryDirectory(prefix="interlock-upgrade-") as folder:
        done = asyncio.run(upgrade(Path(folder) / "stack", sizes))
    assert_upgraded(done, sizes.waiting)
    PAGE.write_text(page(done, sizes))
    sys.stdout.write(PAGE.read_text())
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    os._exit(main())  # Temporal's client may abort at the interpreter's shutdown

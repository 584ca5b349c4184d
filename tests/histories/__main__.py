"""`python -m tests.histories` (`make histories`): records the paths that today's version has no history of.

What stands is never written again. `--only NAME` records some; exits 1 where a path could not be taken.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path as Folder

from rich.console import Console

from tests.histories import shelf
from tests.histories.catalogue import PATHS, Path
from tests.histories.recording import Recorder, file_name


def main(arguments: list[str]) -> int:
    """What was asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.histories", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="paths whose names hold this")
    told = parser.parse_args(arguments)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    if wrong := shelf.tampered():
        console.print("\n".join(["histories are only ever added:", *wrong]))
        return 1
    missing = [path for path in PATHS if not shelf.named(file_name(path))]
    chosen = [path for path in missing if not told.only or any(word in path.name for word in told.only)]
    failed = asyncio.run(_record(chosen, console))
    console.print(f"{len(chosen) - failed} paths recorded, {len(PATHS) - len(missing)} were there, {failed} failed")
    return 1 if failed else 0


async def _record(paths: list[Path], console: Console) -> int:
    failed = 0
    with tempfile.TemporaryDirectory(prefix="interlock-histories-", ignore_cleanup_errors=True) as folder:
        recorder = Recorder(Folder(folder))
        try:
            for number, path in enumerate(paths, 1):
                try:
                    added = await recorder.record(path)
                except (Exception, asyncio.CancelledError) as error:
                    failed += 1
                    console.print(f"{number}/{len(paths)} {path.name} ({path.placement}): FAILED {error!r}")
                else:
                    console.print(f"{number}/{len(paths)} {path.name} ({path.placement}): {len(added)}")
        finally:
            await recorder.close()
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

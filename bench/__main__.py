"""`python -m bench [PART ...]`: measure the parts named, or all, and write the report of whatever has been measured."""

import argparse
import asyncio
import signal
import sys
import traceback

from bench import certificates, cli, engine, ledgers, report, scale, still
from bench.measured import Measured
from bench.progress import say
from bench.results import Results
from bench.sizes import Sizes

PARTS = {part.PART: part.measure for part in (engine, ledgers, certificates, cli, still, scale)}
REPORT = "report"
"""What is said in a part's place to write the report only."""


def main(arguments: list[str]) -> int:
    """0; 1 if a part failed; 2 for a wrong command line; 130 if interrupted: what was measured is kept."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell takes it from what it starts in the background
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--fresh", action="store_true", help="measure anew what is there already")
    told = parser.parse_args(arguments)
    if unknown := set(told.parts) - {*PARTS, REPORT}:
        parser.error(f"unknown part {sorted(unknown)[0]}; the parts are {', '.join(PARTS)}")
    sizes, failed = Sizes.told(), False
    for part in [each for each in told.parts or PARTS if each != REPORT]:
        say(f"part {part}")
        try:
            asyncio.run(PARTS[part](sizes, Results(part, sizes, fresh=told.fresh)))
        except KeyboardInterrupt:
            say("interrupted; the same command goes on from here")
            return 130
        except Exception:
            traceback.print_exc()
            failed = True
    report.write(Measured.kept())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

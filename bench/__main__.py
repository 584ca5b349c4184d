"""`python -m bench [PART ...]`: measure the parts named, or all, and write the report of whatever has been measured."""

import argparse
import asyncio
import sys
import traceback

from bench import certificates, cli, engine, ledgers, scale, still
from bench.progress import say
from bench.results import Results
from bench.sizes import Sizes

PARTS = {part.PART: part.measure for part in (engine, ledgers, certificates, cli, still, scale)}


def main(arguments: list[str]) -> int:
    """0; 1 if a part failed; 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--fresh", action="store_true", help="measure anew what is there already")
    told = parser.parse_args(arguments)
    if unknown := set(told.parts) - set(PARTS):
        parser.error(f"unknown part {sorted(unknown)[0]}; the parts are {', '.join(PARTS)}")
    sizes, failed = Sizes.told(), False
    for part in told.parts or PARTS:
        say(f"part {part}")
        try:
            asyncio.run(PARTS[part](sizes, Results(part, sizes, fresh=told.fresh)))
        except Exception:
            traceback.print_exc()
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

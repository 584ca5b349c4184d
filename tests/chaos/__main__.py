"""`python -m tests.chaos` (`make chaos`): thousands of settlements while everything is killed; exit 1 if one is wrong.

CHAOS_SETTLEMENTS (3000), CHAOS_SECONDS (600: over how long they are started, at least), CHAOS_SEED (1).
"""

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
from pathlib import Path

from temporalio.runtime import Runtime, TelemetryConfig

from tests.chaos.plan import Plan
from tests.chaos.run import chaos


def main() -> int:
    """Run it; 2 for settings that are no numbers."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")
    parser.add_argument("--results", type=Path, help="write the JSON document to this file too")
    parser.add_argument("--keep", type=Path, help="an empty folder to run in; it is kept, with all logs")
    parser.add_argument("--log", type=Path, help="write to this file what the chaos did")
    told = parser.parse_args()
    if told.log is not None:
        logging.basicConfig(filename=told.log, level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        plan = Plan.told()
    except ValueError as error:
        sys.stderr.write(f"CHAOS_SETTLEMENTS, CHAOS_SECONDS and CHAOS_SEED are numbers: {error}\n")
        return 2
    # Temporal's native client would log every call that meets the server away
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)))
    with tempfile.TemporaryDirectory(prefix="interlock-chaos-", ignore_cleanup_errors=True) as folder:
        results = asyncio.run(chaos(plan, told.keep or Path(folder), quiet=told.json))
    document = json.dumps(results.document(), indent=1)
    if told.results is not None:
        told.results.write_text(document + "\n", encoding="utf-8")
    print(document if told.json else "\n".join(results.lines()))
    return 0 if results.ok else 1


if __name__ == "__main__":
    # the native client may abort at interpreter shutdown; everything is stopped and written by now
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

"""`python -m tests.fingerprint`: compares the workflows with their committed fingerprint; `--write` commits to today's.

Exits 1 where an open settlement could not go on. `--brief` looks at the beginnings only, for other hash seeds.
"""

import argparse
import logging
import sys

from tests.fingerprint import fingerprint


def main(arguments: list[str]) -> int:
    """What was asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fingerprint", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write down today's (`make fingerprint`)")
    parser.add_argument("--brief", action="store_true", help="only the scripts in which all goes well")
    told = parser.parse_args(arguments)
    logging.disable(logging.ERROR)  # the SDK's word on made-up signals, and on faults that are in the answer
    if told.write:
        now = fingerprint.taken()
        fingerprint.write(now)
        sys.stdout.write(f"{len(now.orders)} scripts, {len(now.patches)} patches: {fingerprint.FILE.name}\n")
        return 0
    was = fingerprint.written()
    if told.brief:
        wrong = fingerprint.broken(was, fingerprint.in_brief())
    else:
        now = fingerprint.taken()
        wrong = fingerprint.broken(was, now)
        for line in fingerprint.lines(was, now):
            sys.stdout.write(f"to be written down by `make fingerprint`: {line}\n")
    if wrong:
        sys.stdout.write(fingerprint.told(wrong) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

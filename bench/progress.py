"""Says how far a run is, a line for each step. Nothing that is measured passes through here."""

import sys
import time

_BEGAN = time.monotonic()


def say(text: str) -> None:
    """A line, with the seconds since the start."""
    sys.stdout.write(f"{time.monotonic() - _BEGAN:7.0f} s  {text}\n")
    sys.stdout.flush()

"""What can go wrong in starting and stopping the stack; knows no part of it, and recovers from nothing.

StackError           a part did not start, or cannot be run here; names the part
└── AlreadyRunning   another process holds this data folder
"""

from __future__ import annotations


class StackError(Exception):
    """A part of the stack failed. The text is for the person at the terminal."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(f"{part}: {reason}")
        self.part = part
        self.reason = reason


class AlreadyRunning(StackError):  # noqa: N818 - it tells a state, which is what the reader needs to know
    """The data folder is in use. `pid` is None for the instant in which the holder has not written it yet."""

    def __init__(self, pid: int | None) -> None:
        holder = "another process" if pid is None else f"process {pid}"
        super().__init__("data folder", f"{holder} already runs on it")
        self.pid = pid

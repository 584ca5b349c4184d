"""A later version of Interlock: a copy of the tree in which models have grown, and what programs of it write and read.

Everything that passes between the versions is bytes, as the production data converter makes them.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.safeguards.removal import Replacement, copy_tree

GROWTH = (
    # a field with a default, and one that was made optional
    Replacement(
        "interlock/protocol/reports.py",
        "    settle_by: UtcTime\n    allowed:",
        '    settle_by: UtcTime | None = None\n    custody: str = "none"\n    allowed:',
    ),
    Replacement(
        "interlock/protocol/receipts.py",
        '    kind: Literal["receipt"] = "receipt"\n',
        '    kind: Literal["receipt"] = "receipt"\n    block: int = 0\n',
    ),
    Replacement(
        "interlock/protocol/instructions.py",
        "    proposed: SignedTerms | None = None\n\n    @classmethod",
        "    proposed: SignedTerms | None = None\n    urgent: bool = False\n\n    @classmethod",
    ),
    Replacement(
        "interlock/workflows/progress.py",
        "    progress: Progress | None = None\n",
        "    progress: Progress | None = None\n    urgent: bool = False\n",
    ),
    Replacement(
        "interlock/workflows/progress.py",
        "    deadline_seen: bool = False\n",
        "    deadline_seen: bool = False\n    netted_with: str | None = None\n",
    ),
    Replacement(
        "interlock/protocol/steps.py",
        "    signed: SignedTerms\n    certificate: Certificate\n",
        "    signed: SignedTerms\n    certificate: Certificate\n    batch: str | None = None\n",
    ),
    # enumerations that have grown
    Replacement("interlock/protocol/reports.py", '    PAID = "PAID"\n', '    PAID = "PAID"\n    NETTED = "NETTED"\n'),
    Replacement(
        "interlock/protocol/reports.py",
        'Act = Literal["instruct", ',
        'Act = Literal["split", "instruct", ',
    ),
    Replacement(
        "interlock/protocol/reports.py", 'EventKind = Literal["signed", ', 'EventKind = Literal["split", "signed", '
    ),
    Replacement(
        "interlock/protocol/refusals.py",
        '    TOO_EARLY = "too_early"\n',
        '    TOO_EARLY = "too_early"\n    MARKET_CLOSED = "market_closed"\n',
    ),
)
"""What a later version might have: `urgent`, `batch` and `netted_with` are asked or decided by, the rest is told."""

SIGNED_GROWTH = (
    Replacement(
        "interlock/protocol/terms.py",
        "    coordinator: AttestorSet\n",
        '    coordinator: AttestorSet\n    place: str = "XOFF"\n',
    ),
)
"""A field that exists is a field that is signed, whatever it says."""


PRELUDE = """
import asyncio, os, sys
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from interlock.protocol import *

CONVERTER = pydantic_data_converter.payload_converter

def write(value):
    sys.stdout.buffer.write(CONVERTER.to_payloads([value])[0].data)

def read(kind):
    payload = Payload(metadata={"encoding": b"json/plain"}, data=sys.stdin.buffer.read())
    return CONVERTER.from_payload(payload, kind)
"""


@dataclass(frozen=True)
class Later:
    """A tree of the later version."""

    root: Path

    def say(self, program: str, given: bytes = b"") -> bytes:
        """Run a program of the later version in a process of its own, with these bytes; what it writes."""
        done = subprocess.run(
            [sys.executable, "-c", self.program(program)],
            cwd=self.root,
            env=self.environment,
            input=given,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def program(self, program: str) -> str:
        """A program with what reads and writes before it."""
        return f"{PRELUDE}\n{program}\nsys.stdout.flush()\nos._exit(0)  # Temporal's client may abort at shutdown\n"

    @property
    def environment(self) -> dict[str, str]:
        """In which Python finds that tree's modules first."""
        return {**os.environ, "PYTHONPATH": str(self.root), "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def later(folder: Path, grown: Sequence[Replacement]) -> Iterator[Later]:
    """The tree as it stands, and grown."""
    copy_tree(folder)
    for growth in grown:
        growth.apply(folder)
    version = Later(folder)
    where = version.say("import interlock\nsys.stdout.write(interlock.__file__)").decode()
    assert Path(where).is_relative_to(folder), where
    yield version

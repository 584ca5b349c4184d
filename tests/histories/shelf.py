"""Where recorded histories stand: tests/histories/<version>/<path>.json.gz, each with its digest in DIGESTS.

Only ever added to: nothing here writes over a file, and what was changed or removed is found by its digest.
"""

import gzip
import hashlib
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent
DIGESTS = FOLDER / "digests.txt"
"""One line for each file, as sha256sum writes them."""

SUFFIX = ".json.gz"
_NEUTRAL = {"identity": "recorded", "stackTrace": ""}
"""What says on which machine a history was made, and what stands in its place. A replay reads neither."""


def version() -> str:
    """The project's version: histories of today's code go into the folder of that name."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def stored(folder: Path = FOLDER) -> list[Path]:
    """Every history of every version."""
    return sorted(folder.glob(f"*/*{SUFFIX}"))


def read(path: Path) -> WorkflowHistory:
    """A history as it was recorded."""
    text = gzip.decompress(path.read_bytes()).decode()
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(str(started["workflowId"]), text)


def neutral(history: WorkflowHistory) -> str:
    """Temporal's own JSON of a history, without the names of processes and folders that took part."""
    return json.dumps(_without_names(json.loads(history.to_json())), separators=(",", ":"))


def add(name: str, history: WorkflowHistory, folder: Path = FOLDER) -> Path:
    """Keep a history of today's code, and its digest. Raises FileExistsError where one of that name stands."""
    path = folder / version() / f"{name}{SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = gzip.compress(neutral(history).encode(), mtime=0)
    with path.open("xb") as file:
        file.write(data)
    with (folder / DIGESTS.name).open("a") as digests:
        digests.write(f"{hashlib.sha256(data).hexdigest()}  {path.relative_to(folder).as_posix()}\n")
    return path


def named(name: str, folder: Path = FOLDER) -> list[Path]:
    """What today's version has of a path: none if it has still to be recorded."""
    return sorted((folder / version()).glob(f"{name}{SUFFIX}")) + sorted(
        (folder / version()).glob(f"{name}.[0-9]*{SUFFIX}")
    )


def tampered(folder: Path = FOLDER) -> list[str]:
    """What is not as it was added: each changed, removed or unlisted file, with what is wrong with it."""
    lines = (folder / DIGESTS.name).read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    there = {path.relative_to(folder).as_posix(): path for path in stored(folder)}
    changed = [
        f"{name}: changed since it was recorded"
        for name, path in there.items()
        if name in listed and hashlib.sha256(path.read_bytes()).hexdigest() != listed[name]
    ]
    removed = [f"{name}: removed" for name in listed if name not in there]
    return sorted([*changed, *removed, *(f"{name}: not in {DIGESTS.name}" for name in there if name not in listed)])


def _without_names(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("kind") == "TASK_QUEUE_KIND_STICKY":  # named after the process that it is of
            value = value | {"name": _NEUTRAL["identity"]}
        return {key: _NEUTRAL.get(key, _without_names(inner)) for key, inner in _sorted(value.items())}
    return [_without_names(inner) for inner in value] if isinstance(value, list) else value


def _sorted(items: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return sorted(items, key=lambda item: item[0])

"""Finished cells, kept so that an interrupted run goes on where it was; those of another tree do not count."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from tests.matrix.campaign import Place, Result

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".interlock" / "matrix" / "cells.jsonl"
"""In a folder that git ignores."""

_CONTENT = ("interlock/**/*.py", "interlock/**/*.sql", "tests/matrix/**/*.py", "requirements.txt")


def tree() -> str:
    """A digest of all that a cell's result may depend on."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _CONTENT for path in ROOT.glob(pattern)):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


class _Line(BaseModel):
    tree: str
    result: Result


class Store:
    """The cells of one tree, in a file of one JSON document a line."""

    def __init__(self, path: Path, tree: str, *, fresh: bool) -> None:
        """`fresh` forgets whatever was finished before."""
        self._path, self._tree = path, tree
        path.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            path.unlink(missing_ok=True)
        self.results: dict[Place, Result] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            if json.loads(line)["tree"] != tree:
                continue  # it may even be written otherwise
            result = _Line.model_validate_json(line).result
            if not result.wrong:
                self.results[result.place] = result

    def keep(self, result: Result) -> None:
        """Write a result down; the next one of the same cell counts instead."""
        self.results[result.place] = result
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_Line(tree=self._tree, result=result).model_dump_json() + "\n")

    def missing(self, places: Iterable[Place]) -> list[Place]:
        """Which of these have no result, or a wrong one."""
        return [place for place in places if place not in self.results or self.results[place].wrong]

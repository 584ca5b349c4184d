"""Which ways through the workflows' code the corpus takes: each branch's outcomes, each case, handler and function.

`python -m tests.histories.coverage` prints those that no history takes, as JSON. The code is replayed with a probe put
into each block, so in a process of its own; nothing else is slowed down.
"""

import ast
import asyncio
import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from tests.histories import shelf

ROOM = "interlock.workflows"
DECIDING = (
    *("settlement_workflow", "settlement", "matching", "waiting", "conversation", "steps", "sweep", "proposals"),
    *("cancel_requests", "found", "progress", "understood"),
)
"""The files whose branches decide what is done next; the others are words."""

_PROBE = "_seen_here"


def not_taken() -> list[str]:
    """Every way that no history takes: "settlement.heed: case ...". To be called before the room is imported."""
    probes = Probes()
    sys.meta_path.insert(0, probes)
    asyncio.run(_replay())
    return sorted(set(probes.ways) - probes.taken)


async def _replay() -> None:
    workflows = [
        importlib.import_module(f"{ROOM}.settlement_workflow").SettlementWorkflow,
        importlib.import_module(f"{ROOM}.sweep").SweepWorkflow,
    ]

    async def histories() -> AsyncIterator[WorkflowHistory]:
        for path in shelf.stored():
            yield shelf.read(path)

    runner = UnsandboxedWorkflowRunner()
    replayer = Replayer(workflows=workflows, workflow_runner=runner, data_converter=pydantic_data_converter)
    await replayer.replay_workflows(histories())


class Probes(MetaPathFinder):
    """Imports the room's deciding files with a probe in each block."""

    def __init__(self) -> None:
        self.ways: list[str] = []
        self.taken = set[str]()

    def find_spec(self, name: str, path: Sequence[str] | None, _: ModuleType | None = None) -> ModuleSpec | None:
        """A spec for our files, with a loader that puts the probes in."""
        room, file = name.rpartition(".")[::2]
        if room != ROOM or file not in DECIDING or path is None:
            return None
        source = str(Path(next(iter(path))) / f"{file}.py")
        return importlib.util.spec_from_file_location(name, source, loader=_Loader(name, source, self))

    def probed(self, text: str, file: str) -> ast.Module:
        """The module, with its probes."""
        tree = ast.parse(text)
        for where, node in _functions(tree, file):
            for way, block in _blocks(node):
                self.ways.append(name := f"{where}: {way}")
                block.insert(_after_docstring(block), ast.parse(f"{_PROBE}({name!r})").body[0])
        return ast.fix_missing_locations(tree)


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, probes: Probes) -> None:
        super().__init__(name, path)
        self._probes = probes

    def exec_module(self, module: ModuleType) -> None:
        vars(module)[_PROBE] = self._probes.taken.add
        super().exec_module(module)

    def get_code(self, fullname: str) -> Any:
        text = Path(self.path).read_text()
        return compile(self._probes.probed(text, fullname.rpartition(".")[2]), self.path, "exec")


def _functions(tree: ast.Module, file: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for each in ast.walk(tree):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{file}.{each.name}", each


def _blocks(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, list[ast.stmt]]]:
    """Each block of a function that may be entered or not, and what leads there."""
    yield "called", function.body
    for node in list(ast.walk(function)):
        match node:
            case ast.If(test=test):
                yield f"if {ast.unparse(test)}", node.body
                yield f"not if {ast.unparse(test)}", node.orelse
            case ast.While(test=test):
                yield f"while {ast.unparse(test)}", node.body
            case ast.For(target=target, iter=many):
                yield f"for {ast.unparse(target)} in {ast.unparse(many)}", node.body
                yield f"to the end of {ast.unparse(many)}", node.orelse
            case ast.match_case(pattern=pattern):
                yield f"case {ast.unparse(pattern)}", node.body
            case ast.ExceptHandler(type=kind):
                yield f"except {ast.unparse(kind) if kind else ''}", node.body


def _after_docstring(block: list[ast.stmt]) -> int:
    first = block[0] if block else None
    return int(
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(not_taken(), indent=1) + "\n")

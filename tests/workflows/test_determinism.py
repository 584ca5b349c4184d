"""Hazard 14: nothing that a workflow runs may look at a clock or at chance; and a replay notices other steps."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import Worker

import interlock.protocol
import interlock.workflows
from interlock.protocol.steps import ATTEST
from interlock.worker.sandbox import sandbox
from interlock.workflows import steps
from interlock.workflows.matching import Matching
from tests.workflows.careless import CARELESS, Careless
from tests.workflows.service import Service, replay, until

ROOMS = [Path(room.__path__[0]) for room in (interlock.protocol, interlock.workflows)]
FILES = sorted(file for room in ROOMS for file in room.rglob("*.py"))
BANNED_MODULES = {"time", "random", "secrets", "uuid", "os", "socket", "threading", "subprocess", "pathlib"}
BANNED_CALLS = {"now", "utcnow", "today", "urandom", "uuid4", "monotonic"}


def imported(tree: ast.AST) -> set[str]:
    """The top-level modules that a file imports, anywhere in it."""
    names = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


def banned_calls(tree: ast.AST) -> set[str]:
    """Calls such as datetime.now(); workflow.now() is the history's own time."""
    return {
        ast.unparse(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in BANNED_CALLS
    } - {"workflow.now"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_hazard_14_no_clock_no_chance_and_no_outside_world(file: Path) -> None:
    tree = ast.parse(file.read_text())
    assert (imported(tree) & BANNED_MODULES, banned_calls(tree)) == (set(), set())


@pytest.mark.parametrize("line", ["import random", "import uuid", "import time", "x = datetime.now(UTC)"])
@pytest.mark.parametrize("room", ["workflows", "protocol"])
def test_hazard_14_the_linter_refuses_clocks_and_chance(room: str, line: str) -> None:
    text = f'"""A new file."""\n\nfrom datetime import UTC, datetime\n\n{line}\n'
    found = subprocess.run(
        [Path(sys.executable).with_name("ruff"), "check", "--stdin-filename", f"interlock/{room}/new.py", "-"],
        input=text,
        capture_output=True,
        text=True,
        cwd=ROOMS[0].parents[1],
        check=False,
    )
    assert "TID251" in found.stdout


@pytest.mark.parametrize("what", sorted(CARELESS))
async def test_hazard_14_the_workers_sandbox_stops_clocks_and_chance_at_run_time(temporal: Client, what: str) -> None:
    queue = f"careless {what}"
    async with Worker(temporal, task_queue=queue, workflows=[Careless], workflow_runner=sandbox()):
        handle = await temporal.start_workflow(Careless.run, what, id=queue, task_queue=queue)

        async def stopped() -> str | None:
            for event in (await handle.fetch_history()).events:
                if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                    return event.workflow_task_failed_event_attributes.failure.message
            assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING, "it was let through"
            return None

        assert "from inside a workflow" in await until(stopped)
        await handle.terminate()


async def test_hazard_14_a_replay_notices_when_steps_come_in_another_order(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other test of this folder replays its histories at its end; this shows that it would notice."""
    trade = service.settlement()
    await trade.instruct()
    await trade.end()
    history = await trade.history()
    await replay(history)
    with monkeypatch.context() as patched:
        patched.setattr(Matching, "match", attests_first)
        with pytest.raises(workflow.NondeterminismError):
            await replay(history)


async def attests_first(_: Matching) -> None:
    """What a careless change might do."""
    await workflow.execute_activity(ATTEST.name, start_to_close_timeout=steps.ATTEMPT_LIMIT)

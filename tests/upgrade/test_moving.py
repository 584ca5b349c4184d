"""Open settlements moved to a new build that replays them, by the recipe's command; and that no command is untested."""

import re
from pathlib import Path

import pytest
from temporalio.client import Client

from interlock.worker.versions import Versions
from tests.e2e.conftest import until
from tests.upgrade.changes import COMPATIBLE, OPERATIONS, tree_with
from tests.upgrade.judging import by_builds, carried, disturbed
from tests.upgrade.recipe import Operator, commands
from tests.upgrade.traffic import Waiting
from tests.upgrade.upgrade import NEW, OLD, known_to
from tests.upgrade.world import DEPLOYMENT, plant

TYPED = {"replay", "ramp-10", "ramp-50", "all", "drain", "rollback", "move"}
"""The page's blocks that are typed here and in `upgrade`."""


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_open_settlements_are_moved_and_end_on_the_new_build(tmp_path: Path) -> None:
    with tree_with(COMPATIBLE) as tree:
        async with plant(tmp_path / "stack") as running:
            operator = Operator(tmp_path / "stack", running.stack.temporal.address, OLD, NEW)
            await running.start(OLD)
            await known_to(operator, OLD)
            await operator.types(commands("all").replace("$NEW", "$OLD"))
            waiting = await Waiting.begin(running.market, running.temporal, 3)
            await running.start(NEW, tree=tree)
            await known_to(operator, NEW)
            await operator.does("replay")
            await operator.does("all")
            await until(lambda: counted(running.temporal, 3), every_seconds=0.2)
            await operator.does("move")
            await operator.does("drain")
            await running.stop(OLD)
            await waiting.fund()
            assert set((await waiting.ended()).values()) == {"SETTLED"}
            histories = await carried(running.temporal, waiting.handles)
            assert dict(by_builds(histories)) == {(OLD, NEW): 3}
            assert disturbed(histories) == []


async def counted(temporal: Client, count: int) -> bool:
    """Whether the server's index has so many open settlements on the old build."""
    return len(await Versions(temporal, DEPLOYMENT).pinned(OLD)) == count


def test_every_command_of_the_page_is_typed_by_a_test() -> None:
    assert set(re.findall(r"```sh (\S+)\n", OPERATIONS.read_text())) == TYPED

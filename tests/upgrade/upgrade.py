"""An upgrade at noon: settlements flow and others wait, while the recipe's commands bring a new build in.

The new build's code is not compatible with the old one's histories: pinned settlements never meet it. First the new
build is rolled back at ten percent, then it is brought in for good, and the old one drained and stopped.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.conftest import until
from tests.upgrade.changes import INCOMPATIBLE, tree_with
from tests.upgrade.judging import Carried, carried
from tests.upgrade.recipe import Operator, commands
from tests.upgrade.traffic import Waiting, flowing
from tests.upgrade.world import plant

OLD, NEW = "2026.11.1", "2026.11.2"


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    per_second: float
    at_once: int
    """No more of them than so many are under way."""
    waiting: int
    settled_a_step: int
    """How many settlements have to settle at each step of the recipe before the next one."""


@dataclass(frozen=True)
class Upgraded:
    """What came of it."""

    flowed: list[Carried]
    waited: list[Carried]
    outcomes: dict[str, str | None]
    """How each ended, by its workflow id."""
    at_the_end: list[Carried]
    """Those that were begun once the new build was current for all."""
    after_rollback: list[Carried]
    """Those that were begun once it had been rolled back."""


async def upgrade(folder: Path, sizes: Sizes) -> Upgraded:
    """Do it, and return what came of it; fails where a command of the recipe does, or the ledgers do not verify."""
    with tree_with(INCOMPATIBLE) as tree:
        async with plant(folder) as running:
            operator = Operator(folder, running.stack.temporal.address, OLD, NEW)
            await running.start(OLD)
            await known_to(operator, OLD)
            await operator.types(commands("all").replace("$NEW", "$OLD"))  # the first build of all
            waiting = await Waiting.begin(running.market, running.temporal, sizes.waiting)
            async with flowing(running.market, sizes.per_second, sizes.at_once) as traffic:
                await traffic.settled(sizes.settled_a_step)
                await running.start(NEW, tree=tree)
                await known_to(operator, NEW)

                await operator.does("ramp-10")
                await traffic.settled(sizes.settled_a_step)
                await operator.does("rollback")
                rolled_back = len(traffic.handles)
                await traffic.settled(sizes.settled_a_step)

                ramped_again = len(traffic.handles)
                await operator.does("ramp-10")
                await traffic.settled(sizes.settled_a_step)
                await operator.does("ramp-50")
                await traffic.settled(sizes.settled_a_step)
                await operator.does("all")
                all_new = len(traffic.handles)
                await traffic.settled(sizes.settled_a_step)
                draining = asyncio.create_task(operator.does("drain"))
                await waiting.fund()
                await draining
                await running.stop(OLD)
                await traffic.settled(sizes.settled_a_step)
            outcomes = await traffic.ended() | await waiting.ended()
            await running.verify()
            flowed = await carried(running.temporal, traffic.handles)
            return Upgraded(
                flowed=flowed,
                waited=await carried(running.temporal, waiting.handles),
                outcomes=outcomes,
                at_the_end=flowed[all_new:],
                after_rollback=flowed[rolled_back:ramped_again],
            )


async def known_to(operator: Operator, build: str) -> None:
    """Until Temporal has heard of that build's worker."""

    async def known() -> bool:
        try:
            return build in await operator.types(f"{commands('rollback').splitlines()[0]}\ninterlock cluster versions")
        except AssertionError:  # it knows of no deployment yet
            return False

    await until(known, every_seconds=0.2)

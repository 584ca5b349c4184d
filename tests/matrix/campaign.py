"""Drives cells through lanes and rooms: those that only their room notices side by side, all others alone in a lane."""

import asyncio
import shutil
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel

from tests.matrix.cell import Cell
from tests.matrix.faults import COLUMNS
from tests.matrix.lane import Lane
from tests.matrix.placement import Placement
from tests.matrix.room import Room
from tests.matrix.steps import ROWS

CELL_SECONDS = 240.0

Place = tuple[Placement, str, str]
"""A cell's placement, and its step and fault by name."""


class Result(BaseModel):
    """How a cell came out: `wrong` says in what, and is empty if nothing is."""

    placement: Placement
    step: str
    fault: str
    outcome: str = ""
    seconds: float = 0.0
    wrong: str = ""

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.placement, self.step, self.fault


ALL: tuple[Place, ...] = tuple(
    (placement, step, fault) for fault in COLUMNS for step in ROWS for placement in Placement
)


async def drive(place: Place, room: Room) -> Result:
    """One cell, to its result. What goes wrong is in the result; the room is then made anew."""
    placement, step, fault = place[0], ROWS[place[1]], COLUMNS[place[2]]
    try:
        async with asyncio.timeout(CELL_SECONDS), Cell(step, room, placement) as cell:
            await fault.strike(cell)
            outcome, seconds = await cell.judged()
    except Exception as error:
        text = "".join(traceback.format_exception_only(error)).strip()
        where = traceback.extract_tb(error.__traceback__)
        ours = [f"{Path(each.filename).name}:{each.lineno}" for each in where if "/matrix/" in each.filename]
        await room.renew()
        wrong = f"{text} (at {', '.join(ours)})"
        return Result(placement=placement, step=step.name, fault=fault.name, wrong=wrong)
    return Result(placement=placement, step=step.name, fault=fault.name, outcome=outcome, seconds=round(seconds, 2))


class Campaign:
    """Cells still to be driven, shared by all lanes. `tell` hears every result at once."""

    def __init__(self, places: Sequence[Place], tell: Callable[[Result], None]) -> None:
        self._tell = tell
        self._apart, self._alone = deque[Place](), deque[Place]()
        for place in places:
            shared = COLUMNS[place[2]].shared(ROWS[place[1]])
            (self._alone if shared else self._apart).append(place)
        self.violations: list[str] = []

    async def run(self, lanes: int, rooms: int) -> None:
        """Drive them all, then check the invariants of every lane's ledgers."""
        async with asyncio.TaskGroup() as group:
            for _ in range(lanes):
                group.create_task(self._lane(rooms))

    async def _lane(self, rooms: int) -> None:
        folder = Path(tempfile.mkdtemp(prefix="interlock-matrix-"))
        try:
            async with Lane.started(folder / "stack", rooms) as lane:
                await self.through(lane)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def through(self, lane: Lane) -> None:
        """Drive what is left through one lane."""
        async with asyncio.TaskGroup() as group:
            for room in lane.rooms:
                group.create_task(self._drain(self._apart, room))
        await self._drain(self._alone, lane.rooms[0])
        self.violations += await lane.violations()

    async def _drain(self, places: deque[Place], room: Room) -> None:
        while places:
            self._tell(await drive(places.popleft(), room))

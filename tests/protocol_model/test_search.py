"""The search itself, on models so small that the answer is known without it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from tests.protocol_model import search
from tests.protocol_model.search import RECOVERABILITY, Action, explore


@dataclass(frozen=True)
class Maze:
    """Rooms and doors; a door whose name begins with a question mark is not for the honest."""

    doors: Mapping[str, Sequence[tuple[str, str]]]
    ends: Collection[str] = ("out",)
    bad_rooms: Collection[str] = ()
    bad_doors: Collection[str] = ()
    initial: str = "in"
    properties: Sequence[str] = field(default=("rooms", "doors"))

    def broken_in(self, state: str) -> Collection[str]:
        return ["rooms"] if state in self.bad_rooms else []

    def broken_by(self, before: str, action: Action, after: str) -> Collection[str]:
        return ["doors"] if action.verb in self.bad_doors and before != after else []

    def steps(self, state: str) -> Iterator[tuple[Action, str]]:
        for name, room in self.doors.get(state, ()):
            yield Action(name, honest=not name.startswith("?")), room

    def is_end(self, state: str) -> bool:
        return state in self.ends

    def told(self, before: str, action: Action, after: str) -> str:
        return f"{before} by {action.verb} to {after}"

    def shown(self, state: str) -> str:
        return state


def test_every_room_is_visited_once() -> None:
    found = explore(Maze({"in": [("a", "hall"), ("b", "hall"), ("c", "out")], "hall": [("d", "in"), ("e", "out")]}))
    assert (len(found.states), found.steps, found.ends) == (3, 5, 1)
    assert found.violations == {}


def test_the_way_to_a_bad_room_is_the_shortest() -> None:
    long_way = [("a", "1")], [("b", "2")], [("c", "cellar")]
    maze = Maze({"in": [*long_way[0], ("d", "2")], "1": long_way[1], "2": long_way[2]}, bad_rooms=["cellar"])
    assert explore(maze).counterexample("rooms") == [
        "  1. in by d to 2",
        "  2. 2 by c to cellar",
        "     now: cellar",
    ]


def test_a_bad_step_is_the_last_of_its_way() -> None:
    found = explore(Maze({"in": [("a", "hall")], "hall": [("b", "out")]}, bad_doors=["b"]), until=["doors"])
    assert found.counterexample("doors") == ["  1. in by a to hall", "  2. hall by b to out", "     now: out"]


def test_a_room_without_a_way_out_is_found() -> None:
    found = explore(Maze({"in": [("a", "out"), ("b", "well")], "well": [("c", "well")]}))
    assert found.counterexample(RECOVERABILITY)[0] == "  1. in by b to well"


def test_a_maze_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(Maze):
        def steps(self, state: str) -> Iterator[tuple[Action, str]]:
            yield Action("on"), state + "n"

    monkeypatch.setattr(search, "MOST_STATES", 100)
    with pytest.raises(OverflowError, match="more than 100 states"):
        explore(Endless({}))


def test_a_way_out_that_only_others_can_open_does_not_count() -> None:
    assert RECOVERABILITY in explore(Maze({"in": [("?a", "out")]})).violations
    assert RECOVERABILITY not in explore(Maze({"in": [("a", "out")]})).violations

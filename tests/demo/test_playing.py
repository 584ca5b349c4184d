"""A scenario that goes otherwise than told is a result with a reason: no exception, and no end of the demo."""

from typing import cast

from interlock.demo.catalogue import chosen
from interlock.demo.playing import play_all
from interlock.demo.scenario import Result, Scenario
from interlock.demo.world import World


class Seen:
    """A board that remembers."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []

    def begin(self, scenario: Scenario) -> None:
        self.begun.append(scenario.name)

    def end(self, result: Result) -> None:
        self.ended.append(result.scenario.name)


class NoWorld:
    """A world in which nothing can be done."""

    pace = 1.0

    def __getattr__(self, name: str) -> object:
        raise ConnectionError(f"there is no {name}")


async def test_scenarios_that_cannot_be_played_fail_with_a_reason_and_stop_no_other() -> None:
    board = Seen()
    scenarios = chosen(("story", "squatter", "withdrawn", "no-quorum"))
    results = await play_all(cast(World, NoWorld()), scenarios, board)
    assert [(result.scenario.name, result.ok) for result in results] == [
        (scenario.name, False) for scenario in scenarios
    ]
    assert all("ConnectionError: there is no" in result.reason for result in results)
    assert set(board.begun) == set(board.ended) == {scenario.name for scenario in scenarios}
    assert results[0].document() | {"settlement_id": ""} == {
        "name": "story",
        "settlement_id": "",
        "expected": "SETTLED, PAID, released",
        "outcome": None,
        "verdict": None,
        "lock": None,
        "ok": False,
    }

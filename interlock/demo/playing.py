"""Plays scenarios, each to its end, side by side where they may be; one that goes wrong stops no other."""

import asyncio
import time
from collections.abc import Sequence

from interlock.client.errors import InterlockError
from interlock.demo import judge
from interlock.demo.board import Board
from interlock.demo.scenario import Ending, Phase, Result, Scenario
from interlock.demo.trade import NotAsTold, Trade
from interlock.demo.world import World
from interlock.protocol import Outcome

SCENARIO_SECONDS = 90.0
"""How long a scenario may take, at pace 1, before it counts as failed: five times what the longest takes."""


async def play_all(world: World, scenarios: Sequence[Scenario], board: Board) -> list[Result]:
    """Every scenario's result, in the order given."""
    results: dict[str, Result] = {}

    async def in_turn(*phases: Phase) -> None:
        for scenario in scenarios:
            if scenario.phase in phases:
                results[scenario.name] = await _play(world, scenario, board)

    async def beside(scenario: Scenario) -> None:
        results[scenario.name] = await _play(world, scenario, board)

    await in_turn(Phase.FIRST)
    async with asyncio.TaskGroup() as group:
        for scenario in sorted(scenarios, key=lambda scenario: scenario.start.settle_within):
            if scenario.phase is Phase.TOGETHER:  # those that wait for settle_by first: they take longest
                group.create_task(beside(scenario))
        group.create_task(in_turn(Phase.IN_TURN))
    await in_turn(Phase.ALONE)
    return [results[scenario.name] for scenario in scenarios]


async def _play(world: World, scenario: Scenario, board: Board) -> Result:
    started = time.monotonic()
    trade = Trade(world, scenario.name, scenario.start)
    board.begin(scenario)
    wrong: list[str] = []
    try:
        async with asyncio.timeout(SCENARIO_SECONDS * world.pace):
            await trade.open()
            await scenario.play(trade)
            await trade.handle.outcome()
    except Exception as error:
        wrong.append(_in_words(error))
    seen = Ending(None)
    try:
        async with asyncio.timeout(SCENARIO_SECONDS / 3 * world.pace):
            seen = await judge.seen(trade, await _outcome(trade))
            wrong += await judge.objections(trade, scenario.ending, seen)
    except Exception as error:
        wrong.append(_in_words(error))
    result = Result(scenario, trade.settlement_id, seen, "; ".join(wrong), time.monotonic() - started)
    board.end(result)
    return result


async def _outcome(trade: Trade) -> Outcome | None:
    report = await trade.report()
    return report.outcome if report else None


def _in_words(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, NotAsTold | InterlockError):
        return str(error)
    if isinstance(error, TimeoutError):
        return "it did not end in time"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"

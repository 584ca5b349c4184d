"""What a trade of the chaos may be about, and how often. Plays one, and lets its failures through."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from tests.chaos import plots_agreeing, plots_attacking, plots_by_hand, plots_waiting
from tests.chaos.floor import Floor
from tests.chaos.trade import Trade

Plot: TypeAlias = Callable[[Trade], Awaitable[None]]

PLOTS: Mapping[Plot, int] = {
    plots_agreeing.ordinary: 36,
    plots_agreeing.sent_again: 5,
    plots_agreeing.withdrawn: 3,
    plots_agreeing.withdrawn_too_late: 2,
    plots_agreeing.never_matched: 4,
    plots_agreeing.differing: 4,
    plots_agreeing.both_of_two: 3,
    plots_waiting.cash_later: 4,
    plots_waiting.units_later: 2,
    plots_waiting.never_cash: 3,
    plots_waiting.frozen: 3,
    plots_waiting.frozen_for_good: 2,
    plots_waiting.expelled: 3,
    plots_waiting.suspended: 2,
    plots_waiting.suspended_and_terminated: 2,
    plots_waiting.cancelled_by_both: 5,
    plots_waiting.cancelled_by_one: 3,
    plots_waiting.voided_by_operators: 4,
    plots_attacking.rubbish: 3,
    plots_attacking.squatted: 3,
    plots_by_hand.without_workflow: 3,
    plots_by_hand.left_half_way: 3,
    plots_by_hand.beside_workflow: 3,
    plots_by_hand.both_of_two: 2,
    plots_by_hand.voided: 3,
}
"""What happens, and in how many of a hundred or so."""


def name_of(plot: Plot) -> str:
    """How a plot is called in reports."""
    by_hand = " by hand" if plot.__module__ == plots_by_hand.__name__ else ""
    return plot.__name__.replace("_", " ") + by_hand


async def play(floor: Floor, number: int) -> None:
    """Play the trade of that number to its end."""
    rng = floor.plan.stream(f"trade/{number}")
    plots = list(PLOTS)
    # the first ones go through all plots, so that a short run has one of each
    plot = plots[number - 1] if number <= len(plots) else rng.choices(plots, list(PLOTS.values()))[0]
    seller, buyer = rng.sample(floor.market.parties, 2)
    await plot(Trade(floor, number, name_of(plot), rng, seller, buyer))

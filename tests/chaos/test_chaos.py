"""The chaos in short: each kind of trade once or twice, each kind of fault a few times, and the whole judgement."""

from pathlib import Path

import pytest

from tests.chaos.plan import FAULT_EVERY_SECONDS, TWO_WORKERS, Plan
from tests.chaos.plots import PLOTS, name_of
from tests.chaos.run import chaos

SHORT = Plan(
    settlements=30,
    seconds=10.0,
    seed=20261123,
    at_once=30,
    parties=12,
    workers=TWO_WORKERS,
    fault_every={
        "worker killed": 2,
        "worker stalled": 4,
        "postgres killed": 4,
        "backend killed": 4,
        "temporal killed": 5,
        "attestor killed": 2.5,
        "attestor stalled": 2.5,
        "connections cut": 1.5,
        "run terminated": 1,
        "cancel requested": 1,
    },
    freeze_every=2.0,
    longest_stall=4.0,
    settle_within=(60.0, 70.0),
    waits=(0.2, 2.0),
    sweep_every=2.0,
)


@pytest.mark.timeout(600)
async def test_no_trade_is_lost_or_doubled_or_stuck_while_everything_is_killed(tmp_path: Path) -> None:
    results = await chaos(SHORT, tmp_path, quiet=True)
    told = "\n".join(results.lines())
    assert results.wrong == (), told
    assert results.settlements == SHORT.settlements
    assert results.plots.keys() == {name_of(plot) for plot in PLOTS}
    assert results.faults.keys() == FAULT_EVERY_SECONDS.keys(), told
    assert results.endings["settled"] > 0, told
    assert results.looks > 0
    assert all(results.verified.values()), told
    assert (results.traces.incomplete, results.traces.young) == (0, 0), told
    # open is what was proposed in a run that was terminated, and that nobody has taken up again
    assert results.traces.complete + results.traces.still_open == results.traces.settlements, told
    assert results.traces.complete >= results.endings["settled"], told

"""Paths of the sweep, and of steps taken here that are not here after all, that no test of tests/workflows takes."""

import asyncio
from datetime import timedelta

import pytest

from interlock.protocol.names import Role
from interlock.workflows import steps, sweep
from tests.workflows.service import Service


async def roles_that_have_left(together: Service) -> None:
    """The start says that all roles are here; one after the other is not."""
    for role in (Role.ASSET, Role.PAYMENT, Role.COORDINATOR):
        together.leave(role)
        trade = together.settlement()
        await trade.instruct()
        assert (await trade.end()).outcome == "SETTLED"


async def a_turn_that_takes_too_long(together: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger answers later than steps here may take: the turn is given up, and each step is asked for by itself."""
    monkeypatch.setattr(steps, "HERE_LIMIT", timedelta(seconds=0.3))
    monkeypatch.setattr(steps, "HERE_IN_ALL", timedelta(seconds=0.8))
    together.asset.hold("check")
    trade = together.settlement()
    await trade.instruct()
    await trade.until_blocked("unreachable")
    together.asset.let_go("check")
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.usefixtures("short_steps")
async def a_sweep_that_finds_the_payment_ledger_away(service: Service) -> None:
    """Locks are recovered, verdicts left to the next sweep."""
    trade = service.settlement()
    await service.world.locked(trade.terms)
    service.payment.is_cut = True
    assert (await service.sweep()).recovered == (trade.terms_hash,)
    service.payment.is_cut = False
    assert (await trade.end()).outcome == "SETTLED"


async def a_sweep_that_finds_nothing(service: Service) -> None:
    """No lock, no verdict."""
    assert (await service.sweep()).recovered == ()


async def a_sweep_in_pages_all_of_which_are_recovered(service: Service) -> None:
    """Each page of open locks had one that nobody was at, so the next one is read too."""
    trades = [service.settlement() for _ in range(3)]
    for trade in trades:
        await service.world.locked(trade.terms)
    assert len((await service.sweep(batch=1)).recovered) == len(trades)
    for trade in trades:
        assert (await trade.end()).outcome == "SETTLED"


async def a_sweep_that_reads_as_many_pages_as_it_may(service: Service) -> None:
    """More locks and verdicts than one sweep reads, one to a page: it stops, and says where the next one goes on."""
    trades = [service.settlement(delivery={"quantity": 1}, payment={"quantity": 1}) for _ in range(sweep.PAGES + 1)]
    for trade in trades:
        await service.world.paid(trade.terms)
    result = await service.sweep(batch=1)
    assert (len(result.recovered), result.locks_after > 0) == (sweep.PAGES, True)
    for trade in trades[: sweep.PAGES]:
        assert (await trade.end()).outcome == "SETTLED"
    await trades[-1].instruct()
    assert (await trades[-1].end()).outcome == "SETTLED"


async def a_sweep_whose_lock_ends_meanwhile(service: Service) -> None:
    """What was open when it was seen is settled when it is looked at."""
    trade = service.settlement()
    await service.world.locked(trade.terms)
    service.asset.hold("lock_of")
    sweeping = asyncio.create_task(service.sweep())
    await service.asset.until_holding("lock_of")
    await service.world.settled(trade.terms)
    service.asset.let_go("lock_of")
    assert (await sweeping).recovered == ()

"""A run whose history has grown long goes on in a new one, and nothing is forgotten. On a server of its own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client

from interlock.protocol.names import WAITING_FOR
from interlock.protocol.summary import summary_of
from interlock.workflows import waiting
from tests.attestors.quorum import Quorum
from tests.workflows.conftest import client_of_a_server
from tests.workflows.service import Service, Settlement, running_service, until
from tests.workflows.test_inspected import attributes, current_details, settle
from tests.world import BUYER, CASH, SELLER

EVENTS_UNTIL_SUGGESTED = 60


@pytest.fixture(scope="module")
async def impatient_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """A server that suggests a new run after some sixty events."""
    folder = tmp_path_factory.mktemp("impatient")
    config = {"limit.historyCount.suggestContinueAsNew": EVENTS_UNTIL_SUGGESTED}
    async with client_of_a_server(folder, config) as client:
        yield client


@pytest.fixture
async def service(
    impatient_server: Client, attestors: Quorum, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """A service there, whose settlements ask again quickly."""
    monkeypatch.setattr(waiting, "ANNOUNCED_WAIT", timedelta(seconds=0.05))
    async with running_service(impatient_server, attestors) as running:
        yield running


async def has_gone_on(trade: Settlement, first_run: str) -> bool:
    """Whether another run than the first is at it."""
    return (await trade.handle.describe()).run_id != first_run


async def test_a_long_wait_goes_on_in_a_new_run_that_knows_everything(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct(SELLER)
    first_run = str((await trade.handle.describe()).run_id)
    await trade.instruct(BUYER)
    await trade.cancel(BUYER)
    await until(lambda: has_gone_on(trade, first_run))
    report = await trade.until_blocked("insufficient_balance")
    assert (report.stage, report.lock) == ("ATTESTED", "locked")
    told = [event.text for event in await trade.events()]
    assert told[0].startswith("seller")
    assert told[1].startswith("buyer")
    assert any("consents to cancel" in text for text in told)
    assert "both parties have signed the same terms" in told
    await trade.cancel(SELLER)  # the buyer's consent still stands
    assert (await trade.end()).outcome == "CANCELLED"
    assert service.asset.asked["lock"] == 1


async def test_what_is_shown_goes_on_in_the_new_run_and_what_is_over_is_taken_back(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await settle(service, trade)
    first_run = str((await trade.handle.describe()).run_id)
    await until(lambda: has_gone_on(trade, first_run))
    assert (await attributes(trade))[WAITING_FOR] == "insufficient_balance"
    shown = await current_details(trade)
    assert shown.startswith(f"### {summary_of(trade.terms)}")  # the client's own line stays with the first run
    assert "**Waits because**" in shown
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    await trade.end()
    assert WAITING_FOR not in await attributes(trade)


async def test_many_repeated_instructions_go_on_in_a_new_run_that_knows_the_proposals(service: Service) -> None:
    trade = service.settlement()
    other = trade.variant(payment={"quantity": CASH + 1})
    await other.instruct(SELLER)
    await trade.instruct(SELLER)
    first_run = str((await trade.handle.describe()).run_id)

    async def gone_on_after_another() -> bool:
        await trade.instruct(SELLER)
        return await has_gone_on(trade, first_run)

    await until(gone_on_after_another)
    assert (await trade.report()).terms_hash == other.terms_hash  # the oldest proposal
    assert (await trade.instruct(BUYER)).matched
    assert (await trade.end()).outcome == "SETTLED"


async def test_an_order_to_void_is_carried_out_before_the_run_goes_on(service: Service) -> None:
    """The order's sender waits for the next step: a run that waited for the sender first would keep both waiting."""
    trade = service.settlement(payment={"quantity": 11 * CASH})
    service.payment.hold("pay")
    await trade.instruct()
    await service.payment.until_holding("pay")
    for _ in range(EVENTS_UNTIL_SUGGESTED // 5):
        await trade.cancel(BUYER)
    order = asyncio.create_task(trade.order("void"))
    await until(lambda: heard(trade, "operators order to void"))
    service.payment.let_go("pay")
    async with asyncio.timeout(10):  # the order's own patience is longer than this
        assert (await order).verdict == "VOIDED"
    assert (await trade.end()).outcome == "CANCELLED"


async def heard(trade: Settlement, word: str) -> bool:
    """Whether the run has recorded an event that begins so."""
    return any(event.text.startswith(word) for event in await trade.events())

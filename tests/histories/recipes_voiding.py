"""Paths to a void that no test of tests/workflows takes: given up early, decided by others, orders that go wrong."""

import asyncio
from datetime import timedelta

import pytest

from interlock.protocol import Refusal, RefusalCode
from interlock.workflows import conversation
from tests.histories.recipes import cash_comes, short_of_cash, told
from tests.workflows.service import Service, refusal_of
from tests.world import ATTEMPT, BUYER, CASH, SELLER, UNITS, in_seconds, receipt


@pytest.mark.anywhere
async def both_consent_before_the_match(service: Service) -> None:
    """Voided with nothing locked: a tombstone."""
    trade = service.settlement()
    await trade.instruct(SELLER)
    await trade.cancel(SELLER)
    await trade.cancel(BUYER)
    await trade.instruct(BUYER)
    assert (await trade.end()).outcome == "CANCELLED"


@pytest.mark.anywhere
async def both_consent_before_the_lock(service: Service) -> None:
    """The seller is short of units, and both give it up."""
    trade = service.settlement(delivery={"quantity": 11 * UNITS})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    await trade.cancel(SELLER)
    await trade.cancel(BUYER)
    assert (await trade.end()).outcome == "CANCELLED"


@pytest.mark.anywhere
async def both_consent_before_the_attestation(service: Service) -> None:
    """The units are in escrow, and no quorum certifies it."""
    service.quorum.asset.broken = True
    trade = service.settlement()
    await trade.instruct()
    await trade.until_blocked("no_quorum")
    await trade.cancel(SELLER)
    await trade.cancel(BUYER)
    assert (await trade.end()).outcome == "CANCELLED"


async def operators_void_before_the_lock(service: Service) -> None:
    """Two operators end what waits for the seller's units."""
    trade = service.settlement(delivery={"quantity": 11 * UNITS})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    assert (await trade.order("void")).verdict == "VOIDED"
    assert (await trade.end()).outcome == "CANCELLED"


@pytest.mark.anywhere
async def voided_by_others_while_it_waits_for_cash(service: Service) -> None:
    """The payment is refused: already voided. The verdict is read, and served."""
    trade = await short_of_cash(service)
    receipt(
        await service.world.payment.void(
            service.world.signed(trade.terms), service.world.by_operators(trade.terms), ATTEMPT
        )
    )
    await trade.look_again()
    assert (await trade.end()).outcome == "CANCELLED"


async def closed_by_others_before_its_lock(service: Service) -> None:
    """Voided and refunded by others while the lock was on its way: the ledger says that the terms are closed."""
    trade = service.settlement()
    service.asset.hold("lock")
    await trade.instruct()
    await service.asset.until_holding("lock")
    certificate = await service.world.voided(trade.terms)
    receipt(await service.world.asset.refund(trade.terms, certificate, ATTEMPT))
    service.asset.let_go("lock")
    assert (await trade.end()).outcome == "CANCELLED"


async def paid_by_others_before_its_void(service: Service) -> None:
    """The void is refused: already paid. The verdict is read, and served."""
    trade = await short_of_cash(service)
    service.payment.hold("void")
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    await service.payment.until_holding("void")
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    await service.world.paid(trade.terms)
    service.payment.let_go("void")
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.usefixtures("short_steps")
@pytest.mark.anywhere
async def a_verdict_of_others_that_cannot_be_read_yet(service: Service) -> None:
    """It is known that there is a verdict and not which: waited for, then read."""
    trade = await short_of_cash(service)
    receipt(
        await service.world.payment.void(
            service.world.signed(trade.terms), service.world.by_operators(trade.terms), ATTEMPT
        )
    )
    service.payment.loses["verdict_of"] = 4
    await trade.look_again()
    assert (await trade.end()).outcome == "CANCELLED"


@pytest.mark.usefixtures("short_steps")
@pytest.mark.anywhere
async def voided_and_the_verdict_cannot_be_read_yet(service: Service) -> None:
    """Voided, and what decided cannot be read: it voids again, which is answered as before, and reads."""
    trade = await short_of_cash(service)
    service.payment.loses["verdict_of"] = 4
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    assert (await trade.end()).outcome == "CANCELLED"


@pytest.mark.usefixtures("short_steps")
async def an_order_to_void_that_is_not_answered_in_time(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded, a second one sent away meanwhile, and carried out once the ledger is there again."""
    monkeypatch.setattr(conversation, "ORDER_ANSWER_WITHIN", timedelta(seconds=0.5))
    trade = await short_of_cash(service)
    service.payment.is_cut = True
    assert (await trade.order("void")).verdict is None
    assert await refusal_of(trade.order("void", valid_until=in_seconds(900))) == "order_pending"
    service.payment.is_cut = False
    assert (await trade.end()).outcome == "CANCELLED"


async def an_order_to_void_that_has_expired_at_the_ledger(service: Service) -> None:
    """The engine's clock lets it pass, the ledger's does not; the settlement goes on without it."""
    trade = await short_of_cash(service)
    service.payment_clock.ahead = timedelta(seconds=60)
    assert await refusal_of(trade.order("void", valid_until=in_seconds(30))) == "authority_expired"
    await cash_comes(service, trade)
    assert (await trade.end()).outcome == "SETTLED"


async def consents_of_strangers_hands_at_the_ledger(service: Service) -> None:
    """The payment ledger does not accept the consents at all: both are forgotten, and it goes on."""
    trade = await short_of_cash(service)
    service.payment.instead["void"] = [Refusal(code=RefusalCode.AUTHORITY_INVALID, text="not the parties' consent")]
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    await told(trade, "not voided")
    await cash_comes(service, trade)
    assert (await trade.end()).outcome == "SETTLED"


async def settle_by_passes_at_the_payment(service: Service) -> None:
    """The payment ledger's clock is ahead: it refuses to pay as too late, and the settlement voids."""
    trade = await short_of_cash(service)
    service.payment_clock.ahead = timedelta(hours=2)
    await trade.look_again()
    assert (await trade.end()).outcome == "EXPIRED"

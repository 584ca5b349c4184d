"""How the paths come about that no test of tests/workflows takes: races with others, evidence gone stale, a role away.

What a test there already brings about is recorded from it; see the catalogue.
"""

import asyncio
from typing import Any

import pytest

from interlock.protocol import Refusal, RefusalCode
from interlock.protocol.instructions import RunStart, SettlementStart
from interlock.protocol.names import SETTLEMENT_WORKFLOW, Role
from tests.workflows.service import Service, Settlement, refusal_of, until
from tests.workflows.test_after_paid import suspended
from tests.world import BUYER, CASH, NETWORK, OPERATORS, SELLER, STRANGER, UNITS

STALE = Refusal(code=RefusalCode.CERTIFICATE_INVALID, text="only certificates of a later attestor set count")
"""What a ledger says once a successor of the attestor set is registered there."""


async def short_of_cash(service: Service, **fields: Any) -> Settlement:
    """A settlement that has its lock attested, and waits for the buyer's cash."""
    trade = service.settlement(payment={"quantity": 11 * CASH}, **fields)
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    return trade


async def cash_comes(service: Service, trade: Settlement) -> None:
    """The buyer is funded, and its bank's worker says so."""
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    await trade.look_again()


async def told(trade: Settlement, words: str) -> Settlement:
    """Until an event of the settlement begins with these words."""

    async def has_told() -> bool:
        return any(event.text.startswith(words) for event in await trade.events())

    await until(has_told)
    return trade


@pytest.mark.anywhere
async def stale_evidence_at_the_payment(service: Service) -> None:
    """The lock's certificate counts no more: it is attested anew."""
    service.payment.instead["pay"] = [STALE]
    trade = service.settlement()
    await trade.instruct()
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.anywhere
async def stale_evidence_at_the_release(service: Service) -> None:
    """The payment's certificate counts no more: it is attested anew."""
    service.asset.instead["release"] = [STALE]
    trade = service.settlement()
    await trade.instruct()
    assert (await trade.end()).outcome == "SETTLED"


async def stale_evidence_at_a_redirected_release(service: Service) -> None:
    """The redirection is not to blame, and stands."""
    trade = await suspended(service)
    await service.world.open(service.world.asset, "northbank-2", BUYER)
    service.asset.instead["release"] = [STALE, STALE]
    await trade.redirect("northbank-2")
    assert (await trade.end()).outcome == "SETTLED"


async def stale_evidence_at_the_refund(service: Service) -> None:
    """The void's certificate counts no more: it is attested anew."""
    trade = await short_of_cash(service)
    service.asset.instead["refund"] = [STALE]
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    assert (await trade.end()).outcome == "CANCELLED"


@pytest.mark.usefixtures("short_steps")
@pytest.mark.anywhere
async def the_lock_the_release_and_their_ledger_out_of_reach(service: Service) -> None:
    """The asset ledger goes away before the lock, and before the release."""
    trade = service.settlement()
    service.asset.loses["lock"], service.asset.loses["release"] = 4, 4
    await trade.instruct()
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.usefixtures("short_steps")
async def the_payment_unanswered_after_a_fault(service: Service) -> None:
    """One attempt meets a fault, the next one no answer at all until time is up: the fault is what is told."""
    trade = await short_of_cash(service)
    service.payment.loses["pay"] = 1
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    lost = service.payment.loses["pay"]
    await trade.look_again()

    async def met() -> bool:
        return service.payment.loses["pay"] < lost

    await until(met)
    service.payment.hold("pay")
    await trade.until_blocked("unreachable")
    service.payment.let_go("pay")
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.usefixtures("short_steps")
async def the_void_and_the_refund_out_of_reach(service: Service) -> None:
    """The ledgers go away before the void, and before the refund."""
    trade = await short_of_cash(service)
    service.payment.loses["void"], service.asset.loses["refund"] = 4, 4
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    assert (await trade.end()).outcome == "CANCELLED"


@pytest.mark.usefixtures("short_steps")
async def no_coordinator(service: Service) -> None:
    """Nobody serves the coordinator's queue for a while."""
    trade = await short_of_cash(service)
    await service.stop(Role.COORDINATOR)
    await cash_comes(service, trade)
    await trade.until_blocked("unreachable")
    async with service.quorum.collector(timeout_seconds=1.5, grace_seconds=0.1) as collector:
        from interlock.activities.coordinator import CoordinatorActivities  # noqa: PLC0415

        await service.serve(Role.COORDINATOR, CoordinatorActivities(collector).steps)
        assert (await trade.end()).outcome == "SETTLED"


async def no_quorum_for_the_payment(service: Service) -> None:
    """It is paid, and no quorum certifies it for a while."""
    trade = await short_of_cash(service)
    service.quorum.payment.broken = True
    await cash_comes(service, trade)
    await trade.until_blocked("no_quorum")
    service.quorum.payment.broken = False
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.anywhere
async def operators_resume_before_the_lock_and_before_the_payment(service: Service) -> None:
    """The ledger that is waited for journals the order: the asset ledger, then the payment ledger."""
    trade = service.settlement(delivery={"quantity": 11 * UNITS}, payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    await service.world.mint(service.world.asset, "alpine", "OUSG", UNITS)
    await trade.order("resume")
    await trade.until(lambda report: report.stage == "ATTESTED" and report.blocker)
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    await trade.order("resume")
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.usefixtures("short_steps")
@pytest.mark.anywhere
async def an_order_to_resume_that_is_refused_and_one_that_finds_nobody(service: Service) -> None:
    """Strangers' order, then the operators' while the ledger is away."""
    trade = await short_of_cash(service)
    assert await refusal_of(trade.order("resume", by=(STRANGER, OPERATORS[0]))) == "authority_invalid"
    service.payment.is_cut = True
    assert await refusal_of(trade.order("resume")) == "unreachable"
    service.payment.is_cut = False
    await cash_comes(service, trade)
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.anywhere
async def a_frozen_seller(service: Service) -> None:
    """The deliverer's account is frozen before the lock, and thawed."""
    await service.world.act(service.world.asset, "freeze", "alpine")
    trade = service.settlement()
    await trade.instruct()
    await trade.until_blocked("account_frozen")
    await service.world.act(service.world.asset, "unfreeze", "alpine")
    await trade.look_again()
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.anywhere
async def withdrawn_when_the_ledgers_have_been_asked(service: Service) -> None:
    """Withdrawn long after it was proposed."""
    trade = service.settlement()
    await trade.instruct(SELLER)

    async def asked() -> bool:
        return service.payment.asked["verdict_of"] > 0

    await until(asked)
    await trade.withdraw(SELLER)
    assert (await trade.end()).outcome == "CANCELLED"


@pytest.mark.usefixtures("short_steps")
async def the_payment_ledger_away_before_the_match(service: Service) -> None:
    """The asset ledger answers, the payment ledger does not; the buyer signs meanwhile."""
    trade = service.settlement()
    service.payment.is_cut = True
    await trade.instruct(SELLER)
    await trade.until_blocked("unreachable")
    await trade.instruct(BUYER)
    service.payment.is_cut = False
    assert (await trade.end()).outcome == "SETTLED"


async def started_by_an_older_client(service: Service) -> None:
    """A start that says no more than which settlement it is."""
    trade = service.settlement()
    about = SettlementStart.of(trade.terms, NETWORK)
    await service.client.start_workflow(
        SETTLEMENT_WORKFLOW, about, id=trade.name, task_queue=Role.SETTLEMENT.task_queue
    )
    await trade.instruct()
    assert (await trade.end()).outcome == "SETTLED"


async def started_beside_another(service: Service) -> None:
    """The start names terms, and another party's word comes with it."""
    trade = service.settlement()
    about, signed = SettlementStart.of(trade.terms, NETWORK), service.world.signed(trade.terms, SELLER)
    await service.client.start_workflow(
        SETTLEMENT_WORKFLOW,
        RunStart.saying(about, proposed=signed),
        id=trade.name,
        task_queue=Role.SETTLEMENT.task_queue,
    )
    await trade.instruct(BUYER)
    assert (await trade.end()).outcome == "SETTLED"


async def the_worker_is_replaced_while_it_waits(service: Service) -> None:
    """Drained and stopped; another one takes the run over from its history."""
    trade = await short_of_cash(service)
    await service.stop(Role.SETTLEMENT)
    await service.start_settling()
    await cash_comes(service, trade)
    assert (await trade.end()).outcome == "SETTLED"

"""How the paths come about that no test of tests/workflows takes: races with others, evidence gone stale, a role away.

What a test there already brings about is recorded from it; see the catalogue.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from interlock.protocol import Refusal, RefusalCode
from interlock.protocol.instructions import RunStart, SettlementStart
from interlock.protocol.names import SETTLEMENT_WORKFLOW, Role
from interlock.workflows import conversation, steps, sweep
from tests.workflows.service import Service, Settlement, refusal_of, until
from tests.workflows.test_after_paid import suspended
from tests.world import ATTEMPT, BUYER, CASH, NETWORK, OPERATORS, SELLER, STRANGER, UNITS, in_seconds, receipt

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
async def a_lock_that_has_ended_and_a_verdict_that_cannot_be_read_yet(service: Service) -> None:
    """Others settle it while it is checked: the payment ledger has answered that nothing stands, the asset ledger then
    shows a lock that has ended, and the verdict cannot be read at first."""
    trade = service.settlement()
    service.asset.hold("check")
    await trade.instruct()
    await service.asset.until_holding("check")

    async def payment_has_answered() -> bool:
        return service.payment.asked["check"] > 0

    await until(payment_has_answered)
    await service.world.settled(trade.terms)
    service.payment.loses["verdict_of"] = 4
    service.asset.let_go("check")
    assert (await trade.end()).outcome == "SETTLED"


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


async def the_worker_is_replaced_while_it_waits(service: Service) -> None:
    """Drained and stopped; another one takes the run over from its history."""
    trade = await short_of_cash(service)
    await service.stop(Role.SETTLEMENT)
    await service.start_settling()
    await cash_comes(service, trade)
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

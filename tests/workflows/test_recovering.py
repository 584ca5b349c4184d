"""Every run begins with what the ledgers say, so that any settlement can be finished from them alone.

Hazards 3, 4 and 21: what stands is only ever taken forward, and nobody closes over units in escrow.
"""

import asyncio
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from interlock.activities.recovery import RecoveryActivities
from interlock.protocol import SignedTerms
from interlock.protocol.instructions import Sighting
from interlock.protocol.names import Role
from interlock.protocol.steps import Sightings
from interlock.workflows import steps
from tests.workflows.service import Service, Settlement, refusal_of, until
from tests.world import ATTEMPT, BUYER, CASH, NETWORK, SELLER, in_seconds, receipt


async def terminated_after_the_lock(service: Service) -> Settlement:
    """A settlement short of cash whose workflow is gone while its units are in escrow."""
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    await trade.terminate()
    assert await trade.rows() == ("locked", None)
    return trade


async def instructed_again_before_its_lock_lands(service: Service) -> Settlement:
    """Its first run is gone with its lock still on the way to the ledger; the seller has begun a second one."""
    trade = service.settlement()
    service.asset.hold("lock")
    await trade.instruct()
    await service.asset.until_holding("lock")
    await trade.terminate()
    await trade.instruct(SELLER)
    return trade


@pytest.mark.anywhere
async def test_one_party_alone_takes_a_terminated_settlement_on_to_its_end(service: Service) -> None:
    trade = await terminated_after_the_lock(service)
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    await trade.instruct(SELLER)
    assert (await trade.end()).outcome == "SETTLED"


async def test_hazard_21_nobody_withdraws_what_a_ledger_has_a_row_of(service: Service) -> None:
    """Withdrawn while the ledgers are being asked, the run goes on from the row."""
    trade = await terminated_after_the_lock(service)
    service.asset.hold("lock_of")
    await trade.instruct(SELLER)
    await service.asset.until_holding("lock_of")
    await trade.withdraw(SELLER)
    service.asset.let_go("lock_of")
    assert (await trade.until_blocked("insufficient_balance")).lock == "locked"
    assert await refusal_of(trade.withdraw(SELLER)) == "already_matched"
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    report = await trade.end()
    assert (report.outcome, report.verdict, report.lock) == ("CANCELLED", "VOIDED", "refunded")


@pytest.mark.anywhere
async def test_hazard_21_what_stands_locked_past_settle_by_is_voided_and_refunded_not_just_expired(
    service: Service,
) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH}, settle_by=in_seconds(4))
    service.asset_clock.ahead = timedelta(hours=-1)  # so that it is locked in time, however slow this machine is
    await service.world.locked(trade.terms)
    await trade.instruct(BUYER)
    report = await trade.end()
    assert (report.outcome, report.verdict, report.lock) == ("EXPIRED", "VOIDED", "refunded")


async def test_hazard_21_a_lock_that_lands_after_its_run_is_gone_is_found_and_settled(service: Service) -> None:
    """The second run ends before the first one's lock lands; the sweeper finds it."""
    trade = await instructed_again_before_its_lock_lands(service)
    await trade.withdraw(SELLER)
    assert (await trade.end()).outcome == "CANCELLED"
    service.asset.let_go("lock")
    recovered: tuple[str, ...] = ()
    async with asyncio.timeout(60):
        while not recovered:
            recovered = (await service.sweep()).recovered
    assert recovered == (trade.terms_hash,)
    assert (await trade.end()).outcome == "SETTLED"


@pytest.mark.anywhere
async def test_a_void_that_stands_when_a_run_starts_is_only_served(service: Service) -> None:
    trade = service.settlement()
    await service.world.voided(trade.terms)
    await trade.instruct()
    assert (await trade.end()).outcome == "CANCELLED"
    assert (service.asset.asked["lock"], service.payment.asked["pay"]) == (0, 0)


@pytest.mark.anywhere
async def test_hazard_03_04_a_payment_that_stands_when_a_run_starts_is_only_served(service: Service) -> None:
    trade = service.settlement(settle_by=in_seconds(4))
    await service.world.paid(trade.terms)
    await trade.instruct(BUYER)  # and settle_by may pass meanwhile: it is paid
    assert (await trade.end()).outcome == "SETTLED"
    assert (service.payment.asked["void"], service.asset.asked["refund"]) == (0, 0)


@pytest.mark.anywhere
async def test_hazard_16_what_was_finished_without_a_workflow_is_reported_as_it_ended(service: Service) -> None:
    trade = service.settlement()
    await service.world.settled(trade.terms)
    await trade.instruct()
    assert (await trade.end()).outcome == "SETTLED"
    assert service.asset.asked["release"] == 0


async def test_hazard_15_a_lock_that_has_ended_waits_for_the_verdict_to_be_readable(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settled by others while it is checked: the payment ledger has answered that nothing stands, the asset ledger then
    shows a lock that has ended, and the verdict cannot be read. Nothing is locked, paid or voided on that."""
    trade = service.settlement()
    service.asset.hold("check")
    await trade.instruct()
    await service.asset.until_holding("check")

    async def payment_has_answered() -> bool:
        return await trade.counted(EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED) == 1

    await until(payment_has_answered)
    await service.world.settled(trade.terms)
    service.payment.is_cut = True
    monkeypatch.setattr(steps, "STEP_LIMIT", timedelta(seconds=0.3))  # from now on: the check is waited for
    service.asset.let_go("check")
    report = await trade.until_blocked("unreachable")
    assert (report.stage, report.lock, report.verdict) == ("MATCHED", None, None)
    service.payment.is_cut = False
    assert (await trade.end()).outcome == "SETTLED"
    assert [service.asset.asked["lock"], service.payment.asked["pay"], service.payment.asked["void"]] == [0, 0, 0]


async def test_hazard_16_what_others_settle_before_the_payment_ledger_is_asked_is_taken_as_it_stands(
    service: Service,
) -> None:
    """The check of the payment ledger is held back until it shows the verdict; the asset ledger may have none yet."""
    trade = service.settlement()
    service.payment.hold("check")
    await trade.instruct()
    await service.payment.until_holding("check")
    await service.world.settled(trade.terms)
    service.payment.let_go("check")
    assert (await trade.end()).outcome == "SETTLED"
    assert service.payment.asked["void"] == 0


@pytest.mark.anywhere
async def test_the_sweep_recovers_open_locks_and_unserved_verdicts_and_nothing_twice(service: Service) -> None:
    locked, paid, voided, done = (service.settlement() for _ in range(4))
    world = service.world
    await world.locked(locked.terms)
    await world.paid(paid.terms)
    receipt(await world.payment.void(world.signed(voided.terms), world.consent(voided.terms), ATTEMPT))
    await world.settled(done.terms)
    result = await service.sweep()
    assert set(result.recovered) == {locked.terms_hash, paid.terms_hash, voided.terms_hash}
    assert (await locked.end()).outcome == "SETTLED"
    assert (await paid.end()).outcome == "SETTLED"
    assert (await voided.end()).outcome == "CANCELLED"
    assert (await service.sweep()).recovered == ()
    assert await done.status() is None


async def test_sweeps_look_at_every_open_lock_in_turn_however_many_wait_before_it(service: Service) -> None:
    waiting = [service.settlement(payment={"quantity": 11 * CASH}) for _ in range(2)]
    for trade in waiting:
        await trade.instruct()
        await trade.until_blocked("insufficient_balance")
    orphan = service.settlement()
    await service.world.locked(orphan.terms)
    first = await service.sweep(batch=1)
    assert first.recovered == ()
    assert first.locks_after > 0
    async with service.sweeping(batch=1):
        await until(orphan.status)
        assert (await orphan.end()).outcome == "SETTLED"
    for trade in waiting:
        await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
        await trade.end()


async def test_the_sweep_leaves_what_has_a_workflow(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    run = (await trade.handle.describe()).run_id
    assert (await service.sweep()).recovered == ()
    assert (await trade.handle.describe()).run_id == run
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    await trade.end()


async def test_the_sweep_recovers_what_a_terminated_run_left_whatever_became_of_its_id(service: Service) -> None:
    trade = await terminated_after_the_lock(service)
    assert (await service.sweep()).recovered == (trade.terms_hash,)
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    await trade.look_again()
    assert (await trade.end()).outcome == "SETTLED"


async def test_a_recovering_run_knows_its_terms_though_its_instruction_was_lost(service: Service) -> None:
    trade = service.settlement()
    await service.world.locked(trade.terms)
    await trade.start()
    assert (await trade.report()).terms_hash == trade.terms_hash
    assert (await trade.end()).outcome == "SETTLED"


async def test_a_recovering_run_takes_nothing_up_that_a_party_could_not_have_said(service: Service) -> None:
    """Whoever may start runs cannot have one settle terms that were not signed, or that are another settlement's."""
    trade, other = service.settlement(), service.settlement()
    forged = service.world.signed(trade.terms).signatures
    await trade.start(service.world.signed(other.terms))
    await other.start(SignedTerms(terms=other.terms, network=NETWORK, signatures=forged))
    for each in (trade, other):
        with pytest.raises(WorkflowQueryFailedError, match="nobody has proposed terms"):
            await each.report()
        await each.instruct()
        assert (await each.end()).outcome == "SETTLED"


async def test_what_temporal_does_not_answer_is_a_quiet_fault_of_the_sweepers_step(service: Service) -> None:
    """Here the server refuses to describe a run that has no name; a server that is away is the same to the step."""
    seen = Sighting(terms_hash="0x" + "11" * 32, workflow_id="", position=1, at=in_seconds(0))
    with pytest.raises(ApplicationError, match="Temporal cannot be asked") as caught:
        await ActivityEnvironment().run(RecoveryActivities(service.client).unattended, Sightings(sightings=(seen,)))
    assert caught.value.category is ApplicationErrorCategory.BENIGN


@pytest.mark.anywhere
async def test_the_sweep_recovers_beside_a_run_that_is_busy_with_other_terms(service: Service) -> None:
    trade = service.settlement()
    busy = trade.variant(payment={"quantity": CASH + 1})
    await busy.instruct(SELLER)
    await busy.until(lambda report: report.stage == "PROPOSED")
    await service.world.locked(trade.terms)
    assert (await service.sweep()).recovered == (trade.terms_hash,)
    beside = service.recovered(trade)
    assert (await beside.end()).outcome == "SETTLED"
    assert await busy.status() is WorkflowExecutionStatus.RUNNING
    await busy.withdraw(SELLER)
    assert (await busy.handle.result()).outcome == "CANCELLED"


async def test_hazard_16_a_recovered_run_may_follow_one_that_has_completed(service: Service) -> None:
    """Restored from a backup, or finished under another id: the sweeper's start is not refused for that."""
    trade = service.settlement()
    await trade.instruct()
    await trade.end()
    await trade.instruct(reuse=WorkflowIDReusePolicy.ALLOW_DUPLICATE)
    assert (await trade.end()).outcome == "SETTLED"
    assert service.payment.asked["pay"] == 1


@pytest.mark.usefixtures("short_steps")
async def test_a_sweep_without_ledger_workers_is_harmless(service: Service) -> None:
    trade = await terminated_after_the_lock(service)
    await asyncio.gather(service.stop(Role.ASSET), service.stop(Role.PAYMENT))
    assert (await service.sweep()).recovered == ()
    assert await trade.status() is WorkflowExecutionStatus.TERMINATED


@pytest.mark.usefixtures("short_steps")
async def test_a_sweep_that_cannot_ask_which_verdicts_are_served_recovers_none_and_reads_them_again(
    service: Service,
) -> None:
    done = service.settlement()
    await service.world.settled(done.terms)
    service.asset.is_cut = True
    result = await service.sweep()
    assert (result.recovered, result.position) == ((), 0)
    assert await done.status() is None
    service.asset.is_cut = False
    assert (await service.sweep()).position > 0


async def test_hazard_21_the_sweep_tells_a_run_that_waits_for_the_other_party_of_a_lock_that_landed_since(
    service: Service,
) -> None:
    """The first run's lock lands after the second run has asked the ledgers and found nothing."""
    trade = await instructed_again_before_its_lock_lands(service)
    await until(lambda: knows_that_nothing_stands(service))
    service.asset.let_go("lock")
    async with asyncio.timeout(60):
        while not (await service.sweep()).recovered:
            assert (await trade.report()).stage == "PROPOSED"
    assert (await trade.end()).outcome == "SETTLED"


async def test_hazard_21_nothing_ends_unmatched_on_what_the_ledgers_said_a_while_ago(service: Service) -> None:
    """The first run's lock lands after the second run has asked, and before its only party withdraws."""
    trade = await instructed_again_before_its_lock_lands(service)
    await until(lambda: knows_that_nothing_stands(service))
    service.asset.let_go("lock")

    async def landed() -> bool:
        return await trade.rows() == ("locked", None)

    await until(landed)
    await trade.withdraw(SELLER)
    assert (await trade.end()).outcome == "SETTLED"


async def knows_that_nothing_stands(service: Service) -> bool:
    """Whether both ledgers have been asked for rows."""
    return service.payment.asked["verdict_of"] > 0

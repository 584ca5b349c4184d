"""Both parties' way to the match: together, one after the other, with other terms at first; or never."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from interlock.protocol import Signature, SignedTerms
from interlock.protocol.instructions import Difference, SettlementStart
from interlock.protocol.names import INSTRUCT, SETTLEMENT_WORKFLOW, Role
from interlock.workflows import matching
from tests.workflows.service import Service, Settlement, refusal_of, until
from tests.world import BUYER, CASH, NETWORK, SELLER, STRANGER, UNITS, in_seconds

ORDER_OF_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


async def test_both_at_once_settles(service: Service) -> None:
    trade = service.settlement()
    assert (await trade.instruct()).matched
    assert (await trade.end()).outcome == "SETTLED"


async def test_seller_first_and_buyer_later_settles(service: Service) -> None:
    trade = service.settlement()
    assert not (await trade.instruct(SELLER)).matched
    assert (await trade.report()).allowed == ("instruct", "withdraw")
    assert (await trade.instruct(BUYER)).matched
    assert (await trade.end()).outcome == "SETTLED"


async def test_buyer_with_other_terms_is_told_which_fields_differ_and_then_matches(service: Service) -> None:
    trade = service.settlement()
    await trade.instruct(SELLER)
    cheaper = trade.variant(payment={"quantity": CASH - 1}, delivery={"quantity": UNITS + 1})
    answer = await cheaper.instruct(BUYER)
    assert not answer.matched
    assert answer.differences == (
        Difference(field="delivery.quantity", yours=str(UNITS + 1), theirs=str(UNITS)),
        Difference(field="payment.quantity", yours=str(CASH - 1), theirs=str(CASH)),
    )
    assert (await trade.instruct(BUYER)).matched
    report = await trade.end()
    assert (report.outcome, report.terms_hash) == ("SETTLED", trade.terms_hash)


async def test_a_party_holds_at_most_four_proposals_and_cannot_crowd_out_the_other(service: Service) -> None:
    trade = service.settlement()
    for number in range(4):
        await trade.variant(payment={"quantity": CASH + number}).instruct(SELLER)
    fifth = trade.variant(payment={"quantity": CASH + 4})
    assert await refusal_of(fifth.instruct(SELLER)) == "too_many_proposals"
    assert await trade.counted(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED) == 4
    assert not (await fifth.instruct(BUYER)).matched
    assert (await trade.instruct(BUYER)).matched
    assert (await trade.end()).terms_hash == trade.terms_hash


async def test_what_is_not_the_parties_own_signature_is_refused_and_leaves_no_event(service: Service) -> None:
    trade = service.settlement()
    await trade.instruct(SELLER)
    await until(lambda: has_settled_down(trade))
    before = len((await trade.history()).events)
    good = BUYER.sign(trade.terms, NETWORK)
    rubbish = {
        "a stranger's": STRANGER.sign(trade.terms, NETWORK),
        "a stranger's in the buyer's name": Signature(
            signer=BUYER.address, bytes=STRANGER.sign(trade.terms, NETWORK).bytes
        ),
        "on other terms": BUYER.sign(trade.variant(payment={"quantity": 1}).terms, NETWORK),
        "of another network": BUYER.sign(trade.terms, "0x" + "ee" * 32),
        "malleated": malleated(good),
        "no curve point": Signature(signer=BUYER.address, bytes="0x" + "00" * 64 + "1b"),
    }
    for what, signature in rubbish.items():
        signed = SignedTerms(network=NETWORK, terms=trade.terms, signatures=(signature,))
        code = await refusal_of(service.instruct(trade.name, trade.terms, signed))
        assert (what, code) == (what, "signature_invalid")
    unsigned = SignedTerms(network=NETWORK, terms=trade.terms, signatures=())
    twice = SignedTerms(network=NETWORK, terms=trade.terms, signatures=(good, good))
    for signed in (unsigned, twice):
        assert await refusal_of(service.instruct(trade.name, trade.terms, signed)) == "signature_invalid"
    with pytest.raises(WorkflowUpdateFailedError):
        await trade.handle.execute_update(INSTRUCT, {"terms": "none"})
    assert len((await trade.history()).events) == before
    assert (await trade.instruct(BUYER)).matched
    assert (await trade.end()).outcome == "SETTLED"


async def test_terms_of_another_settlement_or_other_parties_are_refused(service: Service) -> None:
    trade = service.settlement()
    await trade.instruct(SELLER)
    for changed in ({"settlement_id": "OTHER-1"}, {"buyer": STRANGER.address}):
        signed = service.world.signed(trade.variant(**changed).terms, SELLER)
        assert await refusal_of(service.instruct(trade.name, trade.terms, signed)) == "wrong_settlement"
    await trade.withdraw(SELLER)
    assert (await trade.end()).outcome == "CANCELLED"


async def test_the_only_party_withdraws_and_nothing_stands(service: Service) -> None:
    trade = service.settlement()
    await trade.instruct(SELLER)
    assert await refusal_of(trade.withdraw(BUYER)) == "not_a_proposal"
    await trade.withdraw(SELLER)
    report = await trade.end()
    assert (report.outcome, report.verdict, report.lock) == ("CANCELLED", None, None)


async def test_a_proposal_made_while_the_last_one_is_withdrawn_is_not_lost(service: Service) -> None:
    trade = service.settlement()
    old = trade.variant(payment={"quantity": CASH + 1})
    await old.instruct(SELLER)
    await until(lambda: has_settled_down(trade))
    service.asset.hold("lock_of")
    await old.withdraw(SELLER)
    await service.asset.until_holding("lock_of")
    await trade.instruct(SELLER)
    service.asset.let_go("lock_of")
    assert (await trade.instruct(BUYER)).matched
    assert (await trade.end()).outcome == "SETTLED"


async def test_withdrawing_after_the_match_is_refused(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    assert await refusal_of(trade.withdraw(SELLER)) == "already_matched"
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    assert (await trade.end()).outcome == "CANCELLED"


async def test_what_never_matches_expires_and_nothing_stands(service: Service) -> None:
    trade = service.settlement(settle_by=in_seconds(4))
    await trade.instruct(SELLER)
    report = await trade.end()
    assert (report.outcome, report.verdict, report.lock) == ("EXPIRED", None, None)


async def test_other_terms_are_refused_once_matched(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    assert await refusal_of(trade.variant(payment={"quantity": CASH}).instruct(SELLER)) == "id_used"
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))
    await trade.end()


async def test_the_same_instruction_again_is_harmless(service: Service) -> None:
    trade = service.settlement()
    first = [await trade.instruct(SELLER, update_id=update_id) for update_id in ("a", "a", "b", None)]
    assert {answer.matched for answer in first} == {False}
    assert (await trade.instruct(BUYER)).matched
    assert (await trade.instruct(SELLER)).matched
    assert (await trade.end()).outcome == "SETTLED"
    assert [event.kind for event in await trade.events()].count("signed") == 2


async def test_an_instruction_to_a_closed_settlement_starts_nothing(service: Service) -> None:
    trade = service.settlement()
    await trade.instruct()
    await trade.end()
    before = (await trade.handle.describe()).run_id
    with pytest.raises(WorkflowAlreadyStartedError):
        await trade.instruct(SELLER)
    assert (await trade.handle.describe()).run_id == before


async def test_a_refused_first_instruction_leaves_a_run_that_hears_the_right_one(service: Service) -> None:
    trade = service.settlement()
    assert await refusal_of(trade.instruct(STRANGER)) == "signature_invalid"
    assert await trade.status() is WorkflowExecutionStatus.RUNNING  # what the server keeps of it
    assert (await trade.instruct()).matched
    assert (await trade.end()).outcome == "SETTLED"


async def test_a_run_to_which_nobody_proposes_fails_and_can_be_started_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "EMPTY_RUN_LIVES", timedelta(seconds=0.3))
    trade = service.settlement()
    empty = await service.client.start_workflow(
        SETTLEMENT_WORKFLOW,
        SettlementStart.of(trade.terms, NETWORK),
        id=trade.name,
        task_queue=Role.SETTLEMENT.task_queue,
    )
    with pytest.raises(WorkflowFailureError) as failed:
        await empty.result()
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "no_proposal"
    assert (await trade.instruct()).matched
    assert (await trade.end()).outcome == "SETTLED"


async def has_settled_down(trade: Settlement) -> bool:
    """Whether the ledgers were asked about the first proposal, so that the run waits for somebody to speak."""
    description = await trade.handle.describe()
    asked = trade.service.payment.asked["verdict_of"] > 0
    return asked and not description.raw_description.pending_activities and not await has_open_task(trade)


async def has_open_task(trade: Settlement) -> bool:
    """Whether the server expects a workflow task to be worked on."""
    return bool((await trade.handle.describe()).raw_description.HasField("pending_workflow_task"))


def malleated(signature: Signature) -> Signature:
    """The high-s twin of a valid signature."""
    raw = bytes.fromhex(signature.bytes[2:])
    high = (ORDER_OF_N - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big")
    return Signature(signer=signature.signer, bytes="0x" + (raw[:32] + high + bytes([55 - raw[64]])).hex())

"""What a client learns and says of a settlement that is under way: status, events, consent, orders, its end."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from interlock.client import (
    AlreadyEnded,
    AmbiguousSettlement,
    InstructionRefused,
    Interrupted,
    NoWorker,
    SettlementClient,
    SettlementHandle,
    UnknownSettlement,
    waiting,
)
from interlock.client import runs as runs_module
from interlock.protocol import SettlementEvent, Terms
from interlock.protocol.names import Role
from tests.workflows.service import Service, until
from tests.world import BUYER, CASH, NETWORK, SELLER, STRANGER


async def short_of_cash(client: SettlementClient, service: Service) -> tuple[Terms, SettlementHandle]:
    """A settlement that waits for the buyer's cash."""
    terms = service.settlement(payment={"quantity": CASH * 1000}).terms
    handle = await client.settle(terms, [party.sign(terms, NETWORK) for party in (SELLER, BUYER)])

    async def blocked() -> bool:
        return (await handle.status()).blocker is not None

    await until(blocked)
    return terms, handle


async def test_status_says_what_is_waited_for_and_who_must_act(client: SettlementClient, service: Service) -> None:
    _, handle = await short_of_cash(client, service)
    report = await handle.status()
    assert report.blocker is not None
    assert (report.blocker.code, "northbank" in report.blocker.who) == ("insufficient_balance", True)
    assert report.next_attempt is not None
    assert {"cancel", "void"} <= set(report.allowed)


async def test_consent_takes_effect_when_both_have_given_it(client: SettlementClient, service: Service) -> None:
    terms, handle = await short_of_cash(client, service)
    consents = [party.sign_cancellation(terms, NETWORK) for party in (SELLER, BUYER)]
    assert (await handle.cancel(consents[0])).outcome is None
    assert (await handle.cancel(consents[0])).outcome is None
    await handle.cancel(consents[1])
    report = await handle.outcome()
    assert (report.outcome, report.verdict, report.lock) == ("CANCELLED", "VOIDED", "refunded")
    assert await handle.cancel(consents[0]) == report
    assert await handle.cancel(BUYER.sign_cancellation(terms, NETWORK)) == report


async def test_what_has_settled_cannot_be_cancelled_withdrawn_or_voided(
    client: SettlementClient, service: Service
) -> None:
    terms = service.settlement().terms
    handle = await client.settle(terms, [party.sign(terms, NETWORK) for party in (SELLER, BUYER)])
    assert (await handle.outcome()).outcome == "SETTLED"
    with pytest.raises(AlreadyEnded):
        await handle.cancel(SELLER.sign_cancellation(terms, NETWORK))
    with pytest.raises(AlreadyEnded):
        await handle.withdraw(SELLER.sign_withdrawal(terms, NETWORK))
    with pytest.raises(AlreadyEnded):
        await handle.order(service.world.operators_order(terms, "void"))


async def test_the_only_party_withdraws_and_saying_so_again_is_harmless(
    client: SettlementClient, service: Service
) -> None:
    terms = service.settlement().terms
    handle = await client.instruct(terms, SELLER.sign(terms, NETWORK))
    with pytest.raises(InstructionRefused) as caught:
        await handle.withdraw(BUYER.sign_withdrawal(terms, NETWORK))
    assert caught.value.code == "not_a_proposal"
    await handle.withdraw(SELLER.sign_withdrawal(terms, NETWORK))
    report = await handle.outcome()
    assert (report.outcome, report.verdict, report.lock) == ("CANCELLED", None, None)
    assert await handle.withdraw(SELLER.sign_withdrawal(terms, NETWORK)) == report


async def test_a_second_proposal_is_withdrawn_by_whoever_holds_its_terms(
    client: SettlementClient, service: Service
) -> None:
    first = service.settlement().terms
    second = first.model_copy(update={"settle_by": first.settle_by + timedelta(minutes=1)})
    for terms in (first, second):
        await client.instruct(terms, SELLER.sign(terms, NETWORK))
    withdrawal = SELLER.sign_withdrawal(second, NETWORK)
    for _ in range(2):
        report = await client.handle(second).withdraw(withdrawal)
        assert (report.terms_hash, report.outcome) == (second.hash(NETWORK), None)
    assert (await client.handle(first).status()).terms_hash == first.hash(NETWORK)


async def test_two_operators_void_and_strangers_do_not(client: SettlementClient, service: Service) -> None:
    terms, handle = await short_of_cash(client, service)
    with pytest.raises(InstructionRefused) as caught:
        await handle.order(service.world.operators_order(terms, "void", by=[SELLER, STRANGER]))
    assert caught.value.code == "authority_invalid"
    await handle.order(service.world.operators_order(terms, "resume"))
    await handle.order(service.world.operators_order(terms, "void"))
    assert (await handle.outcome()).outcome == "CANCELLED"
    assert (await handle.order(service.world.operators_order(terms, "void"))).verdict == "VOIDED"


async def test_events_tell_the_story_from_the_start_to_the_end_once(client: SettlementClient, service: Service) -> None:
    terms = service.settlement().terms
    handle = await client.settle(terms, [party.sign(terms, NETWORK) for party in (SELLER, BUYER)])
    told = [event async for event in handle.events()]
    assert [event.kind for event in told[:2]] == ["signed", "signed"]
    assert told[-1].stage == "SETTLED"
    assert len(told) == len({(event.at, event.text) for event in told})


async def test_the_end_is_awaited_through_a_terminated_run(client: SettlementClient, service: Service) -> None:
    terms, handle = await short_of_cash(client, service)
    waiting_for_end = asyncio.create_task(handle.outcome())
    await service.settlement(terms).terminate()
    status = await handle.status()
    assert status.blocker is not None
    assert status.blocker.code == "terminated"
    assert not waiting_for_end.done()
    await service.sweep()
    await service.world.mint(service.world.payment, "northbank", "USD", CASH * 1000)
    await handle.order(service.world.operators_order(terms, "resume"))
    async with asyncio.timeout(30):
        assert (await waiting_for_end).outcome == "SETTLED"


async def test_a_settlement_is_found_by_its_id_and_by_its_terms_hash(
    client: SettlementClient, service: Service
) -> None:
    terms, handle = await short_of_cash(client, service)
    for name in (terms.settlement_id, terms.hash(NETWORK), terms.hash(NETWORK).upper().replace("0X", "0x")):
        assert (await (await client.find(name)).status()).terms_hash == handle.terms_hash
    for name in ("NOT-KNOWN", "0x" + "00" * 32, "no' OR 'id"):
        with pytest.raises(UnknownSettlement):
            await client.find(name)
    with pytest.raises(UnknownSettlement):
        await client.handle(service.settlement().terms).status()
    assert handle.workflow_id in [each.workflow_id for each in await client.list()]


async def test_an_id_that_stands_for_several_settlements_is_not_guessed_at(
    client: SettlementClient, service: Service
) -> None:
    terms, _ = await short_of_cash(client, service)
    squatter = terms.model_copy(update={"seller": STRANGER.address})
    await client.instruct(squatter, STRANGER.sign(squatter, NETWORK))

    async def listed() -> AmbiguousSettlement | None:
        try:
            await client.find(terms.settlement_id)
        except AmbiguousSettlement as error:
            return error if all(each.terms_hashes for each in error.candidates) else None
        return None

    error = await until(listed)
    assert error is not None
    assert {each.terms_hashes[0] for each in error.candidates} == {terms.hash(NETWORK), squatter.hash(NETWORK)}
    assert terms.hash(NETWORK) in error.message
    assert (await (await client.find(terms.hash(NETWORK))).status()).stage != "PROPOSED"


async def test_with_no_worker_status_says_so_soon_and_what_was_signed_is_still_known(
    client: SettlementClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_module, "QUERY_WITHIN", runs_module.QUERY_WITHIN / 3)
    terms, handle = await short_of_cash(client, service)
    await service.stop(Role.SETTLEMENT)
    with pytest.raises(NoWorker):
        await handle.status()
    with pytest.raises(NoWorker):
        await handle.cancel(SELLER.sign_cancellation(terms, NETWORK))
    (signed,) = await handle.proposals()
    assert (signed.terms, signed.is_matched) == (terms, True)


async def test_a_run_that_was_ended_before_a_worker_took_it_up_is_not_taken_for_a_missing_worker(
    client: SettlementClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.stop(Role.SETTLEMENT)
    monkeypatch.setattr(runs_module, "STARTED_WITHIN", runs_module.STARTED_WITHIN / 5)
    terms = service.settlement().terms
    signatures = [party.sign(terms, NETWORK) for party in (SELLER, BUYER)]
    with pytest.raises(NoWorker):
        await client.settle(terms, signatures)
    handle = client.handle(terms)
    await service.client.get_workflow_handle(handle.workflow_id).terminate("tests say so")
    for asked in (handle.status(), handle.cancel(SELLER.sign_cancellation(terms, NETWORK)), anext(handle.events())):
        with pytest.raises(Interrupted):
            await asked
    (signed,) = await handle.proposals()
    assert (signed.terms, signed.is_matched) == (terms, True)
    await service.start_settling()
    handle = await client.settle(terms, signatures)
    assert (await handle.outcome()).outcome == "SETTLED"


async def test_events_go_on_through_a_run_that_was_ended_before_a_worker_took_it_up(
    client: SettlementClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_module, "STARTED_WITHIN", runs_module.STARTED_WITHIN / 5)
    met, ask = asyncio.Event(), runs_module.Runs.events

    async def watched(runs: runs_module.Runs, workflow_id: str) -> list[SettlementEvent]:
        try:
            return await ask(runs, workflow_id)
        except Interrupted:
            met.set()
            raise

    monkeypatch.setattr(runs_module.Runs, "events", watched)
    terms, handle = await short_of_cash(client, service)
    told: list[SettlementEvent] = []
    begun = asyncio.Event()

    async def listen() -> None:
        async for event in handle.events():
            told.append(event)
            begun.set()

    listening = asyncio.create_task(listen())
    await begun.wait()
    await service.stop(Role.SETTLEMENT)
    run = service.client.get_workflow_handle(handle.workflow_id)
    await run.terminate("tests say so")
    signatures = [party.sign(terms, NETWORK) for party in (SELLER, BUYER)]
    with suppress(NoWorker):  # that nobody takes it up is not noticed where a worker answered a moment ago
        await client.settle(terms, signatures)
    await run.terminate("tests say so")
    await asyncio.wait({listening, asyncio.create_task(met.wait())}, return_when=asyncio.FIRST_COMPLETED)
    await service.start_settling()
    await client.settle(terms, signatures)
    for party in (SELLER, BUYER):
        await handle.cancel(party.sign_cancellation(terms, NETWORK))
    await asyncio.wait_for(listening, 60)
    assert met.is_set()
    assert told[-1].text == "ended CANCELLED"


@pytest.mark.parametrize("long_polls", [0, 100])
async def test_many_are_waited_for_at_once(
    client: SettlementClient, service: Service, monkeypatch: pytest.MonkeyPatch, long_polls: int
) -> None:
    monkeypatch.setattr(waiting, "LONG_POLLS", long_polls)
    monkeypatch.setattr(waiting, "ROUND_SECONDS", 0.05)
    trades = [service.settlement(payment={"quantity": 1}, delivery={"quantity": 1}).terms for _ in range(12)]
    handles = [
        await client.settle(terms, [party.sign(terms, NETWORK) for party in (SELLER, BUYER)]) for terms in trades
    ]
    async with asyncio.timeout(60):
        ended = [handle async for handle in client.ended(handles)]
    assert sorted(handle.workflow_id for handle in ended) == sorted(handle.workflow_id for handle in handles)
    assert {(await handle.outcome()).outcome for handle in ended} == {"SETTLED"}

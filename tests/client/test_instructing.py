"""What a client sends: both parties' signatures, one party's, the same again, and what it refuses to send at all."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client

from interlock.client import InvalidInstruction, NoWorker, SettlementClient, SettlementIdUsed
from interlock.protocol import Signature, SignedTerms, Terms
from interlock.protocol.names import Role
from tests.workflows.service import Service
from tests.world import BUYER, CASH, COORDINATOR, NETWORK, OPERATORS, SELLER, STRANGER, in_seconds

SECOND = timedelta(seconds=1)


def trade(service: Service, **fields: Any) -> Terms:
    """Terms under a fresh settlement id."""
    return service.settlement(**fields).terms


def signatures(terms: Terms) -> list[Signature]:
    return [party.sign(terms, NETWORK) for party in (SELLER, BUYER)]


async def test_both_signatures_in_any_order_settle(client: SettlementClient, service: Service) -> None:
    terms = trade(service)
    handle = await client.settle(terms, reversed(signatures(terms)))
    report = await handle.outcome()
    assert (report.outcome, report.verdict, report.lock) == ("SETTLED", "PAID", "released")
    assert report == await handle.status() == await client.handle(terms).outcome()


async def test_with_no_worker_settle_says_so_and_what_it_sent_is_settled_when_one_comes(
    client: SettlementClient, service: Service
) -> None:
    terms = trade(service)
    await service.stop(Role.SETTLEMENT)
    for _ in range(2):
        with pytest.raises(NoWorker):
            await client.settle(terms, signatures(terms))
    assert [each.terms for each in await client.handle(terms).proposals()] == [terms]
    await service.start_settling()
    assert (await client.handle(terms).outcome()).outcome == "SETTLED"
    assert (await (await client.settle(terms, signatures(terms))).status()).outcome == "SETTLED"


async def test_where_workers_have_their_hands_full_nobody_is_told_that_there_are_none(
    temporal: Client, service: Service
) -> None:
    terms = [trade(service, delivery={"quantity": 1}, payment={"quantity": 1}) for _ in range(40)]
    hasty = SettlementClient(
        temporal, network=NETWORK, coordinator=COORDINATOR.identity, answer_within=timedelta(seconds=0.5)
    )
    async with hasty as client:
        handles = await asyncio.gather(*(client.settle(each, signatures(each)) for each in terms))
        assert {(await handle.outcome()).outcome for handle in handles} == {"SETTLED"}


async def test_of_a_run_that_somebody_started_with_forged_terms_nothing_is_shown(
    client: SettlementClient, service: Service
) -> None:
    mine, other = service.settlement(), service.settlement()
    forged = SignedTerms(terms=mine.terms, network=NETWORK, signatures=tuple(signatures(other.terms)))
    await mine.start(forged)
    assert await client.handle(mine.terms).proposals() == ()
    handle = await client.settle(mine.terms, signatures(mine.terms))
    assert (await handle.outcome()).outcome == "SETTLED"


async def test_two_parties_match_from_two_clients(client: SettlementClient, service: Service) -> None:
    terms = trade(service)
    first = await client.instruct(terms, SELLER.sign(terms, NETWORK))
    assert first.instructed is not None
    assert not first.instructed.matched
    assert (await first.status()).stage == "PROPOSED"
    second = await client.instruct(terms, BUYER.sign(terms, NETWORK))
    assert second.instructed is not None
    assert second.instructed.matched
    assert await first.outcome() == await second.outcome()


async def test_the_second_party_is_told_which_fields_differ(client: SettlementClient, service: Service) -> None:
    terms = trade(service)
    await client.instruct(terms, SELLER.sign(terms, NETWORK))
    cheaper = terms.model_copy(update={"payment": terms.payment.model_copy(update={"quantity": CASH - 1})})
    handle = await client.instruct(cheaper, BUYER.sign(cheaper, NETWORK))
    assert handle.instructed is not None
    assert [(each.field, each.yours, each.theirs) for each in handle.instructed.differences] == [
        ("payment.quantity", str(CASH - 1), str(CASH))
    ]
    assert (await handle.status()).terms_hash == cheaper.hash(NETWORK)


async def test_the_same_call_again_is_the_same_settlement_while_it_runs_and_long_after(
    client: SettlementClient, service: Service
) -> None:
    terms = trade(service)
    handles = [await client.settle(terms, signatures(terms)) for _ in range(3)]
    outcomes = [await handle.outcome() for handle in handles]
    again = await client.settle(terms, signatures(terms))
    one_sided = await client.instruct(terms, SELLER.sign(terms, NETWORK))
    assert {report.model_dump_json() for report in [*outcomes, await again.outcome(), await one_sided.outcome()]} == {
        outcomes[0].model_dump_json()
    }
    assert len(await service.world.payment.verdicts_by_settlement(terms.settlement_id)) == 1


async def test_a_settlement_id_with_other_terms_is_refused_open_and_long_closed(
    client: SettlementClient, service: Service
) -> None:
    terms = trade(service, payment={"quantity": CASH * 1000})
    other = terms.model_copy(update={"payment": terms.payment.model_copy(update={"quantity": CASH})})
    handle = await client.settle(terms, signatures(terms))
    with pytest.raises(SettlementIdUsed, match=r"other terms"):
        await client.settle(other, signatures(other))
    for party in (SELLER, BUYER):
        await handle.cancel(party.sign_cancellation(terms, NETWORK))
    assert (await handle.outcome()).outcome == "CANCELLED"
    with pytest.raises(SettlementIdUsed) as caught:
        await client.settle(other, signatures(other))
    assert (caught.value.code, caught.value.field) == ("id_used", "settlement_id")


async def test_a_signature_that_does_not_carry_is_refused_before_anything_is_sent(
    client: SettlementClient, service: Service
) -> None:
    terms = trade(service)
    good = SELLER.sign(terms, NETWORK)
    elsewhere = SELLER.sign(terms, "0x" + "2e" * 32)
    other_terms = SELLER.sign(terms.model_copy(update={"settle_by": terms.settle_by + SECOND}), NETWORK)
    of_another_key = STRANGER.sign(terms, NETWORK).model_copy(update={"signer": SELLER.address})
    for signature in (elsewhere, other_terms, of_another_key, malleated(good)):
        with pytest.raises(InvalidInstruction) as caught:
            await client.instruct(terms, signature)
        assert (caught.value.code, caught.value.field) == ("signature_invalid", "signature")
    for signer in (STRANGER, OPERATORS[0]):
        with pytest.raises(InvalidInstruction) as caught:
            await client.instruct(terms, signer.sign(terms, NETWORK))
        assert caught.value.code == "wrong_signer"
    with pytest.raises(InvalidInstruction, match="buyer's"):
        await client.settle(terms, [good])
    assert await service.settlement(terms).status() is None


async def test_a_settle_by_in_the_past_is_refused_only_for_terms_that_are_not_known(
    client: SettlementClient, service: Service
) -> None:
    late = trade(service, settle_by=in_seconds(-1))
    with pytest.raises(InvalidInstruction) as caught:
        await client.settle(late, signatures(late))
    assert (caught.value.code, caught.value.field) == ("deadline_passed", "settle_by")
    assert await service.settlement(late).status() is None
    never = trade(service, settle_by=in_seconds(4))
    handle = await client.instruct(never, SELLER.sign(never, NETWORK))
    assert (await handle.outcome()).outcome == "EXPIRED"
    again = await client.instruct(never, SELLER.sign(never, NETWORK))
    assert await again.outcome() == await handle.outcome()


def malleated(signature: Signature) -> Signature:
    """The other signature that the same key's holder never made: n - s, and the other v."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    raw = bytes.fromhex(signature.bytes[2:])
    high = (order - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big")
    return Signature(signer=signature.signer, bytes="0x" + (raw[:32] + high + bytes([55 - raw[64]])).hex())

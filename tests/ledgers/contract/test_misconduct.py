"""Who contradicted itself is left out of every quorum from then on, on its own signatures, until two re-admit it."""

import asyncio
from typing import Any

import pytest

from interlock.ledgers.ledger import Ledger
from interlock.protocol import (
    Answer,
    Attestors,
    Fact,
    LocalSigner,
    Misconduct,
    Operation,
    Readmit,
    Receipt,
    RegisterAttestors,
    Terms,
)
from tests.ledgers.contract.asking import code, lock, lock_state, pay, said
from tests.world import ATTEMPT, ATTESTORS, COORDINATOR, NETWORK, OPERATORS, STRANGER, World, key, receipt

A, B, C, D = ATTESTORS
SPARES = tuple(key(f"spare-{number}") for number in range(1, 4))
NEEDED = {"release": Fact.PAID, "refund": Fact.VOIDED, "pay": Fact.LOCKED}


async def accuse(world: World, ledger: Ledger, who: LocalSigner = D, terms: Terms | None = None) -> Receipt:
    """Have an attestor left out, for both verdicts on some terms."""
    return receipt(await ledger.accuse(world.misconduct(terms or world.terms(), who), ATTEMPT))


async def readmit(world: World, ledger: Ledger, who: LocalSigner = D) -> Answer:
    """Have two operators re-admit an attestor."""
    return await world.order(ledger, Readmit, attestor=who.address)


async def use(world: World, operation: str, terms: Terms, *by: LocalSigner, **more: Any) -> Answer:
    """The operation, on a certificate that these signed."""
    certificate = world.certificate(NEEDED[operation], terms, by=by, **more)
    match operation:
        case "release":
            return await world.asset.release(terms, certificate, ATTEMPT)
        case "refund":
            return await world.asset.refund(terms, certificate, ATTEMPT)
        case _:
            return await world.payment.pay(world.signed(terms), certificate, ATTEMPT)


def as_order(attestors: Attestors) -> dict[str, Any]:
    """The fields of an order that registers the set."""
    fields = {"name": attestors.name, "epoch": attestors.epoch, "attestors": attestors.keys}
    return {**fields, "quorum": attestors.quorum}


def where(world: World, operation: str) -> Ledger:
    """The ledger that judges it."""
    return world.payment if operation == "pay" else world.asset


async def test_an_accusation_is_journalled_once_and_known_by_the_misconducts_digest(world: World) -> None:
    misconduct = world.misconduct(world.terms())
    first = receipt(await world.asset.accuse(misconduct, ATTEMPT))
    assert (first.operation, first.terms_hash) == (Operation.ACCUSE, misconduct.digest)
    swapped = Misconduct(network=NETWORK, first=misconduct.second, second=misconduct.first)
    assert await world.asset.accuse(swapped, ATTEMPT) == first
    assert await world.asset.left_out() == {D.address}
    assert await world.payment.left_out() == frozenset(), "each ledger judges for itself"


async def test_many_who_accuse_at_once_leave_out_once(world: World) -> None:
    misconduct = world.misconduct(world.terms())
    answers = await asyncio.gather(*(world.payment.accuse(misconduct, ATTEMPT) for _ in range(8)))
    assert len({receipt(each).position for each in answers}) == 1


@pytest.mark.parametrize("operation", NEEDED)
async def test_hazard_06_who_is_left_out_makes_no_quorum_and_spoils_none(world: World, operation: str) -> None:
    terms = world.terms()
    await lock(world, terms)
    await accuse(world, where(world, operation))
    refused = await use(world, operation, terms, B, C, D)
    assert code(refused) == "certificate_invalid"
    assert not isinstance(refused, Receipt)
    assert D.address in refused.text
    assert await lock_state(world, terms) == "locked"
    receipt(await use(world, operation, terms, A, B, C, D))


@pytest.mark.parametrize("operation", NEEDED)
async def test_what_had_its_effect_before_stands_whoever_certified_it(world: World, operation: str) -> None:
    terms = world.terms()
    await lock(world, terms)
    first = receipt(await use(world, operation, terms, B, C, D))
    await accuse(world, where(world, operation))
    assert await use(world, operation, terms, B, C, D) == first


async def test_two_operators_readmit_and_then_its_signature_counts_again(world: World) -> None:
    terms = world.terms()
    await lock(world, terms)
    await accuse(world, world.payment)
    order = world.signed_order(world.payment, Readmit, attestor=D.address, by=OPERATORS[:1])
    assert code(await world.payment.order(order, ATTEMPT)) == "authority_invalid"
    assert code(await use(world, "pay", terms, B, C, D)) == "certificate_invalid"
    receipt(await readmit(world, world.payment))
    assert await world.payment.left_out() == frozenset()
    receipt(await use(world, "pay", terms, B, C, D))


async def test_after_it_was_readmitted_only_another_misconduct_leaves_it_out_again(world: World) -> None:
    old, terms = world.terms(), world.terms()
    await lock(world, terms)
    first = await accuse(world, world.payment, terms=old)
    receipt(await readmit(world, world.payment))
    assert await accuse(world, world.payment, terms=old) == first
    assert await world.payment.left_out() == frozenset()
    again = receipt(await world.payment.accuse(world.misconduct(old, positions=(1, 3)), ATTEMPT))
    assert again.position > first.position
    assert code(await use(world, "pay", terms, B, C, D)) == "certificate_invalid"


async def test_several_misconducts_of_one_are_each_journalled_and_readmitted_together(world: World) -> None:
    receipts = {(await accuse(world, world.asset)).position for _ in range(3)}
    assert len(receipts) == 3
    receipt(await readmit(world, world.asset))
    assert await world.asset.left_out() == frozenset()


async def test_who_is_not_left_out_cannot_be_readmitted(world: World) -> None:
    assert said(await readmit(world, world.asset)) == ("not_left_out", "attestor")
    await accuse(world, world.asset, C)
    assert said(await readmit(world, world.asset, D)) == ("not_left_out", "attestor")
    receipt(await readmit(world, world.asset, C))
    assert said(await readmit(world, world.asset, C)) == ("not_left_out", "attestor")


async def test_a_key_in_no_registered_set_is_nobody_to_leave_out(world: World) -> None:
    assert code(await world.asset.accuse(world.misconduct(world.terms(), STRANGER), ATTEMPT)) == "unknown_attestor"
    keys = tuple(sorted((each.address for each in (STRANGER, *SPARES)), key=str.lower))
    receipt(await world.order(world.asset, RegisterAttestors, name="others", epoch=1, attestors=keys, quorum=3))
    await accuse(world, world.asset, STRANGER)


async def test_what_proves_no_misconduct_leaves_nobody_out(world: World) -> None:
    good = world.misconduct(world.terms())
    honest = good.model_copy(update={"second": good.first})
    forged = good.second.model_copy(update={"signature": good.first.signature})
    elsewhere = good.model_copy(update={"network": "0x" + "77" * 32})
    for wrong in (honest, good.model_copy(update={"second": forged}), elsewhere):
        assert code(await world.asset.accuse(wrong, ATTEMPT)) == "misconduct_unproven"
    assert await world.asset.left_out() == frozenset()
    receipt(await world.asset.accuse(good, ATTEMPT))


async def test_with_two_of_four_left_out_nothing_is_certified_until_one_is_readmitted(world: World) -> None:
    terms = world.terms()
    await lock(world, terms)
    for each in (C, D):
        await accuse(world, world.payment, each)
    refused = await use(world, "pay", terms, A, B, C, D)
    assert not isinstance(refused, Receipt)
    assert (refused.code, C.address in refused.text, D.address in refused.text) == ("certificate_invalid", True, True)
    receipt(await readmit(world, world.payment, C))
    receipt(await use(world, "pay", terms, A, B, C, D))


async def test_a_successor_set_without_the_one_left_out_counts(world: World) -> None:
    terms = world.terms()
    await lock(world, terms)
    for each in (C, D):
        await accuse(world, world.payment, each)
    following = Attestors.of(COORDINATOR.name, 2, tuple(each.address for each in (A, B, *SPARES[:2])))
    fields: dict[str, Any] = {
        "name": following.name,
        "epoch": 2,
        "attestors": following.keys,
        "quorum": following.quorum,
    }
    receipt(await world.order(world.payment, RegisterAttestors, **fields, succeeds=1))
    receipt(await use(world, "pay", terms, A, B, SPARES[0], attestors=following))


async def test_who_is_left_out_of_one_set_is_left_out_of_its_successor(world: World) -> None:
    terms = world.terms()
    await lock(world, terms)
    await accuse(world, world.payment)
    following = Attestors.of(COORDINATOR.name, 2, tuple(each.address for each in (A, B, D, SPARES[0])))
    fields: dict[str, Any] = {
        "name": following.name,
        "epoch": 2,
        "attestors": following.keys,
        "quorum": following.quorum,
    }
    receipt(await world.order(world.payment, RegisterAttestors, **fields, succeeds=1))
    assert code(await use(world, "pay", terms, A, B, D, attestors=following)) == "certificate_invalid"
    receipt(await use(world, "pay", terms, A, B, D, SPARES[0], attestors=following))


async def test_a_void_by_the_parties_needs_no_attestor_and_goes_on(world: World) -> None:
    terms = world.terms()
    await lock(world, terms)
    for each in ATTESTORS:
        await accuse(world, world.payment, each)
    assert code(await pay(world, terms)) == "certificate_invalid"
    receipt(await world.payment.void(world.signed(terms), world.consent(terms), ATTEMPT))

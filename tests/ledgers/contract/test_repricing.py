"""Hazard 10: after the lock there is one price, the signed one; other quantities are other terms, and move nothing."""

import pytest
from pydantic import ValidationError

from interlock.protocol import Fact, Terms
from tests.ledgers.contract.asking import code, lock_state, verdict
from tests.world import ATTEMPT, CASH, UNITS, World, receipt


def repriced(terms: Terms, leg: str, by: int) -> Terms:
    """The same trade for more or less."""
    old = terms.delivery if leg == "delivery" else terms.payment
    return terms.model_copy(update={leg: old.model_copy(update={"quantity": old.quantity + by})})


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize("leg", ["delivery", "payment"])
async def test_hazard_10_after_the_lock_only_the_quantities_locked_and_signed_ever_move(
    world: World, leg: str, by: int
) -> None:
    terms = world.terms()
    other = repriced(terms, leg, by)
    certificate = await world.locked(terms)
    assert code(await world.payment.pay(world.signed(other), certificate, ATTEMPT)) == "certificate_invalid"
    assert code(await world.asset.lock(world.signed(other), ATTEMPT)) == "id_used"
    paid = receipt(await world.payment.pay(world.signed(terms), certificate, ATTEMPT))
    certified = world.certificate(Fact.PAID, terms, paid)
    assert code(await world.asset.release(other, certified, ATTEMPT)) == "certificate_invalid"
    assert code(await world.asset.release(other, world.certificate(Fact.PAID, other, paid), ATTEMPT)) == "no_lock"
    assert (await lock_state(world, terms), await verdict(world, other)) == ("locked", "none")
    receipt(await world.asset.release(terms, certified, ATTEMPT))
    assert await world.balance(world.asset, "northbank", "OUSG") == UNITS
    assert await world.balance(world.payment, "alpine", "USD") == CASH


async def test_hazard_10_a_refund_gives_back_what_was_locked_whatever_terms_it_is_asked_with(world: World) -> None:
    terms = world.terms()
    await world.locked(terms)
    voided = await world.voided(terms)
    other = repriced(terms, "delivery", UNITS)
    assert code(await world.asset.refund(other, voided, ATTEMPT)) == "certificate_invalid"
    receipt(await world.asset.refund(terms, voided, ATTEMPT))
    assert await world.balance(world.asset, "alpine", "OUSG") == 10 * UNITS


async def test_hazard_10_signed_terms_are_frozen(world: World) -> None:
    agreed = world.terms()
    for model in (agreed, agreed.payment, agreed.payment.asset):
        for name in type(model).model_fields:
            with pytest.raises(ValidationError, match="frozen"):
                setattr(model, name, getattr(model, name))

"""Which certificates move value: only a quorum of the very set that counts, on this fact of these terms, here."""

from typing import Any

import pytest

from interlock.protocol import Answer, Attestors, Certificate, Fact, RegisterAttestors, Signature, Terms
from tests.ledgers.contract.asking import code, lock, lock_state, pay, refund, release, said, verdict
from tests.world import ATTEMPT, ATTESTORS, COORDINATOR, NETWORK, STRANGER, World, key, receipt

A, B, C, D = ATTESTORS
SPARES = tuple(key(f"spare-{number}") for number in range(1, 5))
THIRDS = tuple(key(f"third-{number}") for number in range(1, 5))
OTHERS = Attestors.of("others", 1, tuple(each.address for each in SPARES))
SAME_NAME = Attestors.of(COORDINATOR.name, 1, tuple(each.address for each in SPARES))
NEXT = Attestors.of(COORDINATOR.name, 2, tuple(each.address for each in SPARES))
LAST = Attestors.of(COORDINATOR.name, 3, tuple(each.address for each in THIRDS))
UNREGISTERED = Attestors.of(COORDINATOR.name, 9, COORDINATOR.keys)

NEEDED = {"release": Fact.PAID, "refund": Fact.VOIDED, "pay": Fact.LOCKED}


async def use(world: World, operation: str, terms: Terms, certificate: Certificate) -> Answer:
    match operation:
        case "release":
            return await world.asset.release(terms, certificate, ATTEMPT)
        case "refund":
            return await world.asset.refund(terms, certificate, ATTEMPT)
        case _:
            return await world.payment.pay(world.signed(terms), certificate, ATTEMPT)


@pytest.mark.parametrize("operation", NEEDED)
async def test_hazard_05_forged_borrowed_and_replayed_certificates_are_refused(world: World, operation: str) -> None:
    terms, other, fact = world.terms(), world.terms(), NEEDED[operation]
    await lock(world, terms)
    for ledger in (world.asset, world.payment):
        receipt(await world.order(ledger, RegisterAttestors, **_as_order(OTHERS)))
    made = world.certificate(fact, terms)
    forged = Signature(signer=C.address, bytes=STRANGER.sign(made.statement, NETWORK).bytes)
    wrong_fact = Fact.VOIDED if fact is not Fact.VOIDED else Fact.PAID
    of_others = world.certificate(fact, terms, by=SPARES[:3], attestors=OTHERS)
    of_other_keys = world.certificate(fact, terms, by=SPARES[:3], attestors=SAME_NAME)
    rows = [
        # what is wrong          certificate                                                answer
        ("too few",              world.certificate(fact, terms, by=(A, B)),                 "certificate_invalid"),
        ("none at all",          world.certificate(fact, terms, by=()),                     "certificate_invalid"),
        ("one twice",            world.certificate(fact, terms, by=(A, B, B)),              "certificate_invalid"),
        ("a stranger's",         world.certificate(fact, terms, by=(A, B, STRANGER)),       "certificate_invalid"),
        ("a stranger's too",     world.certificate(fact, terms, by=(A, B, C, STRANGER)),    "certificate_invalid"),
        ("in another's name",    _with(made, (*made.signatures[:2], forged)),             "certificate_invalid"),
        ("of other terms",       world.certificate(fact, other),                            "certificate_invalid"),
        ("of another fact",      world.certificate(wrong_fact, terms),                      "certificate_invalid"),
        ("of another ledger",    world.certificate(fact, terms, ledger="elsewhere"),        "certificate_invalid"),
        ("of another network",   world.certificate(fact, terms, network="0x" + "77" * 32),  "certificate_invalid"),
        ("of another set",       of_others,                                                 "certificate_invalid"),
        ("of other keys",        of_other_keys,                                             "certificate_invalid"),
        ("of no known epoch",    world.certificate(fact, terms, attestors=UNREGISTERED),    "unknown_coordinator"),
    ]  # fmt: skip
    for what, certificate, answer in rows:
        assert (what, code(await use(world, operation, terms, certificate))) == (what, answer)
    assert (await lock_state(world, terms), await verdict(world, terms)) == ("locked", "none")
    receipt(await use(world, operation, terms, world.certificate(fact, terms)))


async def test_hazard_24_signatures_made_on_another_network_over_the_same_statement_are_refused(world: World) -> None:
    terms = world.terms()
    await lock(world, terms)
    for operation, fact in NEEDED.items():
        made = world.certificate(fact, terms)
        staged = _with(made, tuple(each.sign(made.statement, "0x" + "77" * 32) for each in (A, B, C)))
        assert code(await use(world, operation, terms, staged)) == "certificate_invalid"


async def test_any_quorum_in_any_order_releases(world: World) -> None:
    for by in ((A, B, C), (D, C, B), (A, B, C, D)):
        terms = world.terms()
        await world.paid(terms)
        receipt(await world.asset.release(terms, world.certificate(Fact.PAID, terms, by=by), ATTEMPT))


async def test_another_quorum_on_the_same_fact_gets_the_first_receipt(world: World) -> None:
    terms = world.terms()
    first = await world.settled(terms)
    again = world.certificate(Fact.PAID, terms, by=(D, C, B))
    assert await world.asset.release(terms, again, ATTEMPT) == first


async def test_hazard_02_after_the_refund_no_certificate_releases_and_after_the_release_none_refunds(
    world: World,
) -> None:
    refunded, released = world.terms(), world.terms()
    for terms in (refunded, released):
        await lock(world, terms)
    receipt(await refund(world, refunded))
    receipt(await release(world, released))
    assert code(await release(world, refunded)) == "already_voided"
    assert code(await refund(world, released)) == "already_paid"


async def test_a_successor_counts_in_place_of_a_lost_set_and_the_lost_one_no_more(world: World) -> None:
    terms, unpaid, ended = world.terms(), world.terms(), world.terms()
    first = await world.settled(ended)
    await world.paid(terms)
    await lock(world, unpaid)
    for ledger in (world.asset, world.payment):
        receipt(await world.order(ledger, RegisterAttestors, **_as_order(NEXT, succeeds=1)))
        assert await ledger.attestors_of(terms) == NEXT
    assert code(await release(world, terms)) == "certificate_invalid"
    assert code(await pay(world, unpaid)) == "certificate_invalid"
    assert code(await refund(world, unpaid)) == "certificate_invalid"
    assert await release(world, ended) == first, "what stands is answered all the same"

    assert said(await world.asset.lock(world.signed(world.terms()), ATTEMPT)) == ("unknown_coordinator", "coordinator")
    by_next = {"by": SPARES[:3], "attestors": NEXT}
    receipt(await world.asset.release(terms, world.certificate(Fact.PAID, terms, **by_next), ATTEMPT))  # type: ignore[arg-type]
    certificate = world.certificate(Fact.LOCKED, unpaid, **by_next)  # type: ignore[arg-type]
    receipt(await world.payment.pay(world.signed(unpaid), certificate, ATTEMPT))
    receipt(await world.asset.lock(world.signed(world.terms(coordinator=NEXT.identity)), ATTEMPT))


async def test_of_a_line_of_successors_only_the_last_counts(world: World) -> None:
    terms = world.terms()
    await lock(world, terms)
    receipt(await world.order(world.asset, RegisterAttestors, **_as_order(NEXT, succeeds=1)))
    receipt(await world.order(world.asset, RegisterAttestors, **_as_order(LAST, succeeds=2)))
    assert await world.asset.attestors_of(terms) == LAST
    middle = world.certificate(Fact.VOIDED, terms, by=SPARES[:3], attestors=NEXT)
    assert code(await world.asset.refund(terms, middle, ATTEMPT)) == "certificate_invalid"
    last = world.certificate(Fact.VOIDED, terms, by=THIRDS[:3], attestors=LAST)
    receipt(await world.asset.refund(terms, last, ATTEMPT))


async def test_a_later_epoch_that_succeeds_nobody_does_not_count_for_earlier_terms(world: World) -> None:
    terms = world.terms()
    await lock(world, terms)
    receipt(await world.order(world.asset, RegisterAttestors, **_as_order(NEXT)))
    later = world.certificate(Fact.VOIDED, terms, by=SPARES[:3], attestors=NEXT)
    assert code(await world.asset.refund(terms, later, ATTEMPT)) == "certificate_invalid"
    assert await world.asset.attestors_of(terms) == COORDINATOR


async def test_of_a_set_that_is_not_registered_nobody_counts(world: World) -> None:
    unknown = world.terms(coordinator=UNREGISTERED.identity)
    assert await world.asset.attestors_of(unknown) is None
    by_known_keys = world.certificate(Fact.VOIDED, unknown, attestors=COORDINATOR)
    assert said(await world.asset.refund(unknown, by_known_keys, ATTEMPT)) == ("unknown_coordinator", "coordinator")
    assert await lock_state(world, unknown) == "none"


def _as_order(attestors: Attestors, **more: Any) -> dict[str, Any]:
    fields = {"name": attestors.name, "epoch": attestors.epoch, "attestors": attestors.keys}
    return {**fields, "quorum": attestors.quorum, **more}


def _with(certificate: Certificate, signatures: tuple[Signature, ...]) -> Certificate:
    return certificate.model_copy(update={"signatures": signatures})

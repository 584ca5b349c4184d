"""Who may void, and who may redirect a release: each authority that is one signature, word or instant short."""

from datetime import datetime
from typing import Any

import pytest

from interlock.protocol import (
    ByConsent,
    ByOperators,
    Cancellation,
    Fact,
    LocalSigner,
    OpenAccount,
    Redirection,
    SignedCancellation,
    SignedRedirection,
    Terms,
    VoidAuthority,
)
from tests.ledgers.contract.asking import (
    INSTANT,
    Clock,
    code,
    lock,
    lock_state,
    pay,
    refund,
    release,
    said,
    verdict,
    void,
)
from tests.world import (
    ATTEMPT,
    ATTESTORS,
    BUYER,
    NETWORK,
    OPERATORS,
    SELLER,
    STRANGER,
    UNITS,
    World,
    in_seconds,
    receipt,
)

ONE, TWO, THREE = OPERATORS
OTHER_NETWORK = "0x" + "77" * 32


def consent_of(first: SignedCancellation, second: SignedCancellation) -> ByConsent:
    return ByConsent(cancellations=(first, second))


def said_by(signer: LocalSigner, terms: Terms, network: str = NETWORK) -> SignedCancellation:
    return signer.sign_cancellation(terms, network)


async def asked(world: World, terms: Terms, authority: VoidAuthority) -> str:
    return code(await world.payment.void(world.signed(terms), authority, ATTEMPT))


async def test_hazard_23_one_sides_consent_to_cancel_is_nothing(world: World) -> None:
    terms, other = world.terms(), world.terms()
    seller, buyer = said_by(SELLER, terms), said_by(BUYER, terms)
    in_buyers_name = seller.model_copy(
        update={"signature": seller.signature.model_copy(update={"signer": BUYER.address})}
    )
    staged = SignedCancellation(
        cancellation=buyer.cancellation, signature=BUYER.sign(buyer.cancellation, OTHER_NETWORK)
    )
    for consents in (
        (seller, seller),
        (seller, said_by(STRANGER, terms)),
        (seller, in_buyers_name),
        (seller, said_by(BUYER, other)),
        (seller, staged),
        (said_by(SELLER, other), said_by(BUYER, other)),
    ):
        assert await asked(world, terms, consent_of(*consents)) == "authority_invalid"
    assert await verdict(world, terms) == "none"
    assert await asked(world, terms, consent_of(buyer, seller)) == "receipt"


async def test_hazard_23_consent_counts_until_the_earlier_of_both_says_it_ends(world: World, clock: Clock) -> None:
    terms = world.terms()
    soon, later = in_seconds(60), in_seconds(600)
    until_soon = consent_of(_until(SELLER, terms, soon), _until(BUYER, terms, later))
    await clock.stop(soon)
    assert await asked(world, terms, until_soon) == "authority_expired"
    assert await verdict(world, terms) == "none"
    await clock.stop(soon - INSTANT)
    assert await asked(world, terms, until_soon) == "receipt"


def _until(signer: LocalSigner, terms: Terms, moment: datetime) -> SignedCancellation:
    return signer.sign_cancellation(terms, NETWORK, valid_until=moment)


async def test_a_signature_on_the_terms_is_no_consent_to_cancel_them(world: World) -> None:
    terms = world.terms()
    word = Cancellation(terms_hash=world.signed(terms).terms_hash, valid_until=terms.settle_by)
    borrowed = tuple(
        SignedCancellation(cancellation=word, signature=signature) for signature in world.signed(terms).signatures
    )
    assert await asked(world, terms, consent_of(borrowed[0], borrowed[1])) == "authority_invalid"


async def test_hazard_18_an_order_needs_two_distinct_operators_and_nobody_else(world: World) -> None:
    terms = world.terms()
    for by in ((), (ONE,), (ONE, ONE), (ONE, STRANGER), (ONE, TWO, STRANGER), (SELLER, BUYER)):
        assert await asked(world, terms, world.by_operators(terms, by=by)) == "authority_invalid"
        resume = world.operators_order(terms, "resume", by=by)
        assert code(await world.asset.resume(resume, ATTEMPT)) == "authority_invalid"
        order = world.signed_order(world.asset, OpenAccount, by=by, account="new", owner=SELLER.address)
        assert code(await world.asset.order(order, ATTEMPT)) == "authority_invalid"
    assert "new" not in [state.account for state in await world.asset.accounts()]
    assert await verdict(world, terms) == "none"


async def test_hazard_18_operators_cannot_void_what_is_paid_nor_make_the_ledger_release(world: World) -> None:
    terms = world.terms()
    await world.paid(terms)
    assert await asked(world, terms, world.by_operators(terms)) == "already_paid"
    assert code(await refund(world, world.terms())) == "receipt"
    assert await lock_state(world, terms) == "locked"


async def test_an_operators_order_voids_only_the_terms_and_the_act_that_it_names(world: World, clock: Clock) -> None:
    terms = world.terms()
    until = in_seconds(60)
    assert await asked(world, terms, world.by_operators(world.terms())) == "authority_invalid"
    assert await asked(world, terms, world.by_operators(terms, act="resume")) == "authority_invalid"
    staged = ByOperators(order=_on_other_network(world, terms))
    assert await asked(world, terms, staged) == "authority_invalid"
    await clock.stop(until)
    assert await asked(world, terms, world.by_operators(terms, valid_until=until)) == "authority_expired"
    await clock.stop(until - INSTANT)
    assert await asked(world, terms, world.by_operators(terms, by=(THREE, ONE), valid_until=until)) == "receipt"


def _on_other_network(world: World, terms: Terms) -> Any:
    order = world.operators_order(terms)
    return order.model_copy(update={"signatures": tuple(each.sign(order.order, OTHER_NETWORK) for each in (ONE, TWO))})


async def test_terms_of_another_payment_ledger_are_not_voided_here(world: World) -> None:
    terms = world.terms(payment={"ledger": "elsewhere"})
    assert said(await void(world, terms)) == ("unknown_ledger", "payment.ledger")
    assert said(await world.asset.void(world.signed(terms), world.consent(terms), ATTEMPT))[0] == "unknown_ledger"


async def test_the_verdict_says_on_what_authority_it_voided(world: World, clock: Clock) -> None:
    by_consent, by_order, by_time = world.terms(), world.terms(), world.terms()
    assert await asked(world, by_consent, world.consent(by_consent)) == "receipt"
    assert await asked(world, by_order, world.by_operators(by_order)) == "receipt"
    await clock.stop(by_time.settle_by)
    assert await asked(world, by_time, world.by_time) == "receipt"
    rows = [await world.payment.verdict_of(each.hash(NETWORK)) for each in (by_consent, by_order, by_time)]
    assert [row.authority for row in rows if row is not None] == ["consent", "operators", "time"]


async def test_voiding_needs_no_account_balance_or_known_coordinator(world: World) -> None:
    terms = world.terms(payment={"deliverer": "nobody", "asset": {"code": "GOLD", "decimals": 1}})
    assert code(await void(world, terms)) == "receipt"


async def test_resume_is_journalled_once_and_moves_nothing(world: World, clock: Clock) -> None:
    terms, until = world.terms(), in_seconds(60)
    order = world.operators_order(terms, "resume", valid_until=until)
    first = receipt(await world.asset.resume(order, ATTEMPT))
    assert first.terms_hash == terms.hash(NETWORK)
    again = world.operators_order(terms, "resume", by=(TWO, THREE), valid_until=until)
    await clock.stop(until)
    assert await world.asset.resume(again, ATTEMPT) == first
    late = world.operators_order(world.terms(), "resume", valid_until=until)
    assert code(await world.asset.resume(late, ATTEMPT)) == "authority_expired"
    assert code(await world.asset.resume(world.operators_order(terms, "void"), ATTEMPT)) == "authority_invalid"
    assert await lock_state(world, terms) == "none"


async def test_hazard_09_a_receiver_expelled_after_payment_suspends_the_release_until_admitted_again(
    world: World,
) -> None:
    terms = world.terms()
    await world.paid(terms)
    await world.act(world.asset, "expel", "northbank")
    assert said(await release(world, terms)) == ("not_admitted", "delivery.receiver")
    assert await asked(world, terms, world.consent(terms)) == "already_paid"
    assert await lock_state(world, terms) == "locked"
    await world.act(world.asset, "admit", "northbank")
    receipt(await release(world, terms))
    assert await world.balance(world.asset, "northbank", "OUSG") == UNITS


async def test_hazard_09_a_paid_certificate_never_refunds(world: World) -> None:
    terms = world.terms()
    certificate = await world.paid(terms)
    await world.act(world.asset, "expel", "northbank")
    assert code(await world.asset.refund(terms, certificate, ATTEMPT)) == "certificate_invalid"
    assert await lock_state(world, terms) == "locked"


@pytest.fixture
async def suspended(world: World) -> Terms:
    """Paid terms whose receiver was expelled; the buyer has another account, `northbank-custody`."""
    terms = world.terms()
    await world.paid(terms)
    await world.act(world.asset, "expel", "northbank")
    await world.open(world.asset, "northbank-custody", BUYER)
    await world.open(world.asset, "northbank-closed", BUYER, admitted=False)
    await world.open(world.asset, "strangers", STRANGER)
    return terms


async def redirected(world: World, terms: Terms, word: SignedRedirection) -> tuple[str, str]:
    return said(await world.asset.release(terms, world.certificate(Fact.PAID, terms), ATTEMPT, word))


async def test_hazard_09_the_buyer_and_two_operators_redirect_a_release_to_another_account_of_the_buyers(
    world: World, suspended: Terms
) -> None:
    word = world.redirection(suspended, "northbank-custody")
    assert await redirected(world, suspended, word) == ("receipt", "")
    assert await world.balance(world.asset, "northbank-custody", "OUSG") == UNITS
    assert await redirected(world, suspended, world.redirection(suspended, "northbank")) == ("receipt", "")
    assert await world.balance(world.asset, "northbank", "OUSG") == 0, "the first receipt, no second effect"


async def test_hazard_09_redirections_that_lack_a_signature_or_go_elsewhere_are_refused(
    world: World, suspended: Terms, clock: Clock
) -> None:
    rows: list[tuple[SignedRedirection, tuple[str, str]]] = [
        (world.redirection(suspended, "northbank-custody", by=(ONE, TWO)), ("authority_invalid", "")),
        (world.redirection(suspended, "northbank-custody", by=(SELLER, ONE, TWO)), ("authority_invalid", "")),
        (world.redirection(suspended, "northbank-custody", by=(BUYER, ONE)), ("authority_invalid", "")),
        (world.redirection(suspended, "northbank-custody", by=(BUYER, ONE, ONE)), ("authority_invalid", "")),
        (world.redirection(suspended, "northbank-custody", by=(BUYER, ONE, STRANGER)), ("authority_invalid", "")),
        (world.redirection(world.terms(), "northbank-custody"), ("authority_invalid", "")),
        (world.redirection(suspended, "nobody"), ("unknown_account", "delivery.receiver")),
        (world.redirection(suspended, "strangers"), ("wrong_owner", "delivery.receiver")),
        (world.redirection(suspended, "alpine"), ("wrong_owner", "delivery.receiver")),
        (world.redirection(suspended, "northbank-closed"), ("not_admitted", "delivery.receiver")),
    ]
    for word, answer in rows:
        assert await redirected(world, suspended, word) == answer
    good = world.redirection(suspended, "northbank-custody")
    elsewhere = good.redirection.model_copy(update={"receiver": "strangers"})
    altered = SignedRedirection(redirection=Redirection(**dict(elsewhere)), signatures=good.signatures)
    assert await redirected(world, suspended, altered) == ("authority_invalid", "")
    await clock.stop(good.redirection.valid_until)
    assert (await redirected(world, suspended, good))[0] == "authority_expired"
    assert await lock_state(world, suspended) == "locked"


async def test_a_redirection_is_no_certificate(world: World) -> None:
    terms = world.terms()
    await lock(world, terms)
    await world.open(world.asset, "northbank-custody", BUYER)
    word = world.redirection(terms, "northbank-custody")
    answer = await world.asset.release(terms, await world.voided(terms), ATTEMPT, word)
    assert code(answer) == "certificate_invalid"
    assert code(await pay(world, terms)) == "already_voided"


async def test_hazard_03_no_moment_by_itself_refunds_anything(world: World, clock: Clock) -> None:
    """Ten years past settle_by the units are in escrow until a VOIDED verdict on these very terms is certified."""
    terms, other = world.terms(), world.terms()
    await lock(world, terms)
    await clock.stop(in_seconds(10 * 365 * 86400))
    for certificate in (
        world.certificate(Fact.LOCKED, terms),
        world.certificate(Fact.PAID, terms),
        world.certificate(Fact.VOIDED, other),
        world.certificate(Fact.VOIDED, terms, by=ATTESTORS[:2]),
    ):
        assert code(await world.asset.refund(terms, certificate, ATTEMPT)) == "certificate_invalid"
    assert (await lock_state(world, terms), await world.balance(world.asset, "alpine", "OUSG")) == ("locked", 9 * UNITS)
    assert await asked(world, terms, world.by_time) == "receipt"
    assert code(await refund(world, terms)) == "receipt"

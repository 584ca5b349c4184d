"""What check, lock and pay refuse, each with its code and the field that it names; and what the check leaves open."""

import asyncio
from typing import Any

import pytest

from interlock.protocol import (
    Answer,
    Asset,
    CloseAttestors,
    Fact,
    LocalSigner,
    Refusal,
    Signature,
    SignedTerms,
    Terms,
)
from tests.ledgers.contract.asking import INSTANT, Clock, code, lock, nothing_written, pay, refund, said, void
from tests.world import (
    ATTEMPT,
    ATTESTORS,
    BUYER,
    CASH,
    COORDINATOR,
    NETWORK,
    SELLER,
    STRANGER,
    UNITS,
    World,
    in_seconds,
    key,
    receipt,
    signatures_of,
)

UNKNOWN_EPOCH = COORDINATOR.identity.model_copy(update={"epoch": 7})
OTHER_DIGEST = COORDINATOR.identity.model_copy(update={"digest": "0x" + "00" * 32})
GOLD, OUSG_6, USD_3 = Asset(code="GOLD", decimals=3), Asset(code="OUSG", decimals=6), Asset(code="USD", decimals=3)

DELIVERY = [
    # changed terms                                    answer                 field
    ({"settle_by": in_seconds(-1)},                    "deadline_passed",     "settle_by"),
    ({"coordinator": UNKNOWN_EPOCH},                   "unknown_coordinator", "coordinator"),
    ({"coordinator": OTHER_DIGEST},                    "unknown_coordinator", "coordinator"),
    ({"delivery": {"asset": GOLD}},                    "unknown_asset",       "delivery.asset"),
    ({"delivery": {"asset": OUSG_6}},                  "decimals_mismatch",   "delivery.asset.decimals"),
    ({"delivery": {"deliverer": "nobody"}},            "unknown_account",     "delivery.deliverer"),
    ({"delivery": {"deliverer": "issuance.OUSG"}},     "unknown_account",     "delivery.deliverer"),
    ({"delivery": {"receiver": "nobody"}},             "unknown_account",     "delivery.receiver"),
    ({"delivery": {"deliverer": "strangers"}},         "wrong_owner",         "delivery.deliverer"),
    ({"delivery": {"receiver": "strangers"}},          "wrong_owner",         "delivery.receiver"),
    ({"delivery": {"deliverer": "alpine-closed"}},     "not_admitted",        "delivery.deliverer"),
    ({"delivery": {"ledger": "elsewhere"}},            "unknown_ledger",      "delivery.ledger"),
    ({},                                               "receipt",             ""),
]  # fmt: skip
PAYMENT = [
    ({"settle_by": in_seconds(-1)},                    "deadline_passed",     "settle_by"),
    ({"payment": {"asset": GOLD}},                     "unknown_asset",       "payment.asset"),
    ({"payment": {"asset": USD_3}},                    "decimals_mismatch",   "payment.asset.decimals"),
    ({"payment": {"deliverer": "nobody"}},             "unknown_account",     "payment.deliverer"),
    ({"payment": {"receiver": "nobody"}},              "unknown_account",     "payment.receiver"),
    ({"payment": {"deliverer": "strangers"}},          "wrong_owner",         "payment.deliverer"),
    ({"payment": {"receiver": "strangers"}},           "wrong_owner",         "payment.receiver"),
    ({"payment": {"receiver": "alpine-closed"}},       "not_admitted",        "payment.receiver"),
    ({"payment": {"ledger": "elsewhere"}},             "unknown_ledger",      "payment.ledger"),
    ({},                                               "receipt",             ""),
]  # fmt: skip


@pytest.fixture
async def crowd(world: World) -> World:
    """The world with a stranger's account on both ledgers, and accounts of both parties that are not admitted."""
    for ledger in (world.asset, world.payment):
        await world.open(ledger, "strangers", STRANGER)
        await world.open(ledger, "alpine-closed", SELLER, admitted=False)
        await world.open(ledger, "northbank-closed", BUYER, admitted=False)
    return world


def judged(refusal: Refusal | None) -> tuple[str, str]:
    return ("receipt", "") if refusal is None else (refusal.code.value, refusal.field)


async def test_the_check_and_the_lock_refuse_the_same_terms_and_name_the_field(crowd: World) -> None:
    expected = [(changes, answer, field) for changes, answer, field in DELIVERY]
    checked, locked = [], []
    for changes, _, _ in DELIVERY:
        signed = crowd.signed(crowd.terms(**changes))  # type: ignore[arg-type]
        checked.append((changes, *judged((await crowd.asset.check(signed)).refusal)))
        assert await nothing_written(crowd, signed)
        locked.append((changes, *said(await crowd.asset.lock(signed, ATTEMPT))))
    assert (checked, locked) == (expected, expected)


async def test_the_check_and_the_payment_refuse_the_same_terms_and_name_the_field(crowd: World) -> None:
    paid, checked = [], []
    for changes, _, _ in PAYMENT:
        terms = crowd.terms(**changes)  # type: ignore[arg-type]
        if "ledger" not in changes.get("payment", {}):  # type: ignore[attr-defined]
            checked.append((changes, *judged((await crowd.payment.check(crowd.signed(terms))).refusal)))
        paid.append((changes, *said(await pay(crowd, terms))))
    assert paid == PAYMENT
    assert checked == [row for row in PAYMENT if row[1] != "unknown_ledger"]


async def test_the_check_judges_admission_on_all_sides_before_anything_moves(crowd: World) -> None:
    """After the check the receiver's admission may come and go until the release, the payer's does not matter."""
    rows: list[tuple[dict[str, Any], str, str, str]] = [
        # changed terms                                on          check           operation
        ({"delivery": {"receiver": "northbank-closed"}}, "asset", "not_admitted", "receipt"),
        ({"delivery": {"deliverer": "alpine-closed"}}, "asset", "not_admitted", "not_admitted"),
        ({"payment": {"deliverer": "northbank-closed"}}, "payment", "not_admitted", "insufficient_balance"),
        ({"payment": {"receiver": "alpine-closed"}}, "payment", "not_admitted", "not_admitted"),
    ]
    for changes, on, check, operation in rows:
        terms = crowd.terms(**changes)
        ledger = crowd.asset if on == "asset" else crowd.payment
        assert judged((await ledger.check(crowd.signed(terms))).refusal)[0] == check
        done = crowd.asset.lock(crowd.signed(terms), ATTEMPT) if on == "asset" else pay(crowd, terms)
        assert code(await done) == operation


async def test_the_check_leaves_balances_freezes_and_not_before_open(world: World) -> None:
    poor = world.terms(delivery={"quantity": 10 * UNITS + 1}, payment={"quantity": 10 * CASH + 1})
    early = world.terms(not_before=in_seconds(600))
    await world.act(world.asset, "freeze", "alpine")
    await world.act(world.payment, "freeze", "northbank")
    for terms in (poor, early):
        for ledger in (world.asset, world.payment):
            assert (await ledger.check(world.signed(terms))).refusal is None
    assert said(await world.asset.lock(world.signed(poor), ATTEMPT)) == ("account_frozen", "delivery.deliverer")
    assert said(await pay(world, poor)) == ("account_frozen", "payment.deliverer")
    await world.act(world.asset, "unfreeze", "alpine")
    await world.act(world.payment, "unfreeze", "northbank")
    assert said(await world.asset.lock(world.signed(poor), ATTEMPT)) == ("insufficient_balance", "delivery.deliverer")
    assert said(await pay(world, poor)) == ("insufficient_balance", "payment.deliverer")
    assert said(await world.asset.lock(world.signed(early), ATTEMPT)) == ("too_early", "not_before")
    assert await nothing_written(world, world.signed(poor))


async def test_a_balance_that_suffices_exactly_is_enough_and_is_gone(world: World) -> None:
    terms = world.terms(delivery={"quantity": 10 * UNITS}, payment={"quantity": 10 * CASH})
    await world.settled(terms)
    assert await world.balance(world.asset, "alpine", "OUSG") == 0
    assert await world.balance(world.payment, "northbank", "USD") == 0


async def test_a_frozen_account_can_be_credited(world: World) -> None:
    terms = world.terms()
    for ledger in (world.asset, world.payment):
        await world.act(ledger, "freeze", "northbank" if ledger is world.asset else "alpine")
    await world.settled(terms)
    assert await world.balance(world.asset, "northbank", "OUSG") == UNITS
    assert await world.balance(world.payment, "alpine", "USD") == CASH


async def test_a_refund_reaches_a_deliverer_who_was_frozen_and_expelled_meanwhile(world: World) -> None:
    terms = world.terms()
    await lock(world, terms)
    await world.act(world.asset, "freeze", "alpine")
    await world.act(world.asset, "expel", "alpine")
    receipt(await refund(world, terms))
    assert await world.balance(world.asset, "alpine", "OUSG") == 10 * UNITS


async def test_terms_must_be_signed_by_both_their_parties_on_this_network(world: World) -> None:
    terms, other_network = world.terms(), "0x" + "77" * 32
    seller, buyer = signatures_of(terms, SELLER, BUYER)
    forged = Signature(signer=BUYER.address, bytes=STRANGER.sign(terms, NETWORK).bytes)
    other_terms = signatures_of(world.terms(), BUYER)[0]
    rows = [
        # signatures                                 network         answer               field
        ((seller,),                                  NETWORK,        "signature_invalid", "buyer"),
        ((buyer,),                                   NETWORK,        "signature_invalid", "seller"),
        ((),                                         NETWORK,        "signature_invalid", "seller"),
        ((seller, seller),                           NETWORK,        "signature_invalid", ""),
        ((seller, forged),                           NETWORK,        "signature_invalid", ""),
        ((seller, other_terms),                      NETWORK,        "signature_invalid", ""),
        ((seller, *signatures_of(terms, STRANGER)),  NETWORK,        "wrong_signer",      ""),
        (_on(terms, other_network, SELLER, BUYER),   NETWORK,        "signature_invalid", ""),
        (_on(terms, other_network, SELLER, BUYER),   other_network,  "signature_invalid", ""),
    ]  # fmt: skip
    for signatures, network, answer, field in rows:
        signed = SignedTerms(network=network, terms=terms, signatures=signatures)
        for operation in ("check", "check on payment", "lock", "pay", "void"):
            assert (operation, *await _asked(world, operation, signed)) == (operation, answer, field)
    assert await nothing_written(world, world.signed(terms))


def _on(terms: Terms, network: str, *signers: LocalSigner) -> tuple[Signature, ...]:
    return tuple(each.sign(terms, network) for each in signers)


async def _asked(world: World, operation: str, signed: SignedTerms) -> tuple[str, str]:
    match operation:
        case "check":
            return judged((await world.asset.check(signed)).refusal)
        case "check on payment":
            return judged((await world.payment.check(signed)).refusal)
        case "lock":
            return said(await world.asset.lock(signed, ATTEMPT))
        case "pay":
            return said(await world.payment.pay(signed, world.certificate(Fact.LOCKED, signed.terms), ATTEMPT))
        case _:
            return said(await world.payment.void(signed, world.consent(signed.terms), ATTEMPT))


async def test_hazard_24_terms_signed_for_another_network_count_nowhere_here(world: World) -> None:
    terms = world.terms()
    staged = world.signed(terms, network="0x" + "77" * 32)
    answers: list[Answer] = [
        await world.asset.lock(staged, ATTEMPT),
        await world.payment.pay(staged, world.certificate(Fact.LOCKED, terms), ATTEMPT),
        await world.payment.void(staged, world.consent(terms), ATTEMPT),
    ]
    assert [code(answer) for answer in answers] == ["signature_invalid"] * 3


async def test_hazard_17_settle_by_itself_is_past_and_the_instant_before_is_not(world: World, clock: Clock) -> None:
    early, late = world.terms(), world.terms()
    await clock.stop(early.settle_by - INSTANT)
    await lock(world, early)
    assert code(await world.payment.void(world.signed(early), world.by_time, ATTEMPT)) == "not_past_deadline"
    receipt(await pay(world, early))

    await clock.stop(late.settle_by)
    assert said(await world.asset.lock(world.signed(late), ATTEMPT)) == ("deadline_passed", "settle_by")
    assert said(await pay(world, late)) == ("deadline_passed", "settle_by")
    assert judged((await world.asset.check(world.signed(late))).refusal) == ("deadline_passed", "settle_by")
    receipt(await world.payment.void(world.signed(late), world.by_time, ATTEMPT))


async def test_hazard_17_not_before_itself_has_come_and_the_instant_before_it_has_not(
    world: World, clock: Clock
) -> None:
    terms = world.terms(not_before=in_seconds(600))
    assert terms.not_before is not None
    await clock.stop(terms.not_before - INSTANT)
    assert said(await world.asset.lock(world.signed(terms), ATTEMPT)) == ("too_early", "not_before")
    await clock.stop(terms.not_before)
    await lock(world, terms)


async def test_hazard_11_two_locks_at_once_never_reserve_the_same_units(world: World) -> None:
    competing = [world.terms(delivery={"quantity": 6 * UNITS}) for _ in range(4)]
    answers = await asyncio.gather(*(world.asset.lock(world.signed(terms), ATTEMPT) for terms in competing))
    assert sorted(code(answer) for answer in answers) == ["insufficient_balance"] * 3 + ["receipt"]
    assert await world.balance(world.asset, "alpine", "OUSG") == 4 * UNITS


async def test_hazard_11_two_payments_at_once_never_spend_the_same_cash(world: World) -> None:
    competing = [world.terms(payment={"quantity": 6 * CASH}) for _ in range(4)]
    answers = await asyncio.gather(*(pay(world, terms) for terms in competing))
    assert sorted(code(answer) for answer in answers) == ["insufficient_balance"] * 3 + ["receipt"]


async def test_one_settlement_id_moves_a_deliverers_units_once_even_after_a_refund(world: World) -> None:
    first = world.terms()
    again = world.terms(settlement_id=first.settlement_id)
    await lock(world, first)
    assert said(await world.asset.lock(world.signed(again), ATTEMPT)) == ("id_used", "settlement_id")
    receipt(await refund(world, first))
    assert said(await world.asset.lock(world.signed(again), ATTEMPT)) == ("id_used", "settlement_id")
    assert judged((await world.asset.check(world.signed(again))).refusal) == ("id_used", "settlement_id")


async def test_two_terms_of_one_id_locked_at_once_move_units_once(world: World) -> None:
    one = world.terms()
    same_id = [one, *(world.terms(settlement_id=one.settlement_id, payment={"quantity": n}) for n in (1, 2, 3))]
    answers = await asyncio.gather(*(world.asset.lock(world.signed(terms), ATTEMPT) for terms in same_id))
    assert sorted(code(answer) for answer in answers) == ["id_used"] * 3 + ["receipt"]


async def test_hazard_20_other_terms_with_the_same_id_neither_void_block_nor_strand_these(world: World) -> None:
    """A stranger's terms, and terms of the same parties: locked, voided, refunded under the real ones' id."""
    terms, thief = world.terms(), key("thief")
    for ledger in (world.asset, world.payment):
        await world.open(ledger, "strangers", STRANGER)
        await world.open(ledger, "thieves", thief)
    await world.mint(world.asset, "strangers", "OUSG", 5)
    squatting = world.terms(
        settlement_id=terms.settlement_id,
        seller=STRANGER.address,
        buyer=thief.address,
        delivery={"deliverer": "strangers", "receiver": "thieves", "quantity": 5},
        payment={"deliverer": "thieves", "receiver": "strangers"},
    )
    receipt(await world.asset.lock(world.signed(squatting, STRANGER, thief), ATTEMPT))
    other = world.terms(settlement_id=terms.settlement_id, payment={"quantity": CASH + 1})
    receipt(await void(world, other))
    receipt(await refund(world, other))
    third = world.terms(settlement_id=terms.settlement_id, payment={"quantity": CASH + 2})
    assert receipt(await void(world, third)).terms_hash == third.hash(NETWORK)

    await lock(world, terms)
    for wrong in (squatting, other):
        answer = await world.asset.refund(terms, world.certificate(Fact.VOIDED, wrong), ATTEMPT)
        assert code(answer) == "certificate_invalid"
    receipt(await pay(world, terms))
    receipt(await world.asset.release(terms, world.certificate(Fact.PAID, terms), ATTEMPT))
    assert {row.terms_hash for row in await world.asset.locks_by_settlement(terms.settlement_id)} == {
        each.hash(NETWORK) for each in (squatting, other, terms)
    }


async def test_hazard_20_rubbish_sent_in_a_settlements_name_writes_nothing(world: World) -> None:
    terms = world.terms()
    by_stranger = SignedTerms(network=NETWORK, terms=terms, signatures=signatures_of(terms, STRANGER))
    assert code(await world.asset.lock(by_stranger, ATTEMPT)) == "wrong_signer"
    assert code(await world.payment.void(by_stranger, world.by_time, ATTEMPT)) == "wrong_signer"
    thin = world.certificate(Fact.VOIDED, terms, by=ATTESTORS[:2])
    assert code(await world.asset.refund(terms, thin, ATTEMPT)) == "certificate_invalid"
    assert await nothing_written(world, world.signed(terms))
    await world.settled(terms)


async def test_a_closed_epoch_takes_no_new_terms_and_serves_those_already_locked(world: World) -> None:
    terms = world.terms()
    await lock(world, terms)
    for ledger in (world.asset, world.payment):
        receipt(await world.order(ledger, CloseAttestors, name=COORDINATOR.name, epoch=COORDINATOR.epoch))
    new = world.signed(world.terms())
    assert said(await world.asset.lock(new, ATTEMPT)) == ("unknown_coordinator", "coordinator")
    assert judged((await world.payment.check(new)).refusal) == ("unknown_coordinator", "coordinator")
    receipt(await pay(world, terms))
    receipt(await world.asset.release(terms, world.certificate(Fact.PAID, terms), ATTEMPT))


async def test_every_refusal_is_a_sentence_and_says_who_can_change_it(crowd: World) -> None:
    for changes, answer, _ in DELIVERY:
        got = await crowd.asset.lock(crowd.signed(crowd.terms(**changes)), ATTEMPT)  # type: ignore[arg-type]
        if isinstance(got, Refusal):
            assert got.text.endswith(".")
            assert "{" not in got.text
            assert got.who != "" or answer == "deadline_passed"

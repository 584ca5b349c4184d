"""What two operators may order of a ledger: what it changes, what it refuses, and that it happens once."""

import asyncio
from typing import Any

from interlock.protocol import (
    AccountOrder,
    Asset,
    Attestors,
    CloseAttestors,
    Message,
    Mint,
    OpenAccount,
    Operation,
    RegisterAsset,
    RegisterAttestors,
    SignedLedgerOrder,
)
from interlock.protocol.eip712 import digest_of
from interlock.protocol.words import MAX_QUANTITY
from tests.ledgers.contract.asking import INSTANT, Clock, code, said
from tests.world import ATTEMPT, COORDINATOR, NETWORK, OPERATORS, SELLER, UNITS, World, in_seconds, key, receipt

GOLD = Asset(code="GOLD", decimals=3)
KEYS = tuple(sorted((key(f"spare-{number}").address for number in range(1, 5)), key=str.lower))


def attestors(epoch: int, **more: Any) -> dict[str, Any]:
    return {"name": COORDINATOR.name, "epoch": epoch, "attestors": KEYS, "quorum": 3, **more}


async def test_orders_that_cannot_be_carried_out_are_refused_and_name_the_field(world: World) -> None:
    await world.open(world.asset, "closed", SELLER, admitted=False)
    receipt(await world.order(world.asset, RegisterAttestors, **attestors(3, succeeds=1)))
    minting = {"account": "alpine", "asset": "OUSG"}
    rows: list[tuple[type[Message], dict[str, Any], str, str]] = [
        (OpenAccount, {"account": "alpine", "owner": SELLER.address}, "account_exists", "account"),
        (AccountOrder, {"act": "freeze", "account": "nobody"}, "unknown_account", "account"),
        (AccountOrder, {"act": "admit", "account": "nobody"}, "unknown_account", "account"),
        (Mint, {**minting, "account": "nobody", "quantity": 1}, "unknown_account", "account"),
        (Mint, {**minting, "account": "closed", "quantity": 1}, "not_admitted", "account"),
        (Mint, {**minting, "asset": "GOLD", "quantity": 1}, "unknown_asset", "asset"),
        (Mint, {**minting, "quantity": MAX_QUANTITY}, "quantity_too_large", "quantity"),
        (Mint, {**minting, "account": "northbank", "quantity": MAX_QUANTITY}, "quantity_too_large", "quantity"),
        (RegisterAsset, {"asset": Asset(code="OUSG", decimals=2)}, "asset_exists", "asset.code"),
        (RegisterAttestors, attestors(1), "set_exists", "epoch"),
        (RegisterAttestors, attestors(4, succeeds=2), "unknown_coordinator", "succeeds"),
        (RegisterAttestors, attestors(2, succeeds=3), "unknown_coordinator", "succeeds"),
        (RegisterAttestors, attestors(4, succeeds=1), "set_exists", "succeeds"),
        (RegisterAttestors, attestors(4, quorum=2), "authority_invalid", ""),
        (RegisterAttestors, attestors(4, attestors=(*KEYS, KEYS[0])), "authority_invalid", ""),
        (CloseAttestors, {"name": COORDINATOR.name, "epoch": 2}, "unknown_coordinator", "epoch"),
        (CloseAttestors, {"name": "nobody", "epoch": 1}, "unknown_coordinator", "epoch"),
    ]
    before = await world.asset.accounts()
    for kind, fields, answer, field in rows:
        assert (kind, fields, *said(await world.order(world.asset, kind, **fields))) == (kind, fields, answer, field)  # type: ignore[arg-type]
    assert await world.asset.accounts() == before


async def test_an_order_for_another_ledger_is_refused(world: World) -> None:
    order = world.signed_order(world.payment, AccountOrder, act="freeze", account="alpine")
    assert said(await world.asset.order(order, ATTEMPT)) == ("unknown_ledger", "ledger")


async def test_hazard_24_an_order_signed_on_another_network_is_refused(world: World) -> None:
    order = world.signed_order(world.asset, AccountOrder, act="freeze", account="alpine")
    signatures = tuple(each.sign(order.order, "0x" + "77" * 32) for each in OPERATORS[:2])
    staged = SignedLedgerOrder(order=order.order, signatures=signatures)
    assert code(await world.asset.order(staged, ATTEMPT)) == "authority_invalid"


async def test_signatures_on_one_order_do_not_carry_another(world: World) -> None:
    order = world.signed_order(world.asset, Mint, account="alpine", asset="OUSG", quantity=1)
    more = SignedLedgerOrder(order=order.order.model_copy(update={"quantity": 1000}), signatures=order.signatures)
    assert code(await world.asset.order(more, ATTEMPT)) == "authority_invalid"


async def test_hazard_01_an_order_sent_again_has_its_effect_once_whoever_signed_it(world: World) -> None:
    order = world.signed_order(world.asset, Mint, account="alpine", asset="OUSG", quantity=5)
    others = SignedLedgerOrder(
        order=order.order, signatures=tuple(each.sign(order.order, NETWORK) for each in OPERATORS[1:])
    )
    sent = await asyncio.gather(*(world.asset.order(each, ATTEMPT) for each in (order, others, order, others)))
    assert len({receipt(answer).position for answer in sent}) == 1
    assert await world.balance(world.asset, "alpine", "OUSG") == 10 * UNITS + 5


async def test_equal_orders_with_two_nonces_are_two_orders(world: World) -> None:
    await world.mint(world.asset, "alpine", "OUSG", 5)
    await world.mint(world.asset, "alpine", "OUSG", 5)
    assert await world.balance(world.asset, "alpine", "OUSG") == 10 * UNITS + 10


async def test_an_order_counts_until_valid_until_and_what_was_done_is_answered_after(
    world: World, clock: Clock
) -> None:
    until = in_seconds(60)
    done = world.signed_order(world.asset, AccountOrder, act="freeze", account="alpine", valid_until=until)
    late = world.signed_order(world.asset, AccountOrder, act="unfreeze", account="alpine", valid_until=until)
    await clock.stop(until - INSTANT)
    first = receipt(await world.asset.order(done, ATTEMPT))
    await clock.stop(until)
    assert await world.asset.order(done, ATTEMPT) == first
    assert code(await world.asset.order(late, ATTEMPT)) == "authority_expired"


async def test_the_receipt_of_an_order_is_known_by_its_digest(world: World) -> None:
    order = world.signed_order(world.asset, AccountOrder, act="freeze", account="alpine")
    made = receipt(await world.asset.order(order, ATTEMPT))
    assert (made.operation, made.terms_hash) == (Operation.ORDER, digest_of(order.order, NETWORK))


async def test_account_orders_change_the_one_thing_they_name(world: World) -> None:
    seen = []
    for act in ("freeze", "expel", "unfreeze", "admit"):
        await world.act(world.asset, act, "alpine")
        state = next(each for each in await world.asset.accounts() if each.account == "alpine")
        seen.append((act, state.frozen, state.admitted))
    assert seen == [
        ("freeze", True, True),
        ("expel", True, False),
        ("unfreeze", False, False),
        ("admit", False, True),
    ]


async def test_all_units_that_fit_may_be_issued_and_not_one_more(world: World) -> None:
    receipt(await world.order(world.asset, RegisterAsset, asset=GOLD))
    assert await world.asset.asset("GOLD") == GOLD
    await world.mint(world.asset, "alpine", "GOLD", MAX_QUANTITY)
    assert await world.balance(world.asset, "alpine", "GOLD") == MAX_QUANTITY
    one_more = await world.order(world.asset, Mint, account="northbank", asset="GOLD", quantity=1)
    assert said(one_more) == ("quantity_too_large", "quantity")


async def test_an_accounts_name_cannot_be_one_of_the_ledgers_own(world: World) -> None:
    minting: dict[str, Any] = {"account": "nobody", "asset": "OUSG", "quantity": 1}
    assert said(await world.order(world.asset, Mint, **minting)) == ("unknown_account", "account")
    assert [state.account for state in await world.asset.accounts()] == ["alpine", "northbank"]


async def test_an_account_may_be_credited_while_frozen_by_a_mint(world: World) -> None:
    await world.act(world.asset, "freeze", "alpine")
    await world.mint(world.asset, "alpine", "OUSG", 1)
    assert await world.balance(world.asset, "alpine", "OUSG") == 10 * UNITS + 1


async def test_a_registered_set_keeps_its_keys_sorted_and_its_identity(world: World) -> None:
    receipt(await world.order(world.asset, RegisterAttestors, **attestors(2, attestors=KEYS[::-1])))
    registered = Attestors.of(COORDINATOR.name, 2, KEYS)
    assert await world.asset.attestors_of(world.terms(coordinator=registered.identity)) == registered

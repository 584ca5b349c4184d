"""Hazard 18: whatever two operators order, whenever they order it, it is journalled and every invariant still holds."""

from typing import Any, Literal

from interlock.ledgers.verify import verify
from interlock.protocol import AccountOrder, CloseAttestors, Fact, Mint, RegisterAttestors, Terms
from tests.conftest import PostgresWorld
from tests.ledgers.contract.asking import code, pay, refund, release, void
from tests.world import ATTEMPT, BUYER, COORDINATOR, OPERATORS, receipt

STAGES = {
    # stage:    what has been done, and how it must end
    "nothing":  ((), ("VOIDED", "refunded")),
    "locked":   (("lock",), ("VOIDED", "refunded")),
    "paid":     (("lock", "pay"), ("PAID", "released")),
    "voided":   (("lock", "void"), ("VOIDED", "refunded")),
    "released": (("lock", "pay", "release"), ("PAID", "released")),
    "refunded": (("lock", "void", "refund"), ("VOIDED", "refunded")),
}  # fmt: skip


async def brought_to(world: PostgresWorld, stage: str) -> Terms:
    terms = world.terms()
    for operation in STAGES[stage][0]:
        if operation == "lock":
            receipt(await world.asset.lock(world.signed(terms), ATTEMPT))
        else:
            receipt(await {"pay": pay, "void": void, "release": release, "refund": refund}[operation](world, terms))
    return terms


async def ordered_everything(world: PostgresWorld, terms: Terms, number: int) -> None:
    """Every kind of order, on both ledgers, about everybody that these terms name."""
    acts: tuple[Literal["admit", "expel", "freeze", "unfreeze"], ...] = ("freeze", "expel", "unfreeze", "admit")
    for ledger, asset in ((world.asset, "OUSG"), (world.payment, "USD")):
        for act in acts:
            for account in ("alpine", "northbank"):
                receipt(await world.order(ledger, AccountOrder, act=act, account=account))
        for account in ("alpine", "northbank"):
            receipt(await world.order(ledger, Mint, account=account, asset=asset, quantity=1))
        keys: dict[str, Any] = {"attestors": COORDINATOR.keys, "quorum": COORDINATOR.quorum}
        receipt(await world.order(ledger, RegisterAttestors, name="spare", epoch=number, **keys))
        receipt(await world.order(ledger, CloseAttestors, name="spare", epoch=number))
        receipt(await ledger.resume(world.operators_order(terms, "resume"), ATTEMPT))
    await world.payment.void(world.signed(terms), world.by_operators(terms, by=OPERATORS[1:]), ATTEMPT)
    paid = world.certificate(Fact.PAID, terms)
    await world.open(world.asset, f"custody-{number}", BUYER)
    # only who holds a PAID certificate may redirect: where the verdict is VOIDED, nobody can get one
    if (row := await world.payment.verdict_of(paid.statement.terms_hash)) is not None and row.verdict == "PAID":
        await world.asset.release(terms, paid, ATTEMPT, world.redirection(terms, f"custody-{number}"))


async def test_hazard_18_every_order_at_every_stage_leaves_the_invariants_whole(postgres_world: PostgresWorld) -> None:
    world = postgres_world
    for number, (stage, (_, end)) in enumerate(STAGES.items(), 1):
        terms = await brought_to(world, stage)
        await ordered_everything(world, terms, number)
        verdict = await world.payment.verdict_of(world.signed(terms).terms_hash)
        assert verdict is not None
        await (release if verdict.verdict == "PAID" else refund)(world, terms)
        lock = await world.asset.lock_of(world.signed(terms).terms_hash)
        assert lock is not None
        assert (stage, (verdict.verdict, lock.state)) == (stage, end)
        contrary = refund if verdict.verdict == "PAID" else release
        assert code(await contrary(world, terms)) in {"already_paid", "already_voided"}
    found = await verify(world.asset, world.payment)
    assert {name: result.violations for name, result in found.items() if not result.ok} == {}


async def test_hazard_18_no_order_takes_units_from_anybody(postgres_world: PostgresWorld) -> None:
    """Units leave an account by its owner's signed terms only: orders open, admit, freeze, close and issue."""
    world, held = postgres_world, list[dict[tuple[str, str], int]]()
    await world.locked(world.terms())
    for number in (1, 2):
        held.append(
            {
                (account.account, asset): units
                for ledger in (world.asset, world.payment)
                for account in await ledger.accounts()
                for asset, units in account.balances.items()
            }
        )
        await ordered_everything(world, world.terms(), number)
    assert {key: units for key, units in held[0].items() if held[1][key] < units} == {}

"""The report from the ledgers alone says the same as the settlement's own would, as far as ledgers know."""

from datetime import UTC, datetime, timedelta

import pytest

from interlock.cli.from_ledgers import report_of, report_on
from interlock.ledgers.memory import MemoryLedger
from interlock.protocol import Fact, SettlementReport, Stage, Terms
from tests.world import ATTEMPT, NETWORK, World, genesis, receipt

Ending = tuple[str, str | None, str | None, str | None]


@pytest.fixture
async def world() -> tuple[World, list[datetime]]:
    """Two ledgers in memory, and the hands of their clock."""
    hands = [datetime.now(UTC)]
    world = World(
        asset=MemoryLedger(genesis("asset"), lambda: hands[0]),
        payment=MemoryLedger(genesis("payment"), lambda: hands[0]),
    )
    await world.fund()
    return world, hands


async def looked(world: World, terms: Terms) -> SettlementReport | None:
    terms_hash = terms.hash(NETWORK)
    return report_of(await world.asset.lock_of(terms_hash), await world.payment.verdict_of(terms_hash))


def ending(report: SettlementReport | None) -> Ending:
    assert report is not None
    return report.stage, report.outcome, report.verdict, report.lock


async def test_a_settled_trade_step_by_step(world: tuple[World, list[datetime]]) -> None:
    ledgers, _ = world
    terms = ledgers.terms()
    assert await looked(ledgers, terms) is None
    certificate = await ledgers.locked(terms)
    locked = await looked(ledgers, terms)
    assert ending(locked) == ("LOCKED", None, None, "locked")
    assert locked is not None
    assert set(locked.allowed) == {"cancel", "void"}
    paid = receipt(await ledgers.payment.pay(ledgers.signed(terms), certificate, ATTEMPT))
    assert ending(await looked(ledgers, terms)) == ("PAID", None, "PAID", "locked")
    await ledgers.asset.release(terms, ledgers.certificate(Fact.PAID, terms, paid), ATTEMPT)
    settled = await looked(ledgers, terms)
    assert ending(settled) == ("SETTLED", "SETTLED", "PAID", "released")
    assert settled is not None
    assert (settled.settlement_id, settled.settle_by) == (terms.settlement_id, terms.settle_by)
    assert settled.terms_hash[2:].startswith(settled.trace_id)


@pytest.mark.parametrize(
    ("authority", "outcome"), [("consent", "CANCELLED"), ("by_operators", "CANCELLED"), ("by_time", "EXPIRED")]
)
@pytest.mark.parametrize("had_lock", [True, False])
async def test_a_voided_trade_ends_by_its_authority(
    world: tuple[World, list[datetime]], authority: str, outcome: str, had_lock: bool
) -> None:
    ledgers, hands = world
    terms = ledgers.terms()
    if had_lock:
        await ledgers.locked(terms)
    evidence = getattr(ledgers, authority)
    if authority == "by_time":
        hands[0] = terms.settle_by + timedelta(seconds=1)
    voided = receipt(
        await ledgers.payment.void(
            ledgers.signed(terms), evidence if authority == "by_time" else evidence(terms), ATTEMPT
        )
    )
    assert ending(await looked(ledgers, terms)) == ("VOIDED", None, "VOIDED", "locked" if had_lock else None)
    await ledgers.asset.refund(terms, ledgers.certificate(Fact.VOIDED, terms, voided), ATTEMPT)
    assert ending(await looked(ledgers, terms)) == (outcome, outcome, "VOIDED", "refunded")


async def test_what_was_only_signed_may_still_be_withdrawn(world: tuple[World, list[datetime]]) -> None:
    ledgers, _ = world
    report = report_on(ledgers.signed(ledgers.terms()), Stage.PROPOSED)
    assert report.allowed == ("instruct", "withdraw")

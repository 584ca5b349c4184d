"""An export of a settlement that goes on meanwhile, and of journals that somebody has tampered with."""

from typing import Any

import pytest

from interlock.audit.exporting import Exporter, NothingToProve
from interlock.proof.check import check
from interlock.proof.format import written
from interlock.proof.report import State, Verdict
from interlock.protocol import Attestors, Fact, RegisterAttestors
from tests.conftest import PostgresWorld
from tests.proof.conftest import KEEPERS, Meanwhile
from tests.world import ATTEMPT, NETWORK, key, receipt

SUCCESSORS = tuple(key(f"successor-{number}") for number in range(1, 5))
SECOND = Attestors.of("quorum", 2, tuple(each.address for each in SUCCESSORS))


@pytest.mark.parametrize("after", ["asset", "payment", "audit"])
async def test_what_happens_while_it_is_read_makes_no_contradiction(
    postgres_world: PostgresWorld, journals: dict[str, Meanwhile], after: str
) -> None:
    terms = postgres_world.terms()
    if after == "payment":
        await postgres_world.locked(terms)
    journals[after].happens = lambda: postgres_world.settled(terms)
    proof = await Exporter(journals, NETWORK, KEEPERS).export(terms.hash(NETWORK))
    assert [each.record.operation for each in proof.entries] == ["lock", "release", "pay"]
    report = check(written(proof), None)
    assert (report.verdict, report.outcome) == (Verdict.INCOMPLETE, "SETTLED")
    proven = {each.name for each in report.claims if each.state is State.PROVEN}
    assert {"terms", "authority", "course", "movements", "outcome"} <= proven
    assert "no seal covers yet" in report.claim("inclusion").why


async def test_a_successors_certificates_count_from_its_order_on_and_only_with_it(
    postgres_world: PostgresWorld, journals: dict[str, Meanwhile]
) -> None:
    world, terms = postgres_world, postgres_world.terms()
    locked = receipt(await world.asset.lock(world.signed(terms), ATTEMPT))
    for ledger in (world.asset, world.payment):
        succession: dict[str, Any] = {
            "name": "quorum",
            "epoch": 2,
            "attestors": SECOND.keys,
            "quorum": 3,
            "succeeds": 1,
        }
        receipt(await world.order(ledger, RegisterAttestors, **succession))
    lock = world.certificate(Fact.LOCKED, terms, locked, by=SUCCESSORS, attestors=SECOND)
    paid = receipt(await world.payment.pay(world.signed(terms), lock, ATTEMPT))
    payment = world.certificate(Fact.PAID, terms, paid, by=SUCCESSORS, attestors=SECOND)
    receipt(await world.asset.release(terms, payment, ATTEMPT))
    proof = await Exporter(journals, NETWORK, KEEPERS).export(terms.hash(NETWORK))
    report = check(written(proof), None)
    assert (report.claim("authority").state, report.outcome) == (State.PROVEN, "SETTLED")
    kept = tuple(each for each in proof.foundations if each.record.operation != "attestors")
    assert len(kept) == len(proof.foundations) - 2
    report = check(written(proof.model_copy(update={"foundations": kept})), None)
    assert report.claim("authority").state is State.UNTRUE
    assert "not of the attestor set that counted" in report.reason


async def test_of_terms_that_no_ledger_knows_there_is_nothing_to_prove(journals: dict[str, Meanwhile]) -> None:
    with pytest.raises(NothingToProve, match="no ledger has an entry"):
        await Exporter(journals, NETWORK, KEEPERS).export("0x" + "ab" * 32)

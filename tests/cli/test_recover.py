"""`interlock recover` where there is nothing to recover, or no way to: it says so, and starts nothing.

That it has settlements finished, at whatever stage they were left, tests/e2e/test_recovery.py shows.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from interlock.cli.errors import CliError
from interlock.cli.recover import chosen, recoverable
from interlock.client import AmbiguousSettlement
from interlock.ledgers.memory import MemoryLedger
from interlock.protocol import Lock, Terms, Verdict
from tests.cli.conftest import Ledgers, Run
from tests.world import ATTEMPT, COORDINATOR, NETWORK, World, genesis, receipt

Rows = tuple[Lock | None, Verdict | None]
CLIENT = {"temporal": "127.0.0.1:1", "network": NETWORK, "coordinator": COORDINATOR.identity.model_dump(mode="json")}


@pytest.fixture
async def world() -> World:
    """Two ledgers in memory."""

    def clock() -> datetime:
        return datetime.now(UTC)

    world = World(asset=MemoryLedger(genesis("asset"), clock), payment=MemoryLedger(genesis("payment"), clock))
    await world.fund()
    return world


async def rows_of(world: World, name: str) -> Mapping[str, Rows]:
    """All that stands under a settlement id."""
    rows: dict[str, Rows] = {}
    for lock in await world.asset.locks_by_settlement(name):
        rows[lock.terms_hash] = (lock, await world.payment.verdict_of(lock.terms_hash))
    for verdict in await world.payment.verdicts_by_settlement(name):
        rows[verdict.terms_hash] = (await world.asset.lock_of(verdict.terms_hash), verdict)
    return rows


@pytest.mark.parametrize("name", ["x y", "lower-case", "0x12", "'"])
def test_what_can_be_no_settlement_is_told_before_any_server_is_asked_for(interlock: Run, name: str) -> None:
    ran = interlock("recover", name, "--json")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (1, "unknown_settlement", "id")


@pytest.mark.parametrize("verb", ["recover", "reconcile"])
def test_without_a_stack_it_says_what_to_start(interlock: Run, verb: str) -> None:
    words = [verb, "T-1"] if verb == "recover" else [verb]
    ran = interlock(*words, "--json")
    assert (ran.code, ran.error["code"]) == (3, "unreachable")
    assert "interlock up" in ran.error["message"]


@pytest.mark.parametrize("words", [["recover"], ["recover", "A", "B"], ["reconcile", "A"], ["reconcile", "--fix"]])
def test_a_wrong_command_line_is_wrong_usage(interlock: Run, words: list[str]) -> None:
    assert interlock(*words, "--json").code == 2


@pytest.mark.parametrize("words", [["recover", "T-1"], ["reconcile"]])
def test_with_no_temporal_server_it_says_so(ledgers: Ledgers, words: list[str]) -> None:
    (ledgers.folder / "client.json").write_text(json.dumps(CLIENT))
    ran = ledgers.run(*words, "--json")
    assert (ran.code, ran.error["code"]) == (3, "unreachable")
    assert "no Temporal server answers" in ran.error["message"]


@pytest.mark.parametrize("words", [["recover", "T-1"], ["reconcile"]])
def test_ledgers_of_another_network_are_not_taken_for_this_one(ledgers: Ledgers, words: list[str]) -> None:
    (ledgers.folder / "client.json").write_text(json.dumps(CLIENT | {"network": "0x" + "77" * 32}))
    ran = ledgers.run(*words, "--json")
    assert (ran.code, ran.error["code"]) == (1, "wrong_network")


async def test_of_several_terms_of_an_id_the_only_open_ones_are_recovered(world: World) -> None:
    ended, open_one = world.terms(settlement_id="SAME"), world.terms(settlement_id="SAME", payment={"quantity": 7})
    await refunded(world, ended)
    receipt(await world.asset.lock(world.signed(open_one), ATTEMPT))
    lock, verdict = chosen("SAME", await rows_of(world, "SAME"))
    assert lock is not None
    assert (lock.terms_hash, verdict) == (open_one.hash(NETWORK), None)


async def test_of_several_open_ones_none_is_chosen(world: World) -> None:
    terms = [world.terms(settlement_id="SAME", payment={"quantity": quantity}) for quantity in (7, 8)]
    for each in terms:
        await world.voided(each)
    with pytest.raises(AmbiguousSettlement) as caught:
        chosen("SAME", await rows_of(world, "SAME"))
    assert {each.terms_hashes for each in caught.value.candidates} == {(each.hash(NETWORK),) for each in terms}


async def test_where_all_have_ended_the_last_to_end_is_reported(world: World) -> None:
    terms = [world.terms(settlement_id="SAME", payment={"quantity": quantity}) for quantity in (7, 8)]
    for each in terms:
        await refunded(world, each)
    lock, _ = chosen("SAME", await rows_of(world, "SAME"))
    assert lock is not None
    assert lock.terms_hash == terms[-1].hash(NETWORK)


async def test_rows_that_contradict_each_other_are_never_recovered(world: World) -> None:
    terms = world.terms()
    await world.settled(terms)
    lock = await world.asset.lock_of(terms.hash(NETWORK))
    with pytest.raises(CliError) as caught:
        recoverable(lock, None)
    assert caught.value.code == "contradiction"
    assert "the lock is released, and the verdict is missing" in caught.value.message


async def refunded(world: World, terms: Terms) -> None:
    """Voided, and the tombstone written."""
    receipt(await world.asset.refund(terms, await world.voided(terms), ATTEMPT))

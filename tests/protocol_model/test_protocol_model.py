"""Every promise holds in every state of every world; and each rule that is dropped is missed at once."""

import dataclasses
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from interlock.protocol import RefusalCode
from tests.protocol_model.__main__ import hold, main, weaken
from tests.protocol_model.engine import Engine
from tests.protocol_model.orchestrator import Orchestrated
from tests.protocol_model.rules import REAL, WEAKENINGS, Rules, Weakening
from tests.protocol_model.search import RECOVERABILITY, Exploration, explore
from tests.protocol_model.worlds import TRADE, WORLDS, World, world_named


@cache
def explored(name: str) -> Exploration[Any]:
    """A world with the real rules, searched once."""
    return explore(world_named(name).build(REAL))


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_every_promise_holds_in_every_state_of_the_world(world: World) -> None:
    found = explored(world.name)
    stories = {name: found.counterexample(name) for name in found.violations}
    # where two of four attestors may be silent, an end may have to wait for them; nothing else is lost
    assert stories.keys() == (set() if world.ends else {RECOVERABILITY}), stories


@pytest.mark.parametrize("weakening", WEAKENINGS, ids=lambda weakening: weakening.name)
def test_a_rule_that_is_dropped_is_missed(weakening: Weakening) -> None:
    found = explore(world_named(weakening.world).build(weakening.rules), weakening.breaks)
    assert set(weakening.breaks) <= found.violations.keys()
    assert all(found.counterexample(name) for name in weakening.breaks)


def test_each_rule_has_its_weakening() -> None:
    defaults = dataclasses.asdict(REAL)
    weakened = {
        name
        for weakening in WEAKENINGS
        for name, value in dataclasses.asdict(weakening.rules).items()
        if value != defaults[name]
    }
    assert weakened == {field.name for field in dataclasses.fields(Rules)}


def test_a_late_pay_costs_the_deadline_but_never_a_leg() -> None:
    found = explore(world_named("one_terms").build(Rules(pay_stops_at_settle_by=False)))
    assert set(found.violations) == {"authority"}


def test_kept_votes_never_certify_both_verdicts_though_a_ledger_forgets_or_contradicts_itself() -> None:
    """Hazard 6: the quorum and the votes hold, whatever the ledger does; only together are they enough."""
    for rules in (Rules(opens_with_every_vote=False), Rules(one_verdict=False)):
        found = explore(world_named("restored").build(rules))
        assert found.violations
        assert "one_certified_verdict" not in found.violations
        forgetful = dataclasses.replace(rules, attestors_keep_votes=False)
        assert "one_certified_verdict" in explore(world_named("restored").build(forgetful)).violations


@pytest.mark.parametrize("dishonest", [0, 1, 2])
def test_no_certificate_lies_until_the_dishonest_are_a_quorum(dishonest: int) -> None:
    found = explore(Orchestrated(REAL, (TRADE,), dishonest=dishonest, restores=True))
    assert set(found.violations) == ({RECOVERABILITY} if dishonest == 2 else set())


@pytest.mark.parametrize("name", ["workflow", "by_hand"])
def test_every_outcome_is_reached(name: str) -> None:
    ended = {(state.run.outcome, state.run.verdict) for state in explored(name).states if state.run is not None}
    assert ended == {
        ("", ""),
        ("", "PAID"),
        ("", "VOIDED by time"),
        ("", "VOIDED by will"),
        ("SETTLED", "PAID"),
        ("CANCELLED", "VOIDED by will"),
        ("EXPIRED", "VOIDED by time"),
        ("REJECTED", ""),
        ("CANCELLED", ""),
        ("EXPIRED", ""),
    }


@pytest.mark.parametrize("name", [world.name for world in WORLDS])
def test_units_are_released_refunded_and_refused_by_tombstones_in_every_world(name: str) -> None:
    assert {row.lock for state in explored(name).states for row in state.held.rows} == {
        "",
        "locked",
        "released",
        "refunded",
        "tombstone",
    }


def test_a_lock_of_a_terminated_run_lands_after_every_outcome_that_is_not_settled() -> None:
    """The ledgers refuse it, or the sweeper finishes what it began: recoverability says so of each such state."""
    found = explored("workflow")
    late = {
        state.run.outcome
        for state in found.states
        if state.run is not None and state.run.at == "ended" and state.held.rows[0].lock == "locked"
    }
    assert late == {"REJECTED", "CANCELLED", "EXPIRED"}
    assert ("sweep", "") in found.taken


def test_every_no_that_a_run_heeds_is_met_and_is_a_refusal_of_the_protocol() -> None:
    taken = explored("workflow").taken | explored("by_hand").taken
    heeded = {"already_paid", "already_voided", "terms_closed", "no_quorum", "deadline_passed", "authority_expired"}
    assert heeded <= {detail.partition(": ")[2] for verb, detail in taken if verb == "run"}
    assert heeded <= {code.value for code in RefusalCode}


def test_a_run_that_waits_is_no_step_of_its_own() -> None:
    model = Engine(REAL, by_hand=True)
    found = explored("by_hand")
    assert all(after != state for state in found.states[:2000] for _, after in model.steps(state))


def test_the_command_tells_the_shortest_counterexample(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--weaken", "timer_refunds"]) == 0
    assert capsys.readouterr().out.splitlines()[2:9] == [
        "  1. lock A: 2 from seller into escrow",
        "  2. the asset ledger's clock passes settle_by of A",
        "  3. an honest attestor signs LOCKED of A: 1 honest signature",
        "  4. an honest attestor signs LOCKED of A: 2 honest signatures",
        "  5. pay A on a LOCKED certificate, signed by 2 honest and 1 dishonest: 3 from buyer to seller, verdict PAID",
        "  6. refund A on no certificate at all: whatever is in escrow goes back to the deliverer",
        "     now: A: lock row refunded, verdict PAID; done for A: lock, pay, refund",
    ]


def test_a_promise_that_does_not_hold_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert not hold([world_named("one_terms")], Rules(timer_refunds=True))
    assert "both_legs_or_neither DOES NOT HOLD:" in capsys.readouterr().out


def test_a_weakening_that_breaks_nothing_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert not weaken(Weakening("none", REAL, "one_terms", ("atomicity",), "nothing is weakened"))
    assert "NOT BROKEN: atomicity" in capsys.readouterr().out


def test_the_same_counterexample_is_found_whatever_the_hash_seed() -> None:
    command = [sys.executable, "-m", "tests.protocol_model", "--weaken", "key_by_settlement_id"]
    told = {
        subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1

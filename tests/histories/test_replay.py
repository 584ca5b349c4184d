"""Open settlements go on with today's code: the fingerprint first, then every history that was ever recorded."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from interlock.protocol import RefusalCode
from interlock.protocol.steps import CHECK_DELIVERY, CHECK_PAYMENT
from interlock.worker.commands import of_event
from interlock.worker.replaying import Replayed, replayed
from interlock.workflows import settlement, waiting
from tests.fingerprint import exploring, fingerprint, shapes
from tests.fingerprint.fingerprint import Fingerprint
from tests.histories import shelf
from tests.safeguards.removal import ROOT

pytestmark = pytest.mark.timeout(600)  # all of it is work for the processor, however little of it there is

HASH_SEEDS = ("1", "2", "3")


@pytest.fixture(scope="module")
def now() -> Fingerprint:
    """The fingerprint of today's code."""
    return fingerprint.taken()


@pytest.fixture(scope="module")
def order_is_kept(now: Fingerprint) -> None:
    """Nothing is replayed before a developer has been told what to do about the order of commands."""
    if wrong := fingerprint.broken(fingerprint.written(), now):
        pytest.fail(fingerprint.told(wrong), pytrace=False)


@pytest.mark.usefixtures("order_is_kept")
def test_the_order_of_commands_is_the_one_that_open_settlements_know() -> None:
    """The fixture says what has changed, and what is to be done."""


def test_the_fingerprint_is_written_down(now: Fingerprint) -> None:
    assert list(fingerprint.lines(fingerprint.written(), now)) == [], "`make fingerprint` writes it down"


def test_the_order_does_not_hang_on_how_sets_are_ordered() -> None:
    for seed in HASH_SEEDS:
        done = subprocess.run(
            [sys.executable, "-m", "tests.fingerprint", "--brief"],
            env={"PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"hash seed {seed}: {done.stdout}{done.stderr}"


def test_a_script_issues_the_same_whatever_was_played_before_it() -> None:
    """Runs of one process share nothing: what one has told the server is not known of the next."""
    here = next(each for each in exploring.BEGINNINGS if each.name == "both sign, here")
    first, _, again = (exploring.play(each, [], patches=False) for each in (here, exploring.BEGINNINGS[0], here))
    assert first.driven.words == again.driven.words


@pytest.mark.parametrize("answer", [b"", b'{"kind":"refusal"}'])
def test_a_step_that_was_taken_here_is_known_by_its_name_whatever_it_answered(answer: bytes) -> None:
    event = HistoryEvent(event_type=EventType.EVENT_TYPE_MARKER_RECORDED)
    marker = event.marker_recorded_event_attributes
    marker.marker_name = "core_local_activity"
    marker.details["result"].payloads.add(data=answer)
    marker.details["data"].payloads.add(data=b'{"seq":3,"activity_type":"verdict of"}')
    assert of_event(event) == "step here verdict of"


def test_no_script_meets_a_fault_of_the_code_itself(now: Fingerprint) -> None:
    assert [name for name, words in now.orders.items() if words[-1].startswith("fails")] == []


def test_the_scripts_know_every_step_and_message(now: Fingerprint) -> None:
    """A new one that no script meets would have no fingerprint."""
    met = {word for words in now.orders.values() for word in words}
    steps = {name.removeprefix("step ") for name in now.names if name.startswith("step ")}
    assert {name for name in steps if f"step {name}" in met or f"step here {name}" in met} == steps
    said = {told.name for many in exploring.MESSAGES.values() for told in many if hasattr(told, "name")}
    messages = {name.split()[-1] for name in now.names if name.startswith(("update", "signal"))}
    assert said == messages


async def histories() -> AsyncIterator[WorkflowHistory]:
    """The whole corpus, of every version."""
    for path in shelf.stored():
        yield shelf.read(path)


@pytest.mark.usefixtures("order_is_kept")
async def test_every_recorded_history_replays_in_the_strict_sandbox() -> None:
    results = [result async for result in replayed(histories())]
    assert len(results) == len(shelf.stored())
    assert [result for result in results if result.parting is not None] == []


async def first_parting() -> Replayed | None:
    """The first history that does not replay."""
    async for result in replayed(histories()):
        if result.parting is not None:
            return result
    return None


async def test_a_replay_names_the_event_and_what_the_code_wants_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wait is over at once here: where a history has a timer, the code asks again."""
    monkeypatch.setattr(waiting.Waiting, "sleep", at_once)
    found = await first_parting()
    assert found is not None
    assert found.parting is not None
    assert (found.parting.event, found.parting.wanted[:4]) == ("TimerStarted: timer", "step")
    assert found.parting.event_id > 0
    assert f"HistoryEvent(id: {found.parting.event_id}, TimerStarted)" in found.parting.said


async def test_a_replay_names_the_error_that_a_workflow_task_fails_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting.Waiting, "history_is_long", breaks)
    found = await first_parting()
    assert found is not None
    assert found.parting is not None
    assert (found.parting.event, found.parting.wanted) == ("WorkflowTaskStarted", "to fail: not thought of")


async def at_once(*_: object) -> None:
    """No wait at all."""


def breaks(_: object) -> bool:
    """An error in the workflow's own code."""
    raise RuntimeError("not thought of")


def swapped(patched: pytest.MonkeyPatch) -> None:
    """The payment ledger is checked first."""
    patched.setattr(settlement, "CHECK_DELIVERY", CHECK_PAYMENT)
    patched.setattr(settlement, "CHECK_PAYMENT", CHECK_DELIVERY)


def no_longer_waited_for(patched: pytest.MonkeyPatch) -> None:
    """The wait for what is announced has no timer."""
    patched.setattr(waiting.Waiting, "sleep", at_once)


def read_anew(patched: pytest.MonkeyPatch) -> None:
    """Another refusal means that the verdict stands."""
    patched.setattr(settlement, "DECIDED", settlement.DECIDED | {RefusalCode.TOO_EARLY})


@pytest.mark.parametrize("change", [swapped, no_longer_waited_for, read_anew], ids=lambda change: change.__name__)
def test_the_fingerprint_notices_and_says_which_command_of_which_script_is_another_and_what_to_do(
    change: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = too_early()
    change(monkeypatch)
    told = fingerprint.told(fingerprint.parted(before, too_early()))
    assert "both sign, apart" in told
    assert "is now" in told
    for what_to_do in ("workflow.patched(", "new version", "make fingerprint", "make histories"):
        assert what_to_do in told


def too_early() -> fingerprint.Orders:
    """The order of one script: the lock is refused, waited for, and had."""
    driven = exploring.play(exploring.BEGINNINGS[0], [(2, "lock: too_early")], patches=True).driven
    return {"both sign, apart | 2 lock: too_early": driven.words}


def test_what_a_model_may_become_and_what_not() -> None:
    was = {"Model": {"a": "string", "b": "integer?"}, "Kind": {"values": "ONE | TWO?"}}
    grown = {
        "Model": {"a": "integer | string", "b": "integer?", "c": "string?"},
        "Kind": {"values": "ONE | THREE | TWO?"},
    }
    assert shapes.broken(was, grown) == []
    for broken, why in (
        ({"Model": {"b": "integer?"}, "Kind": was["Kind"]}, "Model.a was string, now is gone"),
        ({"Model": was["Model"] | {"a": "integer"}, "Kind": was["Kind"]}, "Model.a was string, now is integer"),
        ({"Model": was["Model"] | {"b": "integer"}, "Kind": was["Kind"]}, "Model.b was integer?, now is integer"),
        ({"Model": was["Model"] | {"c": "string"}, "Kind": was["Kind"]}, "Model.c is new, and must be given"),
        ({"Model": was["Model"], "Kind": {"values": "ONE?"}}, "Kind.values was ONE | TWO?, now is ONE?"),
    ):
        [found] = shapes.broken(was, broken)
        assert found.startswith(why)


def test_a_fingerprint_is_read_as_it_was_written(
    tmp_path: object, now: Fingerprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "FILE", tmp_path / "kept.json")  # type: ignore[operator] # a Path
    fingerprint.write(now)
    assert fingerprint.written() == now

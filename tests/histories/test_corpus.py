"""The corpus: nothing in it changes, it names no machine, and it takes every way through the workflows."""

import base64
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from interlock.protocol import Outcome, RefusalCode, SettlementReport, Stage
from interlock.protocol.names import STAGE
from interlock.protocol.steps import STEPS
from interlock.worker.commands import HERE, of_event
from interlock.workflows.settlement_workflow import SettlementWorkflow
from tests.histories import shelf
from tests.histories.catalogue import PATHS
from tests.histories.recording import file_name
from tests.histories.untaken import UNTAKEN, reason
from tests.safeguards.removal import ROOT

pytestmark = pytest.mark.timeout(600)  # all of it is work for the processor, however little of it there is

LARGEST_BYTES = 4_000_000
MACHINE = re.compile(r"/(?:tmp|home|root|usr|work|Users|private|var)/|site-packages|\b\d+@\w|\.venv")


@pytest.fixture(scope="module")
def histories() -> list[WorkflowHistory]:
    """Every history that was ever recorded."""
    return [shelf.read(path) for path in shelf.stored()]


def test_no_recorded_history_was_changed_or_removed() -> None:
    assert shelf.tampered() == []


@pytest.mark.parametrize("what", ["changed", "removed", "slipped in"])
def test_a_history_that_is_changed_removed_or_slipped_in_is_found(tmp_path: Path, what: str) -> None:
    history = shelf.read(shelf.stored()[0])
    kept = shelf.add("some", history, tmp_path)
    assert shelf.tampered(tmp_path) == []
    match what:
        case "changed":
            kept.write_bytes(gzip.compress(b"{}"))
        case "removed":
            kept.unlink()
        case _:
            kept.with_name(f"other{shelf.SUFFIX}").write_bytes(kept.read_bytes())
    [found] = shelf.tampered(tmp_path)
    assert found.startswith(f"{shelf.version()}/")


def test_what_stands_is_not_written_again(tmp_path: Path) -> None:
    history = shelf.read(shelf.stored()[0])
    shelf.add("some", history, tmp_path)
    with pytest.raises(FileExistsError):
        shelf.add("some", history, tmp_path)
    assert shelf.tampered(tmp_path) == []


def test_every_path_of_the_catalogue_has_a_history_of_todays_version() -> None:
    missing = [f"{path.name} ({path.placement})" for path in PATHS if not shelf.named(file_name(path))]
    assert missing == [], "`make histories` records them"


def test_every_path_has_a_name_of_its_own() -> None:
    assert len({file_name(path) for path in PATHS}) == len(PATHS)


def test_histories_name_no_machine_and_are_small() -> None:
    for path in shelf.stored():
        assert MACHINE.search(gzip.decompress(path.read_bytes()).decode()) is None, path.name
        for payload in payloads(json.loads(gzip.decompress(path.read_bytes()))):
            assert MACHINE.search(payload.decode()) is None, path.name
    assert sum(path.stat().st_size for path in shelf.stored()) < LARGEST_BYTES


def payloads(value: Any) -> Iterator[bytes]:
    """What is in the payloads of a history's JSON."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "data" and isinstance(inner, str):
                yield base64.b64decode(inner)
            else:
                yield from payloads(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from payloads(inner)


def test_every_outcome_is_in_it(histories: list[WorkflowHistory]) -> None:
    assert {report.outcome for report in reports(histories)} == set(Outcome)


def test_every_stage_that_is_waited_at_and_every_end_is_in_it(histories: list[WorkflowHistory]) -> None:
    """Stages are published where a settlement waits or ends; a void is served at once unless it cannot be."""
    shown = {
        json.loads(
            event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields[STAGE].data
        )
        for history in histories
        for event in history.events
        if STAGE in event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
    }
    assert shown == {stage.value for stage in Stage} - {Stage.PROPOSED}


def test_every_update_and_signal_is_in_it(histories: list[WorkflowHistory]) -> None:
    defn = workflow._Definition.must_from_class(SettlementWorkflow)
    said = {
        event.workflow_execution_update_accepted_event_attributes.accepted_request.input.name
        for history in histories
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
    }
    signalled = {
        event.workflow_execution_signaled_event_attributes.signal_name
        for history in histories
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    }
    assert said == set(defn.updates)
    assert signalled == set(defn.signals)


def test_every_step_is_in_it_and_those_that_may_be_taken_here_are_in_it_twice(histories: list[WorkflowHistory]) -> None:
    words = {of_event(event) for history in histories for event in history.events}
    apart = {name for name in STEPS if f"step {name}" in words}
    here = {name for name in STEPS if f"{HERE} {name}" in words}
    of_the_sweep = {"open locks", "verdicts after", "ended of", "unattended", "recover"}
    assert apart | here == set(STEPS)
    assert here == set(STEPS) - of_the_sweep


def test_every_refusal_that_the_workflow_knows_by_name_is_in_it() -> None:
    known = {
        code
        for file in (ROOT / "interlock" / "workflows").glob("*.py")
        for code in re.findall(r"RefusalCode\.([A-Z_]+)", file.read_text())
    }
    answered = b"".join(
        payload for path in shelf.stored() for payload in payloads(json.loads(gzip.decompress(path.read_bytes())))
    ).decode()
    assert {code for code in known if f'"code":"{RefusalCode[code].value}"' in answered} == known


def test_misconduct_is_in_it_with_a_certificate_and_without(histories: list[WorkflowHistory]) -> None:
    """Both kinds of answer bring it; what the settlement does next is the same and may not become another."""
    found = {
        answer["kind"]
        for history in histories
        for event in history.events
        for payload in event.activity_task_completed_event_attributes.result.payloads
        if b'"misconduct":[' in payload.data and isinstance(answer := json.loads(payload.data), dict)
    }
    assert found == {"attested", "not_attested"}


def test_runs_that_other_builds_go_on_with_are_in_it(histories: list[WorkflowHistory]) -> None:
    """Moved to another build within a run; continued as new on another."""
    builds = [
        {
            event.workflow_task_completed_event_attributes.deployment_version.build_id
            for event in history.events
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        }
        - {""}
        for history in histories
    ]
    assert max(map(len, builds)) == 2
    assert len({build for history in builds for build in history}) >= 4


def reports(histories: list[WorkflowHistory]) -> Iterator[SettlementReport]:
    """The final reports."""
    for history in histories:
        ended = history.events[-1].workflow_execution_completed_event_attributes
        if history.events[0].workflow_execution_started_event_attributes.workflow_type.name == "Settlement":
            for payload in ended.result.payloads:
                yield SettlementReport.model_validate_json(payload.data)


def test_the_corpus_takes_every_way_through_the_workflows_but_those_that_none_can_take() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.histories.coverage"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    ways = json.loads(told.stdout)
    assert [way for way in ways if reason(way) is None] == [], "add a path to tests/histories/catalogue.py"
    stale = [pattern for pattern in UNTAKEN if not any(re.fullmatch(pattern, way) for way in ways)]
    assert stale == [], "these are taken by now: strike them out"

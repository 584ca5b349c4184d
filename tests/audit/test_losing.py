"""After any crash one settlement is one trace, with no orphan and no hole: in the audit database, and by OTLP."""

import pytest

from interlock.audit.spans import trees_of
from interlock.protocol.reports import root_span_id_of
from tests.audit.losing import AFTERWARDS, BY_HAND, Lost, lose_everything
from tests.audit.trees import ids
from tests.world import UNITS

DARK = ("dark-settled", "dark-rejected", "dark-cancelled", "dark-proposals")
OUTCOMES = {
    "dark-settled": "SETTLED",
    "dark-rejected": "REJECTED",
    "dark-cancelled": "CANCELLED",
    "dark-proposals": "SETTLED",
    "by-hand-settled": "SETTLED",
    "by-hand-voided": "CANCELLED",
    "forgotten-settled": "SETTLED",
    "forgotten-cancelled": "CANCELLED",
}
FORGOTTEN = ("forgotten-settled", "forgotten-cancelled")


@pytest.fixture(scope="session")
async def lost(tmp_path_factory: pytest.TempPathFactory) -> Lost:
    """Played once."""
    return await lose_everything(tmp_path_factory.mktemp("losing"))


def test_in_a_healthy_run_nothing_is_made_again(lost: Lost) -> None:
    assert (lost.healthy.ok, lost.healthy.reconstructed) == (True, 0), lost.healthy
    assert lost.healthy.complete == lost.healthy.settlements == 6


def test_what_died_with_its_process_is_missed(lost: Lost) -> None:
    assert not lost.dark.ok
    assert lost.dark.effects_without_span == lost.dark.effects - lost.healthy.effects > 0


def test_once_all_are_back_every_settlement_is_one_complete_trace(lost: Lost) -> None:
    back = lost.back
    assert back.violations == ()
    assert (back.orphans, back.holes, back.effects_without_span, back.contradictions) == (0, 0, 0, 0)
    assert (back.complete, back.still_open) == (back.settlements, 0)
    assert back.reconstructed > 0


def test_nothing_is_made_twice_by_who_begins_anew(lost: Lost) -> None:
    assert lost.made_twice == 0


@pytest.mark.parametrize("name", OUTCOMES)
def test_its_root_says_how_it_ended(lost: Lost, name: str) -> None:
    (tree,) = trees_of(lost.spans[name])
    assert tree.span.span_id == root_span_id_of(lost.hashes[name])
    assert tree.span.attributes["interlock.outcome"] == OUTCOMES[name]
    assert tree.span.attributes["interlock.reconstructed"] is True


@pytest.mark.parametrize("name", [*DARK, *BY_HAND, *FORGOTTEN])
def test_all_of_its_spans_are_marked(lost: Lost, name: str) -> None:
    unmarked = [span.name for span in lost.spans[name] if "interlock.reconstructed" not in span.attributes]
    assert unmarked == []


def test_a_run_tells_its_whole_story_again(lost: Lost) -> None:
    (tree,) = trees_of(lost.spans["dark-settled"])
    told = [event.attributes["interlock.text"] for event in tree.span.events]
    assert any("signed terms" in text for text in told), told
    assert told[-1] == "ended SETTLED"
    assert (tree.span.events[0].at_ns, tree.span.events[-1].at_ns) == (tree.span.start_ns, tree.span.end_ns)


@pytest.mark.parametrize("name", [*BY_HAND, *FORGOTTEN])
def test_where_no_run_can_tell_the_root_says_what_its_spans_do(lost: Lost, name: str) -> None:
    (tree,) = trees_of(lost.spans[name])
    assert tree.span.attributes["interlock.reconstructed.from"] == "the spans of its trace"
    assert tree.span.attributes["interlock.reconstructed.times"] == "bounds"
    assert tree.span.attributes["interlock.delivery.quantity"] == str(UNITS)
    assert tree.span.start_ns <= min(child.span.start_ns for child in tree.children)


@pytest.mark.parametrize("name", AFTERWARDS)
def test_what_was_withdrawn_and_settled_all_the_same_says_both(lost: Lost, name: str) -> None:
    (tree,) = trees_of(lost.spans[name])
    (beneath,) = [child.span for child in tree.children if child.span.name == "settlement"]
    assert tree.span.attributes.get("interlock.outcome") in (None, "CANCELLED")
    assert beneath.attributes["interlock.outcome"] == "SETTLED"


@pytest.mark.parametrize("prefix", ["", "dark-"])
def test_proposals_that_came_to_nothing_have_a_root_that_says_so(lost: Lost, prefix: str) -> None:
    for name, why in (("asked", "passed over"), ("withdrawn", "withdrawn")):
        (tree,) = trees_of(lost.spans[f"{prefix}proposals {name}"])
        said = tree.span.attributes
        assert said["interlock.unmatched"] == why
        assert said["interlock.instead"] == lost.hashes[f"{prefix}proposals"]
        assert "interlock.outcome" not in said
    assert any(span.name == "lock of" for span in lost.spans["proposals asked"])


def test_what_otlp_received_is_what_is_stored(lost: Lost) -> None:
    for name, spans in lost.spans.items():
        stored = {ids(span): span for span in spans}
        received = {key: span for key, span in lost.received.spans.items() if key in stored}
        assert received == stored, name

"""One settlement, one trace, for every way a settlement goes; what OTLP receives is what the audit database keeps."""

from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from interlock.audit.spans import trees_of
from interlock.protocol.reports import root_span_id_of
from tests.audit.trading import Traded
from tests.audit.trees import TO_PAID, VOIDED, ids, steps_forward
from tests.world import BUYER, SELLER, UNITS

SCENARIOS = {
    "settled": "SETTLED",
    "rejected": "REJECTED",
    "expired": "EXPIRED",
    "cancelled": "CANCELLED",
    "terminated": "SETTLED",
    "killed": "SETTLED",
}
EFFECTS = {
    "settled": [*TO_PAID, "attest PAID", "release"],
    "rejected": ["check delivery"],
    "expired": VOIDED,
    "cancelled": VOIDED,
    "terminated": [
        "check delivery",
        "check payment",
        "lock",
        "attest LOCKED",
        "recover",
        "pay",
        "attest PAID",
        "release",
    ],
    "killed": [*TO_PAID, "attest PAID", "release"],
}
"""Of each scenario the steps that brought it forward, as docs/tracing.md has them; others were refused or repeated."""

every_scenario = pytest.mark.parametrize("scenario", SCENARIOS)


@every_scenario
async def test_it_ends_as_the_scenario_says(traded: Traded, scenario: str) -> None:
    assert traded.trades[scenario].ended == SCENARIOS[scenario]


@every_scenario
async def test_the_spans_received_are_the_spans_stored(traded: Traded, scenario: str) -> None:
    trade = traded.trades[scenario]
    received = {key: span for key, span in traded.received.spans.items() if key[0] == trade.trace_id}
    assert received == {ids(span): span for span in trade.stored}


async def test_both_protocols_carried_spans_each_of_its_own_process(traded: Traded) -> None:
    origins = {
        (protocol, span.resource["deployment.environment.name"])
        for key, protocol in traded.received.protocols.items()
        for span in [traded.received.spans[key]]
    }
    assert origins == {("grpc", "left"), ("http", "right")}


@every_scenario
async def test_its_trace_is_one_tree_under_the_derived_root(traded: Traded, scenario: str) -> None:
    trade = traded.trades[scenario]
    (tree,) = trees_of(trade.stored)
    assert (tree.span.name, tree.span.parent_span_id) == ("settlement", None)
    assert tree.span.span_id == root_span_id_of(trade.handle.terms_hash or "")
    assert {child.span.parent_span_id for child in tree.children} == {tree.span.span_id}
    assert len(tree.children) == len(trade.stored) - 1


@every_scenario
async def test_the_tree_is_as_documented(traded: Traded, scenario: str) -> None:
    steps = steps_forward(traded.trades[scenario].stored)
    if "recover" not in EFFECTS[scenario]:  # a sweep that read a lock just before it ended starts a run for nothing
        steps = [step for step in steps if step != "recover"]
    assert steps == EFFECTS[scenario]


@every_scenario
async def test_every_entry_of_a_ledger_names_the_span_that_made_it(traded: Traded, scenario: str) -> None:
    trade = traded.trades[scenario]
    stored = {ids(span): span for span in trade.stored}
    made = [(operation, stored[trace_id, span_id]) for operation, trace_id, span_id in trade.entries]
    assert [operation for operation, _ in made] == [span.name for _, span in made]
    assert {span.attributes["interlock.answer"] for _, span in made} <= {"receipt"}
    expected = {"SETTLED": 3, "REJECTED": 0}.get(SCENARIOS[scenario], 3)
    assert len(made) == expected


@every_scenario
async def test_the_root_tells_the_whole_story(traded: Traded, scenario: str) -> None:
    trade = traded.trades[scenario]
    (root,) = trade.named("settlement")
    assert root.attributes["interlock.outcome"] == SCENARIOS[scenario]
    assert root.attributes["interlock.settlement.id"] == trade.handle.settlement_id
    assert root.attributes["interlock.terms.hash"] == trade.handle.terms_hash
    assert root.attributes["interlock.delivery.quantity"] == str(UNITS)
    assert (root.events[0].at_ns, root.events[-1].at_ns) == (root.start_ns, root.end_ns)
    assert root.events[-1].attributes["interlock.text"] == f"ended {SCENARIOS[scenario]}"


@every_scenario
async def test_every_step_says_whose_it_is_and_what_came_of_it(traded: Traded, scenario: str) -> None:
    trade = traded.trades[scenario]
    for span in trade.stored:
        said = span.attributes
        assert said["interlock.settlement.id"] == trade.handle.settlement_id
        assert said["interlock.terms.hash"] == trade.handle.terms_hash
        assert (said["interlock.seller"], said["interlock.buyer"]) == (SELLER.address, BUYER.address)
        if span.parent_span_id is not None:
            assert said["interlock.attempt"] >= 1
            assert said["interlock.answer"]


async def test_certificates_name_their_signers_where_they_are_made_and_where_they_are_used(traded: Traded) -> None:
    trade = traded.trades["settled"]
    for made, used in (("attest LOCKED", "pay"), ("attest PAID", "release")):
        ((maker,), (user,)) = trade.named(made), trade.named(used)
        signers = maker.attributes["interlock.certificate.signers"]
        assert len(signers) >= 3
        assert user.attributes["interlock.certificate.signers"] == signers


async def test_a_refusal_stands_on_the_span_of_the_attempt_that_met_it(traded: Traded) -> None:
    refused, *_ = traded.trades["expired"].named("pay")
    assert refused.attributes["interlock.refusal.code"] == "insufficient_balance"
    assert refused.status == "UNSET"
    (root,) = traded.trades["rejected"].named("settlement")
    assert root.attributes["interlock.refusal.code"] == "unknown_account"


async def test_dissenting_attestors_are_named(traded: Traded) -> None:
    unattested, *_ = traded.trades["killed"].named("attest PAID")
    assert unattested.attributes["interlock.refusal.code"] == "no_quorum"
    assert len(unattested.attributes["interlock.dissents"]) == 2


async def test_a_replay_emits_nothing(traded: Traded) -> None:
    assert traded.added_by_replay == set()


async def test_an_instruction_is_a_span_of_the_settlements_trace_in_the_host_application(
    traded: Traded, host_spans: InMemorySpanExporter
) -> None:
    trade = traded.trades["settled"]
    told = {f"{span.context.trace_id:032x}": span for span in host_spans.get_finished_spans() if span.context}
    span = told[trade.trace_id]
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == root_span_id_of(trade.handle.terms_hash or "")
    assert (span.name, span.kind) == ("instruct", SpanKind.CLIENT)


async def test_every_attribute_is_in_the_documents_table(traded: Traded) -> None:
    page = (Path(__file__).parents[2] / "docs" / "tracing.md").read_text()
    documented = {
        cell.strip(" `") for line in page.splitlines() if line.startswith("| `") for cell in [line.split("|")[1]]
    }
    spans = [span for trade in traded.trades.values() for span in trade.stored]
    used = {name for span in spans for name in span.attributes}
    used |= {name for span in spans for event in span.events for name in event.attributes}
    assert used - documented == set()

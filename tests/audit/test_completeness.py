"""The judge of traces: what is a hole, an orphan, a contradiction, and what is not; and endings told by spans alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interlock.audit.completeness import Findings, SpanInShort, judge
from interlock.audit.due import Entry, due_of, moment_of
from interlock.audit.ending import ending_of, unmatched_ending
from interlock.audit.spans import StoredSpan
from interlock.protocol.eip712 import keccak256
from interlock.protocol.names import Role
from interlock.protocol.reports import root_span_id_of, trace_id_of
from tests.audit.synthetic import Made, settlements

HASH = "0x" + keccak256(b"some terms").hex()
RUN = "T-1.0123456789abcdef"
AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
OPERATIONS = (("lock", Role.ASSET), ("pay", Role.PAYMENT), ("release", Role.ASSET))


def entry(number: int, operation: str, role: Role, actor: str = f"{RUN}/{'0' * 36}/1#1") -> Entry:
    return Entry(
        role=role,
        position=number,
        operation=operation,
        terms_hash=HASH,
        reference=f"01a20e5a-9908-783a-82c9-{number:012x}",
        at=AT + timedelta(seconds=number),
        actor=actor,
        trace_id=trace_id_of(HASH),
        span_id=f"{number:016x}",
    )


def span(name: str, span_id: str, **said: Any) -> SpanInShort:
    common: dict[str, Any] = {
        "trace_id": trace_id_of(HASH),
        "span_id": span_id,
        "parent_span_id": root_span_id_of(HASH),
        "name": name,
        "written_at": AT,
        "terms_hash": HASH,
        "settlement_id": "T-1",
        "workflow_id": RUN,
        "answer": "receipt",
        "reference": None,
        "outcome": None,
        "unmatched": None,
        "reconstructed": False,
    }
    return SpanInShort(**(common | said))


def root(**said: Any) -> SpanInShort:
    return span("settlement", root_span_id_of(HASH), **({"parent_span_id": None, "outcome": "SETTLED"} | said))


def settled() -> tuple[list[SpanInShort], list[Entry]]:
    """A settlement as it should be told."""
    entries = [entry(number, *each) for number, each in enumerate(OPERATIONS, 1)]
    spans = [span(each.operation, each.span_id, reference=each.reference) for each in entries]
    spans += [
        span(name, f"{number:016x}", answer="agreed")
        for number, name in ((11, "check delivery"), (12, "check payment"))
    ]
    spans += [
        span(name, f"{number:016x}", answer="certificate")
        for number, name in ((13, "attest LOCKED"), (14, "attest PAID"))
    ]
    return [root(), *spans], entries


def wrong(spans: Sequence[SpanInShort], entries: Sequence[Entry], ended_runs: Sequence[str] = ()) -> list[str]:
    return judge(HASH, spans, entries, ended_runs).wrong


def test_a_whole_trace_has_nothing_wrong() -> None:
    assert wrong(*settled()) == []


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("lock", "no span of lock, entry 1 of ledger asset"),
        ("pay", "no span of pay, entry 2 of ledger payment"),
        ("release", "no span of release, entry 3 of ledger asset"),
        ("attest LOCKED", "no span attest LOCKED before entry 2 of ledger payment"),
        ("attest PAID", "no span attest PAID before entry 3 of ledger asset"),
        ("check delivery", "no span check delivery before entry 1 of ledger asset"),
        ("check payment", "no span check payment before entry 1 of ledger asset"),
    ],
)
def test_each_span_that_is_due_is_missed(lost: str, said: str) -> None:
    spans, entries = settled()
    assert wrong([each for each in spans if each.name != lost], entries) == [said]


def test_an_ended_settlement_without_a_root_has_a_hole_and_every_span_of_it_is_an_orphan() -> None:
    spans, entries = settled()
    judged = judge(HASH, spans[1:], entries, ())
    assert judged.holes == ["no root, and the asset ledger has its release"]
    assert len(judged.orphans) == len(spans) - 1


def test_an_open_settlement_has_no_root_and_no_orphan() -> None:
    spans, entries = settled()
    still_open = [each for each in spans[1:] if each.name not in ("release", "attest PAID")]
    judged = judge(HASH, still_open, entries[:2], ())
    assert (judged.wrong, judged.ended) == ([], False)


def test_a_refused_certificate_or_check_is_none() -> None:
    spans, entries = settled()
    spans = [replace(each, answer="refusal") if each.name == "attest LOCKED" else each for each in spans]
    assert wrong(spans, entries) == ["no span attest LOCKED before entry 2 of ledger payment"]


def test_a_fault_that_had_its_effect_all_the_same_is_its_span() -> None:
    spans, entries = settled()
    spans = [replace(each, answer="fault", reference=None) if each.name == "pay" else each for each in spans]
    assert wrong(spans, entries) == []


def test_another_span_of_the_effects_id_is_not_its_span() -> None:
    spans, entries = settled()
    (pay,) = [each for each in spans if each.name == "pay"]
    for other in (replace(pay, name="lock of"), replace(pay, reference="another")):
        falsified = [other if each is pay else each for each in spans]
        assert "no span of pay, entry 2 of ledger payment" in wrong(falsified, entries)


def test_by_hand_nobody_checks() -> None:
    by_hand = entry(1, "lock", Role.ASSET, actor="cli")
    assert [due.kind for due in due_of(by_hand)] == ["effect"]


def test_a_check_that_said_no_has_ended_it() -> None:
    refused = span("check payment", "11" * 8, answer="refusal")
    assert judge(HASH, [refused], [], ()).holes == ["no root, and a ledger said no to what was checked"]
    assert wrong([refused, root(outcome="REJECTED")], []) == []


def test_a_proposal_is_open_until_its_run_has_ended() -> None:
    asked = span("verdict of", "11" * 8, answer="nothing")
    assert not judge(HASH, [asked], [], ()).ended
    assert judge(HASH, [asked], [], [RUN]).holes == ["no root, and the run that looked after it has ended"]
    judged = judge(HASH, [asked, root(outcome=None, unmatched="passed over")], [], [RUN])
    assert (judged.wrong, judged.proposal) == ([], True)


@pytest.mark.parametrize(
    ("outcome", "operations", "said"),
    [
        ("EXPIRED", OPERATIONS, "its root says EXPIRED, and the ledgers SETTLED"),
        ("SETTLED", OPERATIONS[:2], "its root says SETTLED, and the ledgers have not settled it"),
        ("SETTLED", (), "its root says SETTLED, and the ledgers have not settled it"),
    ],
)
def test_a_root_that_says_otherwise_than_the_ledgers_contradicts_them(
    outcome: str, operations: Sequence[tuple[str, Role]], said: str
) -> None:
    entries = [entry(number, *each) for number, each in enumerate(operations, 1)]
    assert judge(HASH, [root(outcome=outcome)], entries, ()).contradictions == [said]


def test_a_proposal_that_was_settled_all_the_same_is_told_under_its_root() -> None:
    spans, entries = settled()
    spans[0] = root(outcome=None, unmatched="passed over")
    assert wrong(spans, entries) == ["no outcome, and the asset ledger has its release"]
    assert wrong([*spans, span("settlement", "44" * 8, outcome="SETTLED")], entries) == []


def test_spans_of_other_terms_and_a_second_root_are_named() -> None:
    spans, entries = settled()
    stranger = span("lock of", "22" * 8, answer="nothing", terms_hash="0x" + "00" * 32)
    second = span("other", "33" * 8, parent_span_id=None)
    assert len(judge(HASH, [*spans, stranger, second], entries, ()).contradictions) == 2


def test_what_lacks_something_and_is_young_is_not_judged_yet() -> None:
    spans, entries = settled()
    findings = Findings(now=AT + timedelta(seconds=10), young=timedelta(seconds=30))
    findings.add(HASH, spans[:-1], entries, ())
    findings.add(HASH, spans, entries, ())
    result = findings.result
    assert (result.ok, result.young, result.complete, result.holes) == (True, 1, 1, 0)


def test_only_the_first_hundred_violations_are_told_and_all_are_counted() -> None:
    findings = Findings(now=AT + timedelta(days=1))
    for _ in range(150):
        findings.add(HASH, [root()], settled()[1], ())
    assert len(findings.result.violations) == 100
    assert (findings.result.effects_without_span, findings.result.incomplete) == (450, 150)


def test_a_reference_tells_when_it_was_made() -> None:
    assert moment_of("01a20e5a-9908-783a-82c9-e08db78d3dbc") == datetime(2026, 11, 24, 16, 19, 8, 168000, tzinfo=UTC)
    assert moment_of("no reference") is None
    assert moment_of("3f0d2f7c-6f0a-4c7e-9d53-0d2a9b8e7c11") is None


@pytest.fixture(scope="module")
def made() -> list[Made]:
    return list(settlements("ending", 200))


def test_the_spans_of_a_trace_tell_the_end_that_its_root_told(made: list[Made]) -> None:
    told = {}
    for each in made:
        under = [span for span in each.spans if span.parent_span_id is not None]
        for number, one in enumerate(under):
            if one.name == "void":
                authority = "time" if each.outcome == "EXPIRED" else "consent"
                under[number] = replace(one, attributes=one.attributes | {"interlock.authority": authority})
        ending = ending_of(under)
        told[each.settlement_id] = ending.attributes["interlock.outcome"] if ending else None
        if ending is not None:
            (the_root,) = [span for span in each.spans if span.parent_span_id is None]
            for name in ("interlock.delivery.asset", "interlock.payment.quantity", "interlock.seller"):
                if name in ending.attributes:
                    assert ending.attributes[name] == the_root.attributes[name]
    assert told == {each.settlement_id: each.outcome for each in made}


def test_a_refund_whose_void_is_still_to_come_tells_no_end_yet(made: list[Made]) -> None:
    expired = next(each for each in made if each.outcome == "EXPIRED")
    spans: list[StoredSpan] = [each for each in expired.spans if each.parent_span_id and each.name != "void"]
    assert ending_of(spans) is None


def test_what_the_ledgers_had_a_part_in_is_no_proposal_that_came_to_nothing(made: list[Made]) -> None:
    spans = [each for each in made[0].spans if each.parent_span_id]
    assert unmatched_ending(spans, AT, None) is None
    reads = [replace(each, attributes=each.attributes | {"interlock.answer": "nothing"}) for each in spans[:1]]
    ending = unmatched_ending(reads, AT, HASH)
    assert ending is not None
    assert ending.attributes["interlock.instead"] == HASH

"""What people see of a settlement: its details at each stage, harmless whatever others wrote, and its one line."""

from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.ledgers.memory import MemoryLedger
from interlock.protocol import (
    Blocker,
    Dissent,
    DissentKind,
    Fact,
    LockState,
    Operation,
    Outcome,
    Receipt,
    SettlementEvent,
    Stage,
    VerdictKind,
)
from interlock.protocol.instructions import SettlementStart
from interlock.protocol.summary import LONGEST_SUMMARY, amount_of, summary_of
from interlock.workflows.plain import LONGEST_TEXT, label, markdown, plain
from interlock.workflows.progress import EVENTS_KEPT, Progress
from interlock.workflows.shown import EVENTS_SHOWN, details_of
from tests.world import BUYER, NETWORK, SELLER, World, genesis

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
SETTLE_BY = NOW.replace(hour=17)
WORLD = World(asset=MemoryLedger(genesis("asset"), lambda: NOW), payment=MemoryLedger(genesis("payment"), lambda: NOW))
TERMS = WORLD.terms(settlement_id="OUSG-1", settle_by=SETTLE_BY)
SIGNED = WORLD.signed(TERMS)
SHORT = Blocker(code="insufficient_balance", text="northbank is short of 5000.00 USD", who="owner of northbank")
LARGEST_DETAILS = 12_000
"""The Web UI puts them into a frame's address."""

ATTACKS = [
    "[click](https://evil.example/a)",
    "![](https://evil.example/beacon.png)",
    "see https://evil.example now",
    "see HTTP://evil.example now",
    "go to www.evil.example",
    "write to desk@evil.example",
    "<https://evil.example>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "&lt;b&gt;",
    "line\n\n# heading\n- [ ] task",
    "a | b | c",
    "`code` **bold** _it_ ~~gone~~",
    "{{workflow.id}} {namespace}",
    "1. first",
    "- item",
    "+ item",
    "# heading",
    "> quote",
    "back\\slash",
    "right\N{RIGHT-TO-LEFT OVERRIDE}left\N{ZERO WIDTH SPACE}\x00\x1b[31m",
    "[ref]: https://evil.example",
    "long " * 1000,
]


def progress(stage: Stage, **fields: Any) -> Progress:
    """A matched settlement that has come so far."""
    return Progress(matched=SIGNED, stage=stage).model_copy(update=fields)


def details(known: Progress) -> str:
    """As the workflow sets them."""
    return details_of(SettlementStart.of(TERMS, NETWORK), known)


def receipt(operation: Operation, position: int) -> Receipt:
    """As a ledger gives it."""
    ledger = "payment" if operation in (Operation.PAY, Operation.VOID) else "asset"
    return Receipt(
        ledger=ledger, operation=operation, terms_hash=SIGNED.terms_hash, reference="r", position=position, at=NOW
    )


def test_before_any_proposal_it_says_so() -> None:
    assert details(Progress()) == "**OUSG-1** \N{EM DASH} nobody has proposed terms yet."


def test_a_proposal_shows_who_has_signed_and_how_to_join_or_withdraw() -> None:
    text = details(Progress(proposals=[WORLD.signed(TERMS, SELLER)]))
    assert "**PROPOSED**" in text
    assert f"**Seller**: {SELLER.address}, signed\n" in text
    assert f"**Buyer**: {BUYER.address}, not signed yet\n" in text
    assert "`interlock instruct FILE --as NAME`" in text
    assert "`interlock withdraw OUSG-1 --as NAME`" in text


def test_rival_proposals_are_listed_with_their_signers() -> None:
    other = WORLD.terms(settlement_id="OUSG-1", settle_by=SETTLE_BY, payment={"quantity": 1})
    text = details(Progress(proposals=[WORLD.signed(TERMS, SELLER), WORLD.signed(other, BUYER)]))
    assert "285,000.00, ALPINE to NORTHBANK, settle by 2026-11-23 17:00:00 UTC, signed by seller" in text
    assert "USD 0.01, ALPINE to NORTHBANK, settle by 2026-11-23 17:00:00 UTC, signed by buyer" in text


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_shows_both_legs_in_whole_units_and_what_it_means(stage: Stage) -> None:
    text = details(progress(stage))
    assert "### OUSG 2,500.00 for USD 285,000.00, ALPINE to NORTHBANK" in text
    assert f"**{stage.value}** \N{EM DASH} " in text
    assert "**2,500.00 OUSG**" in text
    assert "**285,000.00 USD**" in text
    assert "**Settle by**: 2026-11-23 17:00:00 UTC" in text
    assert "None" not in text


def test_what_it_waits_for_who_must_act_when_it_asks_again_and_what_may_be_done() -> None:
    text = details(progress(Stage.ATTESTED, lock=LockState.LOCKED, blocker=SHORT, next_attempt=NOW))
    assert "**Waits because**: northbank is short of 5000.00 USD" in text
    assert "**Who must act**: owner of northbank" in text
    assert "**Next attempt**: 2026-11-23 14:00:00 UTC" in text
    for command in ("cancel OUSG-1 --as NAME", "void OUSG-1 --as OP1 --as OP2 --reason TEXT", "resume OUSG-1 --as OP1"):
        assert f"`interlock {command}" in text


def test_suspended_is_said_first() -> None:
    blocker = Blocker(code="not_admitted", text="suspended: northbank is not admitted", who="operators")
    text = details(progress(Stage.PAID, verdict=VerdictKind.PAID, blocker=blocker))
    assert text.index("**SUSPENDED**") < text.index("not admitted")
    assert "interlock cancel" not in text
    assert "`interlock resume OUSG-1" in text


def test_a_rejection_is_told_with_its_reason_and_offers_nothing_more() -> None:
    blocker = Blocker(code="unknown_account", text="no such account", who="buyer")
    text = details(progress(Stage.REJECTED, outcome=Outcome.REJECTED, blocker=blocker))
    assert "**Rejected because**: no such account" in text
    assert "What may be done" not in text


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        ((Operation.LOCK,), ("**Locked**: entry 1 of asset, 2026-11-23 14:00:00 UTC",)),
        ((Operation.LOCK, Operation.PAY, Operation.RELEASE), ("**Paid**: entry 2 of payment", "**Released**: entry 3")),
        (
            (Operation.VOID, Operation.REFUND),
            ("**Voided by time**: entry 1 of payment", "**Refunded**: entry 2 of asset"),
        ),
    ],
)
def test_receipts_are_shown_by_their_entries(operations: tuple[Operation, ...], words: tuple[str, ...]) -> None:
    known = progress(Stage.MATCHED, voided_by="time" if Operation.VOID in operations else None)
    for position, operation in enumerate(operations, start=1):
        known.keep(receipt(operation, position))
        known.keep(receipt(operation, position))  # told twice, shown once
    text = details(known)
    assert [word for word in words if word not in text] == []
    assert text.count("entry") == len(operations)


def test_certificates_dissents_and_consents_are_counted() -> None:
    dissent = Dissent(attestor="4", fact=Fact.LOCKED, kind=DissentKind.UNREACHABLE, text="no answer")
    text = details(
        progress(
            Stage.ATTESTED,
            lock_certificate=WORLD.certificate(Fact.LOCKED, TERMS, receipt(Operation.LOCK, 7)),
            dissents=[dissent],
            cancellations=[SELLER.sign_cancellation(TERMS, NETWORK)],
        )
    )
    assert "**Certificate**: LOCKED on asset, entry 7, 3 attestors signed" in text
    assert "**Attestors that did not sign**: 1 on LOCKED" in text
    assert "**Consent to cancel**: the seller's, until" in text


def test_the_newest_events_come_first_and_the_whole_stays_bounded() -> None:
    events = [
        SettlementEvent(at=NOW, stage=Stage.LOCKED, kind="wait", text=f"event {number} " + "*" * 2000)
        for number in range(EVENTS_KEPT)
    ]
    blocker = Blocker(code="x" * 9999, text="[" * 9999, who="#" * 9999)
    text = details(progress(Stage.LOCKED, events=events, blocker=blocker))
    assert text.index(f"event {EVENTS_KEPT - 1} ") < text.index(f"event {EVENTS_KEPT - 2} ")
    assert text.count(" · LOCKED · ") == EVENTS_SHOWN
    assert len(text) < LARGEST_DETAILS


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_others_wrote_stays_words_wherever_it_is_shown(attack: str) -> None:
    event = SettlementEvent(at=NOW, stage=Stage.LOCKED, kind="wait", text=attack)
    blocker = Blocker(code=attack, text=attack, who=attack)
    text = details(progress(Stage.LOCKED, blocker=blocker, events=[event]))
    harmless = details(
        progress(
            Stage.LOCKED,
            blocker=Blocker(code="x", text="x", who="x"),
            events=[event.model_copy(update={"text": "x"})],
        )
    )
    assert text.count("\n") == harmless.count("\n")
    assert unescaped(text) == unescaped(harmless)
    for written in (text, label(attack)):
        lowered = written.lower()
        assert [
            sign for sign in ("://", "www.", "@evil", "javascript:a", "{{", "\x1b", "\u202e") if sign in lowered
        ] == []


def unescaped(text: str) -> dict[str, int]:
    """How often each mark stands unescaped."""
    marks = dict.fromkeys("`*_[]<>#|~&!", 0)
    escaped = False
    for char in text:
        if char in marks and not escaped:
            marks[char] += 1
        escaped = char == "\\" and not escaped
    return marks


@pytest.mark.parametrize("text", ["1. first", "- item", "+ item", "= rule"])
def test_nothing_begins_a_list(text: str) -> None:
    assert "\\" in markdown(text)[:3]


def test_ordinary_words_are_left_as_they_are() -> None:
    for text in ("northbank is short of 5,000.00 USD", "valid until 2026-11-23 14:00:00Z (seller's)", "a/b; c: d"):
        assert markdown(text) == plain(text) == label(text) == text


def test_long_words_are_cut_visibly() -> None:
    assert plain("x" * 1000) == "x" * (LONGEST_TEXT - 1) + "…"


def test_the_one_line_of_a_trade() -> None:
    assert summary_of(TERMS) == "OUSG 2,500.00 for USD 285,000.00, ALPINE to NORTHBANK"


@pytest.mark.parametrize(
    ("quantity", "decimals", "shown"),
    [
        (1, 18, "0.000000000000000001"),
        (25 * 10**17, 18, "2.50"),
        (7, 0, "7"),
        (1234, 1, "123.4"),
        (10**24, 18, "1,000,000.00"),
    ],
)
def test_amounts_are_exact_in_whole_units(quantity: int, decimals: int, shown: str) -> None:
    leg = TERMS.delivery
    asset = leg.asset.model_copy(update={"decimals": decimals})
    assert amount_of(leg.model_copy(update={"quantity": quantity, "asset": asset})) == shown


def test_no_digit_is_cut_off_in_the_one_line_of_the_largest_trade() -> None:
    largest: dict[str, Any] = {"quantity": 2**256 - 1, "deliverer": "d" * 64, "receiver": "r" * 64}
    assert (
        summary_of(WORLD.terms(delivery=largest))
        == f"OUSG {amount_of(WORLD.terms(delivery=largest).delivery)} for USD 285,000.00"
    )
    both = summary_of(WORLD.terms(delivery=largest, payment={"quantity": 2**256 - 1}))
    assert both == "OUSG for USD, large amounts"
    assert len(both) <= LONGEST_SUMMARY

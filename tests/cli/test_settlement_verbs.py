"""The settlement verbs on a real stack, by their exit codes and documents, as scripts rely on them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.settling_stack import Stack, settling_stack

REPORT = [
    "settlement_id",
    "terms_hash",
    "stage",
    "outcome",
    "verdict",
    "lock",
    "blocker",
    "next_attempt",
    "settle_by",
    "allowed",
    "dissents",
    "trace_id",
]
OPERATORS = ("--as", "operator-1", "--as", "operator-2", "--reason", "tests say so")
HEADER = "settlement_id,seller,buyer,asset,quantity,currency,amount,settle_by"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One for this file."""
    with settling_stack(tmp_path_factory.mktemp("verbs") / "stack") as running:
        yield running


def ends(report: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    assert list(report) == REPORT
    return report["outcome"], report["verdict"], report["lock"]


def until_ended(stack: Stack, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while (report := stack.run("show", name).json)["outcome"] is None:
        assert time.monotonic() < deadline, report
    assert isinstance(report, dict)
    return report


def test_a_trade_settles_and_a_second_run_changes_nothing(stack: Stack) -> None:
    trade = stack.trade()
    path, before = stack.file(trade), stack.balances()
    first = stack.run("settle", path)
    assert first.code == 0
    assert list(first.json) == ["ok", "settlements", "rejected_rows", "totals"]
    assert (first.json["ok"], first.json["rejected_rows"], first.json["totals"]) == (True, [], {"SETTLED": 1})
    (report,) = first.json["settlements"]
    assert ends(report) == ("SETTLED", "PAID", "released")
    after = stack.balances()
    assert after != before
    assert stack.run("settle", path).json == first.json
    assert stack.balances() == after
    assert stack.run("show", trade["settlement_id"]).json == report == stack.run("show", report["terms_hash"]).json
    assert report in stack.run("list").json["settlements"]
    for words in (("settle", path), ("show", trade["settlement_id"])):
        said = stack.say(*words)
        assert (said.code, "SETTLED" in said.out) == (0, True)
    assert trade["settlement_id"] in stack.say("list").out


def test_two_parties_instruct_and_are_told_what_differs(stack: Stack) -> None:
    trade = stack.trade()
    first = stack.run("instruct", stack.file(trade), "--as", "alpine")
    assert first.code == 0
    assert list(first.json) == [*REPORT, "matched", "differences"]
    assert (first.json["matched"], first.json["stage"]) == (False, "PROPOSED")
    dearer = trade | {"payment": trade["payment"] | {"quantity": "286.00"}}
    second = stack.run("instruct", stack.file(dearer), "--as", "northbank")
    assert (second.code, second.json["matched"]) == (0, False)
    assert second.json["differences"] == [{"field": "payment.quantity", "yours": "28600", "theirs": "28500"}]
    said = stack.say("instruct", stack.file(dearer), "--as", "northbank").out
    assert ["payment.quantity", "286", "285"] in [line.split() for line in said.splitlines()]
    third = stack.run("instruct", stack.file(trade), "--as", "northbank")
    assert (third.code, third.json["matched"]) == (0, True)
    assert ends(until_ended(stack, trade["settlement_id"])) == ("SETTLED", "PAID", "released")
    assert stack.run("instruct", stack.file(trade), "--as", "alpine").json["matched"] is True
    refused = stack.run("instruct", stack.file(dearer), "--as", "northbank")
    assert (refused.code, refused.error["code"], refused.error["field"]) == (1, "id_used", "settlement_id")


def test_the_only_side_withdraws(stack: Stack) -> None:
    trade = stack.trade()
    stack.run("instruct", stack.file(trade), "--as", "alpine")
    other = stack.run("withdraw", trade["settlement_id"], "--as", "northbank")
    assert (other.code, other.error["code"]) == (1, "not_a_proposal")
    assert stack.run("withdraw", trade["settlement_id"], "--as", "alpine").code == 0
    assert ends(until_ended(stack, trade["settlement_id"])) == ("CANCELLED", None, None)
    assert stack.run("withdraw", trade["settlement_id"], "--as", "alpine").code == 0


def test_each_side_withdraws_its_own_of_two_proposals(stack: Stack) -> None:
    trade = stack.trade()
    dearer = trade | {"payment": trade["payment"] | {"quantity": "286.00"}}
    stack.run("instruct", stack.file(trade), "--as", "alpine")
    stack.run("instruct", stack.file(dearer), "--as", "northbank")
    for name in ("northbank", "alpine"):
        assert stack.run("withdraw", trade["settlement_id"], "--as", name).code == 0
    assert ends(until_ended(stack, trade["settlement_id"])) == ("CANCELLED", None, None)


def test_both_cancel_while_the_buyer_is_short_of_cash(stack: Stack) -> None:
    trade = stack.trade(buyer="poor")
    recorded = stack.run("settle", stack.file(trade), "--no-wait")
    assert (recorded.code, recorded.json["ok"], recorded.json["totals"]) == (0, True, {})
    name = trade["settlement_id"]
    deadline = time.monotonic() + 30
    while (report := stack.run("show", name).json)["blocker"] is None:
        assert time.monotonic() < deadline
    assert list(report["blocker"]) == ["code", "text", "who"]
    assert (report["blocker"]["code"], report["lock"]) == ("insufficient_balance", "locked")
    assert {"cancel", "void"} <= set(report["allowed"])
    one = stack.run("cancel", name, "--as", "alpine")
    assert (one.code, one.json["outcome"]) == (0, None)
    assert stack.run("cancel", name, "--as", "poor").code == 0
    assert ends(until_ended(stack, name)) == ("CANCELLED", "VOIDED", "refunded")
    ended = stack.run("settle", stack.file(trade))
    assert (ended.code, ended.json["ok"], ended.json["totals"]) == (1, False, {"CANCELLED": 1})


def test_two_operators_resume_and_void(stack: Stack) -> None:
    trade = stack.trade(buyer="poor")
    name = trade["settlement_id"]
    stack.run("settle", stack.file(trade), "--no-wait")
    assert stack.run("resume", name, *OPERATORS).code == 0
    alone = stack.run("void", name, "--as", "operator-1", "--reason", "x")
    assert (alone.code, alone.error["code"]) == (2, "usage")
    stranger = stack.run("void", name, "--as", "operator-1", "--as", "alpine", "--reason", "x")
    assert (stranger.code, stranger.error["code"]) == (1, "authority_invalid")
    assert stack.run("void", name, *OPERATORS).json["verdict"] == "VOIDED"
    assert ends(until_ended(stack, name)) == ("CANCELLED", "VOIDED", "refunded")
    settled = stack.trade()
    stack.run("settle", stack.file(settled))
    late = stack.run("void", settled["settlement_id"], *OPERATORS)
    assert (late.code, late.error["code"]) == (1, "already_ended")


def test_a_blotter_settles_its_good_rows_and_tells_of_the_others(stack: Stack) -> None:
    soon = stack.trade(seconds=15)["settle_by"]  # time enough for a dry run and to send, on a busy machine
    late = "2026-01-01T00:00:00Z"
    rows = [
        f"B-1,alpine,northbank,OUSG,1.5,USD,10.00,{soon}",
        f"B-2,alpine,poor,OUSG,1.5,USD,10.00,{soon}",
        f"B-3,alpine,nobody,OUSG,1.5,USD,10.00,{soon}",
        f"B-4,alpine,northbank,OUSG,1.5,USD,10.001,{soon}",
        "B-5,alpine",
        f"B-1,alpine,northbank,OUSG,1.5,USD,10.00,{soon}",
        f"B-1,alpine,northbank,OUSG,1.6,USD,10.00,{soon}",
        f"B-6,alpine,northbank,OUSG,1.5,USD,10.00,{late}",
        f"B-7,alpine,northbank,OUSG,1.5,USD,10.00,{soon}",
        f"B-7,alpine,northbank,OUSG,1.50,USD,10,{soon}",
        f"B-7,alpine,northbank,OUSG,1.50,USD,10.000,{soon}",
    ]
    path = stack.file("\n".join([HEADER, *rows]), "blotter.csv")
    checked = stack.run("settle", path, "--dry-run")
    assert (checked.code, checked.json["ok"], checked.json["settlements"]) == (1, False, [])
    bad = [(4, "buyer"), (5, "amount"), (6, ""), (8, "settlement_id"), (9, "settle_by"), (12, "amount")]
    assert [(row["line"], row["field"]) for row in checked.json["rejected_rows"]] == bad
    assert stack.run("show", "B-1").code == 1
    first = stack.run("settle", path)
    assert (first.code, first.json["ok"]) == (1, False)
    assert [(row["line"], row["field"]) for row in first.json["rejected_rows"]] == bad
    assert all(list(row) == ["line", "field", "reason"] and row["reason"] for row in first.json["rejected_rows"])
    assert [(each["settlement_id"], *ends(each)) for each in first.json["settlements"]] == [
        ("B-1", "SETTLED", "PAID", "released"),
        ("B-2", "EXPIRED", "VOIDED", "refunded"),
        ("B-7", "SETTLED", "PAID", "released"),
    ]
    assert first.json["totals"] == {"SETTLED": 2, "EXPIRED": 1}
    held = stack.balances()
    assert stack.run("settle", path).json == first.json  # settle_by has passed, but these terms are known
    assert stack.balances() == held


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"quantity": "2.5000000000000000001"}, "invalid_quantity", "delivery.quantity"),
        ({"buyer": "nobody"}, "unknown_account", "payment.deliverer"),
        ({"seconds": -1}, "deadline_passed", "settle_by"),
    ],
)
def test_a_bad_trade_is_one_error_and_nothing_happened(
    stack: Stack, change: dict[str, Any], code: str, field: str
) -> None:
    trade = stack.trade(**change)
    held = stack.balances()
    for words in (("settle",), ("instruct", "--as", "alpine")):
        refused = stack.run(words[0], stack.file(trade), *words[1:])
        assert (refused.code, refused.error["code"], refused.error["field"]) == (1, code, field)
    assert stack.run("show", trade["settlement_id"]).error["code"] == "unknown_settlement"
    assert stack.balances() == held


def test_a_settlement_id_that_stands_for_two_is_listed_and_nothing_is_done(stack: Stack) -> None:
    trade = stack.trade()
    first = stack.run("instruct", stack.file(trade), "--as", "alpine").json
    second = stack.run(
        "instruct", stack.file(stack.trade(settlement_id=trade["settlement_id"], buyer="poor")), "--as", "alpine"
    ).json
    name = trade["settlement_id"]
    deadline = time.monotonic() + 20
    while first["terms_hash"] not in (found := stack.run("show", name)).out or found.code == 0:
        assert time.monotonic() < deadline, found.out
    for words in (("show", name), ("withdraw", name, "--as", "alpine"), ("void", name, *OPERATORS)):
        ambiguous = stack.run(*words)
        assert (ambiguous.code, ambiguous.error["code"]) == (1, "ambiguous")
        assert all(each["terms_hash"] in ambiguous.error["message"] for each in (first, second))
    assert stack.run("withdraw", second["terms_hash"], "--as", "alpine").code == 0
    assert stack.run("show", first["terms_hash"]).json["stage"] == "PROPOSED"


def test_an_id_that_is_not_known_is_exit_one(stack: Stack) -> None:
    for words in (
        ("show", "NOT-KNOWN"),
        ("show", "0x" + "00" * 32),
        ("show", "no id"),
        ("cancel", "NOT-KNOWN", "--as", "alpine"),
        ("void", "NOT-KNOWN", *OPERATORS),
    ):
        unknown = stack.run(*words)
        assert (unknown.code, unknown.error["code"]) == (1, "unknown_settlement")


def test_only_the_named_party_signs(stack: Stack) -> None:
    path = stack.file(stack.trade())
    assert stack.run("instruct", path, "--as", "poor").error["code"] == "wrong_signer"
    assert stack.run("instruct", path, "--as", "nobody").error["code"] == "unknown_key"
    assert (
        stack.run("instruct", stack.file(f"{json.dumps(stack.trade())}\n" * 2, "two.jsonl"), "--as", "alpine").code == 1
    )

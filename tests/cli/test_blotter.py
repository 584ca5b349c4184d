"""Files of trades: which format it is, which rows are good, and where a bad one stands."""

import json
from pathlib import Path

import pytest

from interlock.cli.blotter import Blotter, read
from interlock.cli.errors import CliError
from interlock.cli.trades import BadTrade
from tests.cli.test_trades import TRADE

HEADER = "settlement_id,seller,buyer,asset,quantity,currency,amount,settle_by"
GOOD = "A-1,alpine,northbank,OUSG,2500.00,USD,285000.00,2026-11-23T17:00:00Z"


def blotter(folder: Path, text: str, name: str = "trades.csv") -> Blotter:
    path = folder / name
    path.write_bytes(text.encode())
    return read(path)


def line(**changes: str) -> str:
    return json.dumps(TRADE | changes)


def test_csv_and_json_lines_of_the_same_trade_are_the_same(tmp_path: Path) -> None:
    (by_csv,) = blotter(tmp_path, f"{HEADER}\n{GOOD}\n").rows
    (by_lines,) = blotter(tmp_path, line(settlement_id="A-1") + "\n", "trades.jsonl").rows
    assert by_csv.trade == by_lines.trade
    assert (by_csv.line, by_lines.line) == (2, 1)


@pytest.mark.parametrize("name", ["trade.json", "trade", "trade.txt"])
def test_one_json_object_is_one_trade_however_it_is_laid_out(tmp_path: Path, name: str) -> None:
    for text in (json.dumps(TRADE), json.dumps(TRADE, indent=2), "\ufeff" + json.dumps(TRADE, indent=1) + "\r\n\n"):
        assert blotter(tmp_path, text, name).is_single
    assert not blotter(tmp_path, f"{line(settlement_id='A')}\n{line(settlement_id='B')}\n", name).is_single


def test_a_single_broken_trade_is_the_whole_answer(tmp_path: Path) -> None:
    with pytest.raises(BadTrade):
        blotter(tmp_path, json.dumps(TRADE, indent=2)[:-3], "trade.json")


def test_bad_rows_among_good_ones_are_told_by_line_field_and_reason(tmp_path: Path) -> None:
    rows = [
        GOOD,
        "A-2,alpine,northbank,OUSG,2500.00,USD,285000.00",
        '"A-3,alpine,northbank,OUSG,2500.00,USD,285000.00,2026-11-23T17:00:00Z',
        "",
        "A-4,alpine,northbank,OUSG,,USD,285000.00,2026-11-23T17:00:00Z",
        "A-5,alpine,al pine,OUSG,1,USD,1,2026-11-23T17:00:00Z",
        "A-6,alpine,northbank,OUSG,1,USD,1,2026-11-23T17:00:00",
        GOOD.replace("A-1", "A-7"),
    ]
    found = blotter(tmp_path, "\r\n".join([HEADER, *rows]))
    assert [(row.line, row.trade.settlement_id) for row in found.rows] == [(2, "A-1"), (9, "A-7")]
    assert [(row.line, row.field) for row in found.rejected] == [
        (3, ""),
        (4, ""),
        (6, "quantity"),
        (7, "buyer"),
        (8, "settle_by"),
    ]
    assert all(row.reason for row in found.rejected)


def test_broken_json_lines_spoil_only_themselves(tmp_path: Path) -> None:
    text = "\n".join(["{broken", line(settlement_id="A"), "", line(settlement_id="low"), line(settlement_id="B")])
    for name in ("trades.jsonl", "trades.json"):
        found = blotter(tmp_path, text, name)
        assert [row.trade.settlement_id for row in found.rows] == ["A", "B"]
        assert [(row.line, row.field) for row in found.rejected] == [(1, ""), (4, "settlement_id")]


def test_the_same_row_again_counts_once_and_another_trade_under_its_id_is_bad(tmp_path: Path) -> None:
    found = blotter(tmp_path, "\n".join([HEADER, GOOD, GOOD, GOOD.replace("2500", "2501")]))
    assert [row.line for row in found.rows] == [2]
    assert [(row.line, row.field, row.code) for row in found.rejected] == [(4, "settlement_id", "id_used")]


def test_a_quantity_written_otherwise_may_be_the_same_trade_and_its_decimals_decide(tmp_path: Path) -> None:
    again = GOOD.replace("2500.00", "2500").replace("285000.00", "285000.0")
    found = blotter(tmp_path, "\n".join([HEADER, GOOD, again, GOOD.replace("285000.00", "285000.000"), GOOD]))
    assert ([row.line for row in found.rows], found.rejected) == ([2, 3, 4], [])


def test_what_is_not_utf_8_spoils_its_own_row_only(tmp_path: Path) -> None:
    for name, text in (
        ("trades.csv", f"{HEADER}\n{GOOD.replace('alpine', 'zürich')}\n{GOOD}\n"),
        ("trades.jsonl", f'{{"memo": "ü"}}\n{line(settlement_id="A-1")}\n'),
    ):
        (tmp_path / name).write_bytes(text.encode("latin-1"))
        found = read(tmp_path / name)
        assert [row.trade.settlement_id for row in found.rows] == ["A-1"]
        assert [row.reason for row in found.rejected] == ["not UTF-8 text"]


def test_a_file_that_is_no_text_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trades.csv").write_bytes(f"{HEADER}\n{GOOD}".encode("utf-16"))
    with pytest.raises(CliError):
        read(tmp_path / "trades.csv")
    (tmp_path / "trade.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(UnicodeDecodeError):
        read(tmp_path / "trade.json")


@pytest.mark.parametrize("text", ["", " \n", f"{HEADER},memo\n{GOOD},x", "settlement_id,seller\nA,b"])
def test_what_is_no_blotter_at_all_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CliError) as caught:
        blotter(tmp_path, text)
    assert caught.value.code == "invalid_file"

"""A file of trades: one JSON object, JSON lines, or CSV. Tells good rows from bad ones; settles nothing.

A row that stands twice counts once; one that says something else under a settlement id already used is bad. One that
only writes a quantity differently ("2.5", "2.50") is kept: whether it means the same, its asset's decimals say.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from interlock.cli.errors import CliError
from interlock.cli.trades import BadTrade, WrittenTrade

CSV_HEADER = ("settlement_id", "seller", "buyer", "asset", "quantity", "currency", "amount", "settle_by")
CSV_DELIVERY_LEDGER, CSV_PAYMENT_LEDGER = "asset", "payment"
_LINES_SUFFIXES = (".jsonl", ".ndjson")
NOT_TEXT = "not UTF-8 text"
_COLUMN_OF = {
    "delivery.deliverer": "seller",
    "payment.receiver": "seller",
    "payment.deliverer": "buyer",
    "delivery.receiver": "buyer",
    "delivery.asset": "asset",
    "delivery.quantity": "quantity",
    "payment.asset": "currency",
    "payment.quantity": "amount",
}


@dataclass(frozen=True)
class BadRow:
    """A row that is not settled, and why: the line in the file, from 1; the field, or ""."""

    line: int
    field: str
    reason: str
    code: str = "invalid_trade"


@dataclass(frozen=True)
class Row:
    """A trade and the line where it stands."""

    line: int
    trade: WrittenTrade
    is_csv: bool = False

    def bad(self, field: str, reason: str, code: str) -> BadRow:
        """This row, refused; the field is named as the file names it."""
        return BadRow(self.line, _COLUMN_OF.get(field, field) if self.is_csv else field, reason, code)


@dataclass
class Blotter:
    """What a file says. `is_single`: it is one trade, so whatever is wrong with it is the whole answer."""

    is_single: bool
    rows: list[Row] = field(default_factory=list)
    rejected: list[BadRow] = field(default_factory=list)


def read(path: Path) -> Blotter:
    """The trades in a file; raises CliError where the file is not there or is no blotter at all."""
    written = path.read_bytes()
    text = written.decode("utf-8-sig", errors="surrogateescape")  # what is not UTF-8 spoils its own row only
    if not text.strip():
        raise CliError("invalid_file", f"{path} is empty")
    if _is_csv(path, text):
        return _unique(_csv_rows(text))
    if path.suffix.lower() in _LINES_SUFFIXES or _is_json_lines(text):
        return _unique(_json_lines(text))
    written.decode()
    return Blotter(is_single=True, rows=[Row(1, WrittenTrade.parse(text))])


def _is_csv(path: Path, text: str) -> bool:
    first = text.lstrip().splitlines()[0]
    return path.suffix.lower() == ".csv" or (not first.startswith(("{", "[")) and "settlement_id" in first.split(","))


def _is_json_lines(text: str) -> bool:
    """More than one line, and one that is an object by itself: no pretty-printed trade has such a line."""
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and any(_is_object(line) for line in lines)


def _is_object(line: str) -> bool:
    if not line.lstrip().startswith("{") or "settlement_id" not in line:
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _is_text(content: str) -> bool:
    """Whether all of it was UTF-8: other bytes were read as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in content)


def _json_lines(text: str) -> Iterator[Row | BadRow]:
    # not splitlines(): it also splits at characters that may stand inside a JSON string
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        if not _is_text(content):
            yield BadRow(line, "", NOT_TEXT)
            continue
        try:
            yield Row(line, WrittenTrade.parse(content))
        except BadTrade as error:
            yield BadRow(line, error.field, error.reason, error.code)


def _csv_rows(text: str) -> Iterator[Row | BadRow]:
    lines = text.split("\n")
    top = next(number for number, line in enumerate(lines) if line.strip())
    if not _is_text(lines[top]):
        raise CliError("invalid_file", f"the header is {NOT_TEXT}", "header")
    header = [name.strip() for name in next(csv.reader([lines[top]]))]
    if sorted(header) != sorted(CSV_HEADER):
        raise CliError("invalid_file", f"the header must be {','.join(CSV_HEADER)}", "header")
    for line, content in enumerate(lines[top + 1 :], start=top + 2):
        if not content.strip():
            continue
        if not _is_text(content):
            yield BadRow(line, "", NOT_TEXT)
            continue
        try:
            # line by line, so that a quote left open spoils its own row only
            values = next(csv.reader([content.rstrip("\r")], strict=True))
        except csv.Error as error:
            yield BadRow(line, "", f"not CSV: {error}")
        else:
            yield _csv_row(line, header, values)


def _csv_row(line: int, header: list[str], values: list[str]) -> Row | BadRow:
    if len(values) != len(header):
        return BadRow(line, "", f"{len(values)} columns, the header has {len(header)}")
    cells = {name: value.strip() for name, value in zip(header, values, strict=True)}
    for name, value in cells.items():
        if not value:
            return BadRow(line, name, "is missing")
    delivery = {
        "ledger": CSV_DELIVERY_LEDGER,
        "asset": cells["asset"],
        "quantity": cells["quantity"],
        "deliverer": cells["seller"],
        "receiver": cells["buyer"],
    }
    payment = {
        "ledger": CSV_PAYMENT_LEDGER,
        "asset": cells["currency"],
        "quantity": cells["amount"],
        "deliverer": cells["buyer"],
        "receiver": cells["seller"],
    }
    said = {
        "settlement_id": cells["settlement_id"],
        "delivery": delivery,
        "payment": payment,
        "settle_by": cells["settle_by"],
    }
    try:
        return Row(line, WrittenTrade.of(said), is_csv=True)
    except BadTrade as error:
        return BadRow(line, _COLUMN_OF.get(error.field, error.field), error.reason, error.code)


def _unique(found: Iterator[Row | BadRow]) -> Blotter:
    blotter = Blotter(is_single=False)
    first: dict[str, Row] = {}
    for row in found:
        if isinstance(row, BadRow):
            blotter.rejected.append(row)
            continue
        known = first.setdefault(row.trade.settlement_id, row)
        if known is row:
            blotter.rows.append(row)
        elif known.trade.plain() != row.trade.plain():
            reason = f"line {known.line} has this settlement id for another trade"
            blotter.rejected.append(row.bad("settlement_id", reason, "id_used"))
        elif known.trade != row.trade:
            blotter.rows.append(row)
    return blotter

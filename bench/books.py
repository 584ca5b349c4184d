"""The rows of trades that were settled, ledger by ledger, as the operations would have left them; written by COPY."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import asyncpg

from bench.evidence import attempt_fields
from bench.settled import TAG, Origin, Settled, reference
from tests.chaos.trading import DOLLAR, UNIT
from tests.world import OUSG

_RULES = ("postings", "balances")
_REASONS = {"lock": "both parties' terms", "pay": "certificate LOCKED", "release": "certificate PAID"}
_HELD = """
SELECT a.name, a.id, coalesce(b.balance, 0) AS balance
FROM ledger.accounts AS a LEFT JOIN ledger.balances AS b ON b.account = a.id AND b.asset = $1 WHERE a.kind = 'party'
"""
_KEEP = "UPDATE ledger.balances SET balance = $3 WHERE account = $1 AND asset = $2"
_ENTRY = (
    "position", "reference", "operation", "terms_hash", "settlement_id", "at", "reason", "authority", "actor",
    "trace_id", "span_id",
)  # fmt: skip
_COLUMNS: dict[str, tuple[str, ...]] = {
    "accounts": ("id", "name", "kind", "admitted"),
    "entries": _ENTRY,
    "postings": ("entry", "account", "asset", "quantity", "balance"),
    "balances": ("account", "asset", "balance"),
    "locks": ("terms_hash", "settlement_id", "state", "signed", "deliverer", "escrow", "lock_entry", "ending_entry"),
    "verdicts": ("terms_hash", "settlement_id", "verdict", "authority", "signed", "entry"),
}
"""Every table that is written, in the order in which rows refer to rows."""

Row = tuple[object, ...]


@dataclass
class Books:
    """One ledger's next rows, by table, and what its parties hold meanwhile."""

    asset: str
    ids: dict[str, int]
    held: dict[str, Decimal]
    rows: dict[str, list[Row]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)

    @classmethod
    async def of(cls, owner: "asyncpg.Connection[asyncpg.Record]", asset: str) -> "Books":
        """As a ledger stands."""
        found = await owner.fetch(_HELD, asset)
        return cls(asset, {row["name"]: row["id"] for row in found}, {row["name"]: row["balance"] for row in found})

    def add(self, table: str, row: Row) -> None:
        """A row of a table."""
        self.rows.setdefault(table, []).append(row)

    def enter(self, operation: str, trade: Settled, position: int, at: datetime, relied_on: str) -> None:
        """An entry of the journal."""
        ledger, reason = "payment" if operation == "pay" else "asset", _REASONS[operation]
        settlement_id = f"{TAG}-{trade.deal.number}"
        self.add("entries", (
            position, reference(ledger, position), operation, trade.terms_hash, settlement_id, at, reason, relied_on,
            *attempt_fields(trade.terms_hash),
        ))  # fmt: skip

    def move(self, position: int, party: str, quantity: int) -> None:
        """A posting to a party's account, whose balance is carried on here."""
        self.held[party] += quantity
        self.touched.add(party)
        self.post(position, self.ids[party], quantity, self.held[party])

    def post(self, position: int, account: int, quantity: int, balance: Decimal) -> None:
        """A posting, and the balance after it."""
        self.add("postings", (position, account, self.asset, Decimal(quantity), balance))

    async def write(self, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
        """All of it, in the transaction that is open; the rules that it does without are in force again at its end."""
        for table in _RULES:
            await owner.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER USER")
        for table, columns in _COLUMNS.items():
            if rows := self.rows.pop(table, None):
                await owner.copy_records_to_table(table, schema_name="ledger", columns=columns, records=rows)
        for name in sorted(self.touched):
            await owner.execute(_KEEP, self.ids[name], self.asset, self.held[name])
        self.touched.clear()
        for table in _RULES:
            await owner.execute(f"ALTER TABLE ledger.{table} ENABLE TRIGGER USER")


def enter_all(trades: Sequence[Settled], origin: Origin, units: Books, cash: Books) -> None:
    """Lock, payment and release of each, on the two ledgers' books."""
    for trade in trades:
        _lock_and_release(trade, origin, units)
        _pay(trade, origin, cash)


def _lock_and_release(trade: Settled, origin: Origin, books: Books) -> None:
    number, at = trade.deal.number, origin.moment(trade.deal.number)
    lock, escrow = origin.lock(number), origin.escrow + number - origin.first
    books.add("accounts", (escrow, f"escrow:{trade.terms_hash}", "escrow", True))
    books.enter("lock", trade, lock, at, f'{{"signed": {trade.signed}}}')
    books.move(lock, trade.deal.seller, -UNIT)
    books.post(lock, escrow, UNIT, Decimal(UNIT))
    books.enter("release", trade, lock + 1, at, f'{{"certificate": {trade.paid}}}')
    books.post(lock + 1, escrow, -UNIT, Decimal(0))
    books.move(lock + 1, trade.deal.buyer, UNIT)
    books.add("balances", (escrow, OUSG.code, Decimal(0)))
    deliverer = books.ids[trade.deal.seller]
    settlement_id = f"{TAG}-{number}"
    books.add("locks", (
        trade.terms_hash, settlement_id, "released", trade.signed, deliverer, escrow, lock, lock + 1
    ))  # fmt: skip


def _pay(trade: Settled, origin: Origin, books: Books) -> None:
    number, at = trade.deal.number, origin.moment(trade.deal.number)
    pay, quantity = origin.pay(number), 100 * DOLLAR
    relied_on = f'{{"signed": {trade.signed}, "certificate": {trade.locked}}}'
    books.enter("pay", trade, pay, at, relied_on)
    books.move(pay, trade.deal.buyer, -quantity)
    books.move(pay, trade.deal.seller, quantity)
    settlement_id = f"{TAG}-{number}"
    books.add("verdicts", (trade.terms_hash, settlement_id, "PAID", "certificate", trade.signed, pay))

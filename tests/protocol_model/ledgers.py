"""Two honest ledgers: the design's operations table on an immutable value, each operation one transaction.

They judge the evidence they are shown, and nothing else: who asks, how late and how often is the caller's affair.
"""

from typing import Literal, NamedTuple

from tests.protocol_model.rules import Rules

Ledger = Literal["asset", "payment"]
Lock = Literal["", "locked", "released", "refunded", "tombstone"]
Kind = Literal["PAID", "VOIDED"]
Authority = Literal["", "time", "will"]
"""What a VOIDED row was written on: the ledger's own clock, or the parties' consent or two operators' order."""

Effect = tuple[str, int]
"""An operation and the terms, by number, that it has moved something for, or decided."""


class Terms(NamedTuple):
    """Terms of one settlement id. `signed`: whether both of the parties that they name have signed them."""

    name: str
    seller: str = "seller"
    buyer: str = "buyer"
    units: int = 1
    money: int = 1
    signed: bool = True


class Row(NamedTuple):
    """What the ledgers keep under one key: the lock row, of which terms it is, and the verdict row with its authority.

    `verdicts` holds at most one, unless that very rule is weakened.
    """

    lock: Lock = ""
    lock_of: int = -1
    verdicts: frozenset[Kind] = frozenset()
    voided_by: Authority = ""

    @property
    def decided(self) -> bool:
        """Whether a verdict stands."""
        return bool(self.verdicts)

    @property
    def is_open(self) -> bool:
        """Whether something is left to be done: a lock that has not ended, or a verdict that is not served."""
        return self.lock == "locked" or (self.decided and self.lock == "")


class Ledgers(NamedTuple):
    """Everything that both ledgers hold. `journal` is what truly happened, under no key: the properties judge by it."""

    rows: tuple[Row, ...]
    units: tuple[tuple[str, int], ...]
    money: tuple[tuple[str, int], ...]
    journal: frozenset[Effect] = frozenset()
    asset_past: frozenset[int] = frozenset()
    payment_past: frozenset[int] = frozenset()
    closed: frozenset[Ledger] = frozenset()


_EFFECTS = {"asset": ("lock", "release", "refund"), "payment": ("pay", "void")}

Answer = tuple[Ledgers, str]
"""What the ledgers hold afterwards, and what was said: `receipt`, or a refusal's name."""


class Bank:
    """The rules of both ledgers for some terms of one settlement id."""

    def __init__(self, rules: Rules, terms: tuple[Terms, ...]) -> None:
        self.rules = rules
        self.terms = terms
        self.keys = tuple(range(len(terms))) if rules.key == "terms_hash" else (0,) * len(terms)

    @property
    def empty(self) -> Ledgers:
        """Nothing stands; every party has what its terms need."""
        units = {f"escrow {key}": 0 for key in self.keys}
        money: dict[str, int] = {}
        for each in self.terms:
            units[each.seller] = units.get(each.seller, 0) + each.units
            money[each.buyer] = money.get(each.buyer, 0) + each.money
            units.setdefault(each.buyer, 0)
            money.setdefault(each.seller, 0)
        rows = (Row(),) * len(set(self.keys))
        return Ledgers(rows, tuple(sorted(units.items())), tuple(sorted(money.items())))

    def row(self, held: Ledgers, number: int) -> Row:
        """What stands for these terms."""
        return held.rows[self.keys[number]]

    def lock(self, held: Ledgers, number: int) -> Answer:
        """The deliverer's units into escrow."""
        row, terms = self.row(held, number), self.terms[number]
        if not terms.signed:
            return held, "signature_invalid"
        if "asset" in held.closed:
            return held, "closed"
        if row.lock:
            return held, "terms_closed" if row.lock == "tombstone" else "receipt"
        if number in held.asset_past:
            return held, "deadline_passed"
        if self.rules.id_used and self.id_used(held, number):
            return held, "id_used"
        if dict(held.units)[terms.seller] < terms.units:
            return held, "insufficient_balance"
        return self._lock(held, number)

    def release(self, held: Ledgers, number: int, *, certified: bool) -> Answer:
        """Escrow to the receiver, on a PAID certificate."""
        row = self.row(held, number)
        if self.rules.certificate_to_release and not certified:
            return held, "certificate_invalid"
        if "asset" in held.closed:
            return held, "closed"
        if row.lock == "":
            return held, "no_lock"
        if row.lock != "locked":
            return held, "receipt" if row.lock == "released" else "already_voided"
        held = self._deliver(held, row.lock_of, self._escrow(number), self.terms[row.lock_of].buyer)
        return self._write(held, "release", row.lock_of, row._replace(lock="released"))

    def refund(self, held: Ledgers, number: int, *, certified: bool) -> Answer:
        """Escrow to the deliverer, on a VOIDED certificate; with no lock there, a tombstone."""
        row = self.row(held, number)
        by_timer = self.rules.timer_refunds and number in held.asset_past
        if self.rules.certificate_to_refund and not certified and not by_timer:
            return held, "certificate_invalid"
        if "asset" in held.closed:
            return held, "closed"
        if row.lock in ("released", "refunded", "tombstone"):
            return held, "already_paid" if row.lock == "released" else "receipt"
        if row.lock == "":
            return self._write(held, "refund", number, row._replace(lock="tombstone") if self.rules.tombstone else row)
        held = self._deliver(held, row.lock_of, self._escrow(number), self.terms[row.lock_of].seller)
        return self._write(held, "refund", row.lock_of, row._replace(lock="refunded"))

    def pay(self, held: Ledgers, number: int, *, certified: bool) -> Answer:
        """Payer to payee and the verdict PAID, on a LOCKED certificate."""
        row, terms = self.row(held, number), self.terms[number]
        if not terms.signed:
            return held, "signature_invalid"
        if not certified:
            return held, "certificate_invalid"
        if "payment" in held.closed:
            return held, "closed"
        if "PAID" in row.verdicts or (row.decided and self.rules.one_verdict):
            return held, "receipt" if "PAID" in row.verdicts else "already_voided"
        if self.rules.pay_stops_at_settle_by and number in held.payment_past:
            return held, "deadline_passed"
        if dict(held.money)[terms.buyer] < terms.money:
            return held, "insufficient_balance"
        return self._pay(held, number)

    def void(self, held: Ledgers, number: int, *, willed: bool) -> Answer:
        """The verdict VOIDED, by consent or two operators' order (`willed`), or by the ledger's own clock."""
        row = self.row(held, number)
        if not self.terms[number].signed:
            return held, "signature_invalid"
        if "payment" in held.closed:
            return held, "closed"
        if "VOIDED" in row.verdicts or (row.decided and self.rules.one_verdict):
            return held, "receipt" if "VOIDED" in row.verdicts else "already_paid"
        if not willed and number not in held.payment_past:
            return held, "not_past_deadline"
        return self._void(held, number, "will" if willed else "time")

    def id_used(self, held: Ledgers, number: int) -> bool:
        """Whether this deliverer's units have moved under this settlement id, for other terms."""
        mine = self.terms[number].seller
        return any(
            verb == "lock" and other != number and self.terms[other].seller == mine for verb, other in held.journal
        )

    def restore(self, held: Ledgers, ledger: Ledger) -> Ledgers:
        """A ledger as an old backup has it: nothing stands, nothing has moved; and closed until it knows better."""
        rows, lost, empty = held.rows, _EFFECTS[ledger], self.empty
        if ledger == "asset":
            held = held._replace(rows=tuple(row._replace(lock="", lock_of=-1) for row in rows), units=empty.units)
        else:
            forgetful = tuple(row._replace(verdicts=frozenset[Kind](), voided_by="") for row in rows)
            held = held._replace(rows=forgetful, money=empty.money)
        journal = frozenset(effect for effect in held.journal if effect[0] not in lost)
        return held._replace(journal=journal, closed=held.closed | {ledger})

    def enter_again(self, held: Ledgers, number: int, fact: str) -> Ledgers:
        """A signed fact that the backup lacks, from the evidence that was kept of it; no rule is asked again."""
        if fact == "LOCKED":
            return self._lock(held, number)[0]
        return (self._pay(held, number) if fact == "PAID" else self._void(held, number, "will"))[0]

    def _lock(self, held: Ledgers, number: int) -> Answer:
        held = self._deliver(held, number, self.terms[number].seller, self._escrow(number))
        return self._write(held, "lock", number, self.row(held, number)._replace(lock="locked", lock_of=number))

    def _pay(self, held: Ledgers, number: int) -> Answer:
        row, terms = self.row(held, number), self.terms[number]
        held = held._replace(money=_moved(held.money, terms.buyer, terms.seller, terms.money))
        return self._write(held, "pay", number, row._replace(verdicts=row.verdicts | {"PAID"}))

    def _void(self, held: Ledgers, number: int, authority: Authority) -> Answer:
        row = self.row(held, number)
        row = row._replace(verdicts=row.verdicts | {"VOIDED"}, voided_by=authority)
        return self._write(held, "void", number, row)

    def _escrow(self, number: int) -> str:
        return f"escrow {self.keys[number]}"

    def _deliver(self, held: Ledgers, number: int, source: str, target: str) -> Ledgers:
        return held._replace(units=_moved(held.units, source, target, self.terms[number].units))

    def _write(self, held: Ledgers, verb: str, number: int, row: Row) -> Answer:
        key = self.keys[number]
        rows = (*held.rows[:key], row, *held.rows[key + 1 :])
        return held._replace(rows=rows, journal=held.journal | {(verb, number)}), "receipt"


def _moved(
    balances: tuple[tuple[str, int], ...], source: str, target: str, quantity: int
) -> tuple[tuple[str, int], ...]:
    change = {source: -quantity, target: quantity}
    return tuple((account, balance + change.get(account, 0)) for account, balance in balances)

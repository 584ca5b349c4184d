"""Looks at both ledgers at random moments and says what may never be seen, not even for a moment. Changes nothing."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.chaos import books
from tests.chaos.books import Books

BETWEEN_LOOKS_SECONDS = (0.3, 4.0)
_ENDS_ON = {"released": "PAID", "refunded": "VOIDED"}


@dataclass
class Observer:
    """`looks` that saw something, those that met a server `away`, and every violation seen, once."""

    dsns: dict[str, str]
    rng: random.Random
    looks: int = 0
    away: int = 0
    violations: dict[str, None] = field(default_factory=dict)
    _ended: dict[str, str] = field(default_factory=dict)
    _decided: dict[str, tuple[str, str]] = field(default_factory=dict)
    _positions: dict[str, int] = field(default_factory=dict)

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self.rng.uniform(*BETWEEN_LOOKS_SECONDS))
            await self.look()

    async def look(self) -> bool:
        """One look; False if a server was away."""
        try:
            asset, payment = await books.read_both(self.dsns)
        except books.BROKEN:
            self.away += 1
            return False
        self.looks += 1
        self.violations |= dict.fromkeys(self.objections(asset, payment))
        return True

    def objections(self, asset: Books, payment: Books) -> list[str]:
        """What is wrong with what is seen: by itself, and beside what was seen before."""
        return [
            *_atomicity(asset, payment),
            *_conservation("asset", asset),
            *_conservation("payment", payment),
            *self._taken_back(asset, payment),
        ]

    def _taken_back(self, asset: Books, payment: Books) -> Iterator[str]:
        """What was final when it was last looked at, and is otherwise now."""
        for name, seen in (("asset", asset), ("payment", payment)):
            if seen.position < self._positions.get(name, 0):
                yield f"ledger {name} went back from entry {self._positions[name]} to {seen.position}"
            self._positions[name] = seen.position
        for terms_hash, state in self._ended.items():
            now = asset.locks.get(terms_hash)
            if now is None or now.state != state:
                yield f"{terms_hash} was {state} and is {now.state if now else 'gone'}"
        for terms_hash, decided in self._decided.items():
            verdict = payment.verdicts.get(terms_hash)
            if verdict is None or (verdict.verdict, verdict.authority) != decided:
                yield f"{terms_hash} was {decided[0]} by {decided[1]} and is {verdict}"
        self._ended |= {row.terms_hash: row.state for row in asset.locks.values() if row.state in _ENDS_ON}
        self._decided |= {row.terms_hash: (row.verdict, row.authority) for row in payment.verdicts.values()}


def _atomicity(asset: Books, payment: Books) -> Iterator[str]:
    for row in asset.locks.values():
        verdict = payment.verdicts.get(row.terms_hash)
        said = verdict.verdict if verdict else "missing"
        if row.state in _ENDS_ON and said != _ENDS_ON[row.state]:
            yield f"{row.terms_hash} is {row.state}, and its verdict is {said}"


def _conservation(ledger: str, seen: Books) -> Iterator[str]:
    yield from (f"ledger {ledger}: entry {entry} does not sum to zero" for entry in seen.unbalanced)
    sums: defaultdict[str, int] = defaultdict(int)
    escrow = 0
    for held in seen.holdings:
        sums[held.asset] += held.balance
        escrow += held.balance if held.kind == "escrow" else 0
        if held.balance < 0 and held.issues != held.asset:
            yield f"ledger {ledger}: {held.account} holds {held.balance} of {held.asset}"
    yield from (f"ledger {ledger}: all {asset} sum to {total}" for asset, total in sums.items() if total)
    locked = sum(row.quantity for row in seen.locks.values() if row.state == "locked")
    if escrow != locked:
        yield f"ledger {ledger}: escrow holds {escrow}, open locks need {locked}"

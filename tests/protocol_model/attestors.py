"""Attestors: what each honest one has signed, and which certificates therefore exist or can be forged.

Honest ones are alike, so their votes are kept sorted; dishonest ones need no state, for they sign whatever is wanted.
"""

from typing import Literal

from tests.protocol_model.ledgers import Bank, Ledger, Ledgers
from tests.protocol_model.rules import ATTESTORS

Fact = Literal["LOCKED", "PAID", "VOIDED"]
FACTS: tuple[Fact, ...] = ("LOCKED", "PAID", "VOIDED")
Votes = tuple[tuple[frozenset[Fact], ...], ...]
"""For each key, what each of the honest attestors has signed of it."""


class Attestors:
    """Four attestors, of whom some are dishonest."""

    def __init__(self, bank: Bank, dishonest: int) -> None:
        self.bank = bank
        self.dishonest = dishonest
        self.none: Votes = (_in_order([frozenset()] * (ATTESTORS - dishonest)),) * len(set(bank.keys))

    def honest_signers(self, votes: Votes, key: int, fact: Fact) -> int:
        """How many honest attestors have signed that."""
        return sum(fact in vote for vote in votes[key])

    def certified(self, votes: Votes, key: int, fact: Fact) -> bool:
        """Whether a certificate can be shown, with whatever the dishonest ones add."""
        return self.honest_signers(votes, key, fact) + self.dishonest >= self.bank.rules.quorum

    def certified_by_honest(self, votes: Votes, key: int, fact: Fact) -> bool:
        """Whether a certificate exists though the dishonest ones are silent."""
        return self.honest_signers(votes, key, fact) >= self.bank.rules.quorum

    def more_votes(self, held: Ledgers, votes: Votes, key: int, fact: Fact) -> list[Votes]:
        """What the votes may become when one honest attestor looks for that fact."""
        row = held.rows[key]
        ledger: Ledger = "asset" if fact == "LOCKED" else "payment"
        is_there = row.lock == "locked" if fact == "LOCKED" else fact in row.verdicts
        if ledger in held.closed or not is_there:
            return []
        became: list[Votes] = []
        for vote in dict.fromkeys(votes[key]):
            if fact in vote or (self.bank.rules.attestors_keep_votes and _contradicts(vote, fact)):
                continue
            others = list(votes[key])
            others.remove(vote)
            became.append((*votes[:key], _in_order([*others, vote | {fact}]), *votes[key + 1 :]))
        return became


def _contradicts(vote: frozenset[Fact], fact: Fact) -> bool:
    return (fact != "VOIDED" and "VOIDED" in vote) or (fact == "VOIDED" and "PAID" in vote)


def _in_order(votes: list[frozenset[Fact]]) -> tuple[frozenset[Fact], ...]:
    return tuple(sorted(votes, key=lambda vote: [fact in vote for fact in FACTS]))

"""The in-memory ledger's books: accounts, balances and a double-entry journal. They judge no evidence and refuse
nothing: a posting that would break conservation is a defect, and raises.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.protocol import AccountState, Attempt, JournalLine, Message, Operation, Receipt
from interlock.protocol.words import MAX_QUANTITY


@dataclass
class Account:
    """A party's account; escrow and issuance have none."""

    name: str
    owner: str
    admitted: bool
    frozen: bool = False


@dataclass(frozen=True)
class Movement:
    """So many of an asset's smallest units from one account to another."""

    asset: str
    quantity: int
    debited: str
    credited: str


@dataclass(frozen=True)
class Posting:
    """One side of a movement: quantity signed, and the account's balance after it."""

    account: str
    asset: str
    quantity: int
    balance: int


@dataclass(frozen=True)
class Entry:
    """One effect, with what it moved, who asked, and the evidence that it relied on."""

    operation: str
    receipt: Receipt
    settlement_id: str
    postings: tuple[Posting, ...]
    reason: str
    attempt: Attempt
    evidence: tuple[Message, ...]


def escrow_of(terms_hash: str) -> str:
    """A lock's own escrow account. No party can open it: account names hold no colon."""
    return f"escrow:{terms_hash}"


def issuance_of(asset: str) -> str:
    """An asset's one account that may be negative: by what was issued."""
    return f"issuance:{asset}"


class Books:
    """Accounts, and every effect on them in order. `own_accounts` are the names of escrow and issuance accounts."""

    def __init__(self, ledger: str) -> None:
        self.ledger = ledger
        self.accounts: dict[str, Account] = {}
        self.own_accounts: set[str] = set()
        self.entries: list[Entry] = []
        self._balances: defaultdict[tuple[str, str], int] = defaultdict(int)

    def balance(self, account: str, asset: str) -> int:
        """What an account holds of an asset, in its smallest unit."""
        return self._balances.get((account, asset), 0)

    def write(
        self,
        operation: str,
        digest: str,
        at: datetime,
        attempt: Attempt,
        evidence: tuple[Message, ...],
        *,
        movement: Movement | None = None,
        settlement_id: str = "",
        reason: str = "",
    ) -> Receipt:
        """Journal one effect and its movement, if any. ValueError if it can't be; then nothing is written.

        `digest` is the terms' hash or the order's digest, `at` is UTC.
        """
        position = len(self.entries) + 1
        receipt = Receipt(
            ledger=self.ledger,
            operation=Operation(operation) if operation in set(Operation) else Operation.ORDER,
            terms_hash=digest,
            reference=f"{self.ledger}:{position}",
            position=position,
            at=at,
        )
        postings = self._post(movement) if movement else ()
        self.entries.append(Entry(operation, receipt, settlement_id, postings, reason, attempt, evidence))
        return receipt

    def _post(self, movement: Movement) -> tuple[Posting, ...]:
        debited, credited = (movement.debited, movement.asset), (movement.credited, movement.asset)
        left = self._balances[debited] - movement.quantity
        if left < 0 and movement.debited != issuance_of(movement.asset):
            raise ValueError(f"{movement.debited} would hold {left} {movement.asset}")
        if not 0 < movement.quantity <= MAX_QUANTITY:
            raise ValueError(f"{movement.quantity} {movement.asset} is no movement")
        self._balances[debited] = left
        self._balances[credited] += movement.quantity
        return (
            Posting(*debited, -movement.quantity, self._balances[debited]),
            Posting(*credited, movement.quantity, self._balances[credited]),
        )

    def states(self) -> Sequence[AccountState]:
        """Every party's account, by name."""
        return [
            AccountState(
                ledger=self.ledger,
                account=account.name,
                owner=account.owner,
                admitted=account.admitted,
                frozen=account.frozen,
                balances={
                    asset: held for (name, asset), held in sorted(self._balances.items()) if name == account.name
                },
            )
            for _, account in sorted(self.accounts.items())
        ]

    def lines(self, account: str) -> Sequence[JournalLine] | None:
        """An account's postings, oldest first; None if there is no such account of a party's or its own."""
        if account not in self.accounts and account not in self.own_accounts:
            return None
        return [
            JournalLine(
                position=entry.receipt.position,
                at=entry.receipt.at,
                operation=entry.operation,
                settlement_id=entry.settlement_id,
                terms_hash=entry.receipt.terms_hash,
                asset=posting.asset,
                quantity=posting.quantity,
                balance=posting.balance,
                reason=entry.reason,
            )
            for entry in self.entries
            for posting in entry.postings
            if posting.account == account
        ]

"""What a journal's genesis and orders made of a ledger: operators, accounts, attestor sets. Reads no other table.

Judges nothing: whoever replays decides which entries deserve it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from interlock.protocol import (
    AccountOrder,
    Attestors,
    CloseAttestors,
    LedgerOrder,
    Misconduct,
    OpenAccount,
    Readmit,
    RegisterAttestors,
)
from interlock.protocol.evidence import Identity, RegisteredSet, SetKey
from interlock.protocol.genesis import Genesis


@dataclass(frozen=True)
class Standing:
    """Whose an account is, and what it may do."""

    owner: str
    admitted: bool
    frozen: bool = False


@dataclass(frozen=True)
class Accused:
    """Whether an attestor that was accused is left out, and the position of the entry that says so."""

    left_out: bool
    entry: int


class Replay:
    """The state after the entries replayed so far."""

    def __init__(self, ledger: str, network: str) -> None:
        self.here = Identity(ledger, network, frozenset())
        self.accounts: dict[str, Standing] = {}
        self.sets: dict[SetKey, RegisteredSet] = {}
        self.accused: dict[str, Accused] = {}

    def begin(self, genesis: Genesis) -> None:
        """Start from what the ledger was born with."""
        self.here = replace(self.here, operators=frozenset(genesis.operators))
        self._register(genesis.coordinator)

    @property
    def left_out(self) -> frozenset[str]:
        """Whose signatures do not count now."""
        return frozenset(attestor for attestor, accused in self.accused.items() if accused.left_out)

    def accuse(self, misconduct: Misconduct, position: int) -> None:
        """Take over what an accusation changed."""
        self.accused[misconduct.attestor] = Accused(left_out=True, entry=position)

    def carry_out(self, order: LedgerOrder, position: int) -> None:
        """Take over what an order changed."""
        match order:
            case OpenAccount():
                self.accounts[order.account] = Standing(order.owner, order.admitted)
            case AccountOrder(act="admit" | "expel"):
                self._change(order.account, admitted=order.act == "admit")
            case AccountOrder():
                self._change(order.account, frozen=order.act == "freeze")
            case RegisterAttestors():
                self._register(Attestors.of(order.name, order.epoch, order.attestors, order.quorum))
                if order.succeeds is not None:
                    self._close(order.name, order.succeeds, succeeded_by=order.epoch)
            case CloseAttestors():
                self._close(order.name, order.epoch)
            case Readmit():
                self.accused[order.attestor] = Accused(left_out=False, entry=position)
            case _:
                pass  # assets and mints are in the books, and checked there

    def differences(
        self,
        operators: frozenset[str],
        accounts: dict[str, Standing],
        sets: dict[SetKey, RegisteredSet | None],
        accused: dict[str, Accused],
    ) -> Iterator[str]:
        """How the ledger's tables differ from what its journal made of them."""
        if operators != self.here.operators:
            yield "the operators are not those of the genesis"
        for name in sorted(self.accounts.keys() | accounts.keys()):
            if self.accounts.get(name) != accounts.get(name):
                yield f"account {name} is not as the journal's orders left it"
        for key in sorted(self.sets.keys() | sets.keys()):
            if self.sets.get(key) != sets.get(key):
                yield f"coordinator {key[0]}, epoch {key[1]}, is not as the journal's orders left it"

        for attestor in sorted(self.accused.keys() | accused.keys()):
            if self.accused.get(attestor) != accused.get(attestor):
                yield f"attestor {attestor} is not left out or re-admitted as the journal says"

    def _register(self, attestors: Attestors) -> None:
        self.sets[attestors.name, attestors.epoch] = RegisteredSet(attestors)

    def _close(self, name: str, epoch: int, succeeded_by: int | None = None) -> None:
        if (found := self.sets.get((name, epoch))) is not None:
            kept = succeeded_by if succeeded_by is not None else found.succeeded_by
            self.sets[name, epoch] = replace(found, closed=True, succeeded_by=kept)

    def _change(self, account: str, *, admitted: bool | None = None, frozen: bool | None = None) -> None:
        if (found := self.accounts.get(account)) is not None:
            self.accounts[account] = Standing(
                found.owner,
                found.admitted if admitted is None else admitted,
                found.frozen if frozen is None else frozen,
            )

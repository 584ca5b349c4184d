"""An independent model of a ledger: what it remembers, and each single need of the design's table of operations.

It sees requests as they are meant (who signed what, and what is wrong with it) and never verifies a signature. It knows
nothing of the ledgers' code, and which needs belong to which operation `operations` and `orders` say.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field

from interlock.protocol import Fact, LockState, Receipt, VerdictKind
from tests.ledgers.machine.evidence import Shown
from tests.ledgers.machine.trades import INSTANTS, SetId, Trade

Codes = frozenset[str]
"""Names of refusals: all that are right when several needs are not met, for the design orders few of them."""
NOTHING: Codes = frozenset()


def refuse_if(is_so: bool, code: str) -> Codes:
    """The refusal, if it is so."""
    return frozenset({code}) if is_so else NOTHING


@dataclass(frozen=True)
class Account:
    """A party's account."""

    owner: str
    admitted: bool
    frozen: bool = False


@dataclass(frozen=True)
class Epoch:
    """An attestor set as a ledger knows it."""

    what: SetId
    closed: bool = False
    succeeded_by: int | None = None


@dataclass(frozen=True)
class LockRow:
    """What stands of a lock. `signed` and `ended_on` are the evidence of the first effects, compared and never read."""

    state: LockState
    signed: object
    locked: Receipt | None
    ended: Receipt | None = None
    ended_on: object = None


@dataclass(frozen=True)
class VerdictRow:
    """The one decision, and the evidence that it relied on."""

    kind: VerdictKind
    authority: str
    signed: object
    receipt: Receipt
    content: object


@dataclass
class LedgerModel:
    """One ledger. Copies share nothing that changes."""

    name: str
    now: int = 0
    accounts: dict[str, Account] = field(default_factory=dict)
    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    assets: dict[str, int] = field(default_factory=lambda: {"OUSG": 18, "USD": 2})
    sets: dict[tuple[str, int], Epoch] = field(default_factory=lambda: {("quorum", 1): Epoch(SetId())})
    locks: dict[Trade, LockRow] = field(default_factory=dict)
    verdicts: dict[Trade, VerdictRow] = field(default_factory=dict)
    orders: dict[object, Receipt] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()

    def copied(self) -> "LedgerModel":
        """The same, to be changed apart."""
        other = copy(self)
        for name in ("accounts", "balances", "assets", "sets", "locks", "verdicts", "orders"):
            setattr(other, name, dict(getattr(self, name)))
        return other

    def past(self, seconds: int) -> bool:
        """Whether that moment has come (hazard 17)."""
        return self.now >= seconds * INSTANTS

    def counts(self, named: SetId) -> SetId | None:
        """The set whose certificates count where `named` is named."""
        known = self.sets.get((named.name, named.epoch))
        if known is None or known.what != named:
            return None
        while known.succeeded_by is not None:
            known = self.sets[named.name, known.succeeded_by]
        return known.what

    def unproven(self, shown: Shown, trade: Trade, fact: Fact) -> Codes:
        """Why the certificate would prove nothing here at any time."""
        ledger = trade.delivers_on if fact is Fact.LOCKED else trade.pays_on
        said = (shown.fact, shown.about, shown.ledger) == (fact, trade, ledger)
        known = self.sets.get((shown.of.name, shown.of.epoch))
        if shown.genuine and said and known is not None and known.what == shown.of:
            return NOTHING
        return frozenset({"certificate_invalid"}) | refuse_if(known is None, "unknown_coordinator")

    def outdated(self, shown: Shown, trade: Trade) -> Codes:
        """Why a certificate of that set does not count for these terms as things stand."""
        counts = self.counts(trade.coordinator)
        unknown = refuse_if(counts is None, "unknown_coordinator")
        too_few = len(shown.signers - self.left_out) < shown.of.attestors.quorum
        return unknown | refuse_if(counts != shown.of or too_few, "certificate_invalid")

    def not_here(self, ledger: str) -> Codes:
        """Whether the leg in question is on another ledger."""
        return refuse_if(ledger != self.name, "unknown_ledger")

    def late(self, trade: Trade) -> Codes:
        """Whether settle_by has passed."""
        return refuse_if(self.past(trade.settle_by), "deadline_passed")

    def no_new_terms(self, trade: Trade) -> Codes:
        """Whether the attestor set is unknown, or takes no new terms."""
        known = self.sets.get((trade.coordinator.name, trade.coordinator.epoch))
        return refuse_if(known is None or known.what != trade.coordinator or known.closed, "unknown_coordinator")

    def no_asset(self, asset: tuple[str, int]) -> Codes:
        """Whether the asset is not kept here, or with other decimals."""
        kept = self.assets.get(asset[0], asset[1])
        return refuse_if(asset[0] not in self.assets, "unknown_asset") | refuse_if(
            kept != asset[1], "decimals_mismatch"
        )

    def no_account(self, name: str, owner: str, *, admitted: bool) -> Codes:
        """Whether the account is not there, not the owner's or, if it has to be, not admitted."""
        account = self.accounts.get(name)
        if account is None:
            return frozenset({"unknown_account"})
        return refuse_if(account.owner != owner, "wrong_owner") | refuse_if(
            admitted and not account.admitted, "not_admitted"
        )

    def no_debit(self, name: str, asset: str, quantity: int) -> Codes:
        """Whether an account that is there is frozen or holds too little."""
        account, held = self.accounts.get(name), self.balances.get((name, asset), 0)
        if account is None:
            return NOTHING
        return refuse_if(account.frozen, "account_frozen") | refuse_if(held < quantity, "insufficient_balance")

    def id_used(self, trade: Trade) -> Codes:
        """Whether other terms of the id have moved units of this deliverer."""
        moved = {(other.id, other.delivery[0]) for other, row in self.locks.items() if other != trade and row.locked}
        return refuse_if((trade.id, trade.delivery[0]) in moved, "id_used")

    def move(self, asset: str, quantity: int, debited: str, credited: str) -> None:
        """From one account to another."""
        for account, change in ((debited, -quantity), (credited, quantity)):
            self.balances[account, asset] = self.balances.get((account, asset), 0) + change


World = Mapping[str, LedgerModel]
"""Both ledgers, by name."""

"""The read side of a ledger in memory, and what it remembers. Writes nothing, verifies nothing."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from interlock.ledgers.books import Books, issuance_of
from interlock.ledgers.rules import Rules
from interlock.protocol import (
    AccountState,
    Asset,
    Attempt,
    Attestors,
    JournalLine,
    Lock,
    LockState,
    Receipt,
    Terms,
    Verdict,
)
from interlock.protocol.evidence import Identity, RegisteredSet, effective
from interlock.protocol.genesis import Genesis


class MemoryReader:
    """What a ledger born of a genesis knows; `clock` is its own clock and gives UTC, so that tests can move it."""

    def __init__(self, genesis: Genesis, clock: Callable[[], datetime]) -> None:
        self._here = Identity(genesis.ledger, genesis.network, frozenset(genesis.operators))
        self._clock = clock
        self._books = Books(genesis.ledger)
        self._rules = Rules(self._books)
        self._locks = self._rules.locks
        self._verdicts: dict[str, Verdict] = {}
        self._orders: dict[str, Receipt] = {}
        for asset in genesis.assets:
            self._keep_asset(asset)
        self._rules.sets[genesis.coordinator.name, genesis.coordinator.epoch] = RegisteredSet(genesis.coordinator)
        born = Attempt(actor="installation", trace_id="0" * 32, span_id="0" * 16)
        self._books.write("genesis", "0x" + "0" * 64, clock(), born, (genesis,), reason="installation")

    @property
    def name(self) -> str:
        """The name by which legs refer to this ledger."""
        return self._here.ledger

    @property
    def network(self) -> str:
        """The network in which things must be signed to count here."""
        return self._here.network

    async def lock_of(self, terms_hash: str) -> Lock | None:
        """The lock row of these terms."""
        return self._locks.get(terms_hash)

    async def verdict_of(self, terms_hash: str) -> Verdict | None:
        """The verdict row of these terms."""
        return self._verdicts.get(terms_hash)

    async def locks_of(self, terms_hashes: Sequence[str]) -> Mapping[str, Lock]:
        """The locks that there are of these terms."""
        return {each: self._locks[each] for each in terms_hashes if each in self._locks}

    async def verdicts_of(self, terms_hashes: Sequence[str]) -> Mapping[str, Verdict]:
        """The verdicts that there are on these terms."""
        return {each: self._verdicts[each] for each in terms_hashes if each in self._verdicts}

    async def left_out(self) -> frozenset[str]:
        """The attestors whose signatures do not count here now, for misconduct."""
        return frozenset(self._rules.left_out)

    async def now(self) -> datetime:
        """The ledger's own clock."""
        return self._clock()

    async def attestors_of(self, terms: Terms) -> Attestors | None:
        """The set whose certificates count for these terms: the one they name, or its last successor."""
        return effective(terms.coordinator, self._rules.sets)

    async def accounts(self) -> Sequence[AccountState]:
        """Every party's account, by name."""
        return self._books.states()

    async def journal(self, account: str) -> Sequence[JournalLine] | None:
        """An account's postings, oldest first; None if there is no such account."""
        return self._books.lines(account)

    async def asset(self, code: str) -> Asset | None:
        """An asset that this ledger keeps."""
        return self._rules.assets.get(code)

    async def locks_by_settlement(self, settlement_id: str) -> Sequence[Lock]:
        """The locks of all terms that use this settlement id; tombstones of terms never locked come last."""
        found = [lock for lock in self._locks.values() if lock.signed.terms.settlement_id == settlement_id]
        return sorted(found, key=lambda lock: (lock.locked is None, _position(lock), lock.terms_hash))

    async def verdicts_by_settlement(self, settlement_id: str) -> Sequence[Verdict]:
        """The verdicts on all terms that use this settlement id."""
        return [each for each in self._verdicts.values() if each.signed.terms.settlement_id == settlement_id]

    async def open_locks(self, older_than_seconds: float, limit: int, after: int = 0) -> Sequence[Lock]:
        """Locks still `locked`, by position from `after` on, that have stood for so long on the ledger's clock."""
        since = self._clock() - timedelta(seconds=older_than_seconds)
        standing = [
            lock
            for lock in self._locks.values()
            if lock.state is LockState.LOCKED and lock.locked is not None and lock.locked.at <= since
        ]
        return [lock for lock in sorted(standing, key=_position) if _position(lock) > after][:limit]

    async def verdicts_after(self, position: int, limit: int) -> Sequence[Verdict]:
        """Verdicts whose journal position is greater, in order of position."""
        return [each for each in self._verdicts.values() if each.receipt.position > position][:limit]

    async def ended_of(self, terms_hashes: Sequence[str]) -> frozenset[str]:
        """Which of these terms have a lock row that is released or refunded."""
        ended = {lock.terms_hash for lock in self._locks.values() if lock.state is not LockState.LOCKED}
        return frozenset(terms_hashes) & ended

    def _keep_asset(self, asset: Asset) -> None:
        self._rules.assets[asset.code] = asset
        self._books.own_accounts.add(issuance_of(asset.code))


def _position(lock: Lock) -> int:
    return lock.locked.position if lock.locked is not None else 0

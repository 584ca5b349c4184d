"""The read side of a ledger on Postgres. What a role may read its grants decide: an attestor's sees locks and verdicts.

Writes nothing, verifies nothing.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

import asyncpg

from interlock.ledgers.connections import Connections
from interlock.ledgers.faults import LedgerMismatch
from interlock.ledgers.queries import query
from interlock.protocol import AccountState, Asset, Attestors, JournalLine, Lock, Terms, Verdict
from interlock.protocol.evidence import Identity, RegisteredSet, SetKey, effective


class PostgresReader:
    """Reads one ledger. Every method raises LedgerUnreachable if the database does not answer."""

    def __init__(self, connections: Connections, identity: Identity) -> None:
        self.connections = connections
        self.identity = identity

    @classmethod
    async def connect(cls, dsn: str, *, pool_size: int = 10, timeout_s: float = 10.0) -> Self:
        """Connect with at most `pool_size` connections; waiting for one, and every statement, ends after `timeout_s`.

        Raises LedgerUnreachable, or LedgerMismatch if no ledger was ever installed there.
        """
        connections = await Connections.open(dsn, size=pool_size, timeout_s=timeout_s)
        try:
            identity = await _identity(connections)
        except BaseException:
            await connections.close()
            raise
        return cls(connections, identity)

    async def close(self) -> None:
        """Close the connections."""
        await self.connections.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def name(self) -> str:
        """The name by which legs refer to this ledger."""
        return self.identity.ledger

    @property
    def network(self) -> str:
        """The network in which things must be signed to count here."""
        return self.identity.network

    async def lock_of(self, terms_hash: str) -> Lock | None:
        """The lock row of these terms."""
        return (await self.locks_of([terms_hash])).get(terms_hash)

    async def verdict_of(self, terms_hash: str) -> Verdict | None:
        """The verdict row of these terms."""
        return (await self.verdicts_of([terms_hash])).get(terms_hash)

    async def locks_of(self, terms_hashes: Sequence[str]) -> Mapping[str, Lock]:
        """The lock rows that there are of these terms. Raises ValueError if one of them cannot be understood."""
        rows = await self.connections.rows(query("locks_of"), list(terms_hashes))
        return {row["terms_hash"]: Lock.model_validate_json(row["fact"]) for row in rows}

    async def verdicts_of(self, terms_hashes: Sequence[str]) -> Mapping[str, Verdict]:
        """The verdict rows that there are on these terms. Raises ValueError if one of them cannot be understood."""
        rows = await self.connections.rows(query("verdicts_of"), list(terms_hashes))
        return {row["terms_hash"]: Verdict.model_validate_json(row["fact"]) for row in rows}

    async def locks_by_settlement(self, settlement_id: str) -> Sequence[Lock]:
        """The locks of all terms that use this settlement id."""
        return await self._locks("locks_by_settlement", settlement_id)

    async def verdicts_by_settlement(self, settlement_id: str) -> Sequence[Verdict]:
        """The verdicts on all terms that use this settlement id."""
        return await self._verdicts("verdicts_by_settlement", settlement_id)

    async def open_locks(self, older_than_seconds: float, limit: int, after: int = 0) -> Sequence[Lock]:
        """Locks still `locked`, by position from `after` on, that have stood for so long on the ledger's clock."""
        return await self._locks("open_locks", after, older_than_seconds, limit)

    async def verdicts_after(self, position: int, limit: int) -> Sequence[Verdict]:
        """Verdicts whose position is greater, in order of position; none can appear before those returned any more."""
        settled = await self.connections.value(query("settled_position"))
        return await self._verdicts("verdicts_after", position, settled, limit)

    async def ended_of(self, terms_hashes: Sequence[str]) -> frozenset[str]:
        """Which of these terms have a lock row that is released or refunded."""
        rows = await self.connections.rows(query("ended_of"), list(terms_hashes))
        return frozenset(row["terms_hash"] for row in rows)

    async def attestors_of(self, terms: Terms) -> Attestors | None:
        """The set whose certificates count for these terms: the one they name, or its last successor."""
        return effective(terms.coordinator, await self._registered(terms.coordinator.name))

    async def asset(self, code: str) -> Asset | None:
        """An asset that this ledger keeps."""
        row = await self.connections.row(query("asset"), code)
        return Asset(code=row["code"], decimals=row["decimals"]) if row else None

    async def accounts(self) -> Sequence[AccountState]:
        """Every party's account, by name."""
        return [
            AccountState(
                ledger=self.name,
                account=row["name"],
                owner=row["owner"],
                admitted=row["admitted"],
                frozen=row["frozen"],
                balances={asset: int(balance) for asset, balance in json.loads(row["balances"]).items()},
            )
            for row in await self.connections.rows(query("accounts"))
        ]

    async def journal(self, account: str) -> Sequence[JournalLine] | None:
        """An account's postings, oldest first; None if there is no such account."""
        found = await self.connections.value(query("account_id"), account)
        if found is None:
            return None
        rows = await self.connections.rows(query("journal"), found)
        return [
            JournalLine(
                position=row["position"],
                at=row["at"],
                operation=row["operation"],
                settlement_id=row["settlement_id"],
                terms_hash=row["terms_hash"],
                asset=row["asset"],
                quantity=int(row["quantity"]),
                balance=int(row["balance"]),
                reason=row["reason"],
            )
            for row in rows
        ]

    async def left_out(self) -> frozenset[str]:
        """The attestors whose signatures do not count here now, for misconduct."""
        return frozenset(row["attestor"] for row in await self.connections.rows(query("left_out")))

    async def now(self) -> datetime:
        """The ledger's own clock."""
        moment: datetime = await self.connections.value(query("now"))
        return moment

    async def _registered(self, name: str) -> dict[SetKey, RegisteredSet]:
        """All epochs of an attestor set."""
        rows = await self.connections.rows(query("attestor_sets"), name)
        return {(row["name"], row["epoch"]): registered_set(row) for row in rows}

    async def _locks(self, name: str, *values: object) -> Sequence[Lock]:
        rows = await self.connections.rows(query(name), *values)
        return [Lock.model_validate_json(row["fact"]) for row in rows]

    async def _verdicts(self, name: str, *values: object) -> Sequence[Verdict]:
        rows = await self.connections.rows(query(name), *values)
        return [Verdict.model_validate_json(row["fact"]) for row in rows]


def registered_set(row: asyncpg.Record) -> RegisteredSet:
    """An attestor set from its row; raises ValueError for one that is none."""
    return RegisteredSet(
        attestors=Attestors(name=row["name"], epoch=row["epoch"], keys=tuple(row["keys"]), quorum=row["quorum"]),
        closed=row["closed"],
        succeeded_by=row["succeeded_by"],
    )


async def _identity(connections: Connections) -> Identity:
    if await connections.value("SELECT to_regclass('ledger.identity') IS NULL"):
        raise LedgerMismatch("no ledger was ever installed in this database")
    row = await connections.row(query("identity"))
    if row is None:
        raise LedgerMismatch("the ledger in this database was never given a genesis")
    operators = await connections.rows(query("operators"))
    return Identity(row["ledger"], row["network"], frozenset(each["address"] for each in operators))

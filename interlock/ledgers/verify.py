"""Checks the invariants on two real ledgers, from what they have stored. Repairs nothing, and trusts no conclusion.

Works on any connection that may read everything: an auditor's, or the writer's. The ledgers may be in use meanwhile:
each is read in one snapshot, and across the two the asset ledger is read first, then the verdict.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from itertools import islice

import asyncpg

from interlock.ledgers.connections import Snapshot
from interlock.ledgers.processes import HERE, Hands
from interlock.ledgers.queries import folder, query
from interlock.ledgers.reader import PostgresReader, registered_set
from interlock.protocol import AttestorSet, Message
from interlock.protocol.evidence import Identity, RegisteredSet, effective
from interlock.protocol.genesis import Genesis
from interlock.protocol.reading import Entry, Kept, read_entries, read_kept
from interlock.protocol.replay import Accused, Replay, Standing
from interlock.protocol.reverify import Reverifier

INVARIANTS = (
    "atomicity",
    "conservation",
    "one_decision",
    "exactly_once",
    "authority",
    "terminality",
    "evidence",
    "recoverability",
)
MOST_VIOLATIONS = 100
_ENDED = {"released": "PAID", "refunded": "VOIDED"}
_CONTRARY = {"PAID": "refunded", "VOIDED": "released"}


class InvariantResult(Message):
    """How many facts the check of an invariant looked at, and a sentence for each violation (at most 100)."""

    ok: bool
    checked: int
    violations: tuple[str, ...]


class _Findings:
    def __init__(self) -> None:
        self._checked = dict.fromkeys(INVARIANTS, 0)
        self._violations: dict[str, list[str]] = {name: [] for name in INVARIANTS}

    def add(self, invariant: str, checked: int, violations: Iterable[str]) -> None:
        self._checked[invariant] += checked
        found = self._violations[invariant]
        found += islice((each for each in violations if each), MOST_VIOLATIONS - len(found))

    @property
    def results(self) -> dict[str, InvariantResult]:
        return {
            name: InvariantResult(
                ok=not self._violations[name],
                checked=self._checked[name],
                violations=tuple(self._violations[name]),
            )
            for name in INVARIANTS
        }


Advance = Callable[[int], None]
"""Is told how many more rows were looked at."""


async def rows_to_verify(asset: PostgresReader, payment: PostgresReader) -> int:
    """How many rows `verify` looks at one by one. Raises LedgerUnreachable."""
    total = 0
    for ledger, ended in ((asset, "locks"), (payment, "verdicts")):
        async with ledger.connections.snapshot() as snapshot:
            (row,) = await snapshot.rows(query("rows_to_verify"))
            total += row["entries"] + row[ended]
    return total


async def verify(
    asset: PostgresReader, payment: PostgresReader, *, hands: Hands = HERE, advance: Advance = lambda _: None
) -> dict[str, InvariantResult]:
    """The invariants, by name, in the design's order; `hands` verify the signatures.

    Raises LedgerUnreachable if a ledger does not answer, ProcessLost if not all could be looked at.
    """
    findings = _Findings()
    await _no_end_without_verdict(asset, payment, findings, advance)
    await _no_verdict_against_lock(asset, payment, findings, advance)
    for ledger in (asset, payment):
        async with ledger.connections.snapshot() as snapshot:
            await _books(ledger.name, snapshot, findings)
            await _Journal(ledger, snapshot, findings, hands).check(advance)
    return findings.results


async def _no_end_without_verdict(
    asset: PostgresReader, payment: PostgresReader, findings: _Findings, advance: Advance
) -> None:
    """Released only if PAID, refunded only if VOIDED. The verdict came first, so it is there when read second."""
    async with asset.connections.snapshot() as snapshot:
        async for locks in snapshot.chunks(query("lock_states")):
            ours = [lock for lock in locks if lock["payment"] == payment.name]
            rows = await payment.connections.rows(query("verdict_kinds_of"), [lock["terms_hash"] for lock in ours])
            verdicts = {row["terms_hash"]: row["verdict"] for row in rows}
            findings.add(
                "atomicity",
                len(ours),
                (
                    f"{lock['terms_hash']} is {lock['state']}, and its verdict is {verdicts.get(lock['terms_hash'])}"
                    for lock in ours
                    if lock["state"] in _ENDED and verdicts.get(lock["terms_hash"]) != _ENDED[lock["state"]]
                ),
            )
            advance(len(locks))


async def _no_verdict_against_lock(
    asset: PostgresReader, payment: PostgresReader, findings: _Findings, advance: Advance
) -> None:
    """PAID has a lock that is not refunded; VOIDED has none that is released."""
    async with payment.connections.snapshot() as snapshot:
        async for verdicts in snapshot.chunks(query("verdict_kinds")):
            ours = [verdict for verdict in verdicts if verdict["delivery"] == asset.name]
            rows = await asset.connections.rows(query("lock_states_of"), [each["terms_hash"] for each in ours])
            locks = {row["terms_hash"]: row for row in rows}
            for verdict in ours:
                lock = locks.get(verdict["terms_hash"])
                state = lock["state"] if lock else "missing"
                unlocked = lock is None or lock["tombstone"]
                wrong = state == _CONTRARY[verdict["verdict"]] or (verdict["verdict"] == "PAID" and unlocked)
                text = f"{verdict['terms_hash']} is {verdict['verdict']}, and its lock is {state}"
                findings.add("atomicity", 1, [text] if wrong else [])
            advance(len(verdicts))


async def _books(ledger: str, snapshot: Snapshot, findings: _Findings) -> None:
    """What SQL can say of one ledger by itself; the files are named after the invariants."""
    for name, statement in folder("invariants").items():
        for row in await snapshot.rows(statement):
            invariant = next(each for each in INVARIANTS if name.startswith(each))
            findings.add(invariant, row["checked"], (f"ledger {ledger}: {text}" for text in row["violations"]))


class _Journal:
    """One ledger's journal in one snapshot: every stored signature once more, and the tables against what it says."""

    def __init__(self, ledger: PostgresReader, snapshot: Snapshot, findings: _Findings, hands: Hands) -> None:
        self._ledger, self._snapshot, self._findings, self._hands = ledger, snapshot, findings, hands
        self._reverifier = Reverifier(ledger.name, ledger.network)
        self._certifiers: dict[AttestorSet, list[str]] = {}
        """Which terms these have to certify yet; no more than there can be violations."""

    async def check(self, advance: Advance) -> None:
        """Authority, evidence and recoverability."""
        here = await self._born()
        async for readings in self._hands.map(partial(read_entries, here), self._entries()):
            objections = [self._reverifier.objection(reading) for reading in readings]
            self._add("authority", len(readings), objections)
            for reading in readings:
                if reading.kept is not None:
                    self._keep(reading.kept)
            advance(len(readings))
        async for rows in self._hands.map(partial(read_kept, here), self._unjournalled()):
            for kept in rows:
                self._keep(kept)
        replay = self._reverifier.replay
        for certifiers, terms in self._certifiers.items():
            if effective(certifiers, replay.sets) is None:
                self._add("recoverability", 0, [f"{each}: nobody can certify it" for each in terms])
        await self._tables(replay)

    async def _born(self) -> Identity:
        """Who judges, with the operators of the genesis: it is read before the rest, which their signatures carry."""
        operators: frozenset[str] = frozenset()
        for row in await self._snapshot.rows(query("genesis")):
            try:
                operators = frozenset(Genesis.model_validate_json(row["authority"]).operators)
            except ValueError:
                continue  # objected to when it is its turn, and so is all that follows
        return Identity(self._ledger.name, self._ledger.network, operators)

    async def _entries(self) -> AsyncIterator[list[Entry]]:
        async for rows in self._snapshot.chunks(query("entries_to_reverify")):
            yield [Entry(**row) for row in rows]

    async def _unjournalled(self) -> AsyncIterator[list[tuple[str, str]]]:
        async for rows in self._snapshot.chunks(query("unjournalled")):
            yield [(row["terms_hash"], row["signed"]) for row in rows]

    def _keep(self, kept: Kept) -> None:
        """Whoever finds an open lock or a verdict can go on from what is stored in it."""
        self._add("recoverability", 1, [f"{kept.terms_hash}: {fault}" for fault in kept.faults])
        if kept.certifiers is not None:
            waiting = self._certifiers.setdefault(kept.certifiers, [])
            if len(waiting) < MOST_VIOLATIONS:
                waiting.append(kept.terms_hash)

    async def _tables(self, replay: Replay) -> None:
        operators = frozenset(row["address"] for row in await self._snapshot.rows(query("operators")))
        accounts = {
            row["name"]: Standing(row["owner"], row["admitted"], row["frozen"])
            for row in await self._snapshot.rows(query("accounts"))
        }
        rows = await self._snapshot.rows(query("all_attestor_sets"))
        sets = {(row["name"], row["epoch"]): _set(row) for row in rows}
        rows = await self._snapshot.rows(query("accused"))
        accused = {row["attestor"]: Accused(row["left_out"], row["entry"]) for row in rows}
        checked = len(accounts) + len(sets) + len(accused)
        self._add("evidence", checked, replay.differences(operators, accounts, sets, accused))

    def _add(self, invariant: str, checked: int, violations: Iterable[str]) -> None:
        texts = (f"ledger {self._ledger.name}: {text}" for text in violations if text)
        self._findings.add(invariant, checked, texts)


def _set(row: asyncpg.Record) -> RegisteredSet | None:
    """An attestor set as it is stored; None if what is stored is none."""
    try:
        return registered_set(row)
    except ValueError:
        return None

"""Checks the invariants on two real ledgers, from what they have stored. Repairs nothing, and trusts no conclusion.

Works on any connection that may read everything: an auditor's, or the writer's. The ledgers may be in use meanwhile:
each is read in one snapshot, and across the two the asset ledger is read first, then the verdict.
"""

from collections.abc import Iterable

import asyncpg

from interlock.ledgers import evidence
from interlock.ledgers.connections import Snapshot
from interlock.ledgers.evidence import RegisteredSet, effective
from interlock.ledgers.queries import folder, query
from interlock.ledgers.reader import PostgresReader, registered_set
from interlock.ledgers.replay import Replay, Standing
from interlock.ledgers.reverify import Entry, Reverifier
from interlock.protocol import Message, SignedTerms

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
        self._violations[invariant] += [each for each in violations if each]

    @property
    def results(self) -> dict[str, InvariantResult]:
        return {
            name: InvariantResult(
                ok=not self._violations[name],
                checked=self._checked[name],
                violations=tuple(self._violations[name][:MOST_VIOLATIONS]),
            )
            for name in INVARIANTS
        }


async def verify(asset: PostgresReader, payment: PostgresReader) -> dict[str, InvariantResult]:
    """The invariants, by name, in the design's order. Raises LedgerUnreachable if a ledger does not answer."""
    findings = _Findings()
    await _no_end_without_verdict(asset, payment, findings)
    await _no_verdict_against_lock(asset, payment, findings)
    for ledger in (asset, payment):
        async with ledger.connections.snapshot() as snapshot:
            await _books(ledger.name, snapshot, findings)
            replay = await _journal(ledger, snapshot, findings)
            await _recoverability(replay, snapshot, findings)
    return findings.results


async def _no_end_without_verdict(asset: PostgresReader, payment: PostgresReader, findings: _Findings) -> None:
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


async def _no_verdict_against_lock(asset: PostgresReader, payment: PostgresReader, findings: _Findings) -> None:
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


async def _books(ledger: str, snapshot: Snapshot, findings: _Findings) -> None:
    """What SQL can say of one ledger by itself; the files are named after the invariants."""
    for name, statement in folder("invariants").items():
        for row in await snapshot.rows(statement):
            invariant = next(each for each in INVARIANTS if name.startswith(each))
            findings.add(invariant, row["checked"], (f"ledger {ledger}: {text}" for text in row["violations"]))


async def _journal(ledger: PostgresReader, snapshot: Snapshot, findings: _Findings) -> Replay:
    """Every stored signature and certificate once more, and the tables against what the journal made of them."""
    reverifier = Reverifier(ledger.name, ledger.network)
    async for rows in snapshot.chunks(query("entries_to_reverify")):
        objections = [reverifier.objection(Entry(**row)) for row in rows]
        findings.add("authority", len(rows), (f"ledger {ledger.name}: {text}" for text in objections if text))
    operators = frozenset(row["address"] for row in await snapshot.rows(query("operators")))
    accounts = {
        row["name"]: Standing(row["owner"], row["admitted"], row["frozen"])
        for row in await snapshot.rows(query("accounts"))
    }
    sets = {(row["name"], row["epoch"]): _set(row) for row in await snapshot.rows(query("all_attestor_sets"))}
    differences = reverifier.replay.differences(operators, accounts, sets)
    findings.add("evidence", len(accounts) + len(sets), (f"ledger {ledger.name}: {text}" for text in differences))
    return reverifier.replay


def _set(row: asyncpg.Record) -> RegisteredSet | None:
    """An attestor set as it is stored; None if what is stored is none."""
    try:
        return registered_set(row)
    except ValueError:
        return None


async def _recoverability(replay: Replay, snapshot: Snapshot, findings: _Findings) -> None:
    """Whoever finds an open lock or a verdict can go on from what is stored in it."""
    here = replay.here
    async for rows in snapshot.chunks(query("recoverable")):
        for row in rows:
            try:
                signed = SignedTerms.model_validate_json(row["signed"])
            except ValueError as error:
                findings.add("recoverability", 1, [f"{row['terms_hash']}: its terms cannot be read: {error}"])
                continue
            reasons = {
                "its terms have another hash": signed.terms.hash(here.network) != row["terms_hash"],
                "its terms are not signed by both parties": evidence.unmatched(signed, here) is not None,
                # Terms may be voided whatever their coordinator: a refund of no lock needs no certificate to go on.
                "nobody can certify it": here.ledger == signed.terms.delivery.ledger
                and effective(signed.terms.coordinator, replay.sets) is None,
            }
            violations = [f"ledger {here.ledger}: {row['terms_hash']}: {why}" for why, so in reasons.items() if so]
            findings.add("recoverability", 1, violations)

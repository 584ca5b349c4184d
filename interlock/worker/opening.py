"""When the role that serves a ledger may open: once the ledger holds every fact that a certificate may stand for.

A ledger restored from backup has forgotten what it did last, while attestors have signed it and others act on it
(hazard 22). So before a ledger's role takes work, it asks the attestors what they have signed, from a little below the
journal's end onward (a restored journal is a beginning of the old one, so all that is missing lies there), and stays
closed, looking again every few seconds, until every such lock and verdict is there again. It puts nothing back.

Whose word counts. Of n attestors f may be faulty: hide what they signed, or have signed what never was. A certificate
has q signatures. Of those, n - a are of attestors that do not answer and f may be hidden, so of a certified fact at
least q + a - n - f signatures show among a answers. Therefore
- at least one must show: a >= n - q + f + 1 answers are needed, which is the quorum when n = 3f + 1. (With n - q + 1
  every fact would be seen only if nobody hid what it signed.)
- a fact counts if so many show, or if f + 1 do, one of which is then honest. When all answer, f liars close nothing;
  when fewer do, a single word may be all that is left to see of a certificate, so it counts.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from interlock.attestors.statements import Said, StatementReader
from interlock.ledgers.faults import LedgerFault, LedgerMismatch, LedgerUnreachable
from interlock.ledgers.postgres import PostgresLedger
from interlock.ledgers.reader import PostgresReader
from interlock.ledgers.standing import newest_position, standing
from interlock.protocol import Attestors, Fact, SignatureInvalid, Statement, verify
from interlock.protocol.names import Role

log = logging.getLogger("interlock.worker")

BELOW_THE_END = 1000
"""How many positions below the journal's end are looked at: orders may have been journalled since it was restored."""

SHOWN = 3
"""How many missing facts a log line names; `interlock reconcile` lists them all."""

_FIRST_WAIT_SECONDS, _LAST_WAIT_SECONDS = 0.2, 2.0
_PATIENCE_SECONDS = 5.0  # attestors and ledger may be starting too: no news before that
_WATCH_EVERY_SECONDS = 3.0


@dataclass(frozen=True)
class Missing:
    """A fact that attestors signed and the ledger does not hold, and which entry of its journal it was."""

    fact: Fact
    terms_hash: str
    position: int
    reference: str

    def __str__(self) -> str:
        return f"{self.fact} of {self.terms_hash} (entry {self.position})"


@dataclass(frozen=True)
class Look:
    """What one look found: how many attestors said all that they have signed, and what is missing of it."""

    answered: int
    needed: int
    missing: tuple[Missing, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing keeps the role closed."""
        return self.answered >= self.needed and not self.missing


async def look_at(ledger: PostgresReader, statements: StatementReader, attestors: Attestors, network: str) -> Look:
    """Compare a ledger once with what attestors have signed about it. Raises LedgerUnreachable."""
    position = await newest_position(ledger)
    said = await statements.about(ledger.name, max(0, position - BELOW_THE_END))
    # read after the attestors were asked, so that nothing signed meanwhile looks as if it were missing
    terms = {each.statement.terms_hash: None for one in said for each in one.signed}
    return weigh(said, await standing(ledger, list(terms)), ledger.name, network, attestors)


def weigh(said: Sequence[Said], stands: set[tuple[str, Fact]], ledger: str, network: str, attestors: Attestors) -> Look:
    """What is missing of a ledger's facts, by the words of attestors, each of which is verified if it matters."""
    keys = len(attestors.keys)
    faulty = (keys - 1) // 3
    answered = sum(each.complete for each in said)
    needed = keys - attestors.quorum + faulty + 1
    shown = max(1, attestors.quorum + answered - keys - faulty)
    words: dict[tuple[str, Fact], list[tuple[Said, Statement]]] = {}
    for each in said:
        for fact, statement in _verified(each, stands, ledger, network).items():
            words.setdefault(fact, []).append((each, statement))
    counted = [
        _missing([statement for _, statement in by])
        for by in words.values()
        if len(by) > faulty or sum(each.complete for each, _ in by) >= shown
    ]
    return Look(answered, needed, tuple(sorted(counted, key=lambda missing: missing.position)))


def _missing(statements: Sequence[Statement]) -> Missing:
    """The fact in the words that most attestors have for it: a liar may name another entry."""
    said = Counter(statements).most_common(1)[0][0]
    return Missing(said.fact, said.terms_hash, said.position, said.reference)


def _verified(
    said: Said, stands: set[tuple[str, Fact]], ledger: str, network: str
) -> dict[tuple[str, Fact], Statement]:
    """The facts of this ledger that do not stand there although this attestor did sign them."""
    found: dict[tuple[str, Fact], Statement] = {}
    for each in said.signed:
        fact = (each.statement.terms_hash, each.statement.fact)
        if fact in stands or each.statement.ledger != ledger or each.signature.signer != said.attestor:
            continue
        try:
            verify(each.statement, network, each.signature)
        except SignatureInvalid:
            continue
        found.setdefault(fact, each.statement)
    return found


class Opening:
    """Keeps the role of one ledger closed until it may open; says why in one line, and again when that changes."""

    def __init__(
        self, role: Role, dsn: str, *, pool_size: int, attestors: Attestors, network: str, closed: asyncio.Event
    ) -> None:
        """`network` is the ledger's; `closed` is set while it is said that the role stays closed."""
        self._role = role
        self._dsn = dsn
        self._pool_size = pool_size
        self._attestors = attestors
        self._network = network
        self._told = ""
        self._closed = closed

    async def connected(self) -> PostgresLedger:
        """The ledger, waiting for one that cannot be reached. Raises LedgerMismatch for one that cannot be used."""
        waits = _Waits()
        while True:
            try:
                ledger = await PostgresLedger.connect(self._dsn, pool_size=self._pool_size)
            except LedgerUnreachable as error:
                self._tell(f"role {self._role}: its ledger cannot be reached; waiting for it", str(error))
                await waits.one()
            except asyncpg.PostgresError as error:  # a wrong password, no such database
                raise LedgerMismatch(f"role {self._role}: its ledger cannot be used: {error}") from None
            else:
                if ledger.network != self._network:
                    await ledger.close()
                    raise LedgerMismatch(
                        f"ledger {ledger.name} is of network {ledger.network}, INTERLOCK_NETWORK is {self._network}"
                    )
                return ledger

    async def opened(self, ledger: PostgresLedger, statements: StatementReader) -> None:
        """Return once all is there. Waits as long as it takes."""
        waits = _Waits()
        while True:
            try:
                look = await self.look(ledger, statements)
            except (LedgerFault, asyncpg.PostgresError) as error:  # away, or half restored
                self._tell(f"ledger {ledger.name} cannot be read; role {self._role} waits for it", str(error))
            else:
                if look.complete:
                    break
                if look.missing or waits.lasted(_PATIENCE_SECONDS):
                    self._tell(f"ledger {ledger.name}: {self._reason(look)}; role {self._role} stays closed")
            await waits.one()
        if self._told:
            log.warning("ledger %s holds all that was signed; role %s opens", ledger.name, self._role)
        self._told = ""
        self._closed.clear()

    async def look(self, ledger: PostgresLedger, statements: StatementReader) -> Look:
        """Compare once. Raises LedgerUnreachable."""
        return await look_at(ledger, statements, self._attestors, self._network)

    def _reason(self, look: Look) -> str:
        if look.missing:
            shown = ", ".join(str(each) for each in look.missing[:SHOWN])
            more = f", ... (`interlock reconcile` lists all {len(look.missing)})" if len(look.missing) > SHOWN else ""
            facts = f"{len(look.missing)} fact{'s' if len(look.missing) > 1 else ''} that attestors signed"
            return f"{facts} cannot be found in it, as after restoring an old backup: {shown}{more}"
        count = len(self._attestors.keys)
        return f"{look.answered} of {count} attestors say what they have signed, {look.needed} are needed"

    def _tell(self, text: str, detail: str = "") -> None:
        if text != self._told:
            log.warning("%s", f"{text} ({detail})" if detail else text)
            self._told = text
        self._closed.set()


async def went_back(ledger: PostgresLedger) -> None:
    """Return when the journal has become shorter: somebody restored a backup under a running role."""
    longest = 0
    while True:
        try:
            position = await newest_position(ledger)
        except LedgerFault:
            position = longest
        except asyncpg.PostgresError:  # its tables are gone, so a backup is being restored
            position = -1
        if position < longest:
            log.warning("ledger %s went back from position %d to %d", ledger.name, longest, position)
            return
        longest = position
        await asyncio.sleep(_WATCH_EVERY_SECONDS)


class _Waits:
    """Waits that grow."""

    def __init__(self) -> None:
        self._next = _FIRST_WAIT_SECONDS
        self._since = asyncio.get_running_loop().time()

    def lasted(self, seconds: float) -> bool:
        return asyncio.get_running_loop().time() - self._since >= seconds

    async def one(self) -> None:
        await asyncio.sleep(self._next)
        self._next = min(2 * self._next, _LAST_WAIT_SECONDS)

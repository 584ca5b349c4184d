"""What a journal's keeper does to it: seals its next block, and keeps the seals of other journals. Needs the keeper's
login: of a ledger its writer's, of the trail one of its own. Takes no lock that a settlement waits for.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.audit.install import ROOM
from interlock.audit.journals import Journal
from interlock.ledgers.connections import Connections
from interlock.ledgers.queries import query
from interlock.protocol import LocalSigner, SignatureInvalid
from interlock.protocol.merkle import root_of
from interlock.protocol.records import leaf_of
from interlock.protocol.seals import NO_SEAL, Seal, SignedSeal

log = logging.getLogger("interlock.audit")

RECORDS_AT_MOST = 5000
"""Of either kind in one block: who catches up needs no more memory than who keeps up."""

_READ_AT_ONCE = 100  # some milliseconds of hashing, then others have their turn
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.01, 1.0
_TELL_AFTER_SECONDS = 30.0


class CannotBeSealed(ValueError):  # noqa: N818 - says what is the case
    """A record that has no canonical bytes, as only somebody writes who gets round the rules: it is named."""


@dataclass(frozen=True)
class Sight:
    """A journal as its keeper finds it: how far it goes, how far it is sealed, who may still commit before its end."""

    position: int
    witnessed: int
    at: datetime
    number: int
    digest: str | None
    sealed_through: int
    sealed_witnessed: int
    in_flight: tuple[str, ...]

    @property
    def has_news(self) -> bool:
        """Whether there are records of its own that no seal covers; seals of others wait for one."""
        return self.position > self.sealed_through


@dataclass(frozen=True)
class Found:
    """A seal as it stands in a table: not verified yet."""

    id: int
    number: int
    digest: str
    signed: SignedSeal

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Found | None":
        """None for what is no seal: whoever may write there may write anything."""
        try:
            text = json.dumps({"seal": json.loads(row["seal"]), "signature": json.loads(row["signature"])})
            signed = SignedSeal.model_validate_json(text)
        except ValueError:
            return None
        return cls(row.get("id") or 0, row["number"], row["digest"], signed)

    def counts(self, journal: str, network: str, keepers: Mapping[str, str]) -> bool:
        """Whether it is that journal's, signed by its keeper, and stands under its own number and digest."""
        seal = self.signed.seal
        if (seal.journal, seal.number) != (journal, self.number) or journal not in keepers:
            return False
        try:
            self.signed.verify(network, keepers[journal])
        except SignatureInvalid:
            return False
        return self.signed.digest(network) == self.digest


class KeptJournal(Journal):
    """A journal with what its keeper may do to it. Methods raise LedgerUnreachable, and asyncpg's errors."""

    async def sight(self) -> Sight:
        """The journal now, in one statement."""
        row = await self.connections.row(query("keeper_sees", self._room))
        if row is None:
            raise AssertionError("the statement has one row")
        said = dict(row)
        return Sight(**{**said, "in_flight": tuple(said["in_flight"])})

    async def settled(self, sight: Sight) -> None:
        """Return once nothing can appear any more at or before the position that was seen. Says so if it takes long."""
        left, pause, waited = list(sight.in_flight), _FIRST_PAUSE_SECONDS, 0.0
        while left:
            await asyncio.sleep(pause)
            waited += pause
            rows = await self.connections.rows(query("still_in_flight", self._room), left)
            left = [row["who"] for row in rows]
            if left and waited - pause < _TELL_AFTER_SECONDS <= waited:
                log.warning("journal %s is not sealed on while transaction %s is open", self.name, left[0])
            pause = min(2 * pause, _LAST_PAUSE_SECONDS)

    async def seal_next(self, sight: Sight, signer: LocalSigner, network: str) -> SignedSeal | None:
        """Seal the block after the last one; None if another keeper did, or there is nothing. `sight` has settled."""
        positions, leaves = await self._leaves(sight)
        if not positions:
            return None
        kept = await self.witnessed(
            sight.sealed_witnessed, min(sight.witnessed, sight.sealed_witnessed + RECORDS_AT_MOST)
        )
        ids = [record["id"] for record in kept]
        leaves += [leaf_of(record) for record in kept]
        seal = Seal(
            journal=self.name,
            number=sight.number + 1,
            previous=sight.digest or NO_SEAL,
            root="0x" + root_of(leaves).hex(),
            records=len(leaves),
            through=positions[-1],
            witnessed=ids[-1] if ids else sight.sealed_witnessed,
            at=sight.at,
        )
        signed = SignedSeal(seal=seal, signature=signer.sign(seal, network))
        said = (signed.digest(network), seal.model_dump_json(), signed.signature.model_dump_json())
        sealed = await self.connections.value(query("seal", self._room), *said, positions, ids, b"".join(leaves))
        return signed if sealed else None

    async def _leaves(self, sight: Sight) -> tuple[list[int], list[bytes]]:
        positions: list[int] = []
        leaves: list[bytes] = []
        after = sight.sealed_through
        while len(positions) < RECORDS_AT_MOST:
            first = await self.connections.value(query("first_after", self._room), after, sight.position)
            if first is None:
                break
            after = min(sight.position, first - 1 + _READ_AT_ONCE)
            try:
                records = await self.records(first - 1, after)
            except (ValueError, OverflowError) as error:
                raise CannotBeSealed(f"a record from {first} to {after}: {error}") from error
            for record in records:
                try:
                    leaves.append(leaf_of(record))
                except ValueError as error:
                    raise CannotBeSealed(f"the record at {record['position']}: {error}") from error
                positions.append(record["position"])
            await asyncio.sleep(0)
        return positions, leaves

    async def seals_from(self, number: int) -> list[Found]:
        """The next seals of this journal, that number's first; a hundred at most."""
        rows = await self.connections.rows(query("seals_to_witness", self._room), number)
        return [found for row in rows if (found := Found.from_row(dict(row)))]

    async def newest_of(self, journal: str) -> Found | None:
        """The newest seal of a journal that was witnessed here."""
        row = await self.connections.row(query("newest_witnessed", self._room), journal)
        return Found.from_row(dict(row)) if row else None

    async def witness(self, found: Found) -> bool:
        """Keep another journal's seal; whether it is new here."""
        seal, signature = found.signed.seal, found.signed.signature
        said = (found.digest, seal.model_dump_json(), signature.model_dump_json())
        return bool(await self.connections.value(query("witness", self._room), *said))


class Relay(KeptJournal):
    """The audit database as ledgers' keepers see it, with the writer's login: seals are brought and fetched there."""

    def __init__(self, connections: Connections) -> None:
        super().__init__("audit", connections)

    async def brought_since(self, after: int, journals: list[str]) -> list[Found | None]:
        """Seals of these journals with a greater id, a hundred at most; None in the place of what is no seal."""
        rows = await self.connections.rows(query("relayed", ROOM), after, journals)
        return [Found.from_row(dict(row)) for row in rows]

    async def place_of(self, journal: str, found: Found) -> int:
        """The id of that very seal here; 0 if it is not here."""
        place = await self.connections.value(query("relayed_id", ROOM), journal, found.number, found.digest)
        return int(place or 0)

"""Puts one settlement's proof together from the journals, by index only: among many it costs what it costs among few.

Judges nothing and waits for nothing: whoever exports checks what came out (interlock/proof/check.py). Changes nothing.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from interlock.audit.journals import Block, Journal
from interlock.proof.course import derived
from interlock.proof.format import Place, Proof, SealedEntry, SealedSpan, Witness
from interlock.proof.records import EntryRecord, SpanRecord, WitnessedRecord
from interlock.protocol import Leg, SignedTerms
from interlock.protocol.canonical import canonical
from interlock.protocol.merkle import inclusion_paths
from interlock.protocol.records import Record
from interlock.protocol.seals import AUDIT_JOURNAL, SignedSeal

M = TypeVar("M", EntryRecord, SpanRecord, WitnessedRecord)


class NothingToProve(ValueError):  # noqa: N818 - says what is the case
    """No ledger has an entry for these terms, so nothing was locked, paid or decided: no file can show that."""


class PassedOver(ValueError):  # noqa: N818 - says what is the case
    """A record stands in no block, though its journal is sealed beyond it: somebody has put it there."""


Spot = tuple[str, int, int]
"""A leaf: its journal, its block's number, and its index there."""


@dataclass
class _Sealed:
    """The blocks of one journal that records stand in, each read once and hashed once."""

    journal: Journal
    blocks: dict[int, Block] = field(default_factory=dict)
    spots: set[Spot] = field(default_factory=set)

    async def own(self, position: int) -> Spot | None:
        """Where one of the journal's own records stands; None if it is not sealed yet."""
        known = (each for each in self.blocks.values() if _spans(each.positions, position))
        block = next(known, None) or await self.journal.block_of(position)
        return self._spot(block, block.positions, position) if block is not None else None

    async def witness(self, id_: int) -> Spot | None:
        """Where a seal of another journal stands that was kept in this one; None if it is not sealed yet."""
        known = (each for each in self.blocks.values() if _spans(each.witnessed, id_))
        block = next(known, None) or await self.journal.block_of_witnessed(id_)
        return self._spot(block, block.witnessed, id_, len(block.positions)) if block is not None else None

    def _spot(self, block: Block, numbers: Sequence[int], number: int, before: int = 0) -> Spot:
        at, sealed = bisect_left(numbers, number), block.signed.seal.number
        if at == len(numbers) or numbers[at] != number:
            text = f"record {number} of journal {self.journal.name} is in no block: block {sealed} passes it over"
            raise PassedOver(text)
        self.blocks[sealed] = block
        spot = (self.journal.name, sealed, before + at)
        self.spots.add(spot)
        return spot

    def places(self) -> dict[Spot, Place]:
        """The places of all records that were looked for."""
        found = {}
        for number, block in self.blocks.items():
            spots = sorted(spot for spot in self.spots if spot[1] == number)
            paths = inclusion_paths(block.leaves, [index for *_, index in spots])
            for spot, path in zip(spots, paths, strict=True):
                hashes = tuple("0x" + each.hex() for each in path)
                found[spot] = Place(seal=number, index=spot[2], path=hashes)
        return found


def _spans(numbers: Sequence[int], number: int) -> bool:
    """Whether a block that holds these covers that number: what is in it, and what it passes over."""
    return bool(numbers) and numbers[0] <= number <= numbers[-1]


class Exporter:
    """Exports from three journals of one network; `keepers` are whose seals are to count, by journal."""

    def __init__(self, journals: Mapping[str, Journal], network: str, keepers: Mapping[str, str]) -> None:
        self._journals, self._network, self._keepers = journals, network, keepers

    async def export(self, terms_hash: str) -> Proof:
        """All that is there of these terms now.

        Raises NothingToProve, PassedOver, LedgerUnreachable; ValueError for a row that cannot be understood.
        """
        ledgers = sorted(name for name in self._journals if name != AUDIT_JOURNAL)
        sealed = {name: _Sealed(journal) for name, journal in self._journals.items()}
        # Spans first: an entry that a span tells of is there by then.
        spans = await self._journals[AUDIT_JOURNAL].records_of_terms(terms_hash)
        records = await self._at_one_moment(ledgers, terms_hash)
        if not any(records.values()):
            raise NothingToProve(f"no ledger has an entry for terms {terms_hash}")
        terms = _terms([record for name in ledgers for record in records[name]])
        legs = {leg.ledger: leg for leg in (terms.terms.delivery, terms.terms.payment)}
        told = _told(spans)
        founding = {name: await self._founding(name, leg, terms, records, told) for name, leg in sorted(legs.items())}
        spots = {
            (name, record["position"]): await sealed[name].own(record["position"])
            for name, own in (*founding.items(), *records.items(), (AUDIT_JOURNAL, spans))
            for record in own
        }
        witnesses = await self._witnesses(sealed)
        places = {spot: place for each in sealed.values() for spot, place in each.places().items()}
        placed = {key: places[spot] if spot is not None else None for key, spot in spots.items()}
        proof = Proof(
            format="interlock-proof",
            version=1,
            network=self._network,
            keepers={name: self._keepers[name] for name in (*legs, AUDIT_JOURNAL)},
            terms_hash=terms_hash,
            terms=terms,
            outcome=None,
            foundations=_entries(founding, placed),
            entries=_entries(records, placed),
            spans=tuple(
                SealedSpan(record=_model(SpanRecord, each), place=placed[AUDIT_JOURNAL, each["position"]])
                for each in spans
            ),
            witnesses=tuple(
                Witness(journal=spot[0], record=_model(WitnessedRecord, record), place=places[spot])
                for spot, record in sorted(witnesses.items(), key=lambda each: (each[0][0], each[1]["id"]))
            ),
            seals=_seals(sealed),
        )
        return proof.model_copy(update={"outcome": derived(proof)})

    async def _at_one_moment(self, ledgers: Sequence[str], terms_hash: str) -> dict[str, list[Record]]:
        """The ledgers' entries as they were at one and the same moment, the settlement going on meanwhile.

        Entries are only ever added: what two readings of all ledgers, one after the other, have in common in every
        ledger, stood so between them.
        """
        before: dict[str, list[Record]] | None = None
        while True:
            now = {name: await self._journals[name].records_of_terms(terms_hash) for name in ledgers}
            if now == before:
                return now
            before = now

    async def _founding(
        self,
        ledger: str,
        leg: Leg,
        terms: SignedTerms,
        records: Mapping[str, Sequence[Record]],
        told: Sequence[tuple[int, str]],
    ) -> list[Record]:
        """What a ledger's entries for these terms rest on, as far as it stood before the last of them."""
        accounts = {leg.deliverer, leg.receiver, *_redirected(records[ledger])}
        subjects = [f"account {name}" for name in sorted(accounts)]
        subjects += [f"asset {leg.asset.code}", f"attestors {terms.terms.coordinator.name}"]
        subjects += [f"attestor {signer}" for signer in sorted(_certifiers(records[ledger]))]
        last = max((record["position"] for record in records[ledger]), default=0)
        return await self._journals[ledger].founding_records(subjects, last, told)

    async def _witnesses(self, sealed: Mapping[str, _Sealed]) -> dict[Spot, Record]:
        """Where else the seals of the records stand, as far as that is sealed itself."""
        found = {}
        for signed in _seals(sealed):  # those of the records: witnesses bring in others, which need none
            seal, digest = signed.seal, signed.digest(self._network)
            for theirs in sealed.values():
                if theirs.journal.name == seal.journal:
                    continue
                record = await theirs.journal.witness_of(seal.journal, seal.number, digest)
                spot = await theirs.witness(record["id"]) if record is not None else None
                if record is not None and spot is not None:
                    found[spot] = record
        return found


def _terms(records: Sequence[Record]) -> SignedTerms:
    """The signed terms as the lock has them, else the verdict."""
    held = [each for each in records if each["operation"] in ("lock", "pay", "void")]
    if not held:
        raise NothingToProve("no entry holds these terms")
    first = min(held, key=lambda each: each["operation"] != "lock")
    return SignedTerms.model_validate_json(canonical(first["authority"]["signed"]))


def _redirected(records: Sequence[Record]) -> list[str]:
    held: list[Any] = [each["authority"].get("redirection") for each in records if each["operation"] == "release"]
    return [each["redirection"]["receiver"] for each in held if each is not None]


def _certifiers(records: Sequence[Record]) -> set[str]:
    """Whose signatures the entries' certificates count: of nobody else does it matter whether he was left out."""
    held: list[Any] = [each["authority"].get("certificate") for each in records]
    return {each["signer"] for certificate in held if certificate is not None for each in certificate["signatures"]}


def _told(spans: Sequence[Record]) -> list[tuple[int, str]]:
    """The receipts that spans tell of: a settlement that accuses an attestor gets some of accusations."""
    held: list[Any] = [each["attributes"] for each in spans if isinstance(each["attributes"], dict)]
    said = {(each.get("interlock.receipt.position"), each.get("interlock.receipt.reference")) for each in held}
    return sorted((at, reference) for at, reference in said if isinstance(at, int) and isinstance(reference, str))


def _entries(
    records: Mapping[str, Sequence[Record]], placed: Mapping[tuple[str, int], Place | None]
) -> tuple[SealedEntry, ...]:
    return tuple(
        SealedEntry(journal=name, record=_model(EntryRecord, record), place=placed[name, record["position"]])
        for name in sorted(records)
        for record in records[name]
    )


def _seals(sealed: Mapping[str, _Sealed]) -> tuple[SignedSeal, ...]:
    return tuple(
        sealed[name].blocks[number].signed for name in sorted(sealed) for number in sorted(sealed[name].blocks)
    )


def _model(kind: type[M], record: Record) -> M:
    return kind.model_validate_json(canonical(record))

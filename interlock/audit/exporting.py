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


@dataclass
class _Sealed:
    """The blocks of one journal that records stand in, each read once."""

    journal: Journal
    blocks: dict[int, Block] = field(default_factory=dict)

    async def own(self, positions: Sequence[int]) -> dict[int, Place | None]:
        """The places of the journal's own records; None for those that are not sealed yet."""
        wanted: dict[int, list[tuple[int, int]]] = {}
        for position in sorted(positions):
            block = self._known(position) or await self.journal.block_of(position)
            if block is not None:
                at = _index(block.positions, position, self.journal.name, block)
                wanted.setdefault(self._keep(block), []).append((position, at))
        return dict.fromkeys(positions) | self._places(wanted)

    async def witness(self, id_: int) -> Place | None:
        """The place of a seal of another journal that was kept in this one."""
        block = await self.journal.block_of_witnessed(id_)
        if block is None:
            return None
        at = len(block.positions) + _index(block.witnessed, id_, self.journal.name, block)
        return self._places({self._keep(block): [(id_, at)]})[id_]

    def _known(self, position: int) -> Block | None:
        return next(
            (each for each in self.blocks.values() if each.positions[0] <= position <= each.positions[-1]), None
        )

    def _keep(self, block: Block) -> int:
        number = block.signed.seal.number
        self.blocks[number] = block
        return number

    def _places(self, wanted: Mapping[int, Sequence[tuple[int, int]]]) -> dict[int, Place | None]:
        places: dict[int, Place | None] = {}
        for number, records in wanted.items():
            paths = inclusion_paths(self.blocks[number].leaves, [at for _, at in records])
            for (position, at), path in zip(records, paths, strict=True):
                hashes = tuple("0x" + each.hex() for each in path)
                places[position] = Place(seal=number, index=at, path=hashes)
        return places


def _index(numbers: Sequence[int], number: int, journal: str, block: Block) -> int:
    at = bisect_left(numbers, number)
    if at == len(numbers) or numbers[at] != number:
        text = f"record {number} of journal {journal} is in no block: block {block.signed.seal.number} passes it over"
        raise PassedOver(text)
    return at


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
        records = {name: await self._journals[name].records_of_terms(terms_hash) for name in ledgers}
        if not any(records.values()):
            raise NothingToProve(f"no ledger has an entry for terms {terms_hash}")
        terms = _terms([record for name in ledgers for record in records[name]])
        legs = {leg.ledger: leg for leg in (terms.terms.delivery, terms.terms.payment)}
        founding = {name: await self._founding(name, leg, terms, records) for name, leg in sorted(legs.items())}
        spans = await self._journals[AUDIT_JOURNAL].records_of_terms(terms_hash)
        places = {
            name: await sealed[name].own([record["position"] for record in (*founding[name], *records[name])])
            for name in sorted(legs)
        }
        span_places = await sealed[AUDIT_JOURNAL].own([span["position"] for span in spans])
        witnesses = await self._witnesses(sealed)
        proof = Proof(
            format="interlock-proof",
            version=1,
            network=self._network,
            keepers={name: self._keepers[name] for name in (*legs, AUDIT_JOURNAL)},
            terms_hash=terms_hash,
            terms=terms,
            outcome=None,
            foundations=_entries(founding, places),
            entries=_entries(records, places),
            spans=tuple(
                SealedSpan(record=_model(SpanRecord, each), place=span_places[each["position"]]) for each in spans
            ),
            witnesses=witnesses,
            seals=_seals(sealed),
        )
        return proof.model_copy(update={"outcome": derived(proof)})

    async def _founding(
        self, ledger: str, leg: Leg, terms: SignedTerms, records: Mapping[str, Sequence[Record]]
    ) -> list[Record]:
        """What a ledger's entries for these terms rest on, as far as it stood before the last of them."""
        accounts = {leg.deliverer, leg.receiver, *_redirected(records[ledger])}
        subjects = [f"account {name}" for name in sorted(accounts)]
        subjects += [f"asset {leg.asset.code}", f"attestors {terms.terms.coordinator.name}"]
        last = max((record["position"] for record in records[ledger]), default=0)
        return await self._journals[ledger].founding_records(subjects, last)

    async def _witnesses(self, sealed: Mapping[str, _Sealed]) -> tuple[Witness, ...]:
        """Where else the seals of the records stand, as far as that is sealed itself."""
        found: list[Witness] = []
        for signed in _seals(sealed):  # those of the records: witnesses bring in others, which need none
            found += await self._witnesses_of(signed, sealed)
        ordered = {(each.journal, each.record.id): each for each in found}
        return tuple(ordered[key] for key in sorted(ordered))

    async def _witnesses_of(self, signed: SignedSeal, sealed: Mapping[str, _Sealed]) -> list[Witness]:
        found = []
        for other, theirs in sealed.items():
            if other == signed.seal.journal:
                continue
            record = await theirs.journal.witness_of(
                signed.seal.journal, signed.seal.number, signed.digest(self._network)
            )
            place = await theirs.witness(record["id"]) if record is not None else None
            if record is not None and place is not None:
                found.append(Witness(journal=other, record=_model(WitnessedRecord, record), place=place))
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


def _entries(
    records: Mapping[str, Sequence[Record]], places: Mapping[str, Mapping[int, Place | None]]
) -> tuple[SealedEntry, ...]:
    return tuple(
        SealedEntry(journal=name, record=_model(EntryRecord, record), place=places[name][record["position"]])
        for name in sorted(places)
        for record in records[name]
    )


def _seals(sealed: Mapping[str, _Sealed]) -> tuple[SignedSeal, ...]:
    return tuple(
        sealed[name].blocks[number].signed for name in sorted(sealed) for number in sorted(sealed[name].blocks)
    )


def _model(kind: type[M], record: Record) -> M:
    return kind.model_validate_json(canonical(record))

"""Whether a proof's seals are their keepers', and its records stand under them. Pure."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from interlock.proof.format import Place, Proof
from interlock.proof.records import LeafRecord
from interlock.proof.report import Untrue
from interlock.protocol import SignatureInvalid
from interlock.protocol.merkle import root_by_path
from interlock.protocol.seals import AUDIT_JOURNAL, NO_SEAL, Seal, SignedSeal

Number = tuple[str, int]
"""A journal, and the number of a seal or the position of a record in it."""

Leaf = tuple[str, int, LeafRecord, Place | None]
"""A journal, a record's position or id there, the record, and its place."""

T = TypeVar("T")


def by_number(proof: Proof) -> dict[Number, SignedSeal]:
    """The seals in the file."""
    return {(each.seal.journal, each.seal.number): each for each in proof.seals}


def own_leaves(proof: Proof) -> list[Leaf]:
    """The journals' own records, by journal and position."""
    found: list[Leaf] = [
        (each.journal, each.record.position, each.record, each.place) for each in (*proof.foundations, *proof.entries)
    ]
    found += [(AUDIT_JOURNAL, each.record.position, each.record, each.place) for each in proof.spans]
    return sorted(found, key=lambda leaf: leaf[:2])


def witness_leaves(proof: Proof) -> list[Leaf]:
    """The seals that journals keep of others, by journal and id."""
    return [(each.journal, each.record.id, each.record, each.place) for each in proof.witnesses]


def named(number: Number) -> str:
    """A seal in words."""
    return f"seal {number[1]} of journal {number[0]}"


def seals(proof: Proof) -> str:
    """Untrue unless every seal is its journal's keeper's, and they form a chain as far as they are there."""
    require_ascending([(each.seal.journal, each.seal.number) for each in proof.seals], "seals")
    for signed in proof.seals:
        number = (signed.seal.journal, signed.seal.number)
        if signed.seal.journal not in proof.keepers:
            raise Untrue(f"{named(number)} is of no journal that the file is about")
        try:
            signed.verify(proof.network, proof.keepers[signed.seal.journal])
        except SignatureInvalid as error:
            raise Untrue(f"{named(number)} is not its keeper's: {error}") from error
        if (signed.seal.number == 1) != (signed.seal.previous == NO_SEAL):
            raise Untrue(f"{named(number)} does not begin its chain where it should")
    for before, after in pairwise(proof.seals):
        if before.seal.journal == after.seal.journal:
            _require_chained(before, after, proof.network)
    return ""


def _require_chained(before: SignedSeal, after: SignedSeal, network: str) -> None:
    earlier, later = before.seal, after.seal
    follows = later.number == earlier.number + 1
    if (follows and later.previous != before.digest(network)) or not (
        earlier.through < later.through and earlier.witnessed <= later.witnessed
    ):
        raise Untrue(f"{named((later.journal, later.number))} does not go on from seal {earlier.number}")


def inclusion(proof: Proof) -> str:
    """Untrue unless every record is under the seal that it names, at its place; why not, where it names none yet."""
    for numbers, what in (
        ([(each.journal, each.record.position) for each in proof.foundations], "foundations"),
        ([(each.journal, each.record.position) for each in proof.entries], "entries"),
        ([each.record.position for each in proof.spans], "spans"),
        ([(each.journal, each.record.id) for each in proof.witnesses], "witnesses"),
    ):
        require_ascending(numbers, what)
    own, kept = own_leaves(proof), witness_leaves(proof)
    require_ascending([leaf[:2] for leaf in own], "entries and foundations")
    found = by_number(proof)
    for leaf in (*own, *kept):
        _require_included(leaf, found)
    _require_order(own, kept, found)
    if unused := sorted(found.keys() - {(leaf[0], leaf[3].seal) for leaf in (*own, *kept) if leaf[3]}):
        raise Untrue(f"{named(unused[0])} is in the file, and nothing in the file is under it")
    open_ = [f"{journal} {position}" for journal, position, _, place in own if place is None]
    return f"no seal covers yet: {', '.join(open_[:5])}" if open_ else ""


def _require_included(leaf: Leaf, found: dict[Number, SignedSeal]) -> None:
    journal, position, record, place = leaf
    if place is None:
        return
    what = f"record {position} of journal {journal}"
    if (journal, place.seal) not in found:
        raise Untrue(f"{what} names {named((journal, place.seal))}, which is not in the file")
    seal = found[journal, place.seal].seal
    try:
        path = [bytes.fromhex(each[2:]) for each in place.path]
        root = root_by_path(record.leaf, place.index, seal.records, path)
    except ValueError as error:
        raise Untrue(f"{what} has no place under {named((journal, place.seal))}: {error}") from error
    if "0x" + root.hex() != seal.root:
        raise Untrue(f"{what} is not what {named((journal, place.seal))} covers at {place.index}")


def _require_order(own: Sequence[Leaf], kept: Sequence[Leaf], found: dict[Number, SignedSeal]) -> None:
    """A block holds a journal's own records by position, then what it witnessed by id, each after the seal before."""
    for leaves, reach in ((own, _through), (kept, _witnessed)):
        for journal, position, place in _placed(leaves):
            before = found.get((journal, place.seal - 1))
            after = reach(before.seal) if before is not None else 0
            if not after < position <= reach(found[journal, place.seal].seal):
                raise Untrue(f"record {position} of journal {journal} is not among those of seal {place.seal}")
    last: dict[Number, int] = {}
    for journal, position, place in (*_placed(own), *_placed(kept)):
        if place.index <= last.get((journal, place.seal), -1):
            raise Untrue(f"record {position} of journal {journal} stands before an earlier one in seal {place.seal}")
        last[journal, place.seal] = place.index


def _placed(leaves: Sequence[Leaf]) -> Iterator[tuple[str, int, Place]]:
    return ((journal, position, place) for journal, position, _, place in leaves if place is not None)


def _through(seal: Seal) -> int:
    return seal.through


def _witnessed(seal: Seal) -> int:
    return seal.witnessed


def require_ascending(numbers: Sequence[tuple[str, int]] | Sequence[int], what: str) -> None:
    """Untrue unless these are in order, and none of them stands twice."""
    for before, after in pairwise(numbers):
        if before == after:
            raise Untrue(f"one of the {what} stands twice")
        if before > after:  # type: ignore[operator]
            raise Untrue(f"the {what} are not in order")

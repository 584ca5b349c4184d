"""Judges a seal by itself: that its keeper signed it for this network, and that its leaves are those it signed. Pure.

Whether it goes on from the seal before, and whether the journal's records are those leaves, is judged elsewhere.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from interlock.protocol import SignatureInvalid
from interlock.protocol.merkle import root_of
from interlock.protocol.seals import Seal, SignedSeal

LEAF_BYTES = 32
_LISTS = ("positions", "witnessed", "leaves")


@dataclass(frozen=True)
class Judged:
    """A row of a table of seals, and what is wrong with it by itself."""

    number: int
    seal: Seal | None
    """None if what stands there is no seal."""
    digest: str
    """Of what stands there now; empty if that is no seal."""
    is_signed: bool
    """By the journal's keeper, for this network: then every field of `seal` is the keeper's word."""
    has_its_leaves: bool
    """Whether the stored leaves lead to the signed root."""
    positions: tuple[int, ...]
    witnessed: tuple[int, ...]
    leaves: bytes
    texts: tuple[str, str]
    """Seal and signature as they are stored."""
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Judge:
    """Who judges one journal's seals; `keeper` is None where nobody has said whose seals count."""

    journal: str
    network: str
    keeper: str | None

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[Judged]:
        """Every one of these rows."""
        return [self._judged(row) for row in rows]

    def counts(self, number: int, seal: str, signature: str) -> str | None:
        """The digest of this journal's seal of that number, if its keeper signed it; else None. Both as JSON."""
        try:
            signed = _signed(seal, signature)
            if (signed.seal.journal, signed.seal.number) != (self.journal, number) or self.keeper is None:
                return None
            signed.verify(self.network, self.keeper)
        except (ValueError, TypeError):
            return None
        return signed.digest(self.network)

    def _judged(self, row: Mapping[str, Any]) -> Judged:
        made = partial(
            Judged,
            number=row["number"] or 0,
            positions=_numbers(row["positions"]),
            witnessed=_numbers(row["witnessed"]),
            leaves=bytes(row["leaves"] or b""),
            texts=(row["seal"] or "", row["signature"] or ""),
        )
        try:
            signed = _signed(row["seal"], row["signature"])
        except (ValueError, TypeError) as error:
            text = f"it cannot be understood: {_first_line(error)}"
            return made(seal=None, digest="", is_signed=False, has_its_leaves=False, faults=(text,))
        digest = signed.digest(self.network)
        unsigned = self._unsigned(signed)
        rooted = "0x" + root_of(leaves_of(made.keywords["leaves"])).hex() == signed.seal.root
        wrong = {
            unsigned: bool(unsigned),
            f"it says that it is of journal {signed.seal.journal}": signed.seal.journal != self.journal,
            f"it says that its number is {signed.seal.number}": signed.seal.number != row["number"],
            f"it is stored under digest {row['digest']}, its own is {digest}": row["digest"] != digest,
            "its leaves are not those under its root": not rooted,
            "its text is not as its keeper wrote it": not _is_verbatim(signed, row),
        } | {f"its {name} are gone: nothing stands there, not even an empty list": row[name] is None for name in _LISTS}
        faults = tuple(text for text, is_so in wrong.items() if is_so)
        return made(seal=signed.seal, digest=digest, is_signed=not unsigned, has_its_leaves=rooted, faults=faults)

    def _unsigned(self, signed: SignedSeal) -> str:
        if self.keeper is None:
            return "nobody has said who keeps this journal"
        try:
            signed.verify(self.network, self.keeper)
        except SignatureInvalid as error:
            return f"its keeper did not sign it: {error}"
        return ""


def leaves_of(stored: bytes) -> list[bytes]:
    """The leaf hashes that stand one after the other."""
    return [stored[at : at + LEAF_BYTES] for at in range(0, len(stored), LEAF_BYTES)]


def _signed(seal: str, signature: str) -> SignedSeal:
    return SignedSeal.model_validate_json(json.dumps({"seal": json.loads(seal), "signature": json.loads(signature)}))


def _is_verbatim(signed: SignedSeal, row: Mapping[str, Any]) -> bool:
    """One seal can be written in many ways (a time in another zone); a keeper writes it in one."""
    said = (json.loads(row["seal"]), json.loads(row["signature"]))
    return said == (signed.seal.model_dump(mode="json"), signed.signature.model_dump(mode="json"))


def _numbers(stored: Sequence[int | None] | None) -> tuple[int, ...]:
    """What is no number cannot be the place of a record."""
    return tuple(each if isinstance(each, int) else -1 for each in stored or ())


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split("\n")[:3])

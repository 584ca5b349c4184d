"""One settlement's exported evidence, version 1: a file of JSON in canonical bytes, and one newline. Judges nothing.

What each member means, and in what order a checker looks at them, is in docs/proof-format.md; the JSON Schema of these
models stands beside it.
"""

from typing import Annotated, Literal

from pydantic import Field

from interlock.proof.records import EntryRecord, Position, SpanRecord, WitnessedRecord
from interlock.protocol import Message, Outcome, SignedTerms
from interlock.protocol.canonical import canonical
from interlock.protocol.seals import SignedSeal
from interlock.protocol.words import Address, Digest, LedgerName

VERSION = 1
BYTES_AT_MOST = 64 * 1024 * 1024
"""A larger file is refused unread: a settlement's evidence is some hundred kB."""


class NotAProof(ValueError):  # noqa: N818 - says what is the case
    """The bytes are no proof of this version; the text says why."""


class Place(Message):
    """Where a record stands in the tree under a seal of its journal."""

    seal: Position
    """The seal's number."""
    index: Annotated[int, Field(ge=0, lt=2**53)]
    """Of the leaf, from 0 on; how many leaves there are, the seal says."""
    path: Annotated[tuple[Digest, ...], Field(max_length=53)]
    """RFC 9162, 2.1.3.1: the neighbours' hashes up to the root, lowest first."""


class SealedEntry(Message):
    """An entry of a ledger's journal; no place: no seal covered it yet when it was exported."""

    journal: LedgerName
    record: EntryRecord
    place: Place | None


class SealedSpan(Message):
    """A span of the audit trail; no place: no seal covered it yet."""

    record: SpanRecord
    place: Place | None


class Witness(Message):
    """A seal as another journal, `journal`, kept it and sealed it itself."""

    journal: LedgerName
    record: WitnessedRecord
    place: Place


class Proof(Message):
    """All that is there of one settlement, and what it rests on."""

    format: Literal["interlock-proof"]
    version: Literal[1]
    network: Digest
    keepers: Annotated[dict[LedgerName, Address], Field(min_length=3, max_length=3)]
    """Whose seals are to count, by journal: a claim, believed only where the checker knows these keys itself."""
    terms_hash: Digest
    terms: SignedTerms
    """As the lock has them, else the verdict."""
    outcome: Outcome | None
    """What follows from the entries; null while the settlement is open."""
    foundations: tuple[SealedEntry, ...]
    """What the entries rest on: each ledger's genesis and orders, by journal and position."""
    entries: tuple[SealedEntry, ...]
    """Every entry for the terms, by journal and position."""
    spans: tuple[SealedSpan, ...]
    """Every span of their trace, by position."""
    witnesses: tuple[Witness, ...]
    """Where else the seals of these records stand, by journal and id."""
    seals: tuple[SignedSeal, ...]
    """Every seal that is named above, by journal and number."""


def written(proof: Proof) -> bytes:
    """The file. Raises ValueError for what has no canonical form."""
    return canonical(proof.model_dump(mode="json")) + b"\n"


def read(data: bytes) -> Proof:
    """The proof in a file, whose every bit counts. Raises NotAProof for any bytes but those that `written` writes."""
    if len(data) > BYTES_AT_MOST:
        raise NotAProof(f"it is larger than {BYTES_AT_MOST} bytes")
    try:
        proof = Proof.model_validate_json(data)
    except ValueError as error:
        raise NotAProof(_first(error)) from error
    try:
        same = written(proof) == data
    except (ValueError, RecursionError) as error:
        raise NotAProof(f"it holds what has no canonical form: {error}") from error
    if not same:
        raise NotAProof("its bytes are not the canonical ones of what they say")
    return proof


def _first(error: ValueError) -> str:
    found = error.errors(include_url=False, include_input=False)[0] if hasattr(error, "errors") else None
    if found is None:
        return str(error)
    where = ".".join(str(part) for part in found["loc"])
    return f"{where}: {found['msg']}" if where else str(found["msg"])

"""Whether what entries relied on carries them, judged as the ledgers judge it: from each ledger's genesis onward. Pure.

A certificate's quorum is counted in protocol/reverify.py, by the attestor sets that the orders in the file have made,
without those whom its accusations have left out.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from interlock.proof.format import Proof, SealedEntry
from interlock.proof.records import EntryRecord
from interlock.proof.report import Untrue
from interlock.proof.trust import Trust
from interlock.protocol import Leg, RegisterAsset, SignedTerms, evidence
from interlock.protocol.evidence import Identity
from interlock.protocol.genesis import Genesis
from interlock.protocol.reading import Entry, Reading, Registered, read_entries
from interlock.protocol.reverify import Reverifier

FOUNDING = frozenset(
    {"genesis", "open", "admit", "expel", "freeze", "unfreeze", "asset", "attestors", "close", "accuse", "readmit"}
)
"""The operations of entries that others rest on."""


def legs(proof: Proof) -> dict[str, Leg]:
    """The terms' legs, by ledger."""
    return {leg.ledger: leg for leg in (proof.terms.terms.delivery, proof.terms.terms.payment)}


def terms(proof: Proof) -> str:
    """Untrue unless both parties signed the terms, and every entry is of these very terms."""
    signed = proof.terms
    if signed.terms_hash != proof.terms_hash:
        raise Untrue("the terms have another hash than the file says")
    if refusal := evidence.unmatched(signed, Identity(signed.terms.delivery.ledger, proof.network, frozenset())):
        raise Untrue(refusal.text)
    held = []
    for each in proof.entries:
        record = each.record
        if record.terms_hash != proof.terms_hash:
            raise Untrue(f"{entry_named(each)} is of other terms")
        if record.operation != "resume" and record.settlement_id != signed.terms.settlement_id:
            raise Untrue(f"{entry_named(each)} is of another settlement id")
        if (own := _signed_in(record)) is not None:
            held.append((record.operation == "lock", each, own))
    for _, each, own in held:
        if own.terms != signed.terms or own.network != signed.network:
            raise Untrue(f"{entry_named(each)} holds other terms")
    if held and max(held, key=lambda each: each[0])[2] != signed:
        raise Untrue("the terms are not signed as the first entry that holds them has it")
    return "" if held else "no entry in the file holds the terms"


def _signed_in(record: EntryRecord) -> SignedTerms | None:
    """The signed terms that an entry relied on, if it is one that has them."""
    if record.operation not in ("lock", "pay", "void"):
        return None
    held = record.authority.get("signed") if isinstance(record.authority, dict) else None
    try:
        return SignedTerms.model_validate_json(json.dumps(held))
    except ValueError as error:
        raise Untrue(f"the terms of entry {record.position} ({record.operation}) cannot be read: {error}") from error


def authority(proof: Proof, trust: Trust | None) -> str:
    """Untrue unless each ledger was born as it should be and each entry's evidence carries it, in order."""
    for ledger, leg in legs(proof).items():
        entries = sorted(_of(proof, ledger), key=lambda each: each.record.position)
        genesis = _genesis(ledger, entries)
        if trust is not None and ledger in trust.operators and set(trust.operators[ledger]) != set(genesis.operators):
            raise Untrue(f"ledger {ledger} was not born with the operators that are known")
        here = Identity(ledger, proof.network, frozenset(genesis.operators))
        readings = read_entries(here, [_entry(each.record, proof.terms) for each in entries])
        reverifier = Reverifier(ledger, proof.network)
        for reading in readings:
            if objection := reverifier.objection(_shown(reading)):
                raise Untrue(f"ledger {ledger}: {objection}")
        if leg.asset not in _assets(genesis, readings):
            raise Untrue(f"ledger {ledger} keeps no {leg.asset.code} with {leg.asset.decimals} decimals")
    return ""


def _shown(reading: Reading) -> Reading:
    """Without whether an accused key was in some set by then: sets that the terms do not name are not in the file."""
    return replace(reading, claims=tuple(each for each in reading.claims if not isinstance(each, Registered)))


def _of(proof: Proof, ledger: str) -> Iterator[SealedEntry]:
    known = legs(proof)
    for each in proof.foundations:
        if each.record.operation not in FOUNDING or each.journal not in known:
            raise Untrue(f"{entry_named(each)} is nothing that others rest on")
    for each in proof.entries:
        if each.journal not in known:
            raise Untrue(f"{entry_named(each)} is of no ledger of the terms")
    return (each for each in (*proof.foundations, *proof.entries) if each.journal == ledger)


def _genesis(ledger: str, entries: Sequence[SealedEntry]) -> Genesis:
    """What the ledger was born with: the first record under its first seal."""
    if not entries or entries[0].record.operation != "genesis":
        raise Untrue(f"the genesis of ledger {ledger} is not in the file")
    first = entries[0]
    if first.place is not None and (first.place.seal, first.place.index) != (1, 0):
        raise Untrue(f"the genesis of ledger {ledger} is not the first record of its journal")
    try:
        return Genesis.model_validate_json(json.dumps(first.record.authority))
    except ValueError as error:
        raise Untrue(f"the genesis of ledger {ledger} cannot be read: {error}") from error


def _entry(record: EntryRecord, signed: SignedTerms) -> Entry:
    """A record as entries are read by whoever has the tables."""
    own: Any = record.authority.get("signed") if isinstance(record.authority, dict) else None
    try:
        at = record.moment
    except ValueError as error:
        raise Untrue(f"entry {record.position} was written at no time that there is: {error}") from error
    return Entry(
        position=record.position,
        operation=record.operation,
        terms_hash=record.terms_hash,
        order_digest=record.order_digest,
        at=at,
        authority=json.dumps(record.authority),
        signed=json.dumps(own) if own is not None else signed.model_dump_json(),
        to_finish=False,
    )


def _assets(genesis: Genesis, readings: Sequence[Reading]) -> set[Any]:
    """The assets that the ledger keeps, as far as the file shows."""
    return {*genesis.assets, *(each.effect.asset for each in readings if isinstance(each.effect, RegisterAsset))}


def entry_named(each: SealedEntry) -> str:
    """An entry in words."""
    return f"entry {each.record.position} of ledger {each.journal} ({each.record.operation})"

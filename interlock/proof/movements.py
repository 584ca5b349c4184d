"""Whether entries moved exactly what the terms say: the legs' quantities, between their accounts and escrow. Pure."""

from typing import Any

from interlock.proof.authority import entry_named
from interlock.proof.format import Proof, SealedEntry
from interlock.proof.records import EntryRecord
from interlock.proof.report import Untrue

_Moved = list[tuple[str, str, int]]


def movements(proof: Proof) -> str:
    """Untrue unless each entry posts what its operation moves on these terms, and leaves no balance below 0."""
    locked = any(each.record.operation == "lock" for each in proof.entries)
    for each in proof.foundations:
        if each.record.postings:
            raise Untrue(f"{entry_named(each)} moved something")
    for each in proof.entries:
        expected = _expected(each, proof, locked)
        if _moved(each.record) != sorted(expected):
            raise Untrue(f"{entry_named(each)} moved something else than the terms say")
        _require_balances(each, escrow_of(proof.terms_hash), proof.terms.terms.delivery.quantity)
    return ""


def escrow_of(terms_hash: str) -> str:
    """The account that a lock's units are in, of nobody else's."""
    return f"escrow:{terms_hash}"


def _expected(each: SealedEntry, proof: Proof, locked: bool) -> _Moved:
    terms, escrow = proof.terms.terms, escrow_of(proof.terms_hash)
    unit, cash = terms.delivery, terms.payment
    match each.record.operation:
        case "lock":
            return _transfer(unit.deliverer, escrow, unit.asset.code, unit.quantity)
        case "release":
            return _transfer(escrow, receiver_of(each.record, unit.receiver), unit.asset.code, unit.quantity)
        case "refund" if locked:
            return _transfer(escrow, unit.deliverer, unit.asset.code, unit.quantity)
        case "pay":
            return _transfer(cash.deliverer, cash.receiver, cash.asset.code, cash.quantity)
        case _:
            return []


def receiver_of(record: EntryRecord, receiver: str) -> str:
    """Who receives a release: whom the terms name, or whom a redirection names instead."""
    held: Any = record.authority
    redirection = held.get("redirection") if isinstance(held, dict) else None
    return str(redirection["redirection"]["receiver"]) if redirection is not None else receiver


def _transfer(payer: str, payee: str, asset: str, quantity: int) -> _Moved:
    return [(payer, asset, -quantity), (payee, asset, quantity)]


def _moved(record: EntryRecord) -> _Moved:
    found = [(each.account, each.asset, int(each.quantity)) for each in record.postings]
    return sorted(found)


def _require_balances(each: SealedEntry, escrow: str, quantity: int) -> None:
    """Accounts are never below 0; the escrow holds the lock's quantity while it is locked, and nothing afterwards."""
    for posting in each.record.postings:
        balance = int(posting.balance)
        right = balance == (quantity if each.record.operation == "lock" else 0)
        if balance < 0 or (posting.account == escrow and not right):
            raise Untrue(f"{entry_named(each)} leaves {balance} on account {posting.account}")

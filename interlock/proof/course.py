"""Whether entries follow one another as the protocol has it, and which outcome follows from them. Pure.

Two ledgers' clocks are never compared: that one entry came after another of the other ledger is shown by the
certificate that names it.
"""

from typing import Any

from interlock.proof.authority import entry_named
from interlock.proof.format import Proof, SealedEntry
from interlock.proof.report import Untrue
from interlock.protocol import Outcome

AT_DELIVERY = frozenset({"lock", "release", "refund", "resume"})
AT_PAYMENT = frozenset({"pay", "void", "resume"})
_RESTS_ON = {"pay": "lock", "release": "pay", "refund": "void"}
"""Which entry the certificate of another names."""

_OF_VOID = {"consent": Outcome.CANCELLED, "operators": Outcome.CANCELLED, "time": Outcome.EXPIRED}

Effects = dict[str, SealedEntry]


def effects(proof: Proof) -> Effects:
    """The entries that had an effect on the terms, by operation. Untrue if one stands twice or where it cannot."""
    found: Effects = {}
    delivery = proof.terms.terms.delivery.ledger
    for each in proof.entries:
        operation = each.record.operation
        if operation not in (AT_DELIVERY if each.journal == delivery else AT_PAYMENT):
            raise Untrue(f"{entry_named(each)} is nothing that this ledger does on terms")
        if operation in found:
            raise Untrue(f"{operation} stands twice")
        if operation != "resume":
            found[operation] = each
    return found


def course(proof: Proof) -> str:
    """Untrue unless each entry has before it what it needs, and none is there that excludes it."""
    found = effects(proof)
    for one, other in (("pay", "void"), ("release", "refund")):
        if one in found and other in found:
            raise Untrue(f"both {one} and {other} stand for these terms: only one of them can")
    for operation, cause in _RESTS_ON.items():
        if operation in found:
            _require_caused(found[operation], cause, found)
    for ending in ("release", "refund"):
        if {ending, "lock"} <= found.keys() and found[ending].record.position < found["lock"].record.position:
            raise Untrue(f"{entry_named(found[ending])} stands before the lock")
    return ""


def _require_caused(each: SealedEntry, cause: str, found: Effects) -> None:
    if cause not in found:
        raise Untrue(f"{entry_named(each)} is there, and no {cause} that it rests on")
    held: Any = each.record.authority
    statement = held["certificate"]["statement"]
    record = found[cause].record
    if (statement["reference"], statement["position"]) != (record.reference, record.position):
        raise Untrue(f"the certificate of {entry_named(each)} is of another entry than {entry_named(found[cause])}")


def derived(proof: Proof) -> Outcome | None:
    """The outcome that the entries show; None while the settlement is open."""
    found = effects(proof)
    if "pay" in found and "release" in found:
        return Outcome.SETTLED
    if "void" in found and "refund" in found:
        return _OF_VOID.get(_kind(found["void"]))
    return None


def _kind(void: SealedEntry) -> str:
    held: Any = void.record.authority
    authority = held.get("authority") if isinstance(held, dict) else None
    return str(authority.get("kind")) if isinstance(authority, dict) else ""


def outcome(proof: Proof) -> str:
    """Why the settlement has no outcome yet; Untrue if the file says another than its entries do."""
    found = derived(proof)
    if found != proof.outcome:
        raise Untrue(f"it says {proof.outcome or 'that it is open'}, and its entries say {found or 'that it is open'}")
    return "" if found is not None else f"the settlement is open: {_standing(effects(proof))}"


def _standing(found: Effects) -> str:
    return ", ".join(f"{operation} stands" for operation in found) or "no ledger has an effect for it"

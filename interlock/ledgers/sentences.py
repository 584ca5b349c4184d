"""How a ledger words a refusal: from its code and the facts of the case to a sentence, who must act, and the field.

The same for every kind of ledger. Decides nothing.
"""

from collections.abc import Mapping

from interlock.protocol import Refusal, RefusalCode
from interlock.protocol.amounts import grouped

_SENTENCES: Mapping[RefusalCode, tuple[str, str]] = {
    RefusalCode.DEADLINE_PASSED: ("settle_by, {moment}, has passed on the clock of ledger {ledger}.", ""),
    RefusalCode.TOO_EARLY: ("not_before, {moment}, has not come yet on the clock of ledger {ledger}.", ""),
    RefusalCode.NOT_PAST_DEADLINE: ("settle_by, {moment}, has not passed yet on the clock of ledger {ledger}.", ""),
    RefusalCode.AUTHORITY_EXPIRED: ("What was signed was valid until {moment}: sign it anew.", "signers"),
    RefusalCode.UNKNOWN_LEDGER: ("The terms' {role} is on ledger {said}; this is ledger {ledger}.", "parties"),
    RefusalCode.UNKNOWN_ASSET: ("Ledger {ledger} keeps no asset {asset}.", "operators of ledger {ledger}"),
    RefusalCode.DECIMALS_MISMATCH: ("{asset} has {decimals} decimals on ledger {ledger}, not {said}.", "parties"),
    RefusalCode.UNKNOWN_ACCOUNT: (
        "There is no account {account} on ledger {ledger}.",
        "operators of ledger {ledger}",
    ),
    RefusalCode.WRONG_OWNER: ("Account {account} on ledger {ledger} is not owned by {owner}.", "parties"),
    RefusalCode.NOT_ADMITTED: (
        "Account {account} is not admitted on ledger {ledger}.",
        "operators of ledger {ledger}",
    ),
    RefusalCode.ACCOUNT_FROZEN: (
        "Account {account} on ledger {ledger} is frozen: nothing can be taken from it.",
        "operators of ledger {ledger}",
    ),
    RefusalCode.INSUFFICIENT_BALANCE: (
        "Account {account} on ledger {ledger} holds {available} {asset}; {needed} are needed.",
        "owner of account {account}",
    ),
    RefusalCode.UNKNOWN_COORDINATOR: (
        "Coordinator {coordinator}, epoch {epoch}, is not registered so on ledger {ledger}.",
        "operators of ledger {ledger}",
    ),
    RefusalCode.CERTIFICATE_INVALID: (
        "The certificate proves nothing here: it is of epoch {said} of {coordinator}, and epoch {epoch} counts.",
        "coordinator",
    ),
    RefusalCode.ID_USED: (
        "Settlement id {settlement_id} has already moved units of account {account}, under the terms {other}.",
        "parties",
    ),
    RefusalCode.TERMS_CLOSED: ("These terms were voided before they were locked; ledger {ledger} closed them.", ""),
    RefusalCode.ALREADY_PAID: ("Ledger {ledger} knows these terms as paid: they can only go forward.", ""),
    RefusalCode.ALREADY_VOIDED: ("Ledger {ledger} knows these terms as voided: they can only be refunded.", ""),
    RefusalCode.NO_LOCK: ("Ledger {ledger} has no lock for these terms.", ""),
    RefusalCode.ACCOUNT_EXISTS: ("There is an account {account} on ledger {ledger} already.", ""),
    RefusalCode.ASSET_EXISTS: ("There is an asset {asset} on ledger {ledger} already.", ""),
    RefusalCode.SET_EXISTS: ("Coordinator {coordinator}, epoch {epoch}, is registered on ledger {ledger} already.", ""),
    RefusalCode.UNKNOWN_ATTESTOR: (
        "No attestor set that is registered on ledger {ledger} has the key {attestor}.",
        "operators of ledger {ledger}",
    ),
    RefusalCode.NOT_LEFT_OUT: ("The signatures of attestor {attestor} count on ledger {ledger} already.", ""),
    RefusalCode.QUANTITY_TOO_LARGE: ("No more than 2^256-1 units of {asset} may be in circulation.", "operators"),
}

_CLOSED = "Coordinator {coordinator}, epoch {epoch}, takes no new terms on ledger {ledger}."
_SUCCEEDED = "Coordinator {coordinator}, epoch {epoch}, has successor {successor} on ledger {ledger} already."
_SUSPENDED = (
    "The payment is made, but account {account} is not admitted on ledger {ledger} any more: the release is suspended "
    "until operators admit it again, or the buyer and two operators name another account of the buyer's."
)
_LEFT_OUT = (
    "The certificate proves nothing here: of its signatures {counting} count, the quorum is {quorum}; left out on "
    "ledger {ledger} for misconduct: {left_out}."
)
_FIELDS = {
    RefusalCode.DEADLINE_PASSED: "settle_by",
    RefusalCode.NOT_PAST_DEADLINE: "settle_by",
    RefusalCode.TOO_EARLY: "not_before",
}


def refuse(code: RefusalCode, ledger: str, **facts: str) -> Refusal:
    """A refusal of that code by that ledger.

    `facts` fill the sentence; `field` is the dotted field of the terms or order. Quantities (`needed`, `available`)
    come in smallest units with the asset's `decimals`, and are worded in whole units. `suspended="true"` says that the
    refused operation is a release, `closed="true"` that the coordinator is known but closed,
    `left_out` names whose signatures a certificate lacks because they do not count.
    """
    sentence, who = _SENTENCES[code]
    if facts.get("closed") == "true":
        sentence = _CLOSED
    elif facts.get("left_out"):
        sentence = _LEFT_OUT
    elif facts.get("successor"):
        sentence = _SUCCEEDED
    elif facts.get("suspended") == "true" and code is RefusalCode.NOT_ADMITTED:
        sentence = _SUSPENDED
    said = {**facts, "ledger": ledger}
    for quantity in ("needed", "available"):
        if quantity in said:
            said[quantity] = grouped(whole_units(int(said[quantity]), int(said["decimals"])))
    return Refusal(
        code=code,
        text=sentence.format_map(said),
        who=who.format_map(said),
        field=facts.get("field") or _FIELDS.get(code, ""),
    )


def whole_units(quantity: int, decimals: int) -> str:
    """Smallest units as whole ones, exactly: 28500000 with 2 decimals is 285000.00, 1 with 18 0.000000000000000001."""
    digits = str(abs(quantity)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    shown = fraction.rstrip("0").ljust(min(decimals, 2), "0")
    return ("-" if quantity < 0 else "") + whole + (f".{shown}" if shown else "")

"""A ledger's or coordinator's business "no": a value with a stable name, never an exception.

Which refusals end a settlement is decided here, once: what only somebody's act can change is final at the check;
balances, freezes and time that has not come yet are waited for.
"""

from typing import Literal

from interlock.protocol.growing import Growing, Told


class RefusalCode(Growing):
    """Why not. Names are stable: scripts and partners match on them.

    One that is not known here is a no all the same: final at the check, else waited for.
    """

    # the check judges these, and there they are final
    SIGNATURE_INVALID = "signature_invalid"
    WRONG_SIGNER = "wrong_signer"
    WRONG_OWNER = "wrong_owner"
    UNKNOWN_LEDGER = "unknown_ledger"
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_ASSET = "unknown_asset"
    UNKNOWN_COORDINATOR = "unknown_coordinator"
    DECIMALS_MISMATCH = "decimals_mismatch"
    NOT_ADMITTED = "not_admitted"
    DEADLINE_PASSED = "deadline_passed"
    ID_USED = "id_used"
    TERMS_CLOSED = "terms_closed"
    # never final: time, a credit or an operator may change them
    TOO_EARLY = "too_early"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    ACCOUNT_FROZEN = "account_frozen"
    NO_QUORUM = "no_quorum"
    # the other verdict stands: final after a lock was tried
    ALREADY_PAID = "already_paid"
    ALREADY_VOIDED = "already_voided"
    # evidence that does not carry the operation
    CERTIFICATE_INVALID = "certificate_invalid"
    AUTHORITY_INVALID = "authority_invalid"
    AUTHORITY_EXPIRED = "authority_expired"
    NOT_PAST_DEADLINE = "not_past_deadline"
    NO_LOCK = "no_lock"
    # orders of operators
    ACCOUNT_EXISTS = "account_exists"
    ASSET_EXISTS = "asset_exists"
    SET_EXISTS = "set_exists"
    QUANTITY_TOO_LARGE = "quantity_too_large"
    # misconduct of attestors
    MISCONDUCT_UNPROVEN = "misconduct_unproven"
    UNKNOWN_ATTESTOR = "unknown_attestor"
    NOT_LEFT_OUT = "not_left_out"


WAITED_FOR = frozenset({RefusalCode.TOO_EARLY, RefusalCode.INSUFFICIENT_BALANCE, RefusalCode.ACCOUNT_FROZEN})
"""What the check does not judge: no act of an authority is needed for these to change."""

ANNOUNCED = frozenset({RefusalCode.INSUFFICIENT_BALANCE, RefusalCode.ACCOUNT_FROZEN, RefusalCode.NOT_ADMITTED})
"""What an account's credit, unfreezing or admission ends: the ledger remembers who waits, and its worker wakes them."""


class Refusal(Told):
    """The name of a "no", a sentence for people, and who can change it (a party, account or role; may be empty)."""

    kind: Literal["refusal"] = "refusal"
    code: RefusalCode
    text: str
    who: str = ""
    field: str = ""

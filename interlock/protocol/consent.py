"""What parties and operators sign about terms that already stand: to withdraw, cancel, void, resume or redirect."""

from typing import Literal

from interlock.protocol.eip712 import Message
from interlock.protocol.words import AccountName, Digest, Reason, UtcTime


class Cancellation(Message):
    """A party's consent to cancel matched terms; counts with the other party's, until `valid_until` (hazard 23)."""

    terms_hash: Digest
    valid_until: UtcTime


class Withdrawal(Message):
    """A party's word that its proposal is withdrawn; counts only before the other party has signed."""

    terms_hash: Digest


class OperatorOrder(Message):
    """What two operators order about one settlement: void it before it is paid, or look again now."""

    terms_hash: Digest
    act: Literal["void", "resume"]
    reason: Reason
    valid_until: UtcTime


class Redirection(Message):
    """After PAID: release to another account of the buyer's. Signed by the buyer and two operators."""

    terms_hash: Digest
    receiver: AccountName
    reason: Reason
    valid_until: UtcTime

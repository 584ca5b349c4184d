"""What two operators may order of a ledger. Each order is journalled once: its digest is its idempotency key.

The nonce tells two equal orders apart (minting 5 twice is two orders); `valid_until` keeps an old one from being sent
again after it was undone.
"""

from typing import Annotated, Literal

from pydantic import Field

from interlock.protocol.eip712 import Message, Solidity
from interlock.protocol.terms import Asset
from interlock.protocol.words import (
    AccountName,
    Address,
    AssetCode,
    Digest,
    LedgerName,
    Quantity,
    Reason,
    SetName,
    UtcTime,
)


class _Order(Message):
    ledger: LedgerName
    reason: Reason
    nonce: Digest
    valid_until: UtcTime


class OpenAccount(_Order):
    """Open an account owned by a party."""

    kind: Literal["open"] = "open"
    account: AccountName
    owner: Address
    admitted: bool = True


class Mint(_Order):
    """Issue units of an asset into an account."""

    kind: Literal["mint"] = "mint"
    account: AccountName
    asset: AssetCode
    quantity: Quantity


class AccountOrder(_Order):
    """Admit or expel an account (may it receive?), freeze or unfreeze it (may it be debited?)."""

    kind: Literal["account"] = "account"
    act: Literal["admit", "expel", "freeze", "unfreeze"]
    account: AccountName


class RegisterAsset(_Order):
    """Register an asset that the ledger keeps."""

    kind: Literal["asset"] = "asset"
    asset: Asset


class RegisterAttestors(_Order):
    """Register an attestor set under a name and epoch; with `succeeds`, in place of that lost or stolen epoch."""

    kind: Literal["attestors"] = "attestors"
    name: SetName
    epoch: Annotated[int, Field(ge=1, lt=2**32), Solidity("uint32")]
    attestors: tuple[Address, ...] = Field(min_length=1, max_length=64)
    quorum: Annotated[int, Field(ge=1, le=64), Solidity("uint32")]
    succeeds: Annotated[int, Field(ge=1, lt=2**32), Solidity("uint32")] | None = None


class CloseAttestors(_Order):
    """Close an epoch to new terms; what is locked under it may still be certified by it."""

    kind: Literal["close"] = "close"
    name: SetName
    epoch: Annotated[int, Field(ge=1, lt=2**32), Solidity("uint32")]


class Readmit(_Order):
    """Let the signatures of an attestor count again that was left out for misconduct."""

    kind: Literal["readmit"] = "readmit"
    attestor: Address


LedgerOrder = Annotated[
    OpenAccount | Mint | AccountOrder | RegisterAsset | RegisterAttestors | CloseAttestors | Readmit,
    Field(discriminator="kind"),
]
"""Any order that two operators may give a ledger."""

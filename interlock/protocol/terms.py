"""What two parties agree on: the terms of one DvP trade. Frozen; whoever changes a field has other terms."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from interlock.protocol.eip712 import Message, Solidity, digest_of
from interlock.protocol.words import (
    MAX_DECIMALS,
    AccountName,
    Address,
    AssetCode,
    Digest,
    LedgerName,
    Quantity,
    SetName,
    SettlementId,
    UtcTime,
)


class Asset(Message):
    """An asset's code, and how many decimals its smallest unit has (OUSG 18, USD 2)."""

    code: AssetCode
    decimals: Annotated[int, Field(ge=0, le=MAX_DECIMALS), Solidity("uint8")]


class Leg(Message):
    """One movement: so many of an asset's smallest units on one ledger, from deliverer to receiver."""

    ledger: LedgerName
    asset: Asset
    quantity: Quantity
    deliverer: AccountName
    receiver: AccountName

    @model_validator(mode="after")
    def _moves_between_two(self) -> Self:
        if self.deliverer == self.receiver:
            raise ValueError("deliverer and receiver are the same account")
        return self


class AttestorSet(Message):
    """The coordinator that the terms name: a set of attestors, its epoch, and the digest of its keys and quorum."""

    name: SetName
    epoch: Annotated[int, Field(ge=1, lt=2**32), Solidity("uint32")]
    digest: Digest


class Terms(Message):
    """Everything both parties agree on. Their EIP-712 digest, `terms_hash`, is the key of everything."""

    settlement_id: SettlementId
    seller: Address
    buyer: Address
    delivery: Leg
    payment: Leg
    not_before: UtcTime | None = None
    settle_by: UtcTime
    coordinator: AttestorSet

    @model_validator(mode="after")
    def _describe_a_trade(self) -> Self:
        if self.seller == self.buyer:
            raise ValueError("seller and buyer are the same party")
        if self.delivery.ledger == self.payment.ledger:
            raise ValueError("delivery and payment are on the same ledger")
        if self.not_before is not None and self.not_before >= self.settle_by:
            raise ValueError("not_before is not before settle_by")
        return self

    def hash(self, network: str) -> str:
        """The terms hash on a network: 0x and 64 hex digits."""
        return digest_of(self, network)


def differing_fields(mine: Terms, theirs: Terms) -> tuple[str, ...]:
    """The dotted names of the fields in which two terms differ, in the order of the fields."""
    return tuple(_differences(mine, theirs, ""))


def _differences(mine: Message, theirs: Message, prefix: str) -> list[str]:
    fields: list[str] = []
    for name in type(mine).model_fields:
        left, right = getattr(mine, name), getattr(theirs, name)
        if isinstance(left, Message) and isinstance(right, Message):
            fields += _differences(left, right, f"{prefix}{name}.")
        elif left != right:
            fields.append(f"{prefix}{name}")
    return fields

"""What clients send a settlement's workflow, and what it answers."""

from typing import Annotated

from pydantic import Field

from interlock.protocol.eip712 import Message
from interlock.protocol.terms import Terms
from interlock.protocol.words import Address, Digest, SettlementId


class SettlementStart(Message):
    """All that a settlement's workflow starts with: proposals arrive by update, signed."""

    settlement_id: SettlementId
    seller: Address
    buyer: Address

    @classmethod
    def of(cls, terms: Terms) -> "SettlementStart":
        """The start that these terms belong to."""
        return cls(settlement_id=terms.settlement_id, seller=terms.seller, buyer=terms.buyer)


class Difference(Message):
    """A field in which two sides' terms differ, with both values as text."""

    field: str
    yours: str
    theirs: str


class Instructed(Message):
    """The answer to an instruction: recorded; whether both have signed; else how the other side's terms differ."""

    terms_hash: Digest
    matched: bool
    differences: tuple[Difference, ...] = ()


class Sweep(Message):
    """What a sweep looks for: locks that have stood for so long with no workflow, and unserved verdicts."""

    older_than_seconds: Annotated[float, Field(ge=0)] = 30.0
    batch: Annotated[int, Field(ge=1, le=1000)] = 200


class SweepResult(Message):
    """What a sweep found. The next one reads verdicts after `position`, and looks again at those still unserved."""

    position: int = 0
    unserved: tuple[Digest, ...] = ()
    recovered: tuple[Digest, ...] = ()

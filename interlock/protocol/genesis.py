"""What a ledger is born with: the one entry of its journal that nobody orders."""

from pydantic import Field

from interlock.protocol.eip712 import Message
from interlock.protocol.statements import Attestors
from interlock.protocol.terms import Asset
from interlock.protocol.words import Address, Digest, LedgerName


class Genesis(Message):
    """What a new ledger is born with; everything later needs two operators' signatures."""

    ledger: LedgerName
    network: Digest
    assets: tuple[Asset, ...]
    operators: tuple[Address, ...] = Field(min_length=2)
    coordinator: Attestors

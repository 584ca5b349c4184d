"""Seals: what the keeper of a journal signs of it, block by block, so that nothing in it changes unseen.

A journal is a ledger's entries, or the audit trail's spans. Every few seconds its keeper hashes the new records into a
Merkle tree and signs its root together with the digest of the seal before. So one seal stands for everything up to it.
"""

from typing import Annotated

from pydantic import Field

from interlock.protocol.eip712 import Message, Solidity, digest_of
from interlock.protocol.signatures import Signature, SignatureInvalid, verify
from interlock.protocol.words import Digest, LedgerName, UtcTime

AUDIT_JOURNAL = "audit"
"""The name of the journal of spans; a ledger's journal has the ledger's name."""

NO_SEAL = "0x" + "00" * 32
"""What the first seal of a journal says is before it."""

_Count = Annotated[int, Field(ge=0, lt=2**53), Solidity("uint64")]


class Seal(Message):
    """One block of a journal: its records' Merkle root, and all blocks before by the digest of the last of them.

    The block holds the journal's own records after the position that the seal before names, up to and with `through`,
    in order of position; then the seals of other journals that were witnessed here, after the id that the seal before
    names, up to and with `witnessed`, in order of id. Both may have gaps: what was not committed has left its number.
    """

    journal: LedgerName
    number: Annotated[int, Field(ge=1, lt=2**53), Solidity("uint64")]
    """1, 2, 3, ... without gaps."""
    previous: Digest
    """The EIP-712 digest of the seal before; NO_SEAL for the first."""
    root: Digest
    """RFC 9162's Merkle tree hash over the block's records."""
    records: Annotated[int, Field(ge=1, lt=2**53), Solidity("uint64")]
    """How many leaves the tree has."""
    through: _Count
    """The position of the newest record of its own that the journal had then; 0 if it had none."""
    witnessed: _Count
    """The id of the newest seal of another journal that was witnessed here; 0 if there was none."""
    at: UtcTime
    """When it was made, by the journal's own clock."""


class SignedSeal(Message):
    """A seal and its keeper's signature (EIP-712)."""

    seal: Seal
    signature: Signature

    def verify(self, network: str, keeper: str) -> None:
        """Raise SignatureInvalid unless this very keeper signed it for this network."""
        if self.signature.signer != keeper:
            raise SignatureInvalid(f"the seal is signed by {self.signature.signer}, its keeper is {keeper}")
        verify(self.seal, network, self.signature)

    def digest(self, network: str) -> str:
        """What the next seal names as `previous`."""
        return digest_of(self.seal, network)

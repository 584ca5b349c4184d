"""Facts that attestors sign, and certificates: one statement with the signatures of a quorum.

A statement binds the position of the fact, not of the read, so all honest signatures cover equal bytes.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Self

from pydantic import Field, model_validator

from interlock.protocol.eip712 import Message, Solidity, keccak256
from interlock.protocol.growing import Growing, Told
from interlock.protocol.signatures import Signature, SignatureInvalid, verify
from interlock.protocol.terms import AttestorSet
from interlock.protocol.words import Address, Digest, LedgerName, SetName


class Fact(StrEnum):
    """What an attestor may say of terms."""

    LOCKED = "LOCKED"
    PAID = "PAID"
    VOIDED = "VOIDED"


class Statement(Message):
    """A fact on a ledger about terms; `reference` names the journal entry, `position` its place in the journal."""

    fact: Fact
    coordinator: AttestorSet
    terms_hash: Digest
    ledger: LedgerName
    reference: Annotated[str, Field(min_length=1, max_length=100)]
    position: Annotated[int, Field(ge=0, lt=2**63), Solidity("uint64")]

    @property
    def said(self) -> str:
        """The fact and its place in the journal, for people."""
        return f"{self.fact} at entry {self.position} ({self.reference}) of ledger {self.ledger}"


class SignedStatement(Message):
    """A statement and one attestor's signature on it."""

    statement: Statement
    signature: Signature


class Attestors(Message):
    """The keys and quorum behind an AttestorSet. With n = 3f+1 keys a quorum is 2f+1 (hazard 6)."""

    name: SetName
    epoch: Annotated[int, Field(ge=1, lt=2**32), Solidity("uint32")]
    keys: tuple[Address, ...] = Field(min_length=1, max_length=64)
    quorum: Annotated[int, Field(ge=1), Solidity("uint32")]

    @model_validator(mode="after")
    def _outvotes_its_faulty(self) -> Self:
        if tuple(sorted(set(self.keys), key=str.lower)) != self.keys:
            raise ValueError("attestor keys are distinct and sorted")
        faulty = (len(self.keys) - 1) // 3
        if not len(self.keys) - faulty >= self.quorum > (len(self.keys) + faulty) // 2:
            raise ValueError("a quorum outvotes its faulty third and needs none of it: 2f+1 of 3f+1")
        return self

    @classmethod
    def of(cls, name: str, epoch: int, keys: tuple[str, ...], quorum: int | None = None) -> Self:
        """A set with its keys sorted, and the quorum of 2f+1 unless another is given."""
        faulty = (len(keys) - 1) // 3
        ordered = tuple(sorted(keys, key=str.lower))
        return cls(name=name, epoch=epoch, keys=ordered, quorum=quorum or len(keys) - faulty)

    @property
    def identity(self) -> AttestorSet:
        """How terms name this set: digest = keccak256(quorum as 4 bytes || sorted keys, 20 bytes each)."""
        return _identity(self.name, self.epoch, self.keys, self.quorum)

    def require_quorum(self, coordinator: AttestorSet, signers: Sequence[str]) -> None:
        """Raise CertificateInvalid unless `coordinator` is this very set, and these are distinct, its own, enough."""
        if coordinator != self.identity:
            raise CertificateInvalid("the statement is of another attestor set")
        if len(set(signers)) != len(signers):
            raise CertificateInvalid("one attestor's signature stands twice")
        if strangers := sorted(set(signers) - set(self.keys)):
            raise CertificateInvalid(f"{strangers[0]} is not in the attestor set")
        if len(signers) < self.quorum:
            raise CertificateInvalid(f"{len(signers)} signatures, the quorum is {self.quorum}")


@lru_cache(maxsize=64)
def _identity(name: str, epoch: int, keys: tuple[str, ...], quorum: int) -> AttestorSet:
    """Remembered: every certificate asks it of the same few sets."""
    packed = quorum.to_bytes(4, "big") + b"".join(bytes.fromhex(key[2:]) for key in keys)
    return AttestorSet(name=name, epoch=epoch, digest="0x" + keccak256(packed).hex())


class CertificateInvalid(ValueError):  # noqa: N818 - named as the refusal that it becomes
    """The certificate proves nothing here; the text says why."""


class Certificate(Message):
    """A statement with signatures of a quorum of the attestors that the terms name."""

    statement: Statement
    signatures: tuple[Signature, ...] = Field(max_length=64)

    @property
    def signers(self) -> tuple[str, ...]:
        """Who claims to have signed; whether it is true, `verify_signatures` says."""
        return tuple(signature.signer for signature in self.signatures)

    def verify(self, network: str, attestors: Attestors) -> None:
        """Raise CertificateInvalid unless a quorum of distinct attestors of this very set signed the statement."""
        attestors.require_quorum(self.statement.coordinator, self.signers)
        self.verify_signatures(network)

    def verify_signatures(self, network: str) -> None:
        """Raise CertificateInvalid unless every signature is its signer's, whoever that is: the timeless half."""
        for signature in self.signatures:
            try:
                verify(self.statement, network, signature)
            except SignatureInvalid as error:
                raise CertificateInvalid(str(error)) from error


class DissentKind(Growing):
    """How an attestor's answer differed from the quorum's."""

    UNREACHABLE = "unreachable"
    DECLINED = "declined"
    BAD_SIGNATURE = "bad_signature"
    OTHER_STATEMENT = "other_statement"


class Dissent(Told):
    """One attestor that did not sign what the quorum signed, and how."""

    attestor: str
    fact: Fact
    kind: DissentKind
    text: str

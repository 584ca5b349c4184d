"""The evidence that operations need: signed terms, and what entitles somebody to void, order or redirect."""

from typing import Annotated, Literal

from pydantic import Field

from interlock.protocol.consent import OperatorOrder, Redirection
from interlock.protocol.eip712 import Message
from interlock.protocol.orders import LedgerOrder
from interlock.protocol.signatures import Signature, SignatureInvalid, SignedCancellation, verify
from interlock.protocol.terms import Terms
from interlock.protocol.words import Digest


class SignedTerms(Message):
    """Terms with the signatures of one party (a proposal) or both, made for one network."""

    network: Digest
    terms: Terms
    signatures: tuple[Signature, ...] = Field(max_length=2)

    @property
    def terms_hash(self) -> str:
        """The key of everything."""
        return self.terms.hash(self.network)

    @property
    def signers(self) -> frozenset[str]:
        """Who claims to have signed; whether it is true, `verified` says."""
        return frozenset(signature.signer for signature in self.signatures)

    @property
    def is_matched(self) -> bool:
        """Whether both parties are among the signers."""
        return self.signers == {self.terms.seller, self.terms.buyer}

    def verify(self) -> None:
        """Raise SignatureInvalid unless every signature is a party's own, each party's at most once."""
        if len(self.signers) != len(self.signatures):
            raise SignatureInvalid("one signer signed twice")
        for signature in self.signatures:
            if signature.signer not in (self.terms.seller, self.terms.buyer):
                raise SignatureInvalid(f"{signature.signer} is neither the terms' seller nor their buyer")
            verify(self.terms, self.network, signature)

    def with_signatures(self, more: tuple[Signature, ...]) -> "SignedTerms":
        """These terms with further signatures; those already there stay."""
        new = tuple(signature for signature in more if signature.signer not in self.signers)
        return self.model_copy(update={"signatures": self.signatures + new})


class SignedOperatorOrder(Message):
    """An operators' order about a settlement, with the signatures of (at least) two of them."""

    order: OperatorOrder
    signatures: tuple[Signature, ...]


class SignedLedgerOrder(Message):
    """An order about a ledger's accounts, assets or attestors, with the signatures of two operators."""

    order: LedgerOrder
    signatures: tuple[Signature, ...]


class SignedRedirection(Message):
    """A redirection with the buyer's and two operators' signatures."""

    redirection: Redirection
    signatures: tuple[Signature, ...]


class ByConsent(Message):
    """Authority (a) to void: both parties' signed cancellations."""

    kind: Literal["consent"] = "consent"
    cancellations: tuple[SignedCancellation, SignedCancellation]


class ByTime(Message):
    """Authority (b) to void: the payment ledger's own clock is past settle_by."""

    kind: Literal["time"] = "time"


class ByOperators(Message):
    """Authority (c) to void: an order signed by two distinct registered operators."""

    kind: Literal["operators"] = "operators"
    order: SignedOperatorOrder


VoidAuthority = Annotated[ByConsent | ByTime | ByOperators, Field(discriminator="kind")]
"""What entitles somebody to void terms that both parties signed, until they are paid."""

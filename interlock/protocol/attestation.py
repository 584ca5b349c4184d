"""What is asked of a coordinator, and what it answers: a certificate or why there is none, and who dissented.

How attestors are reached, and what one of them says, is not known here.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from interlock.protocol.authority import SignedTerms
from interlock.protocol.eip712 import without_empty
from interlock.protocol.growing import Request, Told
from interlock.protocol.instructions import SettlementStart
from interlock.protocol.misconduct import Misconduct
from interlock.protocol.refusals import Refusal
from interlock.protocol.statements import Certificate, Dissent, Fact
from interlock.protocol.words import Digest, LedgerName


class AttestRequest(Request):
    """Is this fact so? `ledger` is where to look: the delivery leg's for LOCKED, the payment leg's for a verdict.

    `settlement` is for traces only; nothing is decided by it.
    """

    fact: Fact
    terms_hash: Digest
    ledger: LedgerName
    settlement: SettlementStart | None = None

    @classmethod
    def about(cls, signed: SignedTerms, fact: Fact, settlement: SettlementStart) -> "AttestRequest":
        """The question whether this is so of these terms, asked of the ledger that the terms give it."""
        leg = signed.terms.delivery if fact is Fact.LOCKED else signed.terms.payment
        return cls(fact=fact, terms_hash=signed.terms_hash, ledger=leg.ledger, settlement=settlement)


class Attested(Told):
    """A quorum signed one statement; `dissents` are those known not to have signed it, and how."""

    kind: Literal["attested"] = "attested"
    certificate: Certificate
    dissents: tuple[Dissent, ...] = ()
    misconduct: tuple[Misconduct, ...] = ()
    """What the coordinator has found and the ledgers have not judged, as far as it knows; of these terms or others."""

    @model_serializer(mode="wrap")
    def _as_always(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_empty(serialize(self), "misconduct")


class NotAttested(Told):
    """No quorum signed one statement (refusal `no_quorum`); asking again later may find one."""

    kind: Literal["not_attested"] = "not_attested"
    refusal: Refusal
    dissents: tuple[Dissent, ...] = ()
    misconduct: tuple[Misconduct, ...] = ()

    @model_serializer(mode="wrap")
    def _as_always(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_empty(serialize(self), "misconduct")


AttestAnswer = Annotated[Attested | NotAttested, Field(discriminator="kind")]
"""What a coordinator answers."""

"""Misconduct of an attestor: two of its signatures that contradict each other, a proof that anybody can check.

What is proven here is what an honest attestor never does (hazard 6), whatever the ledgers show it. The literature calls
it equivocation. What follows from it, each ledger decides.
"""

from typing import Self

from interlock.protocol.eip712 import Message, digest_of
from interlock.protocol.signatures import SignatureInvalid, verify
from interlock.protocol.statements import Fact, SignedStatement, Statement
from interlock.protocol.words import Address, Digest

_VERDICTS = frozenset({Fact.PAID, Fact.VOIDED})


class MisconductUnproven(ValueError):  # noqa: N818 - named as the refusal that it becomes
    """The two statements prove no misconduct; the text says why."""


def contradict(one: Statement, other: Statement) -> bool:
    """Whether nobody honest signs both: both verdicts on the same terms, or one fact of them at two places.

    The attestor set may differ: who is in a set and in its successor too says the same word in either's name.
    """
    if one.terms_hash != other.terms_hash:
        return False
    if one.fact is not other.fact:
        return {one.fact, other.fact} == _VERDICTS
    return _place(one) != _place(other)


def _place(statement: Statement) -> tuple[str, int, str]:
    return statement.ledger, statement.position, statement.reference


class Contradiction(Message):
    """What a misconduct says, without the signatures: on the same words a key can make any number of them."""

    attestor: Address
    first: Statement
    second: Statement


class Misconduct(Message):
    """Two signed statements of one attestor, on one network, that contradict each other.

    As JSON, {"network", "first", "second"}, it is a proof that nothing has to be known beside.
    """

    network: Digest
    first: SignedStatement
    second: SignedStatement

    @classmethod
    def of(cls, network: str, one: SignedStatement, other: SignedStatement) -> Self:
        """The two in their one order: by fact, then by place."""
        first, second = sorted((one, other), key=_order)
        return cls(network=network, first=first, second=second)

    @property
    def attestor(self) -> str:
        """Whose misconduct it claims to be; whether it is true, `verify` says."""
        return self.first.signature.signer

    @property
    def terms_hash(self) -> str:
        """The terms of which it said both."""
        return self.first.statement.terms_hash

    @property
    def digest(self) -> str:
        """What makes it this one: the same whoever found it, in whatever order, with whichever of its signatures."""
        first, second = sorted((self.first, self.second), key=_order)
        said = Contradiction(attestor=self.attestor, first=first.statement, second=second.statement)
        return digest_of(said, self.network)

    def verify(self, network: str) -> None:
        """Raise MisconductUnproven unless one key signed both statements for this network, and they contradict."""
        if self.network != network:
            raise MisconductUnproven(f"it is about network {self.network}, not {network}")
        one, other = self.first.signature.signer, self.second.signature.signer
        if one != other:
            raise MisconductUnproven(f"one statement is signed by {one}, the other by {other}")
        if not contradict(self.first.statement, self.second.statement):
            raise MisconductUnproven("the two statements do not contradict each other")
        for signed in (self.first, self.second):
            try:
                verify(signed.statement, network, signed.signature)
            except SignatureInvalid as error:
                raise MisconductUnproven(f"{signed.statement.fact}: {error}") from error

    @property
    def text(self) -> str:
        """The two statements in one sentence, for people."""
        one, other = self.first.statement, self.second.statement
        return f"{self.attestor} signed {one.said} and {other.said}, of terms {self.terms_hash}"


def _order(signed: SignedStatement) -> tuple[str, str, int, str]:
    return signed.statement.fact, *_place(signed.statement)

"""What one attestor says over HTTP: the bodies of its requests and answers, and its names for "I do not sign that"."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from interlock.protocol import AttestRequest, Message, SignedStatement
from interlock.protocol.eip712 import without_empty
from interlock.protocol.words import Address

MAX_REQUESTS = 256
"""How many statements one request may ask for."""

MAX_BODY_BYTES = 128 * 1024
"""The longest request body: more than MAX_REQUESTS of the longest requests need."""


class DeclineCode(StrEnum):
    """Why an attestor does not sign. Names are stable."""

    UNKNOWN_LEDGER = "unknown_ledger"
    LEDGER_UNREACHABLE = "ledger_unreachable"
    NO_LOCK = "no_lock"
    NOT_LOCKED = "not_locked"
    NO_VERDICT = "no_verdict"
    OTHER_VERDICT = "other_verdict"
    # the row stands, but not for what was asked
    WRONG_NETWORK = "wrong_network"
    TERMS_MISMATCH = "terms_mismatch"
    WRONG_LEDGER = "wrong_ledger"
    SIGNATURE_INVALID = "signature_invalid"
    UNKNOWN_COORDINATOR = "unknown_coordinator"
    # this attestor's own earlier word stands against it
    CONTRADICTS_VOTE = "contradicts_vote"


class Declined(Message):
    """An attestor's "no": a stable name and a sentence for people."""

    code: Annotated[str, Field(max_length=64)]
    text: Annotated[str, Field(max_length=500)]


class NotSigned(Message):
    """How a declined request stands among the answers."""

    declined: Declined


class Asked(Message):
    """The body of `POST /statements`."""

    requests: tuple[AttestRequest, ...] = Field(min_length=1, max_length=MAX_REQUESTS)


class Answered(Message):
    """Its answer: one for each request, in the same order; and which attestors the ledgers that it reads leave out.

    Where nobody is left out the field is not written: a coordinator that does not know it yet understands the answer.
    """

    answers: tuple[SignedStatement | NotSigned, ...]
    left_out: tuple[Address, ...] = Field(default=(), max_length=256)

    @model_serializer(mode="wrap")
    def _as_always(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_empty(serialize(self), "left_out")


class Kept(Message):
    """One vote as it is kept: `number` counts from 1 in the order of voting."""

    number: int
    signed: SignedStatement


class Votes(Message):
    """The answer of `GET /statements`: what this attestor has signed, in the order asked for."""

    votes: tuple[Kept, ...]

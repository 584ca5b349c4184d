"""The steps of a settlement, declared: each one's name, the role that carries it out, its request and its answer.

Workflows call steps by these declarations and activities implement them under the same names, so neither imports the
other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from interlock.protocol.attestation import AttestAnswer, Attested, AttestRequest, NotAttested
from interlock.protocol.authority import SignedOperatorOrder, SignedRedirection, SignedTerms, VoidAuthority
from interlock.protocol.eip712 import Message
from interlock.protocol.growing import Request
from interlock.protocol.instructions import SettlementStart, Sighting
from interlock.protocol.misconduct import Misconduct
from interlock.protocol.names import Role
from interlock.protocol.receipts import Answer, Check, Lock, Receipt, Verdict
from interlock.protocol.refusals import Refusal
from interlock.protocol.reports import SettlementEvent, SettlementReport
from interlock.protocol.statements import Certificate
from interlock.protocol.terms import Terms
from interlock.protocol.words import Digest

RequestT = TypeVar("RequestT", bound=Message)
AnswerT_co = TypeVar("AnswerT_co", covariant=True)


@dataclass(frozen=True)
class Step(Generic[RequestT, AnswerT_co]):
    """One verb of one role. `answer` is the type that the answer is decoded as."""

    name: str
    role: Role
    request: type[RequestT]
    answer: Any  # AnswerT_co as a run-time value: a union has no type[...] form


class TermsHash(Request):
    """Which terms are asked about. `settlement` is for traces only; nothing is decided by it."""

    terms_hash: Digest
    settlement: SettlementStart | None = None


class PayRequest(Request):
    """Terms that both parties signed, and the LOCKED certificate."""

    signed: SignedTerms
    certificate: Certificate


class VoidRequest(Request):
    """Terms that both parties signed, and what entitles to void them."""

    signed: SignedTerms
    authority: VoidAuthority


class ReleaseRequest(Request):
    """Terms, the PAID certificate, and the buyer's and operators' redirection if there is one."""

    terms: Terms
    certificate: Certificate
    redirection: SignedRedirection | None = None


class RefundRequest(Request):
    """Terms and the VOIDED certificate."""

    terms: Terms
    certificate: Certificate


class AccuseRequest(Request):
    """The proof of an attestor's misconduct, and the settlement during which it was found (for traces only)."""

    misconduct: Misconduct
    found_in: Digest
    settlement: SettlementStart


class Record(Message):
    """How a settlement ended, and its story from the first event to the last, which is its end.

    Of a proposal that was not matched `unmatched` says why not, and `instead` which terms were. The run in which it
    ended is named, so that what else that run looked after is known to have ended too.
    """

    terms: Terms
    report: SettlementReport
    events: tuple[SettlementEvent, ...] = Field(min_length=1)
    workflow_id: str = ""
    run_id: str = ""
    unmatched: Literal["passed over", "withdrawn", "expired"] | None = None
    instead: Digest | None = None


class InTurn(Request):
    """Several steps of one settlement, by their names, each with what the ones before it answered.

    `nudge` asks for a signal to the settlement itself afterwards, so that a new workflow task follows at once.
    """

    settlement: SettlementStart
    signed: SignedTerms
    steps: tuple[str, ...] = Field(min_length=1)
    nudge: bool = False


class Taken(Message):
    """A step that was taken, and its answer."""

    step: str
    answer: Annotated[Receipt | Refusal | Attested | NotAttested, Field(discriminator="kind")] | Check


class TakenInTurn(Message):
    """What was answered, in the order asked, up to the first answer after which the next step makes no sense."""

    taken: tuple[Taken, ...] = ()
    nudged: bool = False


class OpenLocksRequest(Request):
    """Locks after a journal position that have stood for at least so many seconds, at most `limit` of them."""

    older_than_seconds: float
    after: int
    limit: int


class VerdictsRequest(Request):
    """Verdicts after a journal position, at most `limit` of them."""

    position: int
    limit: int


class Sightings(Request):
    """Rows that the sweeper saw: which of them has no workflow?"""

    sightings: tuple[Sighting, ...] = Field(max_length=1000)


class HashesRequest(Request):
    """A question about many terms at once."""

    terms_hashes: tuple[Digest, ...] = Field(max_length=1000)


CHECK_DELIVERY: Step[SignedTerms, Check] = Step("check delivery", Role.ASSET, SignedTerms, Check)
CHECK_PAYMENT: Step[SignedTerms, Check] = Step("check payment", Role.PAYMENT, SignedTerms, Check)
LOCK_OF: Step[TermsHash, Lock | None] = Step("lock of", Role.ASSET, TermsHash, Lock | None)
VERDICT_OF: Step[TermsHash, Verdict | None] = Step("verdict of", Role.PAYMENT, TermsHash, Verdict | None)
LOCK: Step[SignedTerms, Answer] = Step("lock", Role.ASSET, SignedTerms, Answer)
ATTEST: Step[AttestRequest, AttestAnswer] = Step("attest", Role.COORDINATOR, AttestRequest, AttestAnswer)
PAY: Step[PayRequest, Answer] = Step("pay", Role.PAYMENT, PayRequest, Answer)
VOID: Step[VoidRequest, Answer] = Step("void", Role.PAYMENT, VoidRequest, Answer)
RELEASE: Step[ReleaseRequest, Answer] = Step("release", Role.ASSET, ReleaseRequest, Answer)
REFUND: Step[RefundRequest, Answer] = Step("refund", Role.ASSET, RefundRequest, Answer)
RESUME_DELIVERY: Step[SignedOperatorOrder, Answer] = Step("resume delivery", Role.ASSET, SignedOperatorOrder, Answer)
RESUME_PAYMENT: Step[SignedOperatorOrder, Answer] = Step("resume payment", Role.PAYMENT, SignedOperatorOrder, Answer)
ACCUSE_DELIVERY: Step[AccuseRequest, Answer] = Step("accuse delivery", Role.ASSET, AccuseRequest, Answer)
ACCUSE_PAYMENT: Step[AccuseRequest, Answer] = Step("accuse payment", Role.PAYMENT, AccuseRequest, Answer)
IN_TURN: Step[InTurn, TakenInTurn] = Step("in turn", Role.SETTLEMENT, InTurn, TakenInTurn)
"""Steps of roles that are all in the settlement worker's own process, in one go."""

# the sweeper's
OPEN_LOCKS: Step[OpenLocksRequest, list[Sighting]] = Step("open locks", Role.ASSET, OpenLocksRequest, list[Sighting])
VERDICTS_AFTER: Step[VerdictsRequest, list[Sighting]] = Step(
    "verdicts after", Role.PAYMENT, VerdictsRequest, list[Sighting]
)
ENDED_OF: Step[HashesRequest, list[str]] = Step("ended of", Role.ASSET, HashesRequest, list[str])
UNATTENDED: Step[Sightings, list[str]] = Step("unattended", Role.SETTLEMENT, Sightings, list[str])
RECOVER: Step[SignedTerms, bool] = Step("recover", Role.SETTLEMENT, SignedTerms, bool)

STEPS: Mapping[str, Step[Any, Any]] = {
    step.name: step
    for step in (
        *(CHECK_DELIVERY, LOCK, RELEASE, REFUND, LOCK_OF, RESUME_DELIVERY, OPEN_LOCKS, ENDED_OF),
        *(CHECK_PAYMENT, PAY, VOID, VERDICT_OF, RESUME_PAYMENT, VERDICTS_AFTER),
        *(ATTEST, ACCUSE_DELIVERY, ACCUSE_PAYMENT, IN_TURN, UNATTENDED, RECOVER),
    )
}
"""Every step, by its name."""

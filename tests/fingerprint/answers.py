"""What the roles answer in a script, and what else they might: made up here, of the protocol's own types.

Answers agree with one another as far as a workflow can see: once a payment is answered, there is a verdict to be read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from interlock.protocol import (
    Attested,
    AttestRequest,
    Certificate,
    Check,
    Dissent,
    Fact,
    Lock,
    LockState,
    Misconduct,
    NotAttested,
    Operation,
    Receipt,
    Refusal,
    RefusalCode,
    SignedStatement,
    SignedTerms,
    Statement,
    Verdict,
    VerdictKind,
)
from interlock.protocol.instructions import Sighting
from interlock.protocol.names import NOT_SERVED
from interlock.protocol.statements import DissentKind
from interlock.protocol.steps import IN_TURN, Taken, TakenInTurn
from tests.fingerprint.driving import BEGINS, Asked, Fault
from tests.world import ATTESTORS, COORDINATOR, NETWORK

LONG_AGO = BEGINS - timedelta(hours=1)
_REFERENCE = "00000000-0000-7000-8000-000000000000"
REFUSALS: Mapping[str, Sequence[RefusalCode]] = {
    "check delivery": (RefusalCode.NOT_ADMITTED,),
    "check payment": (RefusalCode.NOT_ADMITTED,),
    "lock": (
        *(RefusalCode.INSUFFICIENT_BALANCE, RefusalCode.TOO_EARLY, RefusalCode.DEADLINE_PASSED),
        *(RefusalCode.TERMS_CLOSED, RefusalCode.SIGNATURE_INVALID),
    ),
    "attest": (RefusalCode.NO_QUORUM,),
    "pay": (
        *(RefusalCode.INSUFFICIENT_BALANCE, RefusalCode.CERTIFICATE_INVALID, RefusalCode.DEADLINE_PASSED),
        *(RefusalCode.ALREADY_VOIDED, RefusalCode.ALREADY_PAID),
    ),
    "void": (
        *(RefusalCode.ALREADY_PAID, RefusalCode.AUTHORITY_INVALID, RefusalCode.AUTHORITY_EXPIRED),
        RefusalCode.NOT_PAST_DEADLINE,
    ),
    "release": (RefusalCode.NOT_ADMITTED, RefusalCode.CERTIFICATE_INVALID),
    "refund": (RefusalCode.CERTIFICATE_INVALID,),
    "resume delivery": (RefusalCode.AUTHORITY_INVALID,),
    "resume payment": (RefusalCode.AUTHORITY_INVALID,),
    "accuse delivery": (RefusalCode.MISCONDUCT_UNPROVEN,),
    "accuse payment": (RefusalCode.MISCONDUCT_UNPROVEN,),
}
"""How each step may be refused: a code for each way that the workflow may go on."""

_DECIDES = {
    RefusalCode.ALREADY_PAID: VerdictKind.PAID,
    RefusalCode.ALREADY_VOIDED: VerdictKind.VOIDED,
    RefusalCode.TERMS_CLOSED: VerdictKind.VOIDED,
}


@dataclass
class Answers:
    """The two ledgers and the coordinator of one run."""

    signed: SignedTerms
    lock: LockState | None = None
    verdict: VerdictKind | None = None
    authority: str = "certificate"
    misconduct: bool = False
    """Whether an attestor has contradicted itself; the coordinator then says so with each of its answers."""
    nudges: int = 0
    """Signals that are on their way to the workflow, sent by a step that was taken here."""
    _positions: list[int] = field(default_factory=lambda: [0])

    def default(self, asked: Asked) -> Any:
        """What the step answers when all is well."""
        name = asked.name
        if name == IN_TURN.name:
            return self._in_turn(asked.request)
        if name in _SWEEPS:
            return _SWEEPS[name](self)
        return self._one(name, asked.request)

    def others(self, asked: Asked) -> dict[str, Callable[[], Any]]:
        """What else it might answer, by name."""
        name = asked.name
        found: dict[str, Callable[[], Any]] = {"fault": Fault}
        if asked.here:
            found["not here"] = lambda: Fault(NOT_SERVED)
        if name == IN_TURN.name:
            return found | self._in_turn_otherwise(asked.request)
        found |= {code.value: self._refused(name, code) for code in REFUSALS.get(name, ())}
        if name == "attest":
            found["dissent"] = lambda: self._attested(asked.request.fact, dissent=True)
        if name in ("lock of", "check delivery"):
            found |= {
                f"stands {state}": self._standing(name, state) for state in (LockState.LOCKED, LockState.RELEASED)
            }
        if name in ("verdict of", "check payment"):
            found |= {f"stands {kind}": self._decided(name, kind) for kind in VerdictKind}
        if name == "pay":
            found["paid, no answer"] = self._lost
        if name in _SWEEPS:
            found |= {"nothing": lambda: False if name == "recover" else []}
            found |= {"a page": lambda: [self._sighting()]} if name in ("open locks", "verdicts after") else {}
        return found

    def _one(self, name: str, request: Any) -> Any:
        reads: dict[str, Callable[[], Any]] = {
            "check delivery": lambda: Check(lock=self._lock_row()),
            "check payment": lambda: Check(verdict=self._verdict_row()),
            "lock of": self._lock_row,
            "verdict of": self._verdict_row,
            "attest": lambda: self._attested(request.fact),
        }
        if name in reads:
            return reads[name]()
        match name:
            case "lock":
                self.lock = LockState.LOCKED
            case "pay":
                self.verdict, self.authority = VerdictKind.PAID, "certificate"
            case "void":
                self.verdict, self.authority = VerdictKind.VOIDED, request.authority.kind
            case "release":
                self.lock = LockState.RELEASED
            case "refund":
                self.lock = LockState.REFUNDED
        verb = name.split(maxsplit=1)[0]
        return self._receipt(Operation(verb) if verb in set(Operation) else Operation.ORDER)

    def _in_turn(self, request: Any, *, steps: int = 99, last: Any = None, nudged: bool = True) -> TakenInTurn:
        """So many of the steps, then perhaps one that ends them."""
        taken = []
        for name in request.steps[:steps]:
            fact = Fact.PAID if self.verdict is VerdictKind.PAID else Fact.LOCKED
            asked = AttestRequest.about(self.signed, fact, request.settlement)
            taken.append(Taken(step=name, answer=self._one(name, asked)))
        if last is not None:
            taken.append(Taken(step=request.steps[steps], answer=last()))
        nudges = nudged and request.nudge
        self.nudges += nudges
        return TakenInTurn(taken=tuple(taken), nudged=nudges)

    def _in_turn_otherwise(self, request: Any) -> dict[str, Callable[[], Any]]:
        found: dict[str, Callable[[], Any]] = {"no nudge": lambda: self._in_turn(request, nudged=False)}
        for number, name in enumerate(request.steps):
            found[f"up to {number} {name}"] = partial(self._in_turn, request, steps=number)
            for code in REFUSALS.get(name, ()):
                last = self._refused(name, code)
                found[f"{number} {name} {code}"] = partial(self._in_turn, request, steps=number, last=last)
        return found

    def _refused(self, name: str, code: RefusalCode) -> Callable[[], Any]:
        def refused() -> Any:
            self.verdict = _DECIDES.get(code, self.verdict)
            refusal = Refusal(code=code, text=f"the script says {code}", who="the script")
            if name == "attest":
                return NotAttested(refusal=refusal, misconduct=self._found())
            return Check(refusal=refusal) if name.startswith("check") else refusal

        return refused

    def _standing(self, name: str, state: LockState) -> Callable[[], Any]:
        def standing() -> Any:
            self.lock = state
            self.verdict = VerdictKind.PAID if state is LockState.RELEASED else self.verdict
            return self._lock_row() if name == "lock of" else Check(lock=self._lock_row())

        return standing

    def _decided(self, name: str, kind: VerdictKind) -> Callable[[], Any]:
        def decided() -> Any:
            self.verdict, self.authority = kind, "certificate" if kind is VerdictKind.PAID else "consent"
            return self._verdict_row() if name == "verdict of" else Check(verdict=self._verdict_row())

        return decided

    def _lost(self) -> Fault:
        self.verdict = VerdictKind.PAID
        return Fault()

    def _attested(self, fact: Fact, *, dissent: bool = False) -> Attested:
        fact = Fact(fact)
        leg = self.signed.terms.delivery if fact is Fact.LOCKED else self.signed.terms.payment
        statement = Statement(
            fact=fact,
            coordinator=COORDINATOR.identity,
            terms_hash=self.signed.terms_hash,
            ledger=leg.ledger,
            reference=_REFERENCE,
            position=1,
        )
        certificate = Certificate(
            statement=statement, signatures=tuple(each.sign(statement, NETWORK) for each in ATTESTORS[:3])
        )
        declined = Dissent(
            attestor=ATTESTORS[3].address, fact=fact, kind=DissentKind.DECLINED, text="the script says so"
        )
        return Attested(certificate=certificate, dissents=(declined,) if dissent else (), misconduct=self._found())

    def _found(self) -> tuple[Misconduct, ...]:
        if not self.misconduct:
            return ()
        liar, leg = ATTESTORS[3], self.signed.terms.delivery
        one, other = (
            Statement(
                fact=Fact.LOCKED,
                coordinator=COORDINATOR.identity,
                terms_hash=self.signed.terms_hash,
                ledger=leg.ledger,
                reference=_REFERENCE,
                position=position,
            )
            for position in (1, 2)
        )
        signed = (SignedStatement(statement=each, signature=liar.sign(each, NETWORK)) for each in (one, other))
        return (Misconduct.of(NETWORK, *signed),)

    def _receipt(self, operation: Operation) -> Receipt:
        self._positions[0] += 1
        return Receipt(
            ledger="asset" if operation in (Operation.LOCK, Operation.RELEASE, Operation.REFUND) else "payment",
            operation=operation,
            terms_hash=self.signed.terms_hash,
            reference=_REFERENCE,
            position=self._positions[0],
            at=BEGINS,
        )

    def _lock_row(self) -> Lock | None:
        if self.lock is None:
            return None
        ended = {LockState.RELEASED: Operation.RELEASE, LockState.REFUNDED: Operation.REFUND}.get(self.lock)
        return Lock(
            terms_hash=self.signed.terms_hash,
            state=self.lock,
            signed=self.signed,
            locked=self._receipt(Operation.LOCK),
            ended=self._receipt(ended) if ended else None,
        )

    def _verdict_row(self) -> Verdict | None:
        if self.verdict is None:
            return None
        paid = self.verdict is VerdictKind.PAID
        return Verdict(
            terms_hash=self.signed.terms_hash,
            verdict=self.verdict,
            signed=self.signed,
            authority="certificate" if paid else self.authority if self.authority != "certificate" else "consent",  # type: ignore[arg-type]
            receipt=self._receipt(Operation.PAY if paid else Operation.VOID),
        )

    def _sighting(self) -> Sighting:
        return Sighting(terms_hash=self.signed.terms_hash, workflow_id="script", position=1, at=LONG_AGO)


_SWEEPS: Mapping[str, Callable[[Answers], Any]] = {
    "open locks": lambda answers: [answers._sighting()],
    "verdicts after": lambda _: [],
    "ended of": lambda _: [],
    "unattended": lambda answers: [answers.signed.terms_hash],
    "recover": lambda _: True,
}

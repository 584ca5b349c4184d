"""The spans that died with the process that made them, made again from what the ledgers' entries prove. Marked so, and
with no more than is proven: what a lost attempt met besides, and how long it took, nobody knows.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from interlock.activities.attributes import Attributes, answered, asked, subject_of
from interlock.activities.spans import span
from interlock.activities.tracing import root_of
from interlock.protocol import Attested, AttestRequest, Certificate, Check, Receipt, SignedTerms
from interlock.protocol.instructions import SettlementStart
from interlock.protocol.steps import ATTEST, Step

Times = Literal["moment", "bounds", "latest"]
"""What start and end of a reconstructed span are: the true moment of its effect; the earliest and the latest at which
it can have been; or only the latest."""


@dataclass(frozen=True)
class Source:
    """From what a span is reconstructed, in words; and between which moments (UTC) it was."""

    told_by: str
    since: datetime
    until: datetime
    times: Times


@dataclass(frozen=True)
class Origin:
    """Which run of a settlement asked, as far as the entry says; `attempt` only of the attempt that it names."""

    workflow_id: str
    run_id: str
    attempt: int | None


@dataclass(frozen=True)
class Lost:
    """A span that is to be made again: under which id, from what, and for whom it was."""

    span_id: str
    source: Source
    origin: Origin | None = None


class Reconstructing:
    """Makes spans, for a process that says who it is by its resource. Sends none."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def effect(self, step: Step[Any, Any], request: object, receipt: Receipt, lost: Lost) -> ReadableSpan:
        """The attempt that had an effect, by its journal entry."""
        return self._step(step, step.name, request, answered(receipt), lost)

    def attestation(self, signed: SignedTerms, certificate: Certificate, lost: Lost) -> ReadableSpan:
        """That a fact was certified, by the certificate that an effect relied on. Who dissented is not in it."""
        fact = certificate.statement.fact
        request = AttestRequest.about(signed, fact, SettlementStart.of(signed.terms, signed.network))
        return self._step(ATTEST, f"{ATTEST.name} {fact}", request, answered(Attested(certificate=certificate)), lost)

    def check(self, step: Step[Any, Any], signed: SignedTerms, lost: Lost) -> ReadableSpan:
        """That a ledger agreed: a settlement's run sends a lock only after both did."""
        return self._step(step, step.name, signed, answered(Check()), lost)

    def _step(self, step: Step[Any, Any], name: str, request: object, said: Attributes, lost: Lost) -> ReadableSpan:
        subject = subject_of(request)
        if subject is None:
            raise AssertionError("every step that leaves an entry is about some terms")
        root = root_of(subject.terms_hash)
        return span(
            name,
            SpanContext(root.trace_id, int(lost.span_id, 16), is_remote=False, trace_flags=root.trace_flags),
            parent=root,
            attributes={
                **_settlement_of(lost.origin),
                **asked(subject, step.role),
                "interlock.step": step.name,
                **_said_of(lost.origin),
                **said,
                **marks(lost.source),
            },
            between=(lost.source.since, lost.source.until),
            resource=self._resource,
        )


def marks(source: Source) -> Attributes:
    """How a reconstructed span says that it is one, and from what."""
    return {
        "interlock.reconstructed": True,
        "interlock.reconstructed.from": source.told_by,
        "interlock.reconstructed.times": source.times,
    }


def _settlement_of(origin: Origin | None) -> Attributes:
    return {} if origin is None else {"interlock.settlement.id": origin.workflow_id.partition(".")[0]}


def _said_of(origin: Origin | None) -> Attributes:
    if origin is None:
        return {}
    said: Attributes = {"interlock.workflow.id": origin.workflow_id, "interlock.workflow.run_id": origin.run_id}
    return said if origin.attempt is None else said | {"interlock.attempt": origin.attempt}

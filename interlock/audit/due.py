"""Which spans the entries of a ledger's journal prove that there must be: the effect's own, and those of the steps that
came before it. Pure; makes no span, and asks nobody. docs/tracing.md, "What a hole is".
"""

import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self

from interlock.protocol.names import Role
from interlock.protocol.reports import root_span_id_of, trace_id_of
from interlock.protocol.statements import Fact

Kind = Literal["effect", "attestation", "check"]

RELIES_ON = {"pay": Fact.LOCKED, "release": Fact.PAID, "refund": Fact.VOIDED}
"""The operations that need a certificate, and of which fact."""

CHECKS = ("check delivery", "check payment")
ANSWERS: Mapping[Kind, str] = {"effect": "receipt", "attestation": "certificate", "check": "agreed"}
"""What `interlock.answer` says of such a span; an effect's may say `fault` too: the answer was lost on its way."""

_RESUME = {Role.ASSET: "resume delivery", Role.PAYMENT: "resume payment"}
_RUN = r"[A-Z0-9-]{1,52}\.[0-9a-f]{16}(?:\.[0-9a-f]{16})?"
_BY_A_RUN = re.compile(rf"(?P<workflow_id>{_RUN})/(?P<run_id>[0-9a-f-]{{36}})/.*#(?P<attempt>[0-9]+)")
_NOBODY = "0" * 16


@dataclass(frozen=True)
class Entry:
    """An entry about terms, without what it relied on. `role` is the role whose ledger it stands on."""

    role: Role
    position: int
    operation: str
    terms_hash: str
    reference: str
    at: datetime
    actor: str
    trace_id: str
    span_id: str

    @classmethod
    def from_row(cls, role: Role, row: Mapping[str, Any]) -> Self:
        """A row of the query entries_in_short, or a record of the journal."""
        at = row["at"] if isinstance(row["at"], datetime) else datetime.fromisoformat(row["at"])
        names = ("position", "operation", "terms_hash", "reference", "actor", "trace_id", "span_id")
        return cls(role=role, at=at, **{name: row[name] for name in names})

    @property
    def asked_by(self) -> "Asked | None":
        """The run of a settlement that asked for it; None where somebody else did."""
        found = _BY_A_RUN.fullmatch(self.actor)
        return Asked(found["workflow_id"], found["run_id"], int(found["attempt"])) if found else None

    @property
    def written(self) -> datetime | None:
        """When its reference was made, which a certificate names too; None if it does not say."""
        return moment_of(self.reference)


@dataclass(frozen=True)
class Asked:
    """Whose attempt had an effect: as the entry's actor says."""

    workflow_id: str
    run_id: str
    attempt: int


@dataclass(frozen=True)
class Due:
    """A span that must be there. `named_id` is the one that the entry names, if a span of that trace can have it;
    under `span_id` it is made where that one is not to be had."""

    kind: Kind
    name: str
    trace_id: str
    span_id: str
    named_id: str | None
    entry: Entry


def due_of(entry: Entry) -> tuple[Due, ...]:
    """All spans that an entry proves."""
    trace_id = trace_id_of(entry.terms_hash)
    found = [Due("effect", _name(entry), trace_id, _id("effect", entry.reference), _named_id(entry), entry)]
    if (fact := RELIES_ON.get(entry.operation)) is not None:
        name = f"attest {fact}"
        found.append(Due("attestation", name, trace_id, _id(name, entry.terms_hash), None, entry))
    if entry.operation == "lock" and entry.asked_by is not None:
        found += (Due("check", name, trace_id, _id(name, entry.terms_hash), None, entry) for name in CHECKS)
    return tuple(found)


def run_of(workflow_id: str | None) -> str | None:
    """A workflow's id if it is a settlement's, else None: a sweep asks too."""
    return workflow_id if workflow_id is not None and re.fullmatch(_RUN, workflow_id) else None


def all_due(entries: Iterable[Entry]) -> Iterator[Due]:
    """Of several entries."""
    return (due for entry in entries for due in due_of(entry))


def moment_of(reference: str) -> datetime | None:
    """When a UUID of version 7 was made, to the millisecond (RFC 9562, section 5.7); None for another reference."""
    try:
        parsed = uuid.UUID(reference)
        seconds = (parsed.int >> 80) / 1000
        return datetime.fromtimestamp(seconds, UTC) if parsed.version == 7 and seconds else None
    except (ValueError, OverflowError, OSError):
        return None


def _name(entry: Entry) -> str:
    return _RESUME[entry.role] if entry.operation == "resume" else entry.operation


def _named_id(entry: Entry) -> str | None:
    """An entry made with no workflow may name a span of another trace, or none."""
    if entry.trace_id != trace_id_of(entry.terms_hash) or entry.span_id in (
        _NOBODY,
        root_span_id_of(entry.terms_hash),
    ):
        return None
    return entry.span_id


def _id(what: str, of: str) -> str:
    """The same span, whoever makes it and however often."""
    return hashlib.sha256(f"interlock reconstructed {what} {of}".encode()).hexdigest()[:16]

"""A lost span of a ledger's step, made again from the entry that proves it, with what the ledger has stored beside."""

import json
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from pydantic import TypeAdapter, ValidationError

from interlock.activities.reconstructing import Lost, Origin, Reconstructing, Source
from interlock.audit.completing import Missing
from interlock.audit.due import Entry, moment_of
from interlock.audit.journals import Journal
from interlock.ledgers.reader import PostgresReader
from interlock.protocol import (
    Certificate,
    Operation,
    Receipt,
    SignedOperatorOrder,
    SignedTerms,
    VoidAuthority,
)
from interlock.protocol.records import Record
from interlock.protocol.steps import STEPS, PayRequest, RefundRequest, ReleaseRequest, VoidRequest

log = logging.getLogger("interlock.worker")

_RECORDS_AT_ONCE = 100
_JUST_BEFORE = timedelta(microseconds=1)
_AUTHORITY: TypeAdapter[VoidAuthority] = TypeAdapter(VoidAuthority)


class Maker:
    """Makes lost spans again, of the steps on one ledger. Sends none."""

    def __init__(self, journal: Journal, ledger: PostgresReader, making: Reconstructing) -> None:
        self._journal = journal
        self._ledger = ledger
        self._making = making

    async def spans_of(self, missing: Sequence[Missing]) -> AsyncIterator[tuple[Missing, ReadableSpan]]:
        """None, and a line in the log, of an entry that nobody can have written through the ledger's functions."""
        for first in range(0, len(missing), _RECORDS_AT_ONCE):
            some = missing[first : first + _RECORDS_AT_ONCE]
            found = await self._journal.records_at(sorted({each.due.entry.position for each in some}))
            records = {record["position"]: record for record in found}
            for each in some:
                position = each.due.entry.position
                try:
                    yield each, await self._made(each, records[position])
                except (ValidationError, KeyError) as error:
                    what = f"entry {position} of ledger {self._ledger.name}"
                    log.warning("%s does not tell what its span told: %s", what, type(error).__name__)

    async def _made(self, missing: Missing, record: Record) -> ReadableSpan:
        due, entry, relied_on = missing.due, missing.due.entry, record["authority"]
        told_by = f"entry {entry.position} of ledger {self._ledger.name}"
        before = entry.at - _JUST_BEFORE
        if due.kind == "effect":
            request = await self._request(entry, relied_on)
            lost = Lost(missing.span_id, Source(told_by, entry.at, entry.at, "moment"), _origin(entry))
            return self._making.effect(STEPS[due.name], request, _receipt(entry, self._ledger.name), lost)
        signed = await self._signed(entry, relied_on)
        if due.kind == "check":
            lost = Lost(missing.span_id, Source(told_by, before, before, "latest"))
            return self._making.check(STEPS[due.name], signed, lost)
        certificate = Certificate.model_validate_json(json.dumps(relied_on["certificate"]))
        lost = Lost(missing.span_id, _attested(told_by, certificate, before))
        return self._making.attestation(signed, certificate, lost)

    async def _request(self, entry: Entry, relied_on: dict[str, Any]) -> object:
        """What the step was asked, as far as the ledger keeps it: all that its span says of it."""
        if entry.operation == "resume":
            return SignedOperatorOrder.model_validate_json(json.dumps(relied_on))
        signed = await self._signed(entry, relied_on)
        if entry.operation == "lock":
            return signed
        if entry.operation == "void":
            return VoidRequest(signed=signed, authority=_AUTHORITY.validate_json(json.dumps(relied_on["authority"])))
        certificate = Certificate.model_validate_json(json.dumps(relied_on["certificate"]))
        if entry.operation == "pay":
            return PayRequest(signed=signed, certificate=certificate)
        asked = ReleaseRequest if entry.operation == "release" else RefundRequest
        return asked(terms=signed.terms, certificate=certificate)

    async def _signed(self, entry: Entry, relied_on: dict[str, Any]) -> SignedTerms:
        """The terms: of release and refund they stand in the lock's row."""
        if "signed" in relied_on:
            return SignedTerms.model_validate_json(json.dumps(relied_on["signed"]))
        row = await self._ledger.lock_of(entry.terms_hash)
        if row is None:
            raise KeyError("the row of these terms")
        return row.signed


def _attested(told_by: str, certificate: Certificate, before: datetime) -> Source:
    """Between the entry of the fact, whose reference tells its moment, and the entry that relied on the certificate."""
    fact_at = moment_of(certificate.statement.reference)
    if fact_at is None:
        return Source(told_by, before, before, "latest")
    return Source(told_by, min(fact_at, before), before, "bounds")


def _receipt(entry: Entry, ledger: str) -> Receipt:
    operation = Operation.ORDER if entry.operation == "resume" else Operation(entry.operation)
    return Receipt(
        ledger=ledger,
        operation=operation,
        terms_hash=entry.terms_hash,
        reference=entry.reference,
        position=entry.position,
        at=entry.at,
    )


def _origin(entry: Entry) -> Origin | None:
    asked = entry.asked_by
    return Origin(asked.workflow_id, asked.run_id, asked.attempt) if asked else None

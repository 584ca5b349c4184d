"""A ledger on Postgres: verifies the evidence of an operation, then has its whole effect in one round trip.

The effect, and everything that depends on the moment, is one SQL function's. Nothing here moves a unit by itself.
"""

import json
from datetime import datetime

from interlock.ledgers.connections import Connections
from interlock.ledgers.queries import query
from interlock.ledgers.reader import PostgresReader
from interlock.ledgers.sentences import refuse
from interlock.protocol import (
    Answer,
    Attempt,
    Attestors,
    AttestorSet,
    Certificate,
    Check,
    Fact,
    Lock,
    Misconduct,
    Receipt,
    Refusal,
    RefusalCode,
    RegisterAttestors,
    SignedLedgerOrder,
    SignedOperatorOrder,
    SignedRedirection,
    SignedTerms,
    Terms,
    Verdict,
    VoidAuthority,
    evidence,
)
from interlock.protocol.eip712 import digest_of
from interlock.protocol.evidence import Identity, SetKey


class PostgresLedger(PostgresReader):
    """One ledger, through its writer role. Operations raise LedgerUnreachable if the answer did not come: ask again."""

    def __init__(self, connections: Connections, identity: Identity) -> None:
        super().__init__(connections, identity)
        self._sets: dict[SetKey, Attestors] = {}  # what is registered under a name and epoch never changes

    async def check(self, signed: SignedTerms) -> Check:
        """What already stands here for the terms, else whether this ledger would do its part; writes nothing."""
        terms = signed.terms
        role = "payment" if terms.payment.ledger == self.name else "delivery"
        if refusal := self._elsewhere(terms, role):
            return Check(refusal=refusal)
        row = await self.connections.row(query("check"), terms.hash(self.network), terms.model_dump_json(), role)
        assert row is not None  # noqa: S101 - the statement has no FROM
        if row["lock"] or row["verdict"]:
            return Check(
                lock=Lock.model_validate_json(row["lock"]) if row["lock"] else None,
                verdict=Verdict.model_validate_json(row["verdict"]) if row["verdict"] else None,
            )
        refusal = evidence.unmatched(signed, self.identity)
        if refusal is None and row["refusal"]:
            refusal = self._refusal(row["refusal"])
        return Check(refusal=refusal)

    async def lock(self, signed: SignedTerms, attempt: Attempt) -> Answer:
        """Move the deliverer's units into the lock's own escrow account."""
        if refusal := self._elsewhere(signed.terms, "delivery") or evidence.unmatched(signed, self.identity):
            return refusal
        return await self._effect("lock", signed.terms_hash, signed.model_dump_json(), attempt=attempt)

    async def release(
        self,
        terms: Terms,
        certificate: Certificate,
        attempt: Attempt,
        redirection: SignedRedirection | None = None,
    ) -> Answer:
        """Escrow to the receiver, on a PAID certificate; to another account of the buyer's with a redirection."""
        refusal = self._elsewhere(terms, "delivery") or await self._uncertified(terms, certificate, Fact.PAID)
        if refusal is None and redirection is not None:
            refusal = evidence.unredirected(redirection, terms, self.identity)
        if refusal is not None:
            return refusal
        relied_on = {"certificate": certificate.model_dump(mode="json")}
        if redirection is not None:
            relied_on["redirection"] = redirection.model_dump(mode="json")
        return await self._effect("release", terms.hash(self.network), json.dumps(relied_on), attempt=attempt)

    async def refund(self, terms: Terms, certificate: Certificate, attempt: Attempt) -> Answer:
        """Escrow back to the deliverer, on a VOIDED certificate; with no lock there, a tombstone."""
        refusal = self._elsewhere(terms, "delivery") or await self._uncertified(terms, certificate, Fact.VOIDED)
        if refusal is not None:
            return refusal
        unsigned = SignedTerms(network=self.network, terms=terms, signatures=())
        relied_on = {"certificate": certificate.model_dump(mode="json")}
        return await self._effect(
            "refund", unsigned.terms_hash, unsigned.model_dump_json(), json.dumps(relied_on), attempt=attempt
        )

    async def pay(self, signed: SignedTerms, certificate: Certificate, attempt: Attempt) -> Answer:
        """Payer to payee and the verdict PAID, on a LOCKED certificate."""
        refusal = self._elsewhere(signed.terms, "payment") or evidence.unmatched(signed, self.identity)
        if refusal := refusal or await self._uncertified(signed.terms, certificate, Fact.LOCKED):
            return refusal
        return await self._effect(
            "pay", signed.terms_hash, signed.model_dump_json(), certificate.model_dump_json(), attempt=attempt
        )

    async def void(self, signed: SignedTerms, authority: VoidAuthority, attempt: Attempt) -> Answer:
        """The verdict VOIDED, on one of the three authorities."""
        refusal = self._elsewhere(signed.terms, "payment") or evidence.unmatched(signed, self.identity)
        if refusal := refusal or evidence.unauthorised(authority, signed.terms, self.identity):
            return refusal
        until: datetime | None = evidence.valid_until(authority)
        return await self._effect(
            "void", signed.terms_hash, signed.model_dump_json(), authority.model_dump_json(), until, attempt=attempt
        )

    async def resume(self, order: SignedOperatorOrder, attempt: Attempt) -> Answer:
        """Journal two operators' order to look again now (act `resume`); moves nothing."""
        if refusal := evidence.unordered(order, "resume", self.identity):
            return refusal
        return await self._effect(
            "resume", digest_of(order.order, self.network), order.model_dump_json(), attempt=attempt
        )

    async def order(self, order: SignedLedgerOrder, attempt: Attempt) -> Answer:
        """Carry out two operators' order about accounts, assets or attestors."""
        if refusal := evidence.unordered_here(order, self.identity):
            return refusal
        registers = None
        if isinstance(order.order, RegisterAttestors):
            attestors = evidence.attestors_in(order.order)
            if isinstance(attestors, Refusal):
                return attestors
            registers = json.dumps(attestors.model_dump(mode="json") | {"digest": attestors.identity.digest})
        return await self._effect(
            "order", digest_of(order.order, self.network), order.model_dump_json(), registers, attempt=attempt
        )

    async def accuse(self, misconduct: Misconduct, attempt: Attempt) -> Answer:
        """Leave an attestor out of every quorum from now on, on the proof of its misconduct."""
        if refusal := evidence.unproven(misconduct, self.identity):
            return refusal
        said = (misconduct.attestor, misconduct.model_dump_json())
        return await self._effect("accuse", misconduct.digest, *said, attempt=attempt)

    def _elsewhere(self, terms: Terms, role: str) -> Refusal | None:
        """Why this ledger has nothing to do with that leg of the terms."""
        leg = terms.delivery if role == "delivery" else terms.payment
        if leg.ledger == self.name:
            return None
        return refuse(RefusalCode.UNKNOWN_LEDGER, self.name, role=role, said=leg.ledger, field=f"{role}.ledger")

    async def _uncertified(self, terms: Terms, certificate: Certificate, fact: Fact) -> Refusal | None:
        attestors = await self._set_named(certificate.statement.coordinator)
        return evidence.uncertified(certificate, terms, fact, self.identity, attestors)

    async def _set_named(self, named: AttestorSet) -> Attestors | None:
        key = (named.name, named.epoch)
        if key not in self._sets:
            registered = await self._registered(named.name)
            self._sets |= {found: each.attestors for found, each in registered.items()}
        return self._sets.get(key)

    async def _effect(self, operation: str, digest: str, *said: object, attempt: Attempt) -> Answer:
        answer = await self.connections.value(query(operation), digest, *said, attempt.model_dump_json())
        if json.loads(answer)["kind"] == "receipt":
            return Receipt.model_validate_json(answer)
        return self._refusal(answer, suspended=operation == "release")

    def _refusal(self, answer: str, *, suspended: bool = False) -> Refusal:
        told = json.loads(answer)
        facts = {name: fact for name, fact in told["facts"].items() if fact is not None}
        if suspended:
            facts["suspended"] = "true"
        return refuse(RefusalCode(told["code"]), self.name, **facts)

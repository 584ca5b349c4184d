"""What institutions install: sends signed terms, finds settlements, waits for their ends. Holds no key, signs nothing.

Every call may be repeated, from anywhere, at any time: it returns the same settlement.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from temporalio.client import Client

from interlock.client.connection import configured
from interlock.client.errors import (
    AmbiguousSettlement,
    Candidate,
    InvalidInstruction,
    UnknownSettlement,
)
from interlock.client.finding import settlement_filter
from interlock.client.handle import SettlementHandle
from interlock.client.runs import Run, Runs
from interlock.client.tracing import span
from interlock.client.waiting import ended
from interlock.protocol import AttestorSet, Signature, SignatureInvalid, SignedTerms, Terms, verify
from interlock.protocol.eip712 import keccak256
from interlock.protocol.names import SETTLEMENT_ID, Role, recovery_workflow_id, workflow_id

ANSWER_WITHIN = timedelta(seconds=10)
LIST_LAG_SECONDS = 1.5
"""The server's list lags behind: so long is something looked for before it is unknown."""


class SettlementClient:
    """Instructs and follows settlements on one network."""

    def __init__(
        self,
        temporal: Client,
        *,
        network: str,
        coordinator: AttestorSet,
        answer_within: timedelta = ANSWER_WITHIN,
        local_roles: Iterable[Role] = (),
    ) -> None:
        """Use a Temporal client of your own, with temporalio's `pydantic_data_converter`; else see `connect`.

        `local_roles` is what the service says of itself: the roles whose steps are tried where its workflows run. A
        wrong hint costs time, nothing else.
        """
        self.network = network
        self.coordinator = coordinator
        self._runs = Runs(temporal, answer_within, tuple(local_roles))

    @classmethod
    async def connect(
        cls,
        *,
        data_dir: str | os.PathLike[str] | None = None,
        address: str | None = None,
        namespace: str | None = None,
        network: str | None = None,
        coordinator: AttestorSet | None = None,
        answer_within: timedelta = ANSWER_WITHIN,
    ) -> Self:
        """Connect to the service that arguments, else INTERLOCK_DATA_DIR, else TEMPORAL_* name.

        Raises NotConfigured if something is not known, and NotReached within 10 seconds if no server answers.
        `answer_within` is how long the service may take to answer an instruction; then NoWorker is raised, unless
        workers are seen to be busy.
        """
        connection = configured(
            data_dir=data_dir, address=address, namespace=namespace, network=network, coordinator=coordinator
        )
        temporal = await connection.open()
        return cls(
            temporal,
            network=connection.network,
            coordinator=connection.coordinator,
            answer_within=answer_within,
            local_roles=connection.local_roles,
        )

    async def instruct(self, terms: Terms, signature: Signature) -> SettlementHandle:
        """Send one party's signature on terms; they match when the other party has sent its own on the same terms.

        The handle's `instructed` says whether they match, and else how the other side's terms differ. Raises
        InvalidInstruction (`signature_invalid`, `wrong_signer`, `deadline_passed`) before anything is sent,
        SettlementIdUsed, InstructionRefused, NoWorker.
        """
        return await self._send(terms, (signature,))

    async def settle(self, terms: Terms, signatures: Iterable[Signature], *, known: bool = False) -> SettlementHandle:
        """Send both parties' signatures at once, in any order. Raises as `instruct` does.

        With `known`, the caller has seen these terms on a ledger: then a settle_by in the past is no reason to refuse.
        """
        both = tuple(sorted(signatures, key=lambda signature: signature.signer))
        if {signature.signer for signature in both} != {terms.seller, terms.buyer}:
            raise InvalidInstruction(
                "the seller's and the buyer's signatures are needed", code="wrong_signer", field="signature"
            )
        return await self._send(terms, both, known=known)

    def handle(self, terms: Terms) -> SettlementHandle:
        """A handle on the settlement of these terms, whether it exists or not; asks nobody."""
        return SettlementHandle(
            terms.settlement_id, terms.hash(self.network), workflow_id(terms, self.network), self._runs, terms
        )

    async def find(self, name: str) -> SettlementHandle:
        """The settlement with this settlement id or terms hash.

        Raises UnknownSettlement, and AmbiguousSettlement listing them where an id stands for several.
        """
        query = settlement_filter(name)
        deadline = asyncio.get_running_loop().time() + LIST_LAG_SECONDS
        while not (runs := await self._runs.find(query)):
            if asyncio.get_running_loop().time() > deadline:
                raise UnknownSettlement(f"no settlement {name} is known", field="id")
            await asyncio.sleep(0.25)
        if name.startswith("0x"):
            return self._handle_on(runs[-1], name.lower())
        if len(runs) > 1:
            raise AmbiguousSettlement(
                name, tuple(Candidate(run.settlement_id, run.terms_hashes, run.parties) for run in runs)
            )
        return self._handle_on(runs[0], None)

    async def list(self) -> tuple[SettlementHandle, ...]:
        """Every settlement that the service still remembers, oldest first; the newest may be missing for a moment."""
        return tuple(self._handle_on(run, None) for run in await self._runs.find(f"{SETTLEMENT_ID} IS NOT NULL"))

    async def ended(self, handles: Iterable[SettlementHandle]) -> AsyncIterator[SettlementHandle]:
        """The handles in the order in which their settlements end, thousands at a time; `outcome` is then at hand."""
        by_id: dict[str, dict[str | None, SettlementHandle]] = {}
        for handle in handles:
            if handle.has_ended:
                yield handle
                continue
            by_id.setdefault(handle.workflow_id, {})[handle.terms_hash] = handle
        async for ended_id in ended(self._runs, by_id):
            for handle in by_id[ended_id].values():
                yield handle

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Temporal's client closes its connection itself, when nobody holds it any more."""

    async def _send(self, terms: Terms, signatures: tuple[Signature, ...], *, known: bool = False) -> SettlementHandle:
        self._verify(terms, signatures)
        handle = self.handle(terms)
        signed = SignedTerms(network=self.network, terms=terms, signatures=signatures)
        with span("instruct", signed.terms_hash):
            if datetime.now(UTC) >= terms.settle_by and not known:
                await self._refuse_unless_known(handle, terms)
            signers = "".join(sorted(signature.signer for signature in signatures))
            update_id = f"instruct-{signed.terms_hash}-{keccak256(signers.encode()).hex()[:16]}"
            send = self._runs.settle if signed.is_matched else self._runs.instruct
            instructed = await send(signed, update_id)
            if instructed is None:
                return await self._as_ended(handle)
        return SettlementHandle(
            handle.settlement_id, handle.terms_hash, handle.workflow_id, self._runs, terms, instructed
        )

    def _verify(self, terms: Terms, signatures: tuple[Signature, ...]) -> None:
        for signature in signatures:
            if signature.signer not in (terms.seller, terms.buyer):
                raise InvalidInstruction(
                    f"{signature.signer} is neither the terms' seller nor their buyer",
                    code="wrong_signer",
                    field="signature",
                )
            try:
                verify(terms, self.network, signature)
            except SignatureInvalid as error:
                raise InvalidInstruction(str(error), code="signature_invalid", field="signature") from None

    async def _refuse_unless_known(self, handle: SettlementHandle, terms: Terms) -> None:
        for place in (handle.workflow_id, recovery_workflow_id(handle.workflow_id, terms.hash(self.network))):
            run = await self._runs.describe(place)
            if run is not None and handle.terms_hash in run.terms_hashes:
                return
        raise InvalidInstruction(
            f"settle_by has passed: {terms.settle_by:%Y-%m-%d %H:%M:%S}Z", code="deadline_passed", field="settle_by"
        )

    async def _as_ended(self, handle: SettlementHandle) -> SettlementHandle:
        """A handle on what has long ended; raises SettlementIdUsed if that was about other terms."""
        run = await self._runs.describe(handle.workflow_id)
        found = replace(handle, _ended=run if run is not None and run.completed else None)
        await found.status()
        return found

    def _handle_on(self, run: Run, terms_hash: str | None) -> SettlementHandle:
        return SettlementHandle(
            run.settlement_id, terms_hash, run.workflow_id, self._runs, _ended=run if run.completed else None
        )

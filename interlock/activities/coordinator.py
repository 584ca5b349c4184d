"""The coordinator's step: a certificate of a fact, or why there is none yet."""

from collections.abc import Callable, Mapping
from typing import Any

from temporalio import activity

from interlock.attestors.collector import Collector
from interlock.protocol.attestation import AttestAnswer, AttestRequest
from interlock.protocol.steps import ATTEST


class CoordinatorActivities:
    """Asks the attestors; what a single one does or fails to do is part of the answer."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    @property
    def steps(self) -> Mapping[str, Callable[..., Any]]:
        """What a worker of role `coordinator` carries out, by the steps' names."""
        return {ATTEST.name: self.attest}

    @activity.defn(name=ATTEST.name)
    async def attest(self, request: AttestRequest) -> AttestAnswer:
        """The first quorum that verifies."""
        return await self._collector.collect(request.fact, request.terms_hash, request.ledger)

"""An attestor that contradicts itself: with a real attestor's key it signs what is so, and the contrary as well."""

from interlock.demo.liar import Liar
from interlock.ledgers.ledger import LedgerReader
from interlock.protocol import AttestorSet, AttestRequest, Fact, Receipt, SignedStatement, Signer


class Equivocator(Liar):
    """A liar that reads the ledgers to know what is so, and lies only of what is not."""

    def __init__(
        self, signer: Signer, network: str, coordinator: AttestorSet, url: str, ledgers: dict[str, LedgerReader]
    ) -> None:
        super().__init__(signer, network, coordinator, url)
        self._ledgers = ledgers

    async def says(self, request: AttestRequest) -> SignedStatement:
        """Yes to whatever it is asked: with the fact's own place in the journal if it is so, else with one made up."""
        receipt = await self._receipt(request)
        if receipt is None:
            return await super().says(request)
        return self._signed(request, receipt.reference, receipt.position)

    async def _receipt(self, request: AttestRequest) -> Receipt | None:
        ledger = self._ledgers[request.ledger]
        if request.fact is Fact.LOCKED:
            lock = await ledger.lock_of(request.terms_hash)
            return lock.locked if lock else None
        verdict = await ledger.verdict_of(request.terms_hash)
        return verdict.receipt if verdict and verdict.verdict.value == request.fact.value else None

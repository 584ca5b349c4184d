"""An attestor that contradicts itself: with a real attestor's key it signs what is so, and the contrary as well."""

from typing import Self
from urllib.parse import urlsplit

from aiohttp import web

from interlock.attestors.answers import Answered, Asked, SignedStatement
from interlock.ledgers.ledger import LedgerReader
from interlock.protocol import AttestorSet, AttestRequest, Fact, Receipt, Signer, Statement

MADE_UP_POSITION = 2_000_000


class Equivocator:
    """Use as an async context manager; listens at the URL, which must be free. Reads the ledgers to know what is so."""

    def __init__(
        self, signer: Signer, network: str, coordinator: AttestorSet, url: str, ledgers: dict[str, LedgerReader]
    ) -> None:
        self._signer, self._network, self._coordinator = signer, network, coordinator
        self._url = urlsplit(url)
        self._ledgers = ledgers

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes([web.post("/statements", self._say_both)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._url.hostname, self._url.port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _say_both(self, request: web.Request) -> web.Response:
        asked = Asked.model_validate_json(await request.read())
        answers = Answered(answers=tuple([await self.says(each) for each in asked.requests]))
        return web.Response(text=answers.model_dump_json(), content_type="application/json")

    async def says(self, request: AttestRequest) -> SignedStatement:
        """Yes to whatever it is asked: with the fact's own place in the journal if it is so, else with one made up."""
        receipt = await self._receipt(request)
        statement = Statement(
            fact=request.fact,
            coordinator=self._coordinator,
            terms_hash=request.terms_hash,
            ledger=request.ledger,
            reference=receipt.reference if receipt else "never seen",
            position=receipt.position if receipt else MADE_UP_POSITION,
        )
        return SignedStatement(statement=statement, signature=self._signer.sign(statement, self._network))

    async def _receipt(self, request: AttestRequest) -> Receipt | None:
        ledger = self._ledgers[request.ledger]
        if request.fact is Fact.LOCKED:
            lock = await ledger.lock_of(request.terms_hash)
            return lock.locked if lock else None
        verdict = await ledger.verdict_of(request.terms_hash)
        return verdict.receipt if verdict and verdict.verdict.value == request.fact.value else None

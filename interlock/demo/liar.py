"""An attestor that lies: it signs whatever it is asked, with a real attestor's key, and has looked at no ledger."""

from typing import Self
from urllib.parse import urlsplit

from aiohttp import web

from interlock.attestors.answers import Answered, Asked
from interlock.protocol import AttestorSet, AttestRequest, SignedStatement, Signer, Statement

MADE_UP_POSITION = 1_000_000


class Liar:
    """Use as an async context manager; listens at the URL, which must be free."""

    def __init__(self, signer: Signer, network: str, coordinator: AttestorSet, url: str) -> None:
        self._signer, self._network, self._coordinator = signer, network, coordinator
        self._url = urlsplit(url)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._url.hostname, self._url.port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def routes(self) -> list[web.RouteDef]:
        """What it answers: no more than a coordinator asks."""
        return [web.post("/statements", self._answer)]

    async def _answer(self, request: web.Request) -> web.Response:
        asked = Asked.model_validate_json(await request.read())
        answers = Answered(answers=tuple([await self.says(each) for each in asked.requests]))
        return web.Response(text=answers.model_dump_json(), content_type="application/json")

    async def says(self, request: AttestRequest) -> SignedStatement:
        """Yes to whatever it is asked, at a place in the journal that it made up."""
        return self._signed(request, "never seen", MADE_UP_POSITION)

    def _signed(self, request: AttestRequest, reference: str, position: int) -> SignedStatement:
        statement = Statement(
            fact=request.fact,
            coordinator=self._coordinator,
            terms_hash=request.terms_hash,
            ledger=request.ledger,
            reference=reference,
            position=position,
        )
        return SignedStatement(statement=statement, signature=self._signer.sign(statement, self._network))

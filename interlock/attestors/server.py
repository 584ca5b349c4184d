"""An attestor's HTTP face: `POST /statements`, `GET /statements`, `GET /health`.

It decides nothing: it reads bodies, says in one JSON document what is wrong with them, and passes on the answers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from interlock.attestors.answers import (
    MAX_BODY_BYTES,
    MAX_REQUESTS,
    Answered,
    Asked,
    Declined,
    NotSigned,
    Votes,
)
from interlock.attestors.attestor import Attestor
from interlock.protocol.words import LedgerName

STOP_SECONDS = 5.0
"""How long requests under way may still take when the server stops."""

_ATTESTOR = web.AppKey("attestor", Attestor)
_Body = TypeVar("_Body", bound=BaseModel)


class _Page(BaseModel):
    """The query of `GET /statements`. A page begins after the vote with number `after`.

    With `ledger`, it holds that ledger's statements only, in the order of the journal: those at `position` with a
    greater number, and those at every later position.
    """

    after: int = Field(default=0, ge=0, lt=2**63)
    limit: int = Field(default=MAX_REQUESTS, ge=1, le=MAX_REQUESTS)
    ledger: LedgerName | None = None
    position: int = Field(default=0, ge=0, lt=2**63)


def app_of(attestor: Attestor) -> web.Application:
    """The application that serves one attestor."""
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_errors_are_json])
    app[_ATTESTOR] = attestor
    app.add_routes([
        web.post("/statements", _attest),
        web.get("/statements", _voted),
        web.get("/health", _health),
    ])  # fmt: skip
    return app


class AttestorServer:
    """One attestor, listening. Port 0 takes a free one; `url` says which."""

    def __init__(self, attestor: Attestor, host: str, port: int) -> None:
        self._attestor, self._host, self._port = attestor, host, port
        self._runner = web.AppRunner(app_of(attestor), access_log=None, shutdown_timeout=STOP_SECONDS)

    async def start(self) -> None:
        """Listen. Raises OSError if the address cannot be had."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    @property
    def url(self) -> str:
        """Where it listens, once it does."""
        host, port = self._runner.addresses[0][:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def stop(self) -> None:
        """Finish what is under way, then stop listening."""
        await self._runner.cleanup()
        await self._attestor.close()


async def _attest(request: web.Request) -> web.Response:
    asked = _parse(Asked.model_validate_json, await request.read())
    attestor = request.app[_ATTESTOR]
    answers, left_out = await asyncio.gather(attestor.attest_all(asked.requests), attestor.left_out())
    said = tuple(NotSigned(declined=each) if isinstance(each, Declined) else each for each in answers)
    return _json(Answered(answers=said, left_out=left_out))


async def _voted(request: web.Request) -> web.Response:
    page, attestor = _parse(_Page.model_validate, dict(request.query)), request.app[_ATTESTOR]
    if page.ledger is None:
        votes = await attestor.votes_after(page.after, page.limit)
    else:
        votes = await attestor.votes_about(page.ledger, page.position, page.after, page.limit)
    return _json(Votes(votes=tuple(votes)))


async def _health(request: web.Request) -> web.Response:
    attestor = request.app[_ATTESTOR]
    return web.json_response({
        "address": attestor.address,
        "coordinator": attestor.coordinator.model_dump(mode="json"),
        "network": attestor.network,
        "signed": attestor.signed,
        "left_out": await attestor.left_out(),
    })  # fmt: skip


@web.middleware
async def _errors_are_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except _BadRequest as error:
        return _error(400, error.code, error.field, str(error))
    except web.HTTPException as error:
        return _error(error.status, error.reason.lower().replace(" ", "_"), "", error.text or error.reason)


class _BadRequest(Exception):  # noqa: N818 - named as the answer that it becomes
    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code, self.field = code, field


_Raw = TypeVar("_Raw")


def _parse(validate: Callable[[_Raw], _Body], raw: _Raw) -> _Body:
    try:
        return validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise _BadRequest(str(first["type"]), field, first["msg"]) from error


def _json(body: BaseModel) -> web.Response:
    return web.Response(text=body.model_dump_json(), content_type="application/json")


def _error(status: int, code: str, field: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "field": field, "message": message}}, status=status)

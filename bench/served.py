"""A process that is handed trades over HTTP and then told to settle them all: who settles in it has no hop to make.

`POST /trades` takes them, `POST /run?at_once=N` settles them and answers with the times. Times no start of its own.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from pydantic import TypeAdapter

from bench.driving import Timed, drive
from interlock.protocol import SignedTerms

URL = "BENCH_SERVED_URL"
"""Where it is to listen."""
DBOS_URL = "BENCH_DBOS_URL"
"""DBOS' system database, as SQLAlchemy words it."""
DBOS_POOL = "BENCH_DBOS_POOL"
"""How many connections to it."""

_MOST_BYTES = 2**30
_TRADES: TypeAdapter[list[SignedTerms]] = TypeAdapter(list[SignedTerms])


class Service:
    """Settles what it was handed."""

    def __init__(self, settle: Callable[[SignedTerms], Awaitable[object]]) -> None:
        self._settle = settle
        self._trades: list[SignedTerms] = []

    async def until_told(self) -> None:
        """Serve at the URL that the environment names, until SIGTERM."""
        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        application = web.Application(client_max_size=_MOST_BYTES)
        application.add_routes([web.post("/trades", self._take), web.post("/run", self._run)])
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        address = urlsplit(os.environ[URL])
        await web.TCPSite(runner, address.hostname, address.port).start()
        sys.stdout.write(json.dumps({"ready": True, "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
        await told.wait()
        await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self._trades = _TRADES.validate_json(await request.read())
        return web.json_response({"taken": len(self._trades)})

    async def _run(self, request: web.Request) -> web.Response:
        timed = await drive(self._settle, self._trades, int(request.query["at_once"]))
        return web.json_response({"seconds": timed.seconds, "each": timed.each})


@dataclass(frozen=True)
class ServedClient:
    """Hands trades to such a process. Raises aiohttp.ClientError if it fails."""

    url: str

    async def take(self, trades: Sequence[SignedTerms]) -> None:
        """Hand these over."""
        await self._post("/trades", _TRADES.dump_json(list(trades)))

    async def run(self, at_once: int) -> Timed:
        """Have them settled."""
        told = json.loads(await self._post(f"/run?at_once={at_once}", b""))
        return Timed(told["seconds"], tuple(told["each"]))

    async def _post(self, path: str, body: bytes) -> bytes:
        timeout = aiohttp.ClientTimeout(total=3600)
        async with (
            aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
            session.post(self.url + path, data=body) as answer,
        ):
            return await answer.read()

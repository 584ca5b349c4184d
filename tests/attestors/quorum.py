"""Four attestors over the same books, each behind a real HTTP server of its own; any may be replaced by a liar."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from interlock.attestors.answers import Answered, Asked
from interlock.attestors.attestor import Attestor
from interlock.attestors.collector import Collector
from interlock.attestors.server import AttestorServer
from interlock.attestors.votes import VoteStore
from interlock.protocol import AttestRequest, SignedStatement
from tests.attestors.books import Books
from tests.world import ATTESTORS, COORDINATOR, NETWORK

Says = Callable[[AttestRequest], SignedStatement]


@dataclass
class Quorum:
    """Where the four listen, what they read, and how to be rid of one."""

    folder: Path
    asset: Books = field(default_factory=Books)
    payment: Books = field(default_factory=Books)
    attestors: dict[str, Attestor] = field(default_factory=dict)
    servers: dict[str, AttestorServer] = field(default_factory=dict)
    endpoints: dict[str, str] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self, number: int) -> None:
        """Start the attestor with this number (0 to 3), with the votes it already has if it was there before."""
        signer = ATTESTORS[number]
        path = self.folder / str(number)
        known = signer.address in self.endpoints
        votes = (VoteStore.open if known else VoteStore.create)(path, signer.address)
        self._stack.push_async_callback(votes.close)
        readers = {"asset": self.asset, "payment": self.payment}
        attestor = self.attestors[signer.address] = Attestor(signer, NETWORK, COORDINATOR, readers, votes)
        server = AttestorServer(attestor, "127.0.0.1", 0)
        await server.start()
        self._stack.push_async_callback(server.stop)
        self.servers[signer.address], self.endpoints[signer.address] = server, server.url

    async def stop(self, number: int) -> None:
        """Stop one; its address refuses connections from now on."""
        await self.servers[ATTESTORS[number].address].stop()

    async def replace(self, number: int, handler: Callable[[web.Request], object]) -> None:
        """Let something else answer at this one's place."""
        app = web.Application()
        app.router.add_post("/statements", handler)  # type: ignore[arg-type]  # tests' handlers are all coroutines
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.endpoints[ATTESTORS[number].address] = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def lie(self, number: int, says: Says) -> None:
        """Let this one's place answer every request with whatever `says` makes of it."""

        async def answer(request: web.Request) -> web.Response:
            asked = Asked.model_validate_json(await request.read())
            answered = Answered(answers=tuple(says(each) for each in asked.requests))
            return web.Response(text=answered.model_dump_json(), content_type="application/json")

        await self.replace(number, answer)

    def collector(self, *, timeout_seconds: float = 20.0, grace_seconds: float = 20.0) -> Collector:
        """A collector whose limits are too long to matter, unless a test says otherwise."""
        return Collector(
            self.endpoints, COORDINATOR, NETWORK, timeout_seconds=timeout_seconds, grace_seconds=grace_seconds
        )

    async def close(self) -> None:
        """Stop everything."""
        await self._stack.aclose()


@asynccontextmanager
async def four_attestors(folder: Path) -> AsyncIterator[Quorum]:
    """All four, honest and up."""
    quorum = Quorum(folder)
    try:
        for number in range(4):
            await quorum.start(number)
        yield quorum
    finally:
        await quorum.close()

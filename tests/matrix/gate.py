"""A gate between somebody and a server: open, everything passes; shut, whoever is connected is cut off for good."""

import asyncio
from contextlib import suppress
from typing import Self

from interlock.stack.ports import LOOPBACK

_CHUNK_BYTES = 64 * 1024


class Gate:
    """Listens on `port` and leads to `target_port`, both on loopback. Use as an async context manager."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._ways: set[asyncio.Task[None]] = set()
        self._opened = asyncio.Event()
        self._opened.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.shut()
        await asyncio.gather(*self._ways, return_exceptions=True)

    def on_the_way(self, dsn: str) -> str:
        """The same connection string, by way of this gate."""
        return dsn.replace(f"@{LOOPBACK}:{self._target_port}/", f"@{LOOPBACK}:{self.port}/")

    def shut(self) -> None:
        """Cut everybody off, and let nobody in."""
        self._opened.clear()
        for writer in self._writers:
            writer.transport.abort()

    def open(self) -> None:
        """Let everybody in again."""
        self._opened.set()

    async def _accept(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        if not self._opened.is_set():
            to_client.transport.abort()
            return
        try:
            from_server, to_server = await asyncio.open_connection(LOOPBACK, self._target_port)
        except OSError:
            to_client.transport.abort()
            return
        if not self._opened.is_set():  # it was shut meanwhile
            to_client.transport.abort()
            to_server.transport.abort()
            return
        for source, sink in ((from_client, to_server), (from_server, to_client)):
            way = asyncio.create_task(self._pass_on(source, sink))
            self._ways.add(way)
            self._writers.add(sink)
            way.add_done_callback(self._ways.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(_CHUNK_BYTES):
                sink.write(chunk)
                await sink.drain()
        self._writers.discard(sink)
        sink.close()

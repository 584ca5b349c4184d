"""A TCP proxy between a worker and a ledger that steals one answer: the ledger has done it, and nobody is told.

It understands no more of what passes than that a statement's text and a key have gone by on one connection.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from interlock.stack.ports import LOOPBACK

_CHUNK_BYTES = 64 * 1024


@dataclass
class _Connection:
    """One client's connection: what of it was seen, and whether its answers are being stolen."""

    to_client: asyncio.StreamWriter
    to_server: asyncio.StreamWriter
    seen: bytes = b""
    said: bool = False
    robbed: bool = False

    def abort(self) -> None:
        """Break both of its ends."""
        self.to_client.transport.abort()
        self.to_server.transport.abort()


class AnswerThief:
    """Use as an async context manager; listens on `port`.

    A connection that has sent the statement and then, with it or later, the key gets no answer any more: it hangs
    until `cut`. That happens once; every other connection, before and after, passes untouched.
    """

    def __init__(self, target_port: int, statement: bytes, key: bytes) -> None:
        self._target_port = target_port
        self._statement, self._key = statement, key
        self._stolen_bytes = 0
        self._victim: _Connection | None = None
        self._connections: list[_Connection] = []
        self._ways: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._connections:
            connection.abort()
        await asyncio.gather(*self._ways, return_exceptions=True)
        for connection in self._connections:
            for writer in (connection.to_client, connection.to_server):
                with suppress(OSError):
                    await writer.wait_closed()

    async def stolen(self) -> bool | None:
        """True once an answer, or a part of one, has been kept back."""
        return self._stolen_bytes > 0 or None

    def cut(self) -> None:
        """Break the connection whose answer was stolen, as a failing network does."""
        if self._victim is not None:
            self._victim.abort()

    async def _accept(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection(LOOPBACK, self._target_port)
        except OSError:
            to_client.transport.abort()
            return
        connection = _Connection(to_client, to_server)
        self._connections.append(connection)
        self._ways.append(asyncio.create_task(self._questions(from_client, connection)))
        self._ways.append(asyncio.create_task(self._answers(from_server, connection)))

    async def _questions(self, from_client: asyncio.StreamReader, connection: _Connection) -> None:
        with suppress(OSError):
            while chunk := await from_client.read(_CHUNK_BYTES):
                self._watch(connection, chunk)
                connection.to_server.write(chunk)
                await connection.to_server.drain()
        connection.to_server.close()

    async def _answers(self, from_server: asyncio.StreamReader, connection: _Connection) -> None:
        with suppress(OSError):
            while chunk := await from_server.read(_CHUNK_BYTES):
                if connection.robbed:
                    self._stolen_bytes += len(chunk)
                    continue
                connection.to_client.write(chunk)
                await connection.to_client.drain()
        connection.to_client.close()

    def _watch(self, connection: _Connection, chunk: bytes) -> None:
        if self._victim is not None:
            return
        seen = connection.seen + chunk
        if not connection.said and self._statement in seen:
            connection.said = True
            seen = seen.partition(self._statement)[2]
        if connection.said and self._key in seen:
            connection.robbed, self._victim = True, connection
        # what is looked for may be cut in two by a chunk's end
        connection.seen = seen[-max(len(self._statement), len(self._key)) :]

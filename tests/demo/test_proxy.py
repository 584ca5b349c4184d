"""The thief of answers: the server has done what it was asked, the client is not told, once; all else passes."""

import asyncio

from interlock.demo.proxy import AnswerThief
from interlock.demo.trade import until


class Server:
    """Answers every line with "done", and remembers it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.heard.append(line.strip())
            writer.write(b"done\n")
        writer.close()


async def test_only_the_answer_to_the_statement_with_the_key_is_stolen_and_only_once() -> None:
    server = Server()
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    async with listening, AnswerThief(listening.sockets[0].getsockname()[1], b"pay(", b"0xabc") as thief:

        async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection("127.0.0.1", thief.port)

        async def ask(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], line: bytes) -> bytes:
            connection[1].write(line + b"\n")
            return await connection[0].readline()

        victim, other = await connect(), await connect()
        assert await ask(victim, b"0xabc before any statement") == b"done\n"
        assert await ask(victim, b"prepare pay(") == b"done\n"
        assert await ask(other, b"execute 0xabc") == b"done\n"
        assert await thief.stolen() is None

        lost = asyncio.ensure_future(ask(victim, b"execute 0xabc"))
        await until("the answer to be stolen", thief.stolen)
        assert server.heard[-1] == b"execute 0xabc"
        assert not lost.done()
        thief.cut()
        assert await lost == b""

        again = await connect()
        assert await ask(again, b"prepare pay( and execute 0xabc") == b"done\n"
        for _, writer in (victim, other, again):
            writer.close()

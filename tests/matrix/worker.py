"""The matrix's own worker process: the product's, whose verbs on ledgers and attestors all pass the driver's line.

Says what is asked before it is done and what is answered after, and does as the driver says. Judges nothing.
"""

import asyncio
import functools
import itertools
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import activity

from interlock.attestors.collector import Collector
from interlock.ledgers.faults import LedgerUnreachable
from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol import Attested, Check, Lock, NotAttested, Refusal, SignedTerms, Terms, Verdict
from interlock.protocol.names import SETTLEMENT_WORKFLOW
from interlock.stack.ports import LOOPBACK
from interlock.worker import main

PORT = "MATRIX_LINE"
"""The variable that names the port of the driver's switchboard."""

VERBS = ("lock_of", "verdict_of", "check", "lock", "release", "refund", "pay", "void")


class Line:
    """The way to the driver. A worker whose driver is gone ends: it belongs to nobody."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[str]] = {}
        self._opened: asyncio.Task[asyncio.StreamWriter] | None = None
        self._carrying: set[asyncio.Task[Any]] = set()

    async def carry(self, verb: str, terms_hash: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Have a verb carried out as the driver says.

        What is on its way to a ledger goes on when whoever sent it no longer waits, as it does on any network.
        """
        if not activity.in_activity() or activity.info().workflow_type != SETTLEMENT_WORKFLOW:
            return await ask()
        carrying = asyncio.create_task(self._carry(verb, terms_hash, ask))
        self._carrying.add(carrying)
        carrying.add_done_callback(self._carrying.discard)
        return await asyncio.shield(carrying)

    async def _carry(self, verb: str, terms_hash: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        asked = f"{os.getpid()}.{next(self._numbers)}"
        said = {"verb": verb, "terms_hash": terms_hash, "here": activity.info().is_local, "ask": asked}
        await self._say(said | {"when": "before"})
        try:
            answer = await ask()
        except Exception as error:
            await self._say(said | {"when": "after", "answer": "fault", "text": str(error)})
            raise
        then = await self._say(said | {"when": "after", **_named(answer)})
        if then == "again":
            answer = await ask()
            await self._say(said | {"when": "again", **_named(answer)})
        if then == "lose":
            raise LedgerUnreachable("the answer was lost on its way")
        return answer

    async def _say(self, message: dict[str, Any]) -> str:
        if self._opened is None:
            self._opened = asyncio.create_task(self._open())
        writer = await self._opened
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        writer.write(json.dumps(message | {"number": number}).encode() + b"\n")
        return await self._waiting[number]

    async def _open(self) -> asyncio.StreamWriter:
        reader, writer = await asyncio.open_connection(LOOPBACK, self._port)
        self._listening = asyncio.create_task(self._listen(reader))
        return writer

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            told = json.loads(line)
            self._waiting.pop(told["number"]).set_result(told["then"])
        os._exit(1)


def _named(answer: Any) -> dict[str, str]:
    """An answer's short name, and a text that is equal for equal answers."""
    match answer:
        case None:
            return {"answer": "nothing", "text": ""}
        case Attested(certificate=certificate):
            return {"answer": "attested", "text": certificate.statement.model_dump_json()}
        case NotAttested(refusal=refusal) | (Refusal() as refusal):
            return {"answer": refusal.code.value, "text": refusal.text}
        case Check(refusal=refusal):
            return {"answer": refusal.code.value if refusal else "checked", "text": answer.model_dump_json()}
        case Lock(state=state):
            return {"answer": state.value, "text": answer.model_dump_json()}
        case Verdict(verdict=verdict):
            return {"answer": verdict.value, "text": answer.model_dump_json()}
    return {"answer": answer.kind, "text": answer.model_dump_json()}


def _hash_of(ledger: PostgresLedger, evidence: SignedTerms | Terms | str) -> str:
    match evidence:
        case SignedTerms():
            return evidence.terms_hash
        case Terms():
            return evidence.hash(ledger.network)
    return evidence


def put_on(line: Line) -> None:
    """From now on every ledger's and every collector's verbs in this process pass the line."""
    for verb in VERBS:
        setattr(PostgresLedger, verb, _on_line(line, verb, getattr(PostgresLedger, verb)))
    collect = Collector.collect

    async def collected(self: Collector, fact: Any, terms_hash: str, ledger: str) -> Any:
        return await line.carry(f"attest {fact}", terms_hash, lambda: collect(self, fact, terms_hash, ledger))

    Collector.collect = collected  # type: ignore[method-assign]


def _on_line(line: Line, verb: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def asked(ledger: PostgresLedger, evidence: Any, *more: Any) -> Any:
        said = f"{ledger.name} {verb}"
        return await line.carry(said, _hash_of(ledger, evidence), lambda: method(ledger, evidence, *more))

    return asked


if __name__ == "__main__":
    put_on(Line(int(os.environ[PORT])))
    code = main.run()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

"""The same calls as a DBOS workflow of six steps, started in the process that carries it out, as its manual does it.

`dbos` is installed for the bench only (requirements-bench.txt).
"""

import asyncio
import os
from typing import Any

from dbos import DBOS

from bench.calls import Calls
from bench.served import DBOS_POOL, DBOS_URL, Service
from interlock.protocol import Certificate, Fact, Receipt, SignedTerms
from interlock.worker.settings import WorkerSettings

_opened: list[Calls] = []


def _calls() -> Calls:
    return _opened[0]


async def _check(signed: SignedTerms) -> None:
    await _calls().check(signed)


async def _lock(signed: SignedTerms) -> Receipt:
    return await _calls().lock(signed)


async def _attest(fact: Fact, signed: SignedTerms) -> Certificate:
    return await _calls().attest(fact, signed)


async def _pay(signed: SignedTerms, certificate: Certificate) -> Receipt:
    return await _calls().pay(signed, certificate)


async def _release(signed: SignedTerms, certificate: Certificate) -> Receipt:
    return await _calls().release(signed, certificate)


# no decorators: without dbos, which only the bench installs, they would have no types
check, lock, attest, pay, release = (DBOS.step()(each) for each in (_check, _lock, _attest, _pay, _release))


async def _settle(signed: SignedTerms) -> str:
    await check(signed)
    await lock(signed)
    locked = await attest(Fact.LOCKED, signed)
    await pay(signed, locked)
    paid = await attest(Fact.PAID, signed)
    await release(signed, paid)
    return "SETTLED"


settle: Any = DBOS.workflow(name="settle")(_settle)


async def _started(signed: SignedTerms) -> None:
    handle = await DBOS.start_workflow_async(settle, signed)
    if (outcome := await handle.get_result()) != "SETTLED":
        raise RuntimeError(outcome)


async def _serve() -> None:
    DBOS(
        config={
            "name": "interlock-bench",
            "system_database_url": os.environ[DBOS_URL],
            "sys_db_pool_size": int(os.environ[DBOS_POOL]),
            "log_level": "WARNING",
        }
    )
    async with Calls.opened(WorkerSettings.load()) as calls:
        _opened.append(calls)
        DBOS.launch()
        try:
            await Service(_started).until_told()
        finally:
            DBOS.destroy()


if __name__ == "__main__":
    asyncio.run(_serve())

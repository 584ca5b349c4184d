"""The calls with no engine: a process in which nothing survives its death. The ledgers' and attestors' own limit."""

import asyncio

from bench.calls import Calls
from bench.served import Service
from interlock.worker.settings import WorkerSettings


async def _serve() -> None:
    async with Calls.opened(WorkerSettings.load()) as calls:
        await Service(calls.settle).until_told()


if __name__ == "__main__":
    asyncio.run(_serve())

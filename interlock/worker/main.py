"""The worker process: settings from the environment, a worker for each role, and a graceful drain on SIGTERM.

Logs are one line each, on stderr, where something needs a person; a retried fault leaves no traceback.
"""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from interlock.ledgers.faults import LedgerFault, LedgerMismatch
from interlock.protocol.names import Role
from interlock.worker.connection import connect, register_search_attributes, schedule_sweeps
from interlock.worker.roles import workers_of
from interlock.worker.settings import SettingsInvalid, WorkerSettings

log = logging.getLogger("interlock.worker")

T = TypeVar("T")


def run() -> int:
    """Be a worker until told to stop: 0. 2 for wrong settings; 1 for a ledger that cannot be used."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    log.setLevel(logging.INFO)
    try:
        settings = WorkerSettings.load()
        asyncio.run(_work(settings))
    except SettingsInvalid as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (LedgerFault, LedgerMismatch) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _work(settings: WorkerSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as resources:
        client = await _unless(stop, connect())
        if client is None:
            return
        if Role.SETTLEMENT in settings.roles:
            await register_search_attributes(client)
            await schedule_sweeps(client, settings)
        for worker in await workers_of(settings, client, resources):
            await resources.enter_async_context(worker)
        roles = ", ".join(sorted(settings.roles))
        log.info("worker %d carries out: %s", os.getpid(), roles)
        sys.stdout.write(json.dumps({"ready": True, "pid": os.getpid(), "roles": sorted(settings.roles)}) + "\n")
        sys.stdout.flush()
        await stop.wait()
        log.info("worker %d drains", os.getpid())


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of the work, or None if it is time to stop first."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    done, pending = await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return working.result() if working in done else None


if __name__ == "__main__":
    # the native client may abort at interpreter shutdown; everything is closed and flushed by now
    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

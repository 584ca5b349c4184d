"""The worker process: settings from the environment, a worker for each role, and a graceful drain on SIGTERM.

Logs are one line each, on stderr, where something needs a person; a retried fault leaves no traceback.
"""

import asyncio
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence

from interlock.activities.here import Here
from interlock.ledgers.faults import LedgerMismatch
from interlock.protocol.names import Role
from interlock.worker.connection import connect, prepare
from interlock.worker.roles import Duty
from interlock.worker.settings import SettingsInvalid, WorkerSettings
from interlock.worker.stopping import Stop, Stopped
from interlock.worker.telemetry import Telemetry

log = logging.getLogger("interlock.worker")

COLLECTED_AFTER = (20_000, 10, 10)
"""How much is allocated between Python's searches for garbage in cycles. Every run's sandbox is some; by default, 700
allocations, a tenth of the worker's time goes into looking at what is there to stay."""


def run() -> int:
    """Be a worker until told to stop: 0. 2 for wrong settings; 1 for a ledger that cannot be used.

    What cannot be reached is waited for: Temporal, a ledger, attestors.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    log.setLevel(logging.INFO)
    try:
        settings = WorkerSettings.load()
        telemetry = Telemetry.of(settings)
        try:
            asyncio.run(_work(settings, telemetry))
        finally:
            telemetry.close()
    except SettingsInvalid as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except LedgerMismatch as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _work(settings: WorkerSettings, telemetry: Telemetry) -> None:
    stop = Stop()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.tell)
    try:
        client = await stop.unless(connect(telemetry.runtime))
        if Role.SETTLEMENT in settings.roles:
            await stop.unless(prepare(client, settings))
        here = Here(client, telemetry.tracing)
        duties = [Duty(role, settings, client, telemetry, stop, here=here) for role in sorted(settings.roles)]
        async with asyncio.TaskGroup() as group:
            for duty in duties:
                group.create_task(duty.carry_out())
            await stop.unless(_say_ready(duties))
            await stop.wait()
            log.info("worker %d drains", os.getpid())
    except Stopped:
        return
    except BaseExceptionGroup as failed:
        raise _first(failed) from None


async def _say_ready(duties: Sequence[Duty]) -> None:
    """Once it is known of each role whether it takes work; one that does not yet opens later, by itself."""
    await asyncio.gather(*(duty.judged() for duty in duties))
    taken = [duty.role for duty in duties if duty.open.is_set()]
    closed = [duty.role for duty in duties if not duty.open.is_set()]
    log.info("worker %d carries out: %s", os.getpid(), ", ".join(taken) or "nothing yet")
    gc.collect()
    gc.freeze()  # what a worker is made of stays
    gc.set_threshold(*COLLECTED_AFTER)
    ready = {"ready": True, "pid": os.getpid(), "roles": taken, "closed": closed}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def _first(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = failed
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    # the native client may abort at interpreter shutdown; everything is closed and flushed by now
    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

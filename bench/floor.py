"""The engine's own floor: a workflow of six regular activities that do nothing, and its worker, set up as ours is.

`python -m bench.floor` runs the worker; BENCH_FLOOR_SANDBOXED=0 runs it without the sandbox.
"""

import asyncio
import json
import os
import signal
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from bench.product import settlement_worker_options
    from interlock.worker.connection import connect
    from interlock.worker.settings import WorkerSettings

QUEUE = "bench-floor"
STEPS = 6
SANDBOXED = "BENCH_FLOOR_SANDBOXED"


@activity.defn
async def step(number: int) -> int:
    """Do nothing."""
    return number


@workflow.defn(name="BenchFloor")
class FloorWorkflow:
    """As many steps as a settlement has, one after the other."""

    @workflow.run
    async def run(self) -> int:
        """How many there were."""
        done = 0
        for number in range(STEPS):
            await workflow.execute_activity(step, number, start_to_close_timeout=timedelta(seconds=15))
            done += 1
        return done


async def _work() -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    options = settlement_worker_options(WorkerSettings.load(), sandboxed=os.environ.get(SANDBOXED) != "0")
    client = await connect()
    async with Worker(client, task_queue=QUEUE, workflows=[FloorWorkflow], activities=[step], **options):
        sys.stdout.write(json.dumps({"ready": True, "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
        await told.wait()


if __name__ == "__main__":
    asyncio.run(_work())
    os._exit(0)  # the native client may abort at interpreter shutdown

"""`python -m tests.mutations.worker ADDRESS`: a settlement worker of the code that stands beside it, until it is stopped.

Run in a mutated tree. Carries no role but `settlement`; says "ready" once it asks for tasks.
"""

import asyncio
import sys

from opentelemetry.trace import NoOpTracer
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from interlock.activities.here import Here
from interlock.activities.recovery import RecoveryActivities
from interlock.activities.tracing import StepTracing
from interlock.protocol.names import Role
from interlock.worker.sandbox import sandbox
from interlock.workflows.settlement_workflow import SettlementWorkflow
from interlock.workflows.sweep import SweepWorkflow


async def main(address: str) -> None:
    """Serve until stdin is closed."""
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    async with Worker(
        client,
        task_queue=Role.SETTLEMENT.task_queue,
        workflows=[SettlementWorkflow, SweepWorkflow],
        activities=[*RecoveryActivities(client).all, *Here(client, StepTracing(NoOpTracer())).all],
        workflow_runner=sandbox(),
    ):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

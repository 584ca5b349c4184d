"""A settlement of a later version: it goes on as new at once, with something that this version does not know."""

from typing import Any

from temporalio import workflow

from interlock.protocol.names import SETTLEMENT_WORKFLOW


@workflow.defn(name=SETTLEMENT_WORKFLOW)
class Continuing:
    """Continues as new with progress that is not understood here."""

    @workflow.run
    async def run(self, run: dict[str, Any]) -> None:
        """Go on."""
        workflow.continue_as_new(run | {"progress": {"netted_with": "B-2"}})

"""What a run was started with, read; or why this version cannot go by it.

A start that is not understood fails the run, with nothing done, and says why: who sent it may send it again once the
workers are newer. What goes on from an earlier run is never refused: its task fails, and it stays open, untouched, for
a version that understands it.
"""

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from interlock.protocol.names import NOT_UNDERSTOOD
    from interlock.workflows.progress import Run


def understood(given: RawValue) -> Run | Exception:
    """The run's input, or what the run is to raise: ApplicationError ends it, ValidationError only fails its task."""
    try:
        run: Run = workflow.payload_converter().from_payload(given.payload, Run)
    except ValidationError as error:
        if workflow.info().continued_run_id is not None:
            return error
        return ApplicationError(str(error), type=NOT_UNDERSTOOD, non_retryable=True)
    return run

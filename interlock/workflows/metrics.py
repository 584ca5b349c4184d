"""What the workflows count: ends and waits, through Temporal's own meter, which counts nothing in a replay."""

from temporalio import workflow


def count_end(outcome: str) -> None:
    """A settlement has ended."""
    workflow.metric_meter().create_counter("interlock_settlements", "settlements that ended").add(
        1, {"outcome": outcome}
    )


def count_wait(code: str) -> None:
    """A settlement began to wait."""
    workflow.metric_meter().create_counter("interlock_waits", "waits that settlements began").add(1, {"code": code})

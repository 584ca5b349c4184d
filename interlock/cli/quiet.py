"""Temporal's core writes its warnings to stdout, where only a verb's answer belongs: this keeps it silent."""

from functools import cache

from temporalio.runtime import Runtime, TelemetryConfig


@cache
def quiet() -> None:
    """To be called before this process connects to Temporal; what goes wrong is told by the errors it raises."""
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)), error_if_already_set=False)

"""The sandbox that workflows run in: what it shares with the process, and what it need not be asked."""

from typing import TYPE_CHECKING

from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

if TYPE_CHECKING:
    from temporalio.bridge.proto.workflow_activation import WorkflowActivation
    from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
    from temporalio.workflow import Info

PASSED_THROUGH = ("interlock.protocol", "pydantic", "pydantic_core", "coincurve", "Crypto", "annotated_types")
"""Modules that workflows share with the process. The protocol is pure, so nothing is lost; the rest it is made of."""


class Sandbox(SandboxedWorkflowRunner):
    """The SDK's sandbox, for a data converter to which it is all the same whose payload it converts.

    The SDK asks the workflow for the context of each payload, six times in a task and each time through the sandbox's
    doors, to hand it to codecs and stores that we have none of: a tenth of a settlement worker's time.
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """A workflow in a sandbox of its own."""
        return Inside(super().create_instance(det))


class Inside(WorkflowInstance):
    """Passes on what is for the workflow."""

    def __init__(self, workflow: WorkflowInstance) -> None:
        self._workflow = workflow

    def activate(self, act: "WorkflowActivation") -> "WorkflowActivationCompletion":
        return self._workflow.activate(act)

    def get_info(self) -> "Info":
        return self._workflow.get_info()

    def get_thread_id(self) -> int | None:
        return self._workflow.get_thread_id()

    def get_serialization_context(self, command_info: object) -> SerializationContext | None:  # noqa: ARG002
        return None

    def get_external_store_context(self, command_info: object) -> StorageDriverStoreContext:  # noqa: ARG002
        return StorageDriverStoreContext(target=None)


RESTRICTIONS = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
"""The strict sandbox's, with the protocol passed through."""


def sandbox() -> Sandbox:
    """The sandbox of a worker."""
    return Sandbox(restrictions=RESTRICTIONS)

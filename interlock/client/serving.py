"""Which workers may answer for a settlement, and when they last asked for tasks.

Where workers are versioned, only those of one version may: the version that a settlement stays with, else the one that
new settlements go to. Others may be as busy as they like, and will never answer.
"""

from dataclasses import dataclass
from datetime import timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.enums.v1 import TaskQueueType, VersioningBehavior, WorkerVersioningMode
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue, TaskQueueVersioningInfo
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from interlock.protocol.names import Role

_RPC_WITHIN = timedelta(seconds=5)

Version = tuple[str, str] | None
"""A deployment and a build id; None for workers that are not versioned."""


@dataclass(frozen=True)
class Serving:
    """The workers of the versions that may answer: when one of them last asked, ns of the server's clock; 0 if none."""

    last_asked_ns: int
    versions: frozenset[Version]
    others_ask: bool
    """Whether workers of other versions are there: then there is something to say about which one is missing."""

    @property
    def missing(self) -> str:
        """What to say where none of them is there, and others are."""
        if self.versions == {None}:
            return "workers answer, but no version of them is current: `interlock cluster promote` makes one"
        named = " or ".join(sorted(f"{build} of {name}" for name, build in filter(None, self.versions)))
        return f"no worker of version {named} answers; start one, or `interlock cluster move` the settlement"


async def serving(temporal: Client, workflow_id: str | None) -> Serving:
    """Who may answer for that settlement, whether it runs or is to be started. Raises RPCError."""
    request = DescribeTaskQueueRequest(
        namespace=temporal.namespace,
        task_queue=TaskQueue(name=Role.SETTLEMENT.task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    found = await temporal.workflow_service.describe_task_queue(request, timeout=_RPC_WITHIN)
    asked = [(_version(poller), poller.last_access_time.ToNanoseconds()) for poller in found.pollers]
    versioned = any(version is not None for version, _ in asked)
    stays = await _stays_with(temporal, workflow_id) if versioned and workflow_id else None
    versions = frozenset({stays}) if stays else _new_go_to(found.versioning_info)
    return Serving(
        last_asked_ns=max((at for version, at in asked if version in versions), default=0),
        versions=versions,
        others_ask=any(version not in versions for version, _ in asked),
    )


def _version(poller: PollerInfo) -> Version:
    told = poller.deployment_options
    versioned = told.worker_versioning_mode == WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED
    return (told.deployment_name, told.build_id) if versioned else None


def _new_go_to(routing: TaskQueueVersioningInfo) -> frozenset[Version]:
    """The versions that a settlement may begin on: the current one, and the one that is ramped if there is one."""
    versions = {_named(routing.current_deployment_version)}
    if routing.ramping_version_percentage:
        versions.add(_named(routing.ramping_deployment_version))
    return frozenset(versions)


async def _stays_with(temporal: Client, workflow_id: str) -> Version:
    """The version that a run's next task goes to whatever is current; None if it has none, or does not run."""
    request = DescribeWorkflowExecutionRequest(
        namespace=temporal.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
    )
    try:
        found = await temporal.workflow_service.describe_workflow_execution(request, timeout=_RPC_WITHIN)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    known = found.workflow_execution_info.versioning_info
    if known.versioning_override.HasField("one_time"):
        return _named(known.versioning_override.one_time.target_deployment_version)
    if known.versioning_override.HasField("pinned"):
        return _named(known.versioning_override.pinned.version)
    pinned = known.behavior == VersioningBehavior.VERSIONING_BEHAVIOR_PINNED
    return _named(known.deployment_version) if pinned else None


def _named(version: WorkerDeploymentVersion) -> Version:
    return (version.deployment_name, version.build_id) if version.build_id else None

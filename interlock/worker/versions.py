"""The versions of a deployment of settlement workers, as Temporal knows them: read, and told where new settlements go.

Judges no version: whether open settlements may be moved to one, `interlock replay --open` says. Starts and stops no
worker.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.deployment.v1 import RoutingConfig, WorkerDeploymentVersion
from temporalio.api.enums.v1 import TaskQueueType, WorkerDeploymentVersionStatus
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import VersioningOverride, WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
    UpdateWorkflowExecutionOptionsRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from interlock.protocol.names import LOOK_AGAIN, SETTLEMENT_WORKFLOW, Role

POLLED_WITHIN_SECONDS = 70.0
"""A worker asks for tasks at least once a minute; who has not for longer is not there."""

_STATUS = "WORKER_DEPLOYMENT_VERSION_STATUS_"


class NotPossible(Exception):  # noqa: N818 - it says what is the matter
    """What was asked of the deployment cannot be; `code` is for programs, the text for people."""

    def __init__(self, code: str, text: str) -> None:
        """Take a stable code and a sentence."""
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Version:
    """One version: how the server counts it, how many open settlements stay with it, and how many workers serve it."""

    build: str
    status: str
    """current, ramping, inactive, draining or drained, by the server's own look, which comes minutes apart."""
    percent: float
    """Of new settlements, how many go to it."""
    open: int
    workers: int
    last_current_ns: int
    """When it was current last, in nanoseconds since 1970; 0 if it never was."""


@dataclass(frozen=True)
class Deployment:
    """All versions of a deployment, the one that new settlements go to first; and where the server stands with it."""

    name: str
    current: str | None
    ramping: str | None
    percent: float
    versions: tuple[Version, ...]
    unversioned: int
    """Open settlements that no version has taken a task of yet."""
    receiving: frozenset[str]
    """The builds that new settlements may still go to: by what was last said, or as the task queue still has it."""

    def version(self, build: str) -> Version:
        """The version of that build id. Raises NotPossible if there is none."""
        for version in self.versions:
            if version.build == build:
                return version
        known = ", ".join(version.build for version in self.versions) or "none"
        raise NotPossible("unknown_version", f"{self.name} has no version {build}; it has: {known}")

    @property
    def before(self) -> str | None:
        """The version that was current last, before the one that is."""
        once = [known for known in self.versions if known.last_current_ns and known.build != self.current]
        return max(once, key=lambda known: known.last_current_ns).build if once else None


class Versions:
    """One deployment in one namespace. Every method raises RPCError, and NotPossible for what cannot be."""

    def __init__(self, client: Client, deployment: str) -> None:
        """The deployment's name is what its workers have as INTERLOCK_DEPLOYMENT."""
        self._client = client
        self._name = deployment

    async def read(self) -> Deployment:
        """How it stands now; what is open is counted by the server's index, which lags behind by a moment."""
        request = DescribeWorkerDeploymentRequest(namespace=self._client.namespace, deployment_name=self._name)
        try:
            found = (await self._client.workflow_service.describe_worker_deployment(request)).worker_deployment_info
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise NotPossible("unknown_deployment", f"no worker of a deployment {self._name} ever asked") from None
            raise
        routing, (workers, followed) = found.routing_config, await self._task_queue()
        said = {routing.current_deployment_version.build_id, routing.ramping_deployment_version.build_id}
        versions = [
            Version(
                build=(build := each.deployment_version.build_id),
                status=WorkerDeploymentVersionStatus.Name(each.status).removeprefix(_STATUS).lower(),
                percent=_percent(routing, build),
                open=await self._open(f"TemporalWorkerDeploymentVersion = '{self._name}:{build}'"),
                workers=workers.get(build, 0),
                last_current_ns=each.last_current_time.ToNanoseconds(),
            )
            for each in found.version_summaries
        ]
        return Deployment(
            name=self._name,
            current=routing.current_deployment_version.build_id or None,
            ramping=routing.ramping_deployment_version.build_id or None,
            percent=round(routing.ramping_version_percentage, 3),
            versions=tuple(sorted(versions, key=lambda known: -known.percent)),
            unversioned=await self._open("TemporalWorkerDeploymentVersion IS NULL"),
            receiving=frozenset(said | followed) - {""},
        )

    async def promote(self, build: str, percent: float = 100.0) -> None:
        """Have so many of the new settlements begin on this version; with 100 it is the current one, for all."""
        (await self.read()).version(build)
        try:
            if percent < 100:
                await self._ramp(build, percent)
            else:
                await self._client.workflow_service.set_worker_deployment_current_version(
                    SetWorkerDeploymentCurrentVersionRequest(
                        namespace=self._client.namespace,
                        deployment_name=self._name,
                        build_id=build,
                        identity=self._client.identity,
                    )
                )
        except RPCError as error:
            if error.status in (RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.INVALID_ARGUMENT):
                raise NotPossible("not_promoted", f"the server refuses: {error.message}") from None
            raise

    async def roll_back(self) -> str:
        """End a ramp if there is one, else go back to the version that was current before; which is current now."""
        found = await self.read()
        if found.ramping is not None:
            await self._ramp("", 0)
            return found.current or ""
        if (before := found.before) is None:
            raise NotPossible("nothing_before", f"{self._name} has no version that was current before {found.current}")
        await self.promote(before)
        return before

    async def pinned(self, build: str) -> list[str]:
        """The workflow ids of the open settlements that stay with this version."""
        return await self.found(f"TemporalWorkerDeploymentVersion = '{self._name}:{build}'")

    async def found(self, which: str) -> list[str]:
        """The workflow ids of the open settlements that a list filter finds."""
        return [found.id async for found in self._client.list_workflows(f"{_OPEN} AND {which}", page_size=1000)]

    async def move(self, ids: Iterable[str], build: str, *, at_once: int = 20) -> AsyncIterator[str]:
        """Have open settlements go on, from their next task, on another version; yields each id once it is told so.

        The override lasts for one task: then they stay with that version as if they had begun on it. Each is nudged, so
        that the task comes now.
        """
        (await self.read()).version(build)
        turns = asyncio.Semaphore(at_once)

        async def moved(workflow_id: str) -> str:
            async with turns:
                await self._move(workflow_id, build)
            return workflow_id

        for done in asyncio.as_completed([moved(workflow_id) for workflow_id in ids]):
            yield await done

    async def stays_with(self, workflow_id: str) -> str | None:
        """The version of this deployment that last carried a run on; None while it is still on its way to another."""
        found = await self._client.get_workflow_handle(workflow_id).describe()
        versioning = found.raw_description.workflow_execution_info.versioning_info
        on_its_way = versioning.HasField("versioning_override")
        return None if on_its_way else versioning.deployment_version.build_id or None

    async def _move(self, workflow_id: str, build: str) -> None:
        target = WorkerDeploymentVersion(deployment_name=self._name, build_id=build)
        once = VersioningOverride.OneTimeOverride(target_deployment_version=target)
        request = UpdateWorkflowExecutionOptionsRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id),
            workflow_execution_options=WorkflowExecutionOptions(versioning_override=VersioningOverride(one_time=once)),
            update_mask=FieldMask(paths=["versioning_override"]),
        )
        try:
            await self._client.workflow_service.update_workflow_execution_options(request)
            await self._client.get_workflow_handle(workflow_id).signal(LOOK_AGAIN)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # else it has ended meanwhile
                raise

    async def _ramp(self, build: str, percent: float) -> None:
        await self._client.workflow_service.set_worker_deployment_ramping_version(
            SetWorkerDeploymentRampingVersionRequest(
                namespace=self._client.namespace,
                deployment_name=self._name,
                build_id=build,
                percentage=percent,
                identity=self._client.identity,
            )
        )

    async def _open(self, which: str) -> int:
        return (await self._client.count_workflows(f"{_OPEN} AND {which}")).count

    async def _task_queue(self) -> tuple[dict[str, int], set[str]]:
        """How many workers have asked lately for settlements' tasks, by their build ids; and the builds it routes to.

        The deployment's own word for whether its queues follow it (`routing_config_update_state`) was seen to stay at
        "in progress" for minutes when they long did.
        """
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=Role.SETTLEMENT.task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        found = await self._client.workflow_service.describe_task_queue(request)
        routing = found.versioning_info
        now = Timestamp()
        now.GetCurrentTime()
        counted: dict[str, set[str]] = {}
        for poller in found.pollers:
            asked = poller.deployment_options
            if asked.deployment_name == self._name and now.seconds - poller.last_access_time.seconds < (
                POLLED_WITHIN_SECONDS
            ):
                counted.setdefault(asked.build_id, set()).add(poller.identity)
        routed = {routing.current_deployment_version.build_id, routing.ramping_deployment_version.build_id}
        return {build: len(identities) for build, identities in counted.items()}, routed


_OPEN = f"WorkflowType = '{SETTLEMENT_WORKFLOW}' AND ExecutionStatus = 'Running'"


def _percent(routing: RoutingConfig, build: str) -> float:
    ramped = round(routing.ramping_version_percentage, 3) if routing.ramping_deployment_version.build_id else 0.0
    if build == routing.current_deployment_version.build_id:
        return 100.0 - ramped
    return ramped if build == routing.ramping_deployment_version.build_id else 0.0

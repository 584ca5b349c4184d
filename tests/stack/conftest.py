"""Real servers in folders of their own; a test that breaks a server starts another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from interlock.stack.leftovers import RunRecord
from interlock.stack.ports import keep_ports
from interlock.stack.postgres import EmbeddedPostgres


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return RunRecord(tmp_path_factory.mktemp("record") / "run.json")


@pytest.fixture
async def new_postgres(record: RunRecord) -> AsyncIterator[Callable[[Path], EmbeddedPostgres]]:
    """A server on any folder; what the test leaves running is stopped."""
    servers: list[EmbeddedPostgres] = []

    def on(data_dir: Path) -> EmbeddedPostgres:
        servers.append(_postgres(data_dir, record))
        return servers[-1]

    yield on
    for server in servers:
        await server.stop()


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory, record: RunRecord) -> AsyncIterator[EmbeddedPostgres]:
    """Two databases, each with an owner; and one reader, admitted to the first database only."""
    data_dir = tmp_path_factory.mktemp("postgres")
    server = _postgres(data_dir, record)
    await server.start()
    async with server.administration() as databases:
        for role in ("asset_owner", "payment_owner", "reader"):
            await databases.ensure_role(role, f'{role}\'s "word"')
        await databases.ensure_database("asset", "asset_owner", admitted=["reader"])
        await databases.ensure_database("payment", "payment_owner")
    yield server
    await server.stop()


def _postgres(data_dir: Path, record: RunRecord) -> EmbeddedPostgres:
    port = keep_ports(data_dir / "ports.json", ["postgres"])["postgres"]
    return EmbeddedPostgres(data_dir, port, logs=data_dir / "logs", record=record)

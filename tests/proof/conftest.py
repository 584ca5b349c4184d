"""The three journals of a test on two ledgers in Postgres, as whoever exports reads them; nobody seals them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from interlock.audit.journals import Journal
from interlock.ledgers.connections import Connections
from interlock.protocol.records import Record
from tests.conftest import AuditServer, PostgresWorld
from tests.world import key

KEEPERS = {journal: key(f"keeper of {journal}").address for journal in ("asset", "payment", "audit")}


class Meanwhile(Journal):
    """A journal after whose first reading something happens."""

    happens: Callable[[], Awaitable[object]] | None = None

    async def records_of_terms(self, terms_hash: str) -> list[Record]:
        found = await super().records_of_terms(terms_hash)
        if self.happens is not None:
            happens, self.happens = self.happens, None
            await happens()
        return found


@pytest.fixture
async def journals(postgres_world: PostgresWorld, audit_server: AuditServer) -> AsyncIterator[dict[str, Meanwhile]]:
    """The three journals of a test, none of which anybody seals."""
    dsns = {
        name: postgres_world.servers.dsn(postgres_world.database(name), "auditor") for name in ("asset", "payment")
    } | {"audit": audit_server.dsn("reader")}
    async with AsyncExitStack() as held:
        made = {}
        for name, dsn in dsns.items():
            connections = await Connections.open(dsn, size=1, timeout_s=20.0)
            held.push_async_callback(connections.close)
            made[name] = Meanwhile(name, connections)
        yield made

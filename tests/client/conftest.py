"""A client of a real service: Temporal, attestors, and workers over ledgers in memory, as for the workflows' tests."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client

from interlock.client import SettlementClient
from tests.workflows.conftest import attestors, local_roles, service, temporal
from tests.workflows.service import Service
from tests.world import COORDINATOR, NETWORK

__all__ = ["attestors", "local_roles", "service", "temporal"]


@pytest.fixture
async def client(temporal: Client, service: Service) -> AsyncIterator[SettlementClient]:  # noqa: ARG001 - it must run
    """A client that soon gives up on a worker that is not there."""
    connected = SettlementClient(
        temporal, network=NETWORK, coordinator=COORDINATOR.identity, answer_within=timedelta(seconds=5)
    )
    async with connected:
        yield connected

"""One Temporal server and four attestors for the whole folder; fresh ledgers and workers for every test."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from interlock.protocol.names import Role
from interlock.workflows import steps, waiting
from tests.attestors.quorum import Quorum
from tests.temporal import temporal_server
from tests.workflows import service as service_of_a_test
from tests.workflows.service import Service, Window, running_service


@asynccontextmanager
async def client_of_a_server(folder: Path, config: Mapping[str, int] = {}) -> AsyncIterator[Client]:
    """A client, and for as long as it is there the server; `config` is further dynamic configuration."""
    async with temporal_server(folder, config=config) as server:
        yield await Client.connect(server.address, data_converter=pydantic_data_converter)


@pytest.fixture(scope="session", autouse=True)
def _cached_workflows(pytestconfig: pytest.Config) -> None:
    service_of_a_test.CACHED = pytestconfig.getoption("--cached-workflows")


@pytest.fixture(scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """A client of the server that all tests share."""
    async with client_of_a_server(tmp_path_factory.mktemp("temporal")) as client:
        yield client


@pytest.fixture(scope="session")
async def attestors(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Quorum]:
    """Four attestors that read whatever ledgers the running test has."""
    quorum = Quorum(tmp_path_factory.mktemp("attestors"), asset=Window(), payment=Window())
    for number in range(4):
        await quorum.start(number)
    yield quorum
    await quorum.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test marked `anywhere` runs twice: with the roles apart, and together in the settlement worker's process."""
    if metafunc.definition.get_closest_marker("anywhere") is not None:
        together = (Role.ASSET, Role.PAYMENT, Role.COORDINATOR)
        metafunc.parametrize("local_roles", [(), together], ids=["apart", "together"], indirect=True)


@pytest.fixture
def local_roles(request: pytest.FixtureRequest) -> tuple[Role, ...]:
    """The roles whose steps are taken in the settlement worker's own process."""
    return getattr(request, "param", ())


@pytest.fixture
async def service(temporal: Client, attestors: Quorum, local_roles: tuple[Role, ...]) -> AsyncIterator[Service]:
    """A service of this test's own; when it is over, all its histories have been replayed."""
    async with running_service(temporal, attestors, local_roles=local_roles) as running:
        yield running


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settlements ask again sooner, so that tests need not wait for it: no ledger in memory announces anything."""
    monkeypatch.setattr(waiting, "FIRST_WAIT", timedelta(seconds=0.1))
    monkeypatch.setattr(waiting, "ANNOUNCED_WAIT", timedelta(seconds=0.5))


@pytest.fixture
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step becomes a fault within a second and not after most of a minute."""
    monkeypatch.setattr(steps, "STEP_LIMIT", timedelta(seconds=0.3))

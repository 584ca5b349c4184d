"""The later versions, one copy of each for all tests; and a service of this version."""

from collections.abc import Iterator

import pytest

from tests.client.conftest import attestors, client, local_roles, service, temporal
from tests.evolution.later import GROWTH, SIGNED_GROWTH, Later, later

__all__ = ["attestors", "client", "local_roles", "service", "temporal"]


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Later]:
    """A later version in which everything unsigned has grown."""
    with later(tmp_path_factory.mktemp("grown"), GROWTH) as version:
        yield version


@pytest.fixture(scope="session")
def resigned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Later]:
    """A later version in which the terms have a field more."""
    with later(tmp_path_factory.mktemp("resigned"), SIGNED_GROWTH) as version:
        yield version

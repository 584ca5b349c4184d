"""The running attestors that tests of the server and the collector ask."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.attestors.quorum import Quorum, four_attestors


@pytest.fixture
async def quorum(tmp_path: Path) -> AsyncIterator[Quorum]:
    """Four honest attestors, up, over empty books."""
    async with four_attestors(tmp_path) as running:
        yield running

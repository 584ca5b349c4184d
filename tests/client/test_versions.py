"""A client where workers are versioned: it starts on the current version, and says which one is missing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interlock.client import NoWorker
from tests.versions import Versioned, versioned_service
from tests.world import NETWORK, SELLER


@pytest.fixture
async def versions(tmp_path: Path) -> AsyncIterator[Versioned]:
    """A Temporal with no worker yet."""
    async with versioned_service(tmp_path / "temporal") as service:
        yield service


async def test_with_no_current_version_the_client_says_so(versions: Versioned) -> None:
    await versions.start("old")
    with pytest.raises(NoWorker, match="no version of them is current"):
        await versions.propose()
    await versions.versions.promote("old")
    assert await versions.build_of(await versions.propose()) == "old"


async def test_a_settlement_whose_versions_workers_are_gone_is_not_waited_for_while_others_are_busy(
    versions: Versioned,
) -> None:
    await versions.start("old")
    await versions.versions.promote("old")
    proposed = await versions.propose()
    await versions.start("new")
    await versions.versions.promote("new")
    await versions.stop("old")
    assert proposed.terms is not None
    with pytest.raises(NoWorker, match="no worker of version old of interlock answers"):
        await proposed.withdraw(SELLER.sign_withdrawal(proposed.terms, NETWORK))
    assert await versions.build_of(await versions.propose()) == "new"


async def test_open_settlements_without_a_version_go_to_the_one_that_becomes_current(versions: Versioned) -> None:
    await versions.start(None)
    begun = await versions.propose()
    await versions.start("first")
    await versions.versions.promote("first")
    await versions.stop(None)
    assert begun.terms is not None
    report = await begun.withdraw(SELLER.sign_withdrawal(begun.terms, NETWORK))
    assert report.allowed is not None
    assert await versions.build_of(begun) == "first"

"""A client where workers are versioned: it starts on the current version, and says which one is missing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interlock.client import NoWorker
from interlock.protocol.instructions import RunStart, SettlementStart
from interlock.protocol.names import LOOK_AGAIN, SETTLEMENT_WORKFLOW, Role
from tests.versions import Versioned, versioned_service
from tests.workflows.service import until
from tests.world import NETWORK, SELLER

LONG = {"limit.historyCount.suggestContinueAsNew": 20}


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


async def test_a_run_that_continues_as_new_begins_on_the_current_version(tmp_path: Path) -> None:
    """It has no history that the newer code would have to replay."""
    async with versioned_service(tmp_path / "temporal", LONG) as versions:
        await versions.start("old")
        await versions.versions.promote("old")
        about = SettlementStart.of(versions.world.terms(), NETWORK)
        run = await versions.temporal.start_workflow(
            SETTLEMENT_WORKFLOW, RunStart.saying(about), id="long", task_queue=Role.SETTLEMENT.task_queue
        )

        async def is_on(build: str) -> bool:
            return await versions.versions.stays_with("long") == build

        await until(lambda: is_on("old"))
        await versions.start("new")
        await versions.versions.promote("new")

        async def went_on() -> bool:
            latest = versions.temporal.get_workflow_handle("long")
            await latest.signal(LOOK_AGAIN)  # the history grows
            return (await latest.describe()).run_id != run.first_execution_run_id

        await until(went_on)
        await until(lambda: is_on("new"))

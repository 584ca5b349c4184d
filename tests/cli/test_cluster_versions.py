"""`interlock cluster versions|promote|rollback|drained|move`, on a real Temporal with workers of two builds."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, command
from tests.versions import DEPLOYMENT, Versioned, versioned_service


class Cluster:
    """The verb as an operator calls it: by the environment alone."""

    def __init__(self, service: Versioned, folder: Path) -> None:
        self.service = service
        self.folder = folder

    async def run(self, *words: str, deployment: str = DEPLOYMENT) -> Ran:
        """`interlock cluster ... --json`, while workers in this process go on."""
        told = {"TEMPORAL_ADDRESS": self.service.address, "INTERLOCK_DEPLOYMENT": deployment}
        return await asyncio.to_thread(command, self.folder, "cluster", *words, "--json", **told)

    async def done(self, *words: str) -> dict[str, object]:
        """The same, which must succeed; its document, with the versions by their builds."""
        ran = await self.run(*words)
        assert ran.code == 0, ran.out + ran.err
        document: dict[str, object] = ran.json
        return document


def shares(document: dict[str, object]) -> dict[str, float]:
    """How many of the new settlements go to each version, in percent."""
    versions = document["versions"]
    assert isinstance(versions, list)
    return {each["build"]: each["percent"] for each in versions}


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A Temporal that knows no deployment yet."""
    async with versioned_service(tmp_path / "temporal") as service:
        yield Cluster(service, tmp_path)


async def test_versions_are_ramped_promoted_drained_and_rolled_back(cluster: Cluster) -> None:
    service = cluster.service
    await service.start("old")
    first = await cluster.done("promote", "old")
    assert (first["current"], first["ramping"]) == ("old", None)
    begun = [await service.propose() for _ in range(2)]
    assert [await service.build_of(each) for each in begun] == ["old", "old"]

    await service.start("new")
    ramped = await cluster.done("promote", "new", "--ramp", "30")
    assert shares(ramped) == {"old": 70.0, "new": 30.0}
    assert shares(await cluster.done("rollback")) == {"old": 100.0, "new": 0.0}
    assert shares(await cluster.done("promote", "new")) == {"new": 100.0, "old": 0.0}
    assert await service.build_of(await service.propose()) == "new"
    assert [await service.build_of(each) for each in begun] == ["old", "old"]

    await service.until_open(old=2, new=1)
    held = await cluster.run("drained", "old")
    assert (held.code, {each["build"]: each["open"] for each in held.json["versions"]}) == (1, {"old": 2, "new": 1})
    named = begun[0].settlement_id
    moved = await cluster.done("move", named, "--to", "new")
    assert (moved["moved"], moved["waiting"]) == ([begun[0].workflow_id], [])
    await service.until_open(old=1, new=2)
    moved = await cluster.done("move", "--from", "old", "--to", "new")
    assert moved["moved"] == [begun[1].workflow_id]
    await service.until_open(old=0, new=3)
    assert [await service.build_of(each) for each in begun] == ["new", "new"]
    await cluster.done("drained", "old", "--wait")

    assert (await cluster.done("rollback"))["current"] == "old"
    assert await service.build_of(await service.propose()) == "old"
    assert (await cluster.run("drained", "old")).code == 1  # it is current


async def test_what_no_worker_can_carry_on_is_listed_as_waiting(cluster: Cluster) -> None:
    service = cluster.service
    await service.start("old")
    await service.start("new")
    await cluster.done("promote", "old")
    waits = await service.propose()
    await service.until_open(old=1, new=0)
    await service.stop("new")
    moved = await cluster.run("move", waits.settlement_id, "--to", "new")
    assert (moved.code, moved.json["moved"], moved.json["waiting"]) == (1, [], [waits.workflow_id])
    await service.start("new")
    assert (await cluster.done("move", waits.settlement_id, "--to", "new"))["moved"] == [waits.workflow_id]


async def test_what_is_not_there_is_refused_by_name(cluster: Cluster) -> None:
    assert (await cluster.run("versions")).error["code"] == "unknown_deployment"
    await cluster.service.start("old")
    for words, code in (
        (("promote", "lost"), "unknown_version"),
        (("drained", "lost"), "unknown_version"),
        (("rollback",), "nothing_before"),
        (("move", "NOBODYS-1", "--to", "old"), "unknown_settlement"),
        (("move", "--from", "old", "--to", "lost"), "unknown_version"),
    ):
        ran = await cluster.run(*words)
        assert (ran.code, ran.error["code"]) == (1, code), words


async def test_a_command_that_does_not_say_which_is_wrong_usage(cluster: Cluster) -> None:
    for words, deployment in (
        (("versions",), ""),
        (("promote", "old", "--ramp", "100"), DEPLOYMENT),
        (("promote", "old", "--ramp", "some"), DEPLOYMENT),
        (("move", "--to", "old"), DEPLOYMENT),
        (("move", "A-1", "--from", "new", "--to", "old"), DEPLOYMENT),
    ):
        assert (await cluster.run(*words, deployment=deployment)).code == 2, words

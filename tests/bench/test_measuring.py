"""The bench in its shortest form, on a stack of its own: what it measures has the shape that its report needs."""

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bench import contestants, engine
from bench.bulk import BulkLoad
from bench.cli import program
from bench.contestants import Dbos, Floor, NoEngine, Ours
from bench.evidence import signers
from bench.measured import Measured
from bench.place import Place, opened
from bench.product import settlement_worker_options
from bench.report import write
from bench.results import Results, read
from bench.sizes import Sizes
from interlock.activities.here import Here
from interlock.protocol.names import Role
from interlock.worker import roles
from interlock.worker.settings import WorkerSettings
from interlock.worker.stopping import Stop
from interlock.worker.telemetry import Telemetry

SIZES = Sizes(settlements=4, alone=2, at_once=2, warm_up=1, repeats=1)
SERVERS = {"temporal", "postgres", "attestors", "client"}


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """One stack for all that is measured here."""
    async with opened(tmp_path_factory.mktemp("bench"), parties=7) as opened_place:
        yield opened_place


async def samples(place: Place, who: contestants.Contestant) -> list[dict[str, Any]]:
    """What is measured of a contestant."""
    return await engine.samples_of(who, place, SIZES, 1)


async def test_the_floor_and_ours_are_measured_alone_and_at_once(place: Place, tmp_path: Path) -> None:
    results = Results(engine.PART, SIZES, tmp_path)
    for who in (Floor(contestants.FLOOR), Ours(contestants.TOGETHER)):
        results.add(await samples(place, who))
    stored = read(tmp_path / "engine.json")
    assert stored is not None
    assert [(each["contestant"], each["at_once"], each["settlements"]) for each in stored["samples"]] == [
        ("floor", 1, 2), ("floor", 2, 4), ("together", 1, 2), ("together", 2, 4),
    ]  # fmt: skip
    for sample in stored["samples"]:
        assert set(sample["cpu"]) == SERVERS | {"worker"}
        assert sample["rate"] > 0
        assert 0 < sample["p50"] <= sample["p99"]
    counted = stored["samples"]
    while not sum(sample["counted"]["persistence"] for sample in counted):  # published about once a second
        counted = await samples(place, Floor(contestants.FLOOR))
    floor, ours = stored["samples"][1], stored["samples"][3]
    assert floor["events"] == 41  # six activities
    assert ours["two_sided_events"] >= ours["events"] > 0
    write(Measured.kept(tmp_path), tmp_path / "docs")
    page = (tmp_path / "docs" / "benchmarks.md").read_text()
    assert "| rate at 2 at once, together, of floor |" in page
    assert (tmp_path / "docs" / "img" / "bench-rate.svg").read_text().startswith("<svg")


@pytest.mark.long
async def test_a_process_for_each_role_and_no_engine_are_measured(place: Place) -> None:
    apart = (await samples(place, Ours(contestants.APART, together=False)))[1]
    assert set(apart["cpu"]) == SERVERS | {f"{role} worker" for role in Role}
    bare = (await samples(place, NoEngine(contestants.NO_ENGINE)))[1]
    assert (bare["settlements"], bare["events"]) == (4, None)


async def test_the_same_calls_under_dbos_are_measured_where_it_is_installed(place: Place) -> None:
    dbos = Dbos(contestants.DBOS)
    if why := dbos.missing():
        pytest.skip(why)
    sample = (await samples(place, dbos))[1]
    assert (sample["settlements"], sample["events"]) == (4, 7)  # a workflow and its six steps


async def test_ledgers_verify_that_were_filled_in_bulk_and_settled_on_before_and_since(place: Place) -> None:
    with signers() as pool:
        load = BulkLoad(place, pool)
        await load.up_to(120)
        await load.up_to(200)  # goes on where it stopped
    assert await load.loaded() == 200
    await samples(place, Ours(contestants.TOGETHER))
    command = [*program(), "ledger", "verify", "--json", "--data-dir", str(place.stack.data_dir)]
    verified = subprocess.run(command, check=False, capture_output=True)  # noqa: ASYNC221 - nothing else runs here
    told = json.loads(verified.stdout)
    assert (verified.returncode, told["ok"]) == (0, True), told
    assert told["invariants"]["recoverability"]["checked"] >= 200


async def test_the_floors_worker_is_set_up_as_ours_is(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its queue, workflows, activities and tracing apart: whatever else the worker is told, the floor's is told too."""
    told: dict[str, Any] = {}

    class Stopped(Exception):  # noqa: N818 - the worker's options are known by now
        """No worker is needed."""

    def worker(_: object, **options: Any) -> None:
        told.update(options)
        raise Stopped

    for name, value in place.stack.worker_environment(Role.SETTLEMENT).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(roles, "Worker", worker)
    settings = WorkerSettings.load()
    telemetry = Telemetry.of(settings)
    here = Here(place.temporal, telemetry.tracing)
    duty = roles.Duty(Role.SETTLEMENT, settings, place.temporal, telemetry, Stop(), here=here)
    with pytest.raises(Stopped):
        await duty.carry_out()
    own = {"task_queue", "workflows", "activities", "interceptors"}
    floors = settlement_worker_options(settings, sandboxed=True)
    assert {name: _shown(each) for name, each in told.items() if name not in own} == {
        name: _shown(each) for name, each in floors.items()
    }


def _shown(option: object) -> object:
    return vars(option)["restrictions"] if "restrictions" in getattr(option, "__dict__", {}) else option

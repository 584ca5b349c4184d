"""`interlock cluster prepare`: a cluster that knows nothing of us learns our search attributes, and loses none."""

from collections.abc import Callable
from pathlib import Path

from interlock.protocol.names import PARTIES, SEARCH_ATTRIBUTES, STAGE, SUSPENDED
from tests.cli.conftest import Ran, Run
from tests.temporal import temporal_server


def prepare(interlock: Run, address: str) -> Callable[..., Ran]:
    """The verb, by the environment alone: no data folder, network or coordinator."""
    return lambda *words: interlock("cluster", "prepare", "--json", *words, TEMPORAL_ADDRESS=address)


async def test_what_is_missing_is_registered_once_and_what_is_there_stays(interlock: Run, tmp_path: Path) -> None:
    known = {STAGE: "Keyword", "SomebodyElses": "Int"}
    missing = [name for name in SEARCH_ATTRIBUTES if name != STAGE]
    async with temporal_server(tmp_path / "temporal", known) as server:
        run = prepare(interlock, server.address)
        checked = run("--check")
        assert (checked.code, checked.json["ok"], checked.json["missing"]) == (1, False, missing)
        first = run()
        assert (first.code, first.json["added"], first.json["missing"]) == (0, missing, [])
        assert first.json["search_attributes"] == SEARCH_ATTRIBUTES
        again = run()
        assert (again.code, again.json["added"], run("--check").code) == (0, [], 0)


async def test_an_attribute_of_another_type_is_refused_by_name(interlock: Run, tmp_path: Path) -> None:
    known = SEARCH_ATTRIBUTES | {SUSPENDED: "Keyword"}
    async with temporal_server(tmp_path / "temporal", known) as server:
        ran = prepare(interlock, server.address)()
    assert (ran.code, ran.error["code"]) == (1, "wrong_type")
    assert f"{SUSPENDED} should be Bool" in ran.error["message"]
    assert PARTIES not in ran.error["message"]


def test_without_a_server_it_exits_3_and_says_where_it_looked(interlock: Run) -> None:
    ran = prepare(interlock, "127.0.0.1:1")()
    assert (ran.code, ran.error["code"]) == (3, "unreachable")
    assert "127.0.0.1:1" in ran.error["message"]


def test_it_wants_to_be_told_what_to_do(interlock: Run) -> None:
    assert interlock("cluster").code == 2

"""Exports from a real stack, by the command: of every kind of settlement, and what is refused, each for its reason."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interlock.proof.check import check
from interlock.proof.report import State, Verdict
from interlock.proof.trust import Trust
from tests.proof.independent.verifier import Verifier
from tests.proof.trading import OUTCOMES, Floor, floor, waits_for
from tests.world import BUYER, SELLER

pytestmark = pytest.mark.timeout(600)  # every kind of settlement is played first, and each export waits for seals


@pytest.fixture(scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    """A stack on which every scenario has been played."""
    async with floor(tmp_path_factory.mktemp("proofs") / "stack") as running:
        await running.play()
        yield running


async def test_every_kind_of_settlement_is_exported_and_checked(played: Floor, tmp_path: Path) -> None:
    trust = Trust.model_validate_json(json.dumps(played.trust))
    keys = tmp_path / "trust.json"
    keys.write_text(json.dumps(played.trust))
    for scenario, outcome in OUTCOMES.items():
        file = tmp_path / f"{scenario}.json"
        ran = await played.export(scenario, file)
        assert (ran.code, ran.json["outcome"], ran.json["verdict"]) == (0, outcome, "proven"), ran.err
        report = check(file.read_bytes(), trust)
        assert (report.verdict, report.outcome) == (Verdict.PROVEN, outcome)
        assert Verifier(file.read_bytes(), played.trust).verdict == "proven"
        checked = await played.run("--json", "audit", "check", str(file), "--trust", str(keys))
        assert (checked.code, checked.json["verdict"], checked.json["reason"]) == (0, "proven", "")


async def test_the_same_settlement_is_exported_alike_by_id_and_by_hash_and_to_stdout(
    played: Floor, tmp_path: Path
) -> None:
    file = tmp_path / "by-id.json"
    terms_hash = (await played.export("expired", file)).json["terms_hash"]
    shown = await played.run("audit", "export", terms_hash, "-o", "-")
    assert (shown.code, json.loads(shown.out)["entries"]) == (0, json.loads(file.read_text())["entries"])
    both = await played.run("--json", "audit", "export", terms_hash, "-o", "-")
    assert (both.code, both.error["field"]) == (2, "out")


async def test_an_open_settlement_is_refused_and_with_partial_says_what_is_missing(
    played: Floor, tmp_path: Path
) -> None:
    handle = await played.instruct("open", cash=0)
    await waits_for(handle, "insufficient_balance")
    file = tmp_path / "open.json"
    refused = await played.export("open", file)
    assert (refused.code, refused.error["code"], file.exists()) == (1, "still_open", False)
    assert "lock stands" in refused.error["message"]
    written = await played.export("open", file, "--partial", "--wait", "0")
    assert (written.code, written.json["verdict"], written.json["outcome"]) == (0, "incomplete", None)
    checked = await played.run("--json", "audit", "check", str(file))
    assert (checked.code, checked.json["verdict"]) == (1, "incomplete")
    open_ = {each["name"] for each in checked.json["claims"] if each["state"] == State.NOT_PROVEN}
    assert {"outcome", "trail"} <= open_
    assert Verifier(file.read_bytes(), played.trust).verdict == "incomplete"


async def test_what_was_never_locked_paid_or_voided_cannot_be_proven(played: Floor, tmp_path: Path) -> None:
    parties = await played.market.parties()
    nowhere = parties.terms(f"NOWHERE-{parties.name.upper()}").payment.model_copy(update={"receiver": "nobody"})
    terms = parties.terms(f"NOWHERE-{parties.name.upper()}", payment=nowhere)
    await (await played.market.client.settle(terms, played.sign(terms, SELLER, BUYER))).outcome()
    ran = await played.run("--json", "audit", "export", terms.settlement_id, "-o", str(tmp_path / "none.json"))
    assert (ran.code, ran.error["code"]) == (1, "nothing_to_prove")
    ran = await played.run("--json", "audit", "export", "NO-SUCH-TRADE", "-o", str(tmp_path / "none.json"))
    assert (ran.code, ran.error["code"]) == (1, "unknown_settlement")
    assert os.listdir(tmp_path) == []  # noqa: PTH208


async def test_nothing_is_exported_that_the_keys_known_here_do_not_prove(played: Floor, tmp_path: Path) -> None:
    client = played.folder / "client.json"
    said = client.read_text()
    other = json.loads(said)
    other["keepers"]["asset"] = other["keepers"]["audit"]
    client.write_text(json.dumps(other))
    try:
        ran = await played.export("settled", tmp_path / "none.json")
    finally:
        client.write_text(said)
    assert (ran.code, ran.error["code"], os.listdir(tmp_path)) == (1, "not_proven", [])  # noqa: PTH208
    assert "not its keeper's" in ran.error["message"]


async def test_a_file_that_cannot_be_read_or_written_is_named(played: Floor, tmp_path: Path) -> None:
    ran = await played.run("--json", "audit", "check", str(tmp_path / "none.json"))
    assert (ran.code, ran.error["field"]) == (2, "file")
    ran = await played.export("settled", tmp_path / "no" / "folder.json")
    assert (ran.code, ran.error["field"]) == (1, "out")
    (tmp_path / "trust.json").write_text('{"network": "0x12"}')
    file = tmp_path / "settled.json"
    assert (await played.export("settled", file)).code == 0
    ran = await played.run("--json", "audit", "check", str(file), "--trust", str(tmp_path / "trust.json"))
    assert (ran.code, ran.error["field"]) == (2, "trust")
    ran = await played.run("audit", "export", "X", "--wait", "-1")
    assert ran.code == 2

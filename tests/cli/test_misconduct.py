"""`audit misconduct`, `ledger accuse`, `ledger readmit`: what people do about an attestor that was caught."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.protocol import Fact, Misconduct
from tests.cli.conftest import Ledgers, Ran, Run
from tests.world import ATTESTORS, STRANGER, World

WHO = ATTESTORS[3].address


@pytest.fixture
def misconduct(people: World) -> Misconduct:
    """Both verdicts on some terms, of the fourth attestor."""
    return people.misconduct(people.terms())


@pytest.fixture
def people() -> World:
    """Terms and signatures; no ledger is asked."""
    return World(asset=None, payment=None)  # type: ignore[arg-type]


@pytest.fixture
def proof(tmp_path: Path, misconduct: Misconduct) -> Path:
    """The proof as a file."""
    file = tmp_path / "proof.json"
    file.write_text(misconduct.model_dump_json(indent=2))
    return file


def refused(ran: Ran) -> tuple[int, str]:
    return ran.code, ran.error["code"]


def test_a_proof_is_checked_with_nothing_but_the_file(interlock: Run, proof: Path, misconduct: Misconduct) -> None:
    checked = interlock("audit", "misconduct", str(proof), "--json")
    assert checked.code == 0
    assert checked.json["proven"] is True
    assert (checked.json["attestor"], checked.json["digest"]) == (WHO, misconduct.digest)
    assert [each["fact"] for each in checked.json["statements"]] == ["PAID", "VOIDED"]
    said = interlock("audit", "misconduct", str(proof)).out
    assert f"PROVEN: attestor {WHO} contradicted itself" in said
    assert "Not proven here" in said


def test_checking_a_proof_loads_nothing_that_the_base_wheel_lacks(proof: Path) -> None:
    program = (
        "import sys; from interlock.cli.main import main; code = main(sys.argv[1:]);"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr); sys.exit(code)"
    )
    words = [sys.executable, "-c", program, "audit", "misconduct", str(proof), "--json"]
    ran = subprocess.run(words, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["proven"] is True
    assert not {"asyncpg", "aiohttp", "opentelemetry", "pydantic_settings"} & set(ran.stderr.split())


def test_what_proves_nothing_is_refused_with_its_reason(interlock: Run, tmp_path: Path, proof: Path) -> None:
    document = json.loads(proof.read_text())
    rows = [
        ({**document, "second": document["first"]}, "do not contradict"),
        ({**document, "network": "0x" + "77" * 32}, "not a signature"),
        ({**document, "first": {**document["first"], "signature": document["second"]["signature"]}}, "not a signature"),
    ]
    for wrong, reason in rows:
        file = tmp_path / "wrong.json"
        file.write_text(json.dumps(wrong))
        ran = interlock("audit", "misconduct", str(file), "--json")
        assert refused(ran) == (1, "misconduct_unproven")
        assert reason in ran.error["message"]
    elsewhere = interlock("audit", "misconduct", str(proof), "--network", "0x" + "77" * 32, "--json")
    assert refused(elsewhere) == (1, "misconduct_unproven")


def test_what_is_no_proof_at_all_names_the_field(interlock: Run, tmp_path: Path, proof: Path) -> None:
    document = json.loads(proof.read_text())
    del document["second"]["statement"]["position"]
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(document))
    ran = interlock("audit", "misconduct", str(file), "--json")
    assert (ran.code, ran.error["field"]) == (1, "second.statement.position")
    assert refused(interlock("audit", "misconduct", str(tmp_path / "none.json"), "--json")) == (1, "file")


def counts(ledgers: Ledgers, ledger: str) -> bool:
    sets = ledgers.run("ledger", "attestors", "list", ledger, "--json").json["attestor_sets"]
    (listed,) = [each for each in sets if WHO in each["keys"]]
    assert set(listed["left_out"]) <= {WHO}
    return WHO not in listed["left_out"]


def test_who_is_accused_is_left_out_until_two_operators_readmit_it(ledgers: Ledgers, proof: Path) -> None:
    accused = ledgers.run("ledger", "accuse", str(proof), "--json")
    assert accused.code == 0
    receipts = accused.json["receipts"]
    assert [(each["ledger"], each["operation"]) for each in receipts] == [("asset", "accuse"), ("payment", "accuse")]
    assert (counts(ledgers, "asset"), counts(ledgers, "payment")) == (False, False)
    table = ledgers.run("ledger", "attestors", "list").out
    assert f"no: misconduct, entry {receipts[0]['position']}" in table
    assert ledgers.run("ledger", "accuse", str(proof), "payment", "--json").json["receipts"] == receipts[1:]

    one = ("--as", "operator-1", "--as", "operator-1")
    assert ledgers.run("ledger", "readmit", "asset", WHO, "--reason", "new key custody", *one, "--json").code == 2
    readmitted = ledgers.run("ledger", "readmit", "asset", WHO, "--reason", "new key custody", "--json")
    assert readmitted.code == 0
    assert (counts(ledgers, "asset"), counts(ledgers, "payment")) == (True, False)
    again = ledgers.run("ledger", "readmit", "asset", WHO, "--reason", "once more", "--json")
    assert refused(again) == (1, "not_left_out")
    assert "was re-admitted since" in ledgers.run("ledger", "accuse", str(proof), "asset").out
    assert ledgers.run("ledger", "readmit", "payment", WHO, "--reason", "the same", "--json").code == 0


def test_an_accusation_of_a_stranger_is_refused(ledgers: Ledgers, tmp_path: Path, people: World) -> None:
    world = people
    file = tmp_path / "stranger.json"
    made = world.misconduct(world.terms(), STRANGER, facts=(Fact.LOCKED, Fact.LOCKED))
    file.write_text(made.model_dump_json())
    assert refused(ledgers.run("ledger", "accuse", str(file), "--json")) == (1, "unknown_attestor")
    assert ledgers.run("audit", "misconduct", str(file)).code == 0

"""The command's frame: what it prints where, and how it exits, before any verb does its work."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.cli.main import VERBS
from tests.cli.conftest import Run, command_alone


@pytest.fixture
def interlock(tmp_path: Path) -> Run:
    """As everywhere, but started as the first that this Python does."""
    return functools.partial(command_alone, tmp_path)


@pytest.mark.parametrize(
    "words",
    [[], ["settel"], ["--wrong"], ["keys"], ["keys", "new"], ["keys", "new", "a", "b"], ["keys", "list", "--data-dir"]],
)
def test_wrong_usage_exits_2_and_prints_nothing_on_stdout(interlock: Run, words: list[str]) -> None:
    ran = interlock(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "interlock" in ran.err
    as_json = interlock(*words, "--json")
    assert as_json.code == 2
    assert as_json.error["code"] == "usage"


def test_a_mistyped_verb_is_told_which_one_is_near(interlock: Run) -> None:
    assert "did you mean `settle`" in interlock("settel").err


def test_help_lists_every_verb_and_imports_none(interlock: Run) -> None:
    ran = interlock("--help")
    assert ran.code == 0
    assert all(f"  {verb.name} " in ran.out for verb in VERBS)
    probe = (
        "import sys; from interlock.cli.main import main; main(['--help']);"
        "print([m for m in sys.modules if m.split('.')[0] in ('temporalio', 'pydantic', 'asyncpg', 'rich')])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_verbs_help_exits_0(interlock: Run) -> None:
    ran = interlock("keys", "new", "--help")
    assert ran.code == 0
    assert "NAME" in ran.out


def test_the_version_is_one_document_with_json(interlock: Run) -> None:
    assert interlock("--version", "--json").json == {"version": "0.1.0"}
    assert interlock("--version").out == "interlock 0.1.0\n"


def test_global_options_stand_before_or_after_the_verb(interlock: Run, tmp_path: Path) -> None:
    made = interlock("--json", "--data-dir", "here", "keys", "new", "alpine").json
    assert made["name"] == "alpine"
    expected = {"keys": [made]}
    assert interlock("keys", "list", "--data-dir=here", "--json").json == expected
    assert interlock("keys", "--json", "list", INTERLOCK_DATA_DIR=str(tmp_path / "here")).json == expected
    assert interlock("keys", "list", "--json").json == {"keys": []}


def test_keys_need_no_stack_and_go_to_the_default_folder(interlock: Run, tmp_path: Path) -> None:
    assert interlock("keys", "new", "alpine").code == 0
    assert (tmp_path / ".interlock" / "keys" / "alpine.json").exists()
    assert "alpine" in interlock("keys", "list").out


def test_a_name_that_is_taken_is_refused_by_code_and_field(interlock: Run) -> None:
    interlock("keys", "new", "alpine")
    ran = interlock("keys", "new", "alpine", "--json")
    assert ran.code == 1
    assert (ran.error["code"], ran.error["field"]) == ("key_exists", "name")
    assert interlock("keys", "new", "Not A Name", "--json").error["code"] == "invalid_name"


def test_a_missing_extra_is_named_and_exits_2(interlock: Run, tmp_path: Path) -> None:
    (tmp_path / "asyncpg.py").write_text("raise ModuleNotFoundError('no', name='asyncpg')")
    dsn = "postgresql://nobody@127.0.0.1:1/nothing"
    ran = interlock("ledger", "accounts", "--json", PYTHONPATH=str(tmp_path), INTERLOCK_ASSET_DSN=dsn)
    assert ran.code == 2
    assert ran.error["code"] == "missing_extra"
    assert "pip install 'interlock[server]'" in ran.error["message"]


def test_without_rich_tables_are_plain_text(interlock: Run, tmp_path: Path) -> None:
    (tmp_path / "rich.py").write_text("raise ModuleNotFoundError('no', name='rich')")
    interlock("keys", "new", "alpine", PYTHONPATH=str(tmp_path))
    ran = interlock("keys", "list", PYTHONPATH=str(tmp_path))
    assert ran.code == 0
    assert ran.out.splitlines()[0].split() == ["name", "address"]


def test_a_bug_is_one_line_and_a_document(interlock: Run, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "from interlock.client.keystore import Keystore\n"
        "def boom(self): raise ZeroDivisionError('x\\ny')\n"
        "Keystore.list = boom\n"
    )
    ran = interlock("keys", "list", "--json", PYTHONPATH=str(tmp_path))
    assert ran.code == 1
    assert ran.error["code"] == "internal"
    assert ran.err == "interlock: a bug: ZeroDivisionError: x y\n"


def test_a_reader_that_leaves_early_is_no_error(interlock: Run, tmp_path: Path) -> None:
    for number in range(3):
        interlock("keys", "new", f"key-{number}")
    command = f"{sys.executable} -m interlock.cli.main keys list --json | true"
    done = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "words", [["list"], ["ledger", "accounts"], ["ledger", "mint", "asset", "alpine", "OUSG", "5"]]
)
def test_no_stack_exits_3_and_says_what_to_start(interlock: Run, words: list[str]) -> None:
    ran = interlock(*words, "--json")
    assert ran.code == 3
    assert "interlock up" in ran.error["message"]
    elsewhere = interlock(*words, "--json", "--data-dir", "nowhere")
    assert elsewhere.code == 3
    assert "interlock up --data-dir nowhere" in elsewhere.error["message"]


def test_a_database_that_is_not_there_exits_3(interlock: Run, tmp_path: Path) -> None:
    folder = tmp_path / ".interlock"
    folder.mkdir()
    dsn = "postgresql://nobody:secret@127.0.0.1:1/nothing"
    roles = {"reader": dsn, "writer": dsn}
    (folder / "ledgers.json").write_text(json.dumps({"asset": roles, "payment": roles}))
    ran = interlock("ledger", "accounts", "asset", "--json")
    assert ran.code == 3
    assert "interlock up" in ran.error["message"]
    assert "secret" not in ran.out + ran.err


def test_an_unknown_ledger_is_refused_by_name(interlock: Run) -> None:
    ran = interlock("ledger", "accounts", "cash", "--json")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (1, "unknown_ledger", "ledger")


@pytest.mark.parametrize("verb", ["worker", "attestor"])
def test_a_process_without_its_settings_names_them_all_and_exits_2(interlock: Run, verb: str) -> None:
    ran = interlock(verb, "--json", INTERLOCK_ROLES="asset,payment")
    assert (ran.code, ran.error["code"]) == (2, "invalid_settings")
    assert ran.error["message"].count("INTERLOCK_") > 1

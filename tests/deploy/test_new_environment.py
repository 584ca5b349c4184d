"""What a new environment begins with: attestors made once, variables that fill in everything, settings to install."""

import asyncio
import stat
from pathlib import Path

import pytest

from interlock.attestors.birth import give_birth
from interlock.attestors.votes import VoteStore
from interlock.cli.context import Context
from interlock.cli.output import Output
from interlock.protocol import Attestors, AttestorSet, LocalSigner
from interlock.stack.installation import LedgerSettings
from interlock.stack.new_environment import dotenv, new_environment
from interlock.worker.settings import SettingsInvalid
from tests.deploy import compose
from tests.world import ATTESTORS, OPERATORS

ADDRESSES = [each.address for each in ATTESTORS]
ORDERING = [each.address for each in OPERATORS[:2]]


async def test_a_new_attestor_has_a_key_that_only_it_may_read_and_votes_of_that_key(tmp_path: Path) -> None:
    key, votes = tmp_path / "a" / "key", tmp_path / "b" / "votes.db"
    address = await give_birth(key, votes)
    assert LocalSigner(key.read_text()).address == address
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    store = VoteStore.open(votes, address)
    assert store.count == 0
    await store.close()


@pytest.mark.parametrize("left", ["key", "votes.db"])
def test_an_attestor_of_which_anything_is_there_is_not_made_again(tmp_path: Path, left: str) -> None:
    (tmp_path / left).write_text("what was there")
    with pytest.raises(FileExistsError, match="made already"):
        asyncio.run(give_birth(tmp_path / "key", tmp_path / "votes.db"))
    assert [each.name for each in tmp_path.iterdir()] == [left]
    assert (tmp_path / left).read_text() == "what was there"


def test_a_new_environment_fills_in_every_variable_of_the_compose_file() -> None:
    variables = new_environment(ADDRESSES, ORDERING)
    assert compose.dotenv(dotenv(variables)) == variables
    assert compose.read("docker-compose.yml", variables)
    attestors = Attestors.model_validate_json(variables["INTERLOCK_ATTESTORS"])
    assert set(attestors.keys) == set(ADDRESSES)
    assert AttestorSet.model_validate_json(variables["INTERLOCK_COORDINATOR"]) == attestors.identity


def test_two_new_environments_share_no_secret_and_no_network() -> None:
    one, other = new_environment(ADDRESSES, ORDERING), new_environment(ADDRESSES, ORDERING)
    same = {name for name, value in one.items() if other[name] == value}
    secret = ("_PASSWORD", "_SEAL_KEY", "_NETWORK", "_KEEPERS")
    assert not {name for name in same if name.endswith(secret)}


@pytest.mark.parametrize(
    ("attestors", "operators"),
    [(ADDRESSES[:3], ORDERING), ([*ADDRESSES[:3], ADDRESSES[0]], ORDERING), (ADDRESSES, ORDERING[:1])],
)
def test_too_few_attestors_or_operators_are_refused(attestors: list[str], operators: list[str]) -> None:
    with pytest.raises(ValueError, match="different addresses"):
        new_environment(attestors, operators)


def test_installing_names_every_setting_that_is_wrong_and_repeats_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_INSTALL_OWNER_DSN", "hunter2")
    monkeypatch.setenv("INTERLOCK_INSTALL_WRITER", '{"one": "hunter2", "two": "hunter2"}')
    with pytest.raises(SettingsInvalid) as wrong:
        LedgerSettings.load()
    assert "hunter2" not in str(wrong.value)
    named = {line.partition(":")[0] for line in wrong.value.wrong}
    assert {"INTERLOCK_INSTALL_OWNER_DSN", "INTERLOCK_INSTALL_WRITER", "INTERLOCK_NETWORK"} <= named


def test_a_folder_with_keys_only_leaves_the_rest_to_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:7233")
    monkeypatch.setenv("INTERLOCK_ASSET_DSN", "postgresql://where")
    context = Context(tmp_path, Output(as_json=True))
    assert context.keystore.folder == tmp_path / "keys"
    assert context.ledger_dsn("asset") == "postgresql://where"
    (tmp_path / "client.json").write_text("{}")
    assert Context(tmp_path, Output(as_json=True)).data_dir == tmp_path

"""An attestor's settings: read from the environment, all wrong ones named at once, no secret repeated."""

from pathlib import Path

import pytest

from interlock.attestors.settings import AttestorSettings, SettingsInvalid
from tests.world import ATTESTORS, COORDINATOR, NETWORK, STRANGER

ME = ATTESTORS[0]


def environment(tmp_path: Path, **changes: str) -> dict[str, str]:
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_text(ME.private_key.hex() + "\n")
    return {
        "INTERLOCK_ATTESTOR_KEY_FILE": str(key),
        "INTERLOCK_ATTESTOR_VOTES": str(tmp_path / "votes"),
        "INTERLOCK_ATTESTOR_LISTEN": "127.0.0.1:0",
        "INTERLOCK_NETWORK": NETWORK,
        "INTERLOCK_ATTESTORS": COORDINATOR.model_dump_json(),
        "INTERLOCK_READ_DSNS": '{"asset": "postgresql://r:hush@h/a", "payment": "postgresql://r:hush@h/p"}',
        **changes,
    }


def load(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> AttestorSettings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return AttestorSettings.load()


def test_right_settings_are_read_and_frozen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = load(monkeypatch, environment(tmp_path, INTERLOCK_ATTESTOR_LISTEN="[::1]:8080"))
    assert settings.signer.address == ME.address
    assert settings.attestors == COORDINATOR
    assert settings.listen == ("::1", 8080)
    assert settings.attestor_predecessors == ()
    assert settings.read_dsns["asset"].get_secret_value() == "postgresql://r:hush@h/a"
    assert "hush" not in repr(settings)
    assert ME.private_key.hex() not in repr(settings)
    with pytest.raises(ValueError, match="frozen"):
        settings.network = NETWORK  # type: ignore[misc]


def test_a_predecessor_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    predecessors = f"[{COORDINATOR.identity.model_dump_json()}]"
    settings = load(monkeypatch, environment(tmp_path, INTERLOCK_ATTESTOR_PREDECESSORS=predecessors))
    assert settings.attestor_predecessors == (COORDINATOR.identity,)


def test_all_wrong_settings_are_named_at_once_and_no_value_is_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    variables = environment(
        tmp_path,
        INTERLOCK_ATTESTOR_KEY_FILE=str(tmp_path / "none"),
        INTERLOCK_ATTESTOR_LISTEN="8080",
        INTERLOCK_NETWORK="mainnet",
        INTERLOCK_ATTESTORS='{"name": "a"}',
        INTERLOCK_READ_DSNS='{"Asset": "postgresql://r:hush@h/a"}',
    )
    del variables["INTERLOCK_ATTESTOR_VOTES"]
    with pytest.raises(SettingsInvalid) as raised:
        load(monkeypatch, variables)
    assert {line.partition(":")[0].split(".")[0] for line in raised.value.wrong} == {
        "INTERLOCK_ATTESTOR_KEY_FILE",
        "INTERLOCK_ATTESTOR_VOTES",
        "INTERLOCK_ATTESTOR_LISTEN",
        "INTERLOCK_NETWORK",
        "INTERLOCK_ATTESTORS",
        "INTERLOCK_READ_DSNS",
    }
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("value", ["{", "[]", "{}", '{"asset": 1}'])
def test_read_dsns_are_a_json_mapping(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"^INTERLOCK_READ_DSNS"):
        load(monkeypatch, environment(tmp_path, INTERLOCK_READ_DSNS=value))


def test_a_key_that_others_may_read_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variables = environment(tmp_path)
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(SettingsInvalid, match="0600"):
        load(monkeypatch, variables)


@pytest.mark.parametrize("text", ["", "zz" * 32, "ab" * 31, "00" * 32])
def test_a_file_without_a_private_key_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    variables = environment(tmp_path)
    (tmp_path / "key").write_text(text)
    with pytest.raises(SettingsInvalid, match="holds no private key"):
        load(monkeypatch, variables)


def test_a_key_outside_the_set_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variables = environment(tmp_path)
    (tmp_path / "key").write_text(STRANGER.private_key.hex())
    with pytest.raises(SettingsInvalid, match="is not in INTERLOCK_ATTESTORS"):
        load(monkeypatch, variables)

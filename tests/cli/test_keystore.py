"""The keystore: Ethereum's format, both ways, against eth-account; its files, names and passwords."""

import json
import stat
from pathlib import Path

import pytest
from eth_account import Account

from interlock.client.keystore import PASSWORD_VARIABLE, Keystore, KeystoreError
from interlock.protocol import LocalSigner


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keystore:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    return Keystore(tmp_path / "keys")


def test_eth_account_opens_our_file(store: Keystore) -> None:
    signer = store.create("alpine")
    document = json.loads((store.folder / "alpine.json").read_text())
    password = (store.folder / ".password").read_text()
    assert bytes(Account.decrypt(document, password)) == signer.private_key


def test_eth_account_opens_a_file_under_a_persons_password(store: Keystore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "correct horse")
    signer = store.create("alpine")
    document = json.loads((store.folder / "alpine.json").read_text())
    assert document["crypto"]["kdfparams"]["n"] >= 2**17
    assert bytes(Account.decrypt(document, "correct horse")) == signer.private_key
    assert not (store.folder / ".password").exists()


@pytest.mark.parametrize(("kdf", "iterations"), [("scrypt", 1024), ("pbkdf2", 1000)])
def test_we_open_what_eth_account_encrypts(
    store: Keystore, monkeypatch: pytest.MonkeyPatch, kdf: str, iterations: int
) -> None:
    signer = LocalSigner.generate()
    document = Account.encrypt(signer.private_key, "theirs", kdf=kdf, iterations=iterations)  # type: ignore[arg-type]
    store.folder.mkdir()
    (store.folder / "brought.json").write_text(json.dumps(document))
    monkeypatch.setenv(PASSWORD_VARIABLE, "theirs")
    assert store.load("brought").address == signer.address
    assert store.list() == [("brought", signer.address)]


def test_files_and_folder_are_their_owners_alone(store: Keystore) -> None:
    store.create("alpine")
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in store.folder.iterdir()} == {
        "alpine.json": 0o600,
        ".password": 0o600,
    }


def test_a_second_key_of_one_name_is_refused_and_changes_nothing(store: Keystore) -> None:
    first = store.create("alpine")
    with pytest.raises(KeystoreError, match="already") as refused:
        Keystore(store.folder).create("alpine")
    assert refused.value.code == "key_exists"
    assert Keystore(store.folder).load("alpine").address == first.address


@pytest.mark.parametrize("name", ["", "Alpine", "../alpine", ".hidden", "0x12", "a" * 65, "a/b", "ä"])
def test_names_that_will_not_do_are_refused(store: Keystore, name: str) -> None:
    with pytest.raises(KeystoreError) as refused:
        store.create(name)
    assert refused.value.code == "invalid_name"
    assert not store.folder.exists()


def test_another_process_finds_a_key_by_name_and_by_address(store: Keystore) -> None:
    signer = store.create("alpine")
    other = Keystore(store.folder)
    assert other.by_address(signer.address).private_key == signer.private_key
    assert other.load("alpine").private_key == signer.private_key
    assert other.resolve("alpine") == signer.address
    assert other.resolve(signer.address.lower()) == signer.address
    assert other.name_of(signer.address) == "alpine"


def test_a_key_made_meanwhile_by_another_process_is_found(store: Keystore) -> None:
    assert store.name_of(LocalSigner.generate().address) is None
    signer = Keystore(store.folder).create("late")
    assert store.by_address(signer.address).address == signer.address


def test_a_wrong_password_is_told_without_repeating_it(store: Keystore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.create("alpine")
    (store.folder / ".password").unlink()
    monkeypatch.setenv(PASSWORD_VARIABLE, "a-wrong-one")
    with pytest.raises(KeystoreError) as refused:
        Keystore(store.folder).load("alpine")
    assert refused.value.code == "wrong_password"
    assert "a-wrong-one" not in str(refused.value)


def test_keys_made_before_there_was_a_password_still_open(store: Keystore, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = store.create("operator-1")
    monkeypatch.setenv(PASSWORD_VARIABLE, "set later")
    assert Keystore(store.folder).load("operator-1").address == signer.address


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 3, "address": "00"}', "null"])
def test_a_file_that_is_no_key_is_told_by_its_path(store: Keystore, content: str) -> None:
    store.create("good")
    (store.folder / "bad.json").write_text(content)
    for ask in (lambda: store.load("bad"), lambda: store.resolve("bad"), store.list):
        with pytest.raises(KeystoreError, match=r"bad\.json") as refused:
            ask()
        assert refused.value.code == "invalid_key"


def test_unknown_names_and_addresses_are_told(store: Keystore) -> None:
    with pytest.raises(KeystoreError, match="no key `nobody`"):
        store.resolve("nobody")
    with pytest.raises(KeystoreError, match="no key `nobody`"):
        store.load("nobody")
    with pytest.raises(KeystoreError, match="is not in"):
        store.by_address(LocalSigner.generate().address)
    mistyped = "0xEC184eaDbDab18A366D6814DbD9592c62Ca94a3b"
    with pytest.raises(KeystoreError, match="checksum"):
        store.resolve(mistyped)

"""Where the client finds the service: arguments, the data folder, then the environment; and what it says if not."""

import json
import socket
from pathlib import Path

import pytest

from interlock.client import NotConfigured, NotReached, SettlementClient
from interlock.client.connection import configured
from interlock.protocol import AttestorSet

NETWORK, OTHER_NETWORK = "0x" + "1f" * 32, "0x" + "2e" * 32
COORDINATOR = AttestorSet(name="main", epoch=1, digest="0x" + "ab" * 32)
SAID = {
    "temporal": "127.0.0.1:1",
    "namespace": "dvp",
    "web_ui": "http://127.0.0.1:2",
    "network": NETWORK,
    "coordinator": COORDINATOR.model_dump(),
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No environment of ours, and an empty folder to stand in."""
    for name in ("INTERLOCK_DATA_DIR", "INTERLOCK_NETWORK", "INTERLOCK_COORDINATOR", "TEMPORAL_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("TEMPORAL_NAMESPACE", raising=False)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stack_in(folder: Path, **changes: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "client.json").write_text(json.dumps(SAID | changes))
    return folder


def free_address() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


def test_the_data_folder_says_everything(bare: Path) -> None:
    found = configured(data_dir=stack_in(bare / "d"))
    assert (found.address, found.namespace, found.network, found.coordinator) == (
        "127.0.0.1:1",
        "dvp",
        NETWORK,
        COORDINATOR,
    )


def test_arguments_come_before_the_data_folder(bare: Path) -> None:
    found = configured(data_dir=stack_in(bare / "d"), address="there:1", namespace="n", network=OTHER_NETWORK)
    assert (found.address, found.namespace, found.network) == ("there:1", "n", OTHER_NETWORK)


def test_the_data_folder_may_come_from_the_environment(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_DATA_DIR", str(stack_in(bare / "d")))
    monkeypatch.setenv("TEMPORAL_ADDRESS", "elsewhere:7233")
    assert configured().address == "127.0.0.1:1"


def test_with_nothing_said_a_stack_in_this_folder_is_found(bare: Path) -> None:
    stack_in(bare / ".interlock")
    assert configured().network == NETWORK


def test_temporals_own_environment_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "cloud:7233")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "dvp.prod")
    monkeypatch.setenv("INTERLOCK_NETWORK", NETWORK)
    monkeypatch.setenv("INTERLOCK_COORDINATOR", COORDINATOR.model_dump_json())
    found = configured()
    assert (found.address, found.namespace, found.network, found.coordinator) == (
        "cloud:7233",
        "dvp.prod",
        NETWORK,
        COORDINATOR,
    )


@pytest.mark.parametrize(
    ("environment", "field"),
    [
        ({}, "network"),
        ({"INTERLOCK_NETWORK": "0x12"}, "network"),
        ({"INTERLOCK_NETWORK": NETWORK}, "coordinator"),
        ({"INTERLOCK_NETWORK": NETWORK, "INTERLOCK_COORDINATOR": "{"}, "coordinator"),
        ({"INTERLOCK_DATA_DIR": "nowhere"}, "data_dir"),
    ],
)
def test_what_is_missing_is_named(environment: dict[str, str], field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NotConfigured) as caught:
        configured()
    assert caught.value.field == field


def test_a_broken_client_file_is_named(bare: Path) -> None:
    with pytest.raises(NotConfigured, match=r"client\.json cannot be read"):
        configured(data_dir=stack_in(bare / "d", network="0x"))


async def test_a_server_that_is_not_there_is_an_error_within_ten_seconds_saying_what_to_start() -> None:
    with pytest.raises(NotReached, match="interlock up"):
        await SettlementClient.connect(address=free_address(), network=NETWORK, coordinator=COORDINATOR)


async def test_a_server_that_accepts_and_says_nothing_is_an_error_within_ten_seconds() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        with pytest.raises(NotReached):
            await SettlementClient.connect(
                address=f"127.0.0.1:{deaf.getsockname()[1]}", network=NETWORK, coordinator=COORDINATOR
            )

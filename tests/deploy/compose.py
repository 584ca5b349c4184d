"""Reads compose files as `docker compose` does: merges, `${...}` filled in from a `.env` file. Runs nothing.

Nested `${A:-${B}}` is not understood, and refused: the files here have none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
OURS = "interlock:"

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?P<rest>[^{}]*)\})")
_LINE = re.compile(r"(?P<name>\w+)='(?P<value>[^']*)'")


class Unset(Exception):  # noqa: N818 - it says which variable is
    """A variable that the file requires has no value."""


@dataclass(frozen=True)
class Service:
    """What a compose file says of one service."""

    name: str
    image: str
    entrypoint: list[str]
    command: list[str]
    environment: dict[str, str]
    mounts: dict[str, str]
    """What is mounted, by where: a named volume, or a path of the repository beginning with `./`."""
    needs: dict[str, str]
    """The services that it waits for, and until when."""
    healthcheck: list[str]
    profiles: list[str]

    @property
    def is_ours(self) -> bool:
        """Whether it runs our image."""
        return self.image.startswith(OURS)


def read(name: str, variables: Mapping[str, str]) -> dict[str, Service]:
    """The services of a compose file of this repository. Raises Unset."""
    content = filled(yaml.safe_load((REPOSITORY / name).read_text()), variables)
    return {each: _service(each, said) for each, said in content["services"].items()}


def dotenv(text: str) -> dict[str, str]:
    """A `.env` file whose values are all in single quotes, which compose takes literally."""
    lines = [_LINE.fullmatch(line) for line in text.splitlines()]
    assert all(lines), text
    return {line["name"]: line["value"] for line in lines if line}


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """A value with its variables filled in, at any depth; keys stay as they are."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _replacement(match, variables), value)
    if isinstance(value, dict):
        return {key: filled(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, variables) for each in value]
    return value


def _replacement(match: "re.Match[str]", variables: Mapping[str, str]) -> str:
    if match["escaped"]:
        return "$"
    name, rest = match["bare"] or match["name"], match["rest"] or ""
    value = variables.get(name)
    if rest.startswith(":"):  # `:-` and its like count an empty value as none
        rest, value = rest[1:], value or None
    operator, argument = rest[:1], rest[1:]
    if operator == "+":
        return argument if value is not None else ""
    if value is not None:
        return value
    if operator == "-":
        return argument
    if operator == "?" or not rest:  # compose warns of one without operator and goes on; here it is a mistake
        raise Unset(f"{name}: {argument}")
    raise ValueError(match[0])


def _service(name: str, said: dict[str, Any]) -> Service:
    assert "env_file" not in said, "the environment is in the file itself"
    environment = said.get("environment", {})
    assert all(isinstance(each, str) for each in environment.values()), f"{name}: quote numbers, compose wants text"
    mounts = [mount.split(":") for mount in said.get("volumes", [])]
    test = said.get("healthcheck", {}).get("test", ["NONE"])
    return Service(
        name=name,
        image=said["image"],
        entrypoint=said.get("entrypoint", []),
        command=said.get("command", []),
        environment=environment,
        mounts={mount[1]: mount[0] for mount in mounts},
        needs={each: need["condition"] for each, need in said.get("depends_on", {}).items()},
        healthcheck=test[1:] if test[0] == "CMD" else [],
        profiles=said.get("profiles", []),
    )

"""What a worker process must be told, from `INTERLOCK_*` variables; all that is wrong is named at once.

A credential that none of the process's roles needs is refused: what a process does not hold, it cannot leak. No value
is ever repeated in an error: DSNs hold passwords. The connection to Temporal comes from the standard `TEMPORAL_*`
variables (temporalio.envconfig).
"""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, Json, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from interlock.protocol import Attestors
from interlock.protocol.names import Role
from interlock.protocol.words import Address, Digest

PREFIX = "INTERLOCK_"


class SettingsInvalid(ValueError):  # noqa: N818 - it says what is wrong with them
    """One line for each setting that is missing or wrong, by its variable's name."""

    def __init__(self, wrong: Sequence[str]) -> None:
        super().__init__("\n".join(wrong))
        self.wrong = tuple(wrong)


def _roles(value: object) -> object:
    if not isinstance(value, str):
        return value
    names = [name.strip() for name in value.split(",") if name.strip()]
    if unknown := sorted(set(names) - {role.value for role in Role}):
        raise ValueError(f"unknown role {unknown[0]}; the roles are {', '.join(role.value for role in Role)}")
    return frozenset(Role(name) for name in names)


class WorkerSettings(BaseSettings):
    """A worker's settings; `roles` is a comma-separated list, JSON values: attestors, attestor_urls."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True)

    roles: Annotated[frozenset[Role], NoDecode, BeforeValidator(_roles), Field(min_length=1)]
    asset_dsn: SecretStr | None = None
    payment_dsn: SecretStr | None = None
    network: Digest | None = None
    attestors: Json[Attestors] | None = None
    attestor_urls: Json[dict[Address, str]] | None = None
    sweep_every_seconds: Annotated[float, Field(ge=1, le=3600)] = 15.0
    sweep_older_than_seconds: Annotated[float, Field(ge=0, le=86400)] = 30.0
    workflow_slots: Annotated[int, Field(ge=2, le=1000)] = 100
    activity_slots: Annotated[int, Field(ge=1, le=500)] = 32
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = 10.0

    @model_validator(mode="after")
    def _each_role_has_what_it_needs_and_no_more(self) -> Self:
        needs: dict[str, Role] = {
            "asset_dsn": Role.ASSET,
            "payment_dsn": Role.PAYMENT,
            "network": Role.COORDINATOR,
            "attestors": Role.COORDINATOR,
            "attestor_urls": Role.COORDINATOR,
        }
        wrong = []
        for name, role in needs.items():
            given = getattr(self, name) is not None
            if role in self.roles and not given:
                wrong.append(f"{PREFIX}{name.upper()}: missing; role {role} needs it")
            # the network id is no credential: every process of an environment may know it
            if given and role not in self.roles and name != "network":
                wrong.append(f"{PREFIX}{name.upper()}: only role {role} needs it; take it away from this process")
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises SettingsInvalid, which names everything that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            raise SettingsInvalid([_line(each["loc"], each["msg"]) for each in error.errors()]) from None


def _line(loc: Sequence[int | str], message: str) -> str:
    text = message.removeprefix("Value error, ")
    if not loc:
        return text
    return f"{PREFIX}{str(loc[0]).upper()}{''.join(f'.{part}' for part in loc[1:])}: {text}"

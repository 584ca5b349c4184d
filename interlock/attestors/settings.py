"""What an attestor process must be told, from `INTERLOCK_*` variables; all that is wrong is named at once.

No value is ever repeated in an error: DSNs hold passwords.
"""

import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    InstanceOf,
    Json,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from interlock.protocol import Attestors, AttestorSet, LocalSigner
from interlock.protocol.words import Digest, LedgerName

PREFIX = "INTERLOCK_"
_KEY_FILE = f"{PREFIX}ATTESTOR_KEY_FILE"
_LISTEN = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(?P<port>[0-9]{1,5})")


class SettingsInvalid(ValueError):  # noqa: N818 - it says what is wrong with them
    """One line for each setting that is missing or wrong, by its variable's name."""

    def __init__(self, wrong: Sequence[str]) -> None:
        super().__init__("\n".join(wrong))
        self.wrong = tuple(wrong)


def _key_in(path: object) -> LocalSigner:
    """The signer whose private key (hex) is in a file that only its owner may read."""
    file = Path(str(path))
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            raise ValueError(f"the key file's mode is {mode:04o}; others may read it: make it 0600")
        text = file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ValueError(f"the key file cannot be read: {error.strerror}") from error
    try:
        return LocalSigner(text)
    except ValueError:
        raise ValueError("the key file holds no private key: 64 hex digits") from None


def _listen(value: str) -> str:
    match = _LISTEN.fullmatch(value)
    if match is None or int(match["port"]) > 65535:
        raise ValueError("an address to listen on is host:port")
    return value


class AttestorSettings(BaseSettings):
    """An attestor's settings. JSON values: attestors, attestor_predecessors, read_dsns."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", validate_default=False)

    signer: Annotated[InstanceOf[LocalSigner], BeforeValidator(_key_in), Field(validation_alias=_KEY_FILE)]
    attestor_votes: Path
    attestor_listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:0"
    network: Digest
    attestors: Json[Attestors]
    attestor_predecessors: Json[tuple[AttestorSet, ...]] = ()
    read_dsns: Json[Annotated[dict[LedgerName, SecretStr], Field(min_length=1)]]

    @property
    def listen(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.attestor_listen.rpartition(":")
        return host.strip("[]"), int(port)

    @model_validator(mode="after")
    def _signs_for_its_set(self) -> Self:
        if self.signer.address not in self.attestors.keys:
            raise ValueError(f"the key {self.signer.address} is not in INTERLOCK_ATTESTORS")
        return self

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises SettingsInvalid, which names everything that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            raise SettingsInvalid([_line(each["loc"], each["msg"]) for each in error.errors()]) from None


def _line(loc: Sequence[int | str], message: str) -> str:
    field = str(loc[0]).upper() if loc else _KEY_FILE
    name = PREFIX + field.removeprefix(PREFIX)
    inside = "".join(f".{part}" for part in loc[1:])
    return f"{name}{inside}: {message.removeprefix('Value error, ')}"

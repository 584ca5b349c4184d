"""What an attestor process must be told, from `INTERLOCK_*` variables; all that is wrong is named at once.

No value is ever repeated in an error: DSNs hold passwords.
"""

import re
import stat
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    InstanceOf,
    Json,
    SecretStr,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

from interlock.attestors.environment import PREFIX, Environment, SettingsInvalid
from interlock.protocol import Attestors, AttestorSet, LocalSigner
from interlock.protocol.words import Digest, LedgerName

__all__ = ["AttestorSettings", "SettingsInvalid"]

_KEY_FILE = f"{PREFIX}ATTESTOR_KEY_FILE"
_LISTEN = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(?P<port>[0-9]{1,5})")


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


class AttestorSettings(Environment):
    """An attestor's settings. JSON values: attestors, attestor_predecessors, read_dsns."""

    model_config = SettingsConfigDict(validate_default=False)

    signer: Annotated[InstanceOf[LocalSigner], BeforeValidator(_key_in), Field(validation_alias=_KEY_FILE)]
    """The file with this attestor's private key, 64 hex digits; mode 0600."""
    attestor_votes: Path
    """The file with its votes; made once, by `interlock attestor new`."""
    attestor_listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:0"
    """host:port to listen on."""
    network: Digest
    """The network id that both ledgers and all attestors of one environment share."""
    attestors: Json[Attestors]
    """The attestor set: `{"name", "epoch", "keys", "quorum"}`, keys sorted."""
    attestor_predecessors: Json[tuple[AttestorSet, ...]] = ()
    """Lost or stolen sets that this one succeeds: `[{"name", "epoch", "digest"}]`."""
    read_dsns: Json[Annotated[dict[LedgerName, SecretStr], Field(min_length=1)]]
    """A reader's DSN for each ledger, by its name: `{"asset": "postgresql://..."}`."""

    @property
    def listen(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.attestor_listen.rpartition(":")
        return host.strip("[]"), int(port)

    @model_validator(mode="after")
    def _signs_for_its_set(self) -> Self:
        if self.signer.address not in self.attestors.keys:
            raise ValueError(f"{_KEY_FILE}: the key {self.signer.address} is not in INTERLOCK_ATTESTORS")
        return self

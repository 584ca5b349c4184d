"""What makes one data folder one environment: its network id, its attestors' and keepers' keys, its databases'
passwords.

Created once, before anything else, and never changed: whatever is signed here is bound to it.
"""

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from interlock.protocol import Attestors, LocalSigner

ATTESTORS = 4
"""n = 3f+1 with f = 1, so a quorum is 3."""

LEDGERS = ("asset", "payment")
AUDIT = "audit"
JOURNALS = (*LEDGERS, AUDIT)
"""What is sealed, each by a keeper of its own."""


@dataclass(frozen=True)
class Identity:
    """The secrets of one environment; kept in a file that only its owner may read."""

    network: str
    passwords: dict[str, str]
    attestor_keys: tuple[str, ...]
    seal_keys: dict[str, str]

    @property
    def signers(self) -> tuple[LocalSigner, ...]:
        """The attestors' signers, in the order of their numbers."""
        return tuple(LocalSigner(key) for key in self.attestor_keys)

    @property
    def keepers(self) -> dict[str, str]:
        """Whose seals count, by journal."""
        return {journal: LocalSigner(key).address for journal, key in self.seal_keys.items()}

    @property
    def attestors(self) -> Attestors:
        """The one attestor set of a new environment."""
        return Attestors.of("main", 1, tuple(signer.address for signer in self.signers))


def roles_of(ledger: str) -> tuple[str, ...]:
    """A ledger's login roles beside its owner: the writer, the people's reader, and one reader for each attestor."""
    return (f"{ledger}_writer", f"{ledger}_reader", *(f"{ledger}_attestor_{n}" for n in range(1, ATTESTORS + 1)))


def logins() -> list[str]:
    """Every login role of an environment's three databases."""
    names = [f"{AUDIT}_owner", f"{AUDIT}_writer", f"{AUDIT}_reader", f"{AUDIT}_keeper"]
    for ledger in LEDGERS:
        names += [f"{ledger}_owner", *roles_of(ledger)]
    return names


def _passwords(names: Iterable[str]) -> dict[str, str]:
    return {name: secrets.token_urlsafe(24) for name in names}


def _seal_keys(journals: Iterable[str]) -> dict[str, str]:
    return {journal: LocalSigner.generate().private_key.hex() for journal in journals}


def _new() -> Identity:
    return Identity(
        network="0x" + secrets.token_hex(32),
        passwords=_passwords(logins()),
        attestor_keys=tuple(LocalSigner.generate().private_key.hex() for _ in range(ATTESTORS)),
        seal_keys=_seal_keys(JOURNALS),
    )


def identity_of(path: Path) -> Identity:
    """The identity kept in this file; a new one if there is none yet.

    Login roles that a later version has come to need get a password of their own, journals a key for their seals;
    nothing else is ever added.
    """
    if not path.exists():
        return _kept(_new(), path)
    stored = json.loads(path.read_text(encoding="utf-8"))
    identity = Identity(
        stored["network"], stored["passwords"], tuple(stored["attestor_keys"]), stored.get("seal_keys", {})
    )
    grown = replace(
        identity,
        passwords=identity.passwords | _passwords(name for name in logins() if name not in identity.passwords),
        seal_keys=identity.seal_keys | _seal_keys(each for each in JOURNALS if each not in identity.seal_keys),
    )
    return identity if grown == identity else _kept(grown, path)


def _kept(identity: Identity, path: Path) -> Identity:
    write_private(path, json.dumps(asdict(identity), indent=1))
    return identity


def write_private(path: Path, content: str) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

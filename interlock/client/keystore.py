"""Private keys in files, each encrypted in Ethereum's Web3 Secret Storage format, version 3; signs nothing itself.

A key is DIR/NAME.json (mode 0600, folder 0700), its address in clear, so that listing needs no password. The password
is INTERLOCK_KEYS_PASSWORD, else a random one in DIR/.password (0600), made on first use. With a password of your own,
a copied folder is as safe as the password. With the random one, the folder protects nothing from whoever can read
all of it: it keeps keys out of a stray copy of one file, and is meant for laptops and tests.

KeystoreError (an InterlockError) is raised for names, passwords and files that will not do.
"""

import contextlib
import json
import os
import re
import secrets
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from interlock.client.errors import InterlockError
from interlock.client.keyfile import STRONG, WEAK, WrongPassword, decrypt, encrypt
from interlock.protocol.signatures import LocalSigner
from interlock.protocol.words import checksummed

_NAME = re.compile(r"(?!0x)[a-z0-9][a-z0-9._-]{0,63}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
PASSWORD_VARIABLE = "INTERLOCK_KEYS_PASSWORD"  # noqa: S105 - where the password is, not the password


class KeystoreError(InterlockError):
    """A key cannot be made, found or opened."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        """Take the stable code, a sentence for people, and what it is about."""
        super().__init__(message, code=code, field=field)


class Keystore:
    """The keys of one folder, by name and by address. Keys once read stay decrypted in this object."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._signers: dict[str, LocalSigner] = {}
        self._names: dict[str, str] = {}  # by address

    def create(self, name: str) -> LocalSigner:
        """A new key under a new name; `key_exists` if the name is taken, also by a process that was faster."""
        return self.add(name, LocalSigner.generate())

    def add(self, name: str, signer: LocalSigner) -> LocalSigner:
        """Keep a key that was made elsewhere; refuses as `create` does."""
        path = self._path(name)
        if path.exists():
            raise KeystoreError("key_exists", f"there is a key `{name}` already", "name")
        password = os.environ.get(PASSWORD_VARIABLE)
        document = (
            encrypt(signer.private_key, password.encode(), STRONG)
            if password
            else encrypt(signer.private_key, self._random_password(), WEAK)
        )
        document["address"] = signer.address[2:].lower()
        if not self._write_new(path, json.dumps(document)):
            raise KeystoreError("key_exists", f"there is a key `{name}` already", "name")
        self._signers[name] = signer
        self._names[signer.address] = name
        return signer

    def load(self, name: str) -> LocalSigner:
        """The key of that name; `unknown_key`, `wrong_password` or `invalid_key` say why not."""
        if name not in self._signers:
            self._signers[name] = self._read(name)
        return self._signers[name]

    def by_address(self, address: str) -> LocalSigner:
        """The key whose address this is; `unknown_key` if it is not here."""
        name = self.name_of(address)
        if name is None:
            raise KeystoreError("unknown_key", f"the key of {address} is not in {self.folder}")
        return self.load(name)

    def list(self) -> list[tuple[str, str]]:
        """(name, address) of every key, by name; needs no password."""
        return [(path.stem, self._address_in(path)) for path in self._files()]

    def resolve(self, name_or_address: str) -> str:
        """The address meant: an address itself, checked, or that of the key of this name."""
        if _ADDRESS.fullmatch(name_or_address):
            try:
                return checksummed(name_or_address)
            except ValueError as error:
                raise KeystoreError("invalid_address", str(error)) from error
        path = self._path(name_or_address)
        if not path.exists():
            raise KeystoreError("unknown_key", f"there is no key `{name_or_address}` in {self.folder}", "name")
        return self._address_in(path)

    def name_of(self, address: str) -> str | None:
        """The name of the key with this address, if it is here."""
        if address not in self._names:
            for path in self._files():
                with contextlib.suppress(KeystoreError):  # one file that is no key must not hide the others
                    self._names[self._address_in(path)] = path.stem
        return self._names.get(address)

    def _files(self) -> Sequence[Path]:
        return sorted(path for path in self.folder.glob("*.json") if _NAME.fullmatch(path.stem))

    def _read(self, name: str) -> LocalSigner:
        path = self._path(name)
        try:
            document = json.loads(path.read_text())
        except FileNotFoundError:
            raise KeystoreError("unknown_key", f"there is no key `{name}` in {self.folder}", "name") from None
        except ValueError as error:
            raise KeystoreError("invalid_key", f"{path} is no key file: {error}") from error
        for password in self._passwords:
            try:
                signer = LocalSigner(decrypt(document, password))
            except WrongPassword:
                continue
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise KeystoreError("invalid_key", f"{path} is no key file of version 3: {error}") from error
            if signer.address != self._address_in(path):
                raise KeystoreError("invalid_key", f"{path} says another address than its key has")
            return signer
        raise KeystoreError("wrong_password", f"the key `{name}` needs its password in {PASSWORD_VARIABLE}", "name")

    @cached_property
    def _passwords(self) -> tuple[bytes, ...]:
        """What to try: the person's own password first, then the folder's, for keys made before there was one."""
        own = os.environ.get(PASSWORD_VARIABLE)
        ours = self.folder / ".password"
        return ((own.encode(),) if own else ()) + ((ours.read_bytes().strip(),) if ours.exists() else ())

    def _random_password(self) -> bytes:
        path = self.folder / ".password"
        if not path.exists():
            self._write_new(path, secrets.token_urlsafe(32))  # whoever was faster wrote the one that counts
            self.__dict__.pop("_passwords", None)
        return path.read_bytes().strip()

    def _write_new(self, path: Path, text: str) -> bool:
        """Whole or not at all, and never over a file that is there; whether this call wrote it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        scratch = self.folder / f".{secrets.token_hex(8)}.new"
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(scratch, path)  # unlike rename, it refuses when the name is taken
        except FileExistsError:
            return False
        finally:
            scratch.unlink()
        return True

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise KeystoreError(
                "invalid_name", f"`{name}` is no key's name: a-z, 0-9, `.`, `_`, `-`, at most 64, not 0x…", "name"
            )
        return self.folder / f"{name}.json"

    @staticmethod
    def _address_in(path: Path) -> str:
        try:
            return checksummed("0x" + str(json.loads(path.read_text())["address"]).removeprefix("0x"))
        except (ValueError, KeyError, TypeError) as error:
            raise KeystoreError("invalid_key", f"{path} is no key file with an address: {error}") from error

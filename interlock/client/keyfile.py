"""The Web3 Secret Storage format, version 3: encrypts 32 bytes under a password, and opens what others encrypted.

Knows no files and no names. Source: Ethereum's "Web3 Secret Storage Definition" (scrypt or pbkdf2, aes-128-ctr, mac).
"""

import hashlib
import hmac
import secrets
import uuid
from typing import Any

from Crypto.Cipher import AES

from interlock.protocol.eip712 import keccak256

STRONG = 2**18
"""scrypt's n for a password that a person chose: about a second and 256 MB a try."""
WEAK = 2**10
"""scrypt's n for a random password of 256 bits, which needs no stretching."""
_MAX_MEMORY = 2**30 + 2**20


class WrongPassword(ValueError):  # noqa: N818 - tells the state
    """The password does not open this document, or somebody changed its bytes: the mac cannot tell which."""


def encrypt(secret: bytes, password: bytes, n: int) -> dict[str, Any]:
    """The document that holds 32 secret bytes; `n` is scrypt's cost."""
    salt, iv = secrets.token_bytes(32), secrets.token_bytes(16)
    parameters = {"dklen": 32, "n": n, "p": 1, "r": 8, "salt": salt.hex()}
    key = _derive("scrypt", parameters, password)
    ciphertext = _cipher(key, iv).encrypt(secret)
    return {
        "version": 3,
        "id": str(uuid.uuid4()),
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": iv.hex()},
            "ciphertext": ciphertext.hex(),
            "kdf": "scrypt",
            "kdfparams": parameters,
            "mac": keccak256(key[16:32] + ciphertext).hex(),
        },
    }


def decrypt(document: dict[str, Any], password: bytes) -> bytes:
    """The secret bytes; raises WrongPassword, or ValueError or KeyError for what is no such document."""
    if document["version"] != 3:
        raise ValueError(f"version {document['version']}")
    crypto = document["crypto"]
    if crypto["cipher"] != "aes-128-ctr":
        raise ValueError(f"cipher {crypto['cipher']}")
    key = _derive(crypto["kdf"], crypto["kdfparams"], password)
    ciphertext = bytes.fromhex(crypto["ciphertext"])
    if not hmac.compare_digest(keccak256(key[16:32] + ciphertext).hex(), crypto["mac"].lower()):
        raise WrongPassword("the password does not open it")
    return bytes(_cipher(key, bytes.fromhex(crypto["cipherparams"]["iv"])).decrypt(ciphertext))


def _derive(kdf: str, parameters: dict[str, Any], password: bytes) -> bytes:
    salt, length = bytes.fromhex(parameters["salt"]), parameters["dklen"]
    if kdf == "scrypt":
        n, r, p = parameters["n"], parameters["r"], parameters["p"]
        return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, dklen=length, maxmem=_MAX_MEMORY)
    if kdf == "pbkdf2" and parameters["prf"] == "hmac-sha256":
        return hashlib.pbkdf2_hmac("sha256", password, salt, parameters["c"], length)
    raise ValueError(f"key derivation {kdf}")


def _cipher(key: bytes, iv: bytes) -> Any:
    return AES.new(key[:16], AES.MODE_CTR, nonce=b"", initial_value=iv)

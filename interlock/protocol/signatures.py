"""Signatures on messages, and who made them. Verifying is pure; signing is a `Signer`'s business.

A signature is 65 bytes, r || s || v with v of 27 or 28, over the message's EIP-712 digest. High-s signatures (the
malleated twins of valid ones) are refused, as EIP-2 does for transactions.
"""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Protocol, Self

import coincurve
from pydantic import StringConstraints

from interlock.protocol.consent import Cancellation, Withdrawal
from interlock.protocol.eip712 import Message, digest_of, keccak256
from interlock.protocol.terms import Terms
from interlock.protocol.words import Address, checksummed

_REMEMBERED = 1024
"""How many results are remembered; each depends on nothing but the bytes that it is of."""

_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


class SignatureInvalid(ValueError):  # noqa: N818 - named as the refusal that it becomes
    """The bytes are no signature of the signer on that message on that network."""


class Signature(Message):
    """A party's, operator's or attestor's signature; whose it claims to be, and the 65 bytes as 0x-prefixed hex."""

    signer: Address
    bytes: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{130}$", to_lower=True)]


class SignedCancellation(Message):
    """One party's signed consent to cancel."""

    cancellation: Cancellation
    signature: Signature


class SignedWithdrawal(Message):
    """The only party's signed word that its proposal is withdrawn."""

    withdrawal: Withdrawal
    signature: Signature


def _address_of(key: coincurve.PublicKey) -> str:
    return _address(key.format(compressed=False))


@lru_cache(maxsize=_REMEMBERED)
def _address(public_key: bytes) -> str:
    """The address of an uncompressed public key, 65 bytes."""
    return checksummed("0x" + keccak256(public_key[1:])[-20:].hex())


@lru_cache(maxsize=_REMEMBERED)
def recover(digest: str, signature: str) -> str:
    """The address whose key made these 65 bytes over this digest; raises SignatureInvalid.

    Remembered: the same signatures are verified by every step of a settlement.
    """
    raw = bytes.fromhex(signature.removeprefix("0x"))
    if int.from_bytes(raw[32:64], "big") > _HALF_ORDER:
        raise SignatureInvalid("the signature's s is high: a malleated copy of another signature")
    if raw[64] not in (27, 28):
        raise SignatureInvalid("the signature's last byte is neither 27 nor 28")
    try:
        key = coincurve.PublicKey.from_signature_and_message(
            raw[:64] + bytes([raw[64] - 27]), bytes.fromhex(digest.removeprefix("0x")), hasher=None
        )
    except Exception as error:  # coincurve raises ValueError and bare Exception alike
        raise SignatureInvalid("the bytes are no signature") from error
    return _address_of(key)


def verify(message: Message, network: str, signature: Signature) -> None:
    """Raise SignatureInvalid unless `signature` is its signer's, on this message, on this network."""
    if recover(digest_of(message, network), signature.bytes) != signature.signer:
        raise SignatureInvalid(f"not a signature of {signature.signer} on this {type(message).__name__} here")


class Signer(Protocol):
    """Holds a key and signs messages with it: local, or an HSM or KMS behind the same two names."""

    @property
    def address(self) -> str:
        """The EIP-55 address of the key."""
        ...

    def sign(self, message: Message, network: str) -> Signature:
        """A low-s signature on the message's EIP-712 digest on that network."""
        ...


class LocalSigner:
    """A signer whose private key is in this process's memory."""

    def __init__(self, private_key: bytes | str) -> None:
        """Take 32 bytes, or their hex; raises ValueError for what is no secp256k1 private key."""
        raw = bytes.fromhex(private_key.removeprefix("0x")) if isinstance(private_key, str) else private_key
        if len(raw) != 32:
            raise ValueError("a private key is 32 bytes")
        self._key = coincurve.PrivateKey(raw)
        self._address = _address_of(self._key.public_key)

    @classmethod
    def generate(cls) -> Self:
        """A new key from the operating system's randomness."""
        return cls(coincurve.PrivateKey().secret)

    @property
    def address(self) -> str:
        """The EIP-55 address of the key."""
        return self._address

    @property
    def private_key(self) -> bytes:
        """The 32 secret bytes, for a keystore to encrypt."""
        return self._key.secret

    def sign(self, message: Message, network: str) -> Signature:
        """Sign the message's EIP-712 digest on that network (RFC 6979 nonce, low s)."""
        raw = self._key.sign_recoverable(bytes.fromhex(digest_of(message, network)[2:]), hasher=None)
        return Signature(signer=self._address, bytes="0x" + raw[:64].hex() + f"{raw[64] + 27:02x}")

    def sign_cancellation(
        self, terms: Terms, network: str, *, valid_until: datetime | None = None
    ) -> SignedCancellation:
        """Consent to cancel these terms, until `valid_until` (default: their settle_by, when time voids them)."""
        consent = Cancellation(terms_hash=terms.hash(network), valid_until=valid_until or terms.settle_by)
        return SignedCancellation(cancellation=consent, signature=self.sign(consent, network))

    def sign_withdrawal(self, terms: Terms, network: str) -> SignedWithdrawal:
        """Withdraw this signer's proposal of these terms, while the other party has not signed them."""
        word = Withdrawal(terms_hash=terms.hash(network))
        return SignedWithdrawal(withdrawal=word, signature=self.sign(word, network))

    def __repr__(self) -> str:
        return f"LocalSigner({self._address})"

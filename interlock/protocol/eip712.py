"""EIP-712 digests of typed messages, derived from the models themselves.

A model's fields are its EIP-712 struct, in their order: a field that exists is a field that is signed. There is no
second list of fields that could fall behind (hazard 7). Nothing here signs or knows a key.

Source: EIP-712 (encodeType, encodeData, hashStruct, domainSeparator).
"""

import types
import typing
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Literal, Union

from Crypto.Hash import keccak
from pydantic import BaseModel, ConfigDict

PROTOCOL_NAME = "Interlock"
PROTOCOL_VERSION = "1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_REMEMBERED = 1024
"""How many hashes are remembered: the same terms, sets and names are hashed again and again, by every step."""


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it (not NIST SHA3-256), 32 bytes."""
    return keccak.new(digest_bits=256, data=data).digest()


class Message(BaseModel):
    """A frozen value that says no more than its fields; unknown fields and coercions are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, ser_json_bytes="hex")


class Unsigned(Message):
    """What has no digest, and is never signed: see `growing`."""


def without_empty(said: dict[str, Any], field: str) -> dict[str, Any]:
    """A serialised message without that field if it is empty: whoever does not know the field yet misses nothing."""
    return said if said.get(field) else {name: value for name, value in said.items() if name != field}


class Solidity(str):
    """Marks a field with the EIP-712 atomic type that it is encoded as."""

    __slots__ = ()


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970-01-01T00:00:00Z: exact for every datetime, so no two times share a digest."""
    return (moment - EPOCH) // _MICROSECOND


def _field_types(model: type[Message]) -> list[tuple[str, Any]]:
    hints = typing.get_type_hints(model, include_extras=True)
    return [(name, hints[name]) for name in model.model_fields]


def _solidity(hint: Any) -> tuple[str, type[Message] | None]:
    """The EIP-712 type of a field's annotation, and the struct behind it if it is one."""
    origin = typing.get_origin(hint)
    if origin is Annotated:
        marks = [mark for mark in typing.get_args(hint)[1:] if isinstance(mark, Solidity)]
        return (str(marks[0]), None) if marks else _solidity(typing.get_args(hint)[0])
    if origin in (
        Union,
        types.UnionType,
    ):  # X | None: absent is encoded as zero, which no present value may be
        return _solidity(next(arg for arg in typing.get_args(hint) if arg is not type(None)))
    if origin is tuple:
        inner, struct = _solidity(typing.get_args(hint)[0])
        return f"{inner}[]", struct
    if isinstance(hint, type) and issubclass(hint, Message):
        return hint.__name__, hint
    if hint is bool:
        return "bool", None
    if origin is Literal:
        return "string", None
    if isinstance(hint, type) and issubclass(hint, (str, StrEnum)):
        return "string", None
    raise TypeError(f"{hint!r} has no EIP-712 type; mark it with Solidity(...)")


@lru_cache(maxsize=64)
def struct_type(model: type[Message]) -> str:
    """EIP-712 encodeType: the model's own struct, then those it refers to, sorted by name."""
    referred: dict[str, type[Message]] = {}

    def visit(struct: type[Message]) -> None:
        for _, hint in _field_types(struct):
            inner = _solidity(hint)[1]
            if inner is not None and inner.__name__ not in referred:
                referred[inner.__name__] = inner
                visit(inner)

    def own(struct: type[Message]) -> str:
        fields = ",".join(f"{_solidity(hint)[0]} {name}" for name, hint in _field_types(struct))
        return f"{struct.__name__}({fields})"

    visit(model)
    return own(model) + "".join(own(referred[name]) for name in sorted(referred))


@lru_cache(maxsize=64)
def _layout(model: type[Message]) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """The type's hash and its fields as (name, EIP-712 type), in order. Raises TypeError for what is never signed."""
    if issubclass(model, Unsigned):  # a field that is not written, or that its reader drops, is one that nobody signed
        raise TypeError(f"{model.__name__} is never signed")
    fields = tuple((name, _solidity(hint)[0]) for name, hint in _field_types(model))
    return keccak256(struct_type(model).encode()), fields


@lru_cache(maxsize=_REMEMBERED)
def _string_word(value: str) -> bytes:
    return keccak256(str(value).encode())


def _word(kind: str, value: Any) -> bytes:
    if kind == "string":
        return _string_word(value)
    if isinstance(value, str):  # address, bytes32
        return bytes.fromhex(value.removeprefix("0x")).rjust(32, b"\0")
    if isinstance(value, int):  # bool included
        return value.to_bytes(32, "big")
    if isinstance(value, Message):
        return _struct_word(value)
    if isinstance(value, datetime):
        return microseconds(value).to_bytes(32, "big")
    if value is None:
        return bytes(32)
    return keccak256(b"".join(_word(kind.removesuffix("[]"), item) for item in value))


def struct_hash(message: Message) -> bytes:
    """EIP-712 hashStruct, 32 bytes."""
    type_hash, fields = _layout(type(message))
    return keccak256(type_hash + b"".join(_word(kind, getattr(message, name)) for name, kind in fields))


@lru_cache(maxsize=_REMEMBERED)
def _struct_word(message: Message) -> bytes:
    return struct_hash(message)


@lru_cache(maxsize=16)
def domain_separator(network: str) -> bytes:
    """The domain of one environment: its random network id is the salt, so nothing signed elsewhere counts here."""
    return keccak256(
        keccak256(b"EIP712Domain(string name,string version,bytes32 salt)")
        + keccak256(PROTOCOL_NAME.encode())
        + keccak256(PROTOCOL_VERSION.encode())
        + bytes.fromhex(network.removeprefix("0x"))
    )


@lru_cache(maxsize=_REMEMBERED)
def digest_of(message: Message, network: str) -> str:
    """The 32 bytes that are signed for a message on a network, as 0x-prefixed lower-case hex.

    Remembered: messages are frozen, and equal ones have equal fields.
    """
    return "0x" + keccak256(b"\x19\x01" + domain_separator(network) + struct_hash(message)).hex()

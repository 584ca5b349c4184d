"""Random valid messages of every signed type, made from the models' own annotations; knows no list of fields."""

import re
import typing
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from types import UnionType
from typing import Annotated, Any, Literal, Union

from pydantic import AwareDatetime, StringConstraints, ValidationError

from interlock.protocol import (
    AccountOrder,
    Cancellation,
    CloseAttestors,
    LocalSigner,
    Message,
    Mint,
    OpenAccount,
    OperatorOrder,
    Readmit,
    Redirection,
    RegisterAsset,
    RegisterAttestors,
    Statement,
    Terms,
    Withdrawal,
)
from interlock.protocol.eip712 import Solidity
from interlock.protocol.words import FIRST_TIME, LAST_TIME, MAX_QUANTITY, checksummed

SIGNED_TYPES: tuple[type[Message], ...] = (
    Terms,
    Cancellation,
    Withdrawal,
    OperatorOrder,
    Redirection,
    Statement,
    OpenAccount,
    Mint,
    AccountOrder,
    RegisterAsset,
    RegisterAttestors,
    CloseAttestors,
    Readmit,
)
"""Every type that somebody puts a signature on."""

NETWORK = "0x" + "1f" * 32
OTHER_NETWORK = "0x" + "2e" * 32
KEYS = tuple(LocalSigner(bytes([number]) * 32) for number in range(1, 8))

_ALPHABETS = ("ABCXYZ0189-.", "abcxyz0189-", "AZaz09._-")
_TEXT = 'Zürich 東京 \U0001f512 "quoted" \\ \t0x'


def value_of(hint: Any, chance: Random) -> Any:
    """A value of an annotation; the model that holds it may still refuse it."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _annotated(args[0], args[1:], chance)
    if origin in (Union, UnionType):
        chosen = chance.choice(args)
        return None if chosen is type(None) else value_of(chosen, chance)
    if origin is tuple:
        return tuple({value_of(args[0], chance) for _ in range(chance.randint(1, 5))})
    if origin is Literal:
        return chance.choice(args)
    if hint is bool:
        return chance.choice((True, False))
    if isinstance(hint, type) and issubclass(hint, Message):
        return message_of(hint, chance)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return chance.choice(list(hint))
    raise TypeError(f"no random values for {hint!r}")


def _annotated(base: Any, marks: tuple[Any, ...], chance: Random) -> Any:
    if base is AwareDatetime:
        return FIRST_TIME + timedelta(
            microseconds=chance.randrange((LAST_TIME - FIRST_TIME) // timedelta(microseconds=1))
        )
    solidity = next((str(mark) for mark in marks if isinstance(mark, Solidity)), None)
    match solidity:
        case "address":
            return checksummed("0x" + chance.randbytes(20).hex())
        case "bytes32":
            return "0x" + chance.randbytes(32).hex()
        case "uint256":
            return chance.choice((1, MAX_QUANTITY, chance.randint(1, 2 ** chance.randint(1, 256) - 1)))
        case "uint64":
            return chance.randrange(2**63)
        case "uint32":
            return chance.randint(1, 64)
        case "uint8":
            return chance.randint(0, 36)
    pattern = next((mark.pattern for mark in marks if isinstance(mark, StringConstraints) and mark.pattern), None)
    return _text_of(str(pattern), chance) if pattern else _text(_TEXT, chance) + "!"


def _text(alphabet: str, chance: Random) -> str:
    return "".join(chance.choices(alphabet, k=chance.randint(1, 16)))


def _text_of(pattern: str, chance: Random) -> str:
    while not re.fullmatch(pattern, drawn := _text(chance.choice(_ALPHABETS), chance)):
        continue
    return drawn


def message_of(model: type[Message], chance: Random) -> Message:
    """A valid message of a model."""
    hints = typing.get_type_hints(model, include_extras=True)
    while True:
        try:
            return model(**{name: value_of(hints[name], chance) for name in model.model_fields})
        except ValidationError:  # two names happened to be equal, or two times in the wrong order
            continue


def terms(**changes: Any) -> Terms:
    """The trade of the project's story; `changes` replace whole fields."""
    return Terms.model_validate({**STORY, **changes})


STORY: dict[str, Any] = {
    "settlement_id": "OUSG-20261123-0001",
    "seller": KEYS[0].address,
    "buyer": KEYS[1].address,
    "delivery": {
        "ledger": "asset",
        "asset": {"code": "OUSG", "decimals": 18},
        "quantity": 2500 * 10**18,
        "deliverer": "alpine",
        "receiver": "northbank",
    },
    "payment": {
        "ledger": "payment",
        "asset": {"code": "USD", "decimals": 2},
        "quantity": 285_000_00,
        "deliverer": "northbank",
        "receiver": "alpine",
    },
    "not_before": datetime(2026, 11, 23, 9, tzinfo=UTC),
    "settle_by": datetime(2026, 11, 23, 17, tzinfo=UTC),
    "coordinator": {"name": "main", "epoch": 1, "digest": "0x" + "ab" * 32},
}

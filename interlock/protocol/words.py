"""The words that terms are made of: addresses, digests, names, quantities and times, each with its limits.

A value of one of these types is valid by construction; every limit is checked here and nowhere else.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, PlainSerializer, StringConstraints

from interlock.protocol.eip712 import Solidity, keccak256

MAX_QUANTITY = 2**256 - 1
"""The largest quantity, in an asset's smallest unit: 78 digits, a uint256, NUMERIC(78,0)."""

MAX_DIGITS = 78
MAX_DECIMALS = 36
FIRST_TIME = datetime(2000, 1, 1, tzinfo=UTC)
LAST_TIME = datetime(9999, 1, 1, tzinfo=UTC)

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


@lru_cache(maxsize=1024)
def checksummed(address: str) -> str:
    """An address in EIP-55 form; raises ValueError for one that is malformed or whose mixed case is wrong."""
    if not _ADDRESS.fullmatch(address):
        raise ValueError("an address is 0x and 40 hex digits")
    digits = address[2:].lower()
    nibbles = keccak256(digits.encode()).hex()
    proper = "0x" + "".join(d.upper() if int(n, 16) >= 8 else d for d, n in zip(digits, nibbles, strict=False))
    if address[2:] not in (digits, digits.upper(), proper[2:]):
        raise ValueError("the address's EIP-55 checksum is wrong: a digit was mistyped")
    return proper


def _exact(value: Any) -> Any:
    """Quantities travel as decimal strings, for JSON numbers lose digits in other people's readers."""
    if isinstance(value, bool | float):
        raise ValueError("a quantity is an integer of the asset's smallest unit, never a float")
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS):
            raise ValueError("a quantity is an integer of the asset's smallest unit")
        return int(value)
    return value


def _in_range(value: int) -> int:
    if value <= 0:
        raise ValueError("a quantity is greater than zero")
    if value > MAX_QUANTITY:
        raise ValueError("a quantity is below 2^256")
    return value


def _utc(value: datetime) -> datetime:
    value = value.astimezone(UTC)
    if not FIRST_TIME <= value < LAST_TIME:
        raise ValueError("a time lies between the years 2000 and 9999")
    return value


Address = Annotated[str, AfterValidator(checksummed), Solidity("address")]
"""A party's or attestor's secp256k1 address, in EIP-55 form."""

Digest = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{64}$", to_lower=True), Solidity("bytes32")]
"""32 bytes as 0x-prefixed lower-case hex: a terms hash, a network id, a nonce."""

SettlementId = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9-]{1,52}$")]
"""A trade's id; fits a unique transaction identifier (ISO 23897)."""

AccountName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
AssetCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9.-]{0,15}$")]
LedgerName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
SetName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]

Quantity = Annotated[
    int,
    BeforeValidator(_exact),
    AfterValidator(_in_range),
    PlainSerializer(str, return_type=str, when_used="json"),
    Solidity("uint256"),
]
"""An amount in the asset's smallest unit, > 0; a decimal string in JSON."""

UtcTime = Annotated[AwareDatetime, AfterValidator(_utc), Solidity("uint64")]
"""A moment, UTC; signed as whole microseconds since 1970."""
